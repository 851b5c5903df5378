//! Remembered ids: which events of the last days were read, so that a repetition is known as one.

use xxhash_rust::xxh3::xxh3_64;

use super::section::{CodecError, decode, encode};
use super::{Limit, LimitMeter};
use crate::event::{Record, Stream};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

const VERSION: u8 = 1;
/// Days that a part number tells apart; more than are ever remembered at once.
const PART_DAYS: i32 = 1024;

/// The identities read, by stream and UTC day of their event time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    days: Vec<Day>,
}

/// The identities of one stream and day, ascending.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Day {
    stream: Stream,
    /// UTC days since 1970-01-01.
    number: i32,
    ids: Vec<u64>,
    /// Whether it differs from what the changelog holds.
    #[serde(skip)]
    dirty: bool,
}

/// The identity of a record within its account: stream, type, id, and `occurred_at` where the payload has one. `None` without id.
#[must_use]
pub fn identity(stream: Stream, record: &Record<'_>) -> Option<u64> {
    let id = record.id.as_deref()?;
    let mut bytes: smallvec::SmallVec<[u8; 128]> = smallvec::SmallVec::new();
    bytes.push(stream as u8);
    bytes.extend_from_slice(record.type_name.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(id.as_bytes());
    if record.payload_time {
        bytes.push(0);
        bytes.extend_from_slice(&record.occurred_at.0.to_le_bytes());
    }
    Some(xxh3_64(&bytes))
}

impl Seen {
    /// Remembers an identity; `true` when it was remembered already. `newest` is the newest event time read on the stream and task:
    /// days wholly before the span of memory are forgotten.
    pub fn remember(
        &mut self,
        stream: Stream,
        at: Timestamp,
        identity: u64,
        newest: Timestamp,
        settings: &Settings,
        limits: &mut LimitMeter,
    ) -> bool {
        let number = i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX);
        let Some(place) = self.days.iter().position(|held| held.stream == stream && held.number == number) else {
            let first_kept = newest.0.saturating_sub(settings.time.dedup_ms).div_euclid(DAY_MS);
            // A day that is forgotten stays, empty, until the changelog has forgotten it too.
            for held in &mut self.days {
                if held.stream == stream && i64::from(held.number) < first_kept && !held.ids.is_empty() {
                    *held = Day { ids: Vec::new(), dirty: true, ..*held };
                }
            }
            self.days.push(Day { stream, number, ids: vec![identity], dirty: true });
            return false;
        };
        let Some(held) = self.days.get_mut(place) else { return false };
        let Err(place) = held.ids.binary_search(&identity) else { return true };
        if held.ids.len() == held.ids.capacity() {
            held.ids.reserve_exact(held.ids.len() / 4 + 2);
        }
        held.ids.insert(place, identity);
        if held.ids.len() > settings.limits.ids_per_day {
            held.ids.pop();
            limits.reached(Limit::IdsPerDay);
        }
        held.dirty = true;
        false
    }

    /// The parts that changed since the last call, as (part number, bytes); `None` for a day that is forgotten.
    pub fn changed_parts(&mut self) -> Vec<(u16, Option<Vec<u8>>)> {
        let parts = self
            .days
            .iter_mut()
            .filter(|day| day.dirty)
            .map(|day| {
                day.dirty = false;
                (part_of(day.stream, day.number), (!day.ids.is_empty()).then(|| encode(VERSION, &*day)))
            })
            .collect();
        self.days.retain(|day| !day.ids.is_empty());
        parts
    }

    /// The parts that the changelog holds: what has to be forgotten there with the account.
    pub fn part_numbers(&self) -> impl Iterator<Item = u16> + '_ {
        self.days.iter().map(|day| part_of(day.stream, day.number))
    }

    /// Takes back one part.
    ///
    /// # Errors
    /// When the bytes are not a part that this program knows.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.days.push(decode(VERSION, bytes)?);
        Ok(())
    }
}

fn part_of(stream: Stream, day: i32) -> u16 {
    let day = u16::try_from(day.rem_euclid(PART_DAYS)).unwrap_or_default();
    day * 8 + stream as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remember(seen: &mut Seen, day: i64, identity: u64, newest_day: i64) -> bool {
        let at = |day: i64| Timestamp(day * DAY_MS + 1);
        seen.remember(Stream::Usage, at(day), identity, at(newest_day), &Settings::default(), &mut LimitMeter::default())
    }

    #[test]
    fn a_second_reading_is_known_and_another_day_is_another_set() {
        let mut seen = Seen::default();
        assert!(!remember(&mut seen, 100, 1, 100));
        assert!(remember(&mut seen, 100, 1, 100));
        assert!(!remember(&mut seen, 101, 1, 101));
    }

    #[test]
    fn days_before_the_span_are_forgotten_here_and_in_the_changelog() {
        let mut seen = Seen::default();
        remember(&mut seen, 100, 1, 100);
        assert_eq!(seen.changed_parts().len(), 1);
        remember(&mut seen, 108, 2, 108);
        let parts = seen.changed_parts();
        assert_eq!(parts.iter().map(|(_, bytes)| bytes.is_some()).collect::<Vec<_>>(), [false, true]);
        assert_eq!(seen.part_numbers().count(), 1);
        assert!(seen.changed_parts().is_empty());
    }

    #[test]
    fn what_was_written_is_restored() {
        let mut seen = Seen::default();
        for identity in [5, 3, 9] {
            remember(&mut seen, 100, identity, 100);
        }
        let mut restored = Seen::default();
        for (_, bytes) in seen.changed_parts() {
            restored.restore(&bytes.unwrap()).unwrap();
        }
        assert_eq!(restored, seen);
    }

    #[test]
    fn a_day_at_the_limit_keeps_its_smallest_identities() {
        let mut settings = Settings::default();
        settings.limits.ids_per_day = 2;
        let mut limits = LimitMeter::default();
        let mut seen = Seen::default();
        for identity in [9, 1, 5] {
            seen.remember(Stream::Usage, Timestamp(1), identity, Timestamp(1), &settings, &mut limits);
        }
        assert_eq!(seen.days[0].ids, [1, 5]);
        assert_eq!(limits.iter().find(|(limit, _)| *limit == Limit::IdsPerDay).unwrap().1, 1);
    }
}
