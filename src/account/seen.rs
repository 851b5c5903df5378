//! Remembered ids: which events of the last days were read, so that a repetition is known as one.

use xxhash_rust::xxh3::xxh3_64;

use super::bytes::{Reader, Writer};
use super::section::{CodecError, of_version};
use super::{Limit, LimitMeter};
use crate::event::{Record, Stream};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

const VERSION: u8 = 1;
/// Days that a part number tells apart; more than are ever remembered at once.
const PART_DAYS: i32 = 1024;
/// Ids of a stream up to this many travel with its section, so that most records read cost one changelog record; beyond, each day is
/// written apart, so that one more id does not rewrite those of a week.
const FEW: usize = 64;
/// Bytes that [`Seen::write_together`] writes, at most: each id may lie on a day of its own.
pub(super) const MAX_TOGETHER_BYTES: usize = FEW * (8 + 6) + 2;

/// The identities read, by stream and UTC day of their event time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// By stream and day.
    days: Vec<Day>,
}

/// The identities of one stream and day.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Day {
    stream: Stream,
    /// UTC days since 1970-01-01.
    number: i32,
    /// Ascending.
    ids: Vec<u64>,
    /// Whether it differs from what the changelog holds.
    dirty: bool,
    /// Whether the changelog holds it in a record of its own.
    apart: bool,
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
        let Ok(place) = self.place_of(stream, number) else {
            let first_kept = newest.0.saturating_sub(settings.time.dedup_ms).div_euclid(DAY_MS);
            self.forget_before(first_kept, stream);
            self.put(Day { stream, number, ids: vec![identity], dirty: true, apart: false });
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

    fn place_of(&self, stream: Stream, number: i32) -> Result<usize, usize> {
        self.days.binary_search_by_key(&(stream as u8, number), |held| (held.stream as u8, held.number))
    }

    fn put(&mut self, day: Day) {
        if let Err(place) = self.place_of(day.stream, day.number) {
            self.days.reserve_exact(1);
            self.days.insert(place, day);
        }
    }

    /// Forgets the days of a stream before a day. One that the changelog holds apart stays, empty, until it is forgotten there too.
    fn forget_before(&mut self, day: i64, stream: Stream) {
        self.days.retain_mut(|held| {
            let forgotten = held.stream == stream && i64::from(held.number) < day;
            if forgotten && held.apart {
                *held = Day { ids: Vec::new(), dirty: true, ..*held };
            }
            !forgotten || held.apart
        });
    }

    /// Whether the identities of a stream are few enough to travel with its section.
    #[must_use]
    pub fn are_few(&self, stream: Stream) -> bool {
        self.of(stream).map(|day| day.ids.len()).sum::<usize>() <= FEW
    }

    /// Whether any identity of a stream is remembered.
    #[must_use]
    pub fn knows_any(&self, stream: Stream) -> bool {
        self.of(stream).next().is_some()
    }

    fn of(&self, stream: Stream) -> impl Iterator<Item = &Day> {
        self.days.iter().filter(move |day| day.stream == stream && !day.ids.is_empty())
    }

    /// Writes the identities of a stream, which are few; they count as written with [`Seen::take_apart`].
    pub(super) fn write_together(&self, stream: Stream, out: &mut Writer) {
        out.varint(self.of(stream).count() as u64);
        self.of(stream).for_each(|day| day.write(out));
    }

    /// Takes back what [`Seen::write_together`] wrote.
    pub(super) fn restore_together(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), CodecError> {
        let days = Reader(bytes).many(2, |bytes| Day::read(stream, bytes)).ok_or(CodecError::Corrupt("remembered ids"))?;
        for day in days {
            self.put(day);
        }
        Ok(())
    }

    /// Hands over the parts of a stream that change in the changelog, as part number and bytes (`None`: no more), where its identities
    /// are written apart, or travel `together` with its section and were apart before. All of the stream then counts as written.
    pub fn take_apart(&mut self, stream: Stream, together: bool, mut take: impl FnMut(u16, Option<Vec<u8>>)) {
        for day in self.days.iter_mut().filter(|day| day.stream == stream) {
            let apart = !together && !day.ids.is_empty();
            if !apart && day.apart {
                take(day.part(), None);
            } else if apart && (day.dirty || !day.apart) {
                take(day.part(), Some(day.record()));
            }
            day.dirty = false;
            day.apart = apart;
        }
        // Forgotten days of other streams stay until the changelog is told of them.
        self.days.retain(|day| day.stream != stream || !day.ids.is_empty());
    }

    /// The parts that the changelog holds: what has to be forgotten there with the account.
    pub fn part_numbers(&self) -> impl Iterator<Item = u16> + '_ {
        self.days.iter().filter(|day| day.apart).map(Day::part)
    }

    /// Takes back one part.
    ///
    /// # Errors
    /// When the bytes are not a part that this program knows.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let mut bytes = Reader(of_version(VERSION, bytes)?);
        let stream = bytes.byte().and_then(|number| Stream::ALL.get(usize::from(number)).copied());
        let day = stream.and_then(|stream| Day::read(stream, &mut bytes)).ok_or(CodecError::Corrupt("remembered ids"))?;
        self.put(Day { apart: true, ..day });
        Ok(())
    }
}

impl Day {
    fn part(&self) -> u16 {
        let day = u16::try_from(self.number.rem_euclid(PART_DAYS)).unwrap_or_default();
        day * 8 + self.stream as u16
    }

    /// A changelog record of its own.
    fn record(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(16 + 8 * self.ids.len()));
        out.0.extend_from_slice(&[VERSION, self.stream as u8]);
        self.write(&mut out);
        out.0
    }

    fn write(&self, out: &mut Writer) {
        out.signed(i64::from(self.number));
        out.varint(self.ids.len() as u64);
        self.ids.iter().for_each(|id| out.long(*id));
    }

    fn read(stream: Stream, bytes: &mut Reader<'_>) -> Option<Self> {
        let number = i32::try_from(bytes.signed()?).ok()?;
        let ids = bytes.many(8, Reader::long)?;
        Some(Self { stream, number, ids, dirty: false, apart: false })
    }
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

    /// The parts apart that change, and whether each holds anything.
    fn taken(seen: &mut Seen, together: bool) -> Vec<bool> {
        let mut parts = Vec::new();
        seen.take_apart(Stream::Usage, together, |_, bytes| parts.push(bytes.is_some()));
        parts
    }

    #[test]
    fn days_before_the_span_are_forgotten_here_and_in_the_changelog() {
        let mut seen = Seen::default();
        remember(&mut seen, 100, 1, 100);
        assert_eq!(taken(&mut seen, false), [true]);
        remember(&mut seen, 108, 2, 108);
        assert_eq!(taken(&mut seen, false), [false, true]);
        assert_eq!(seen.part_numbers().count(), 1);
        assert!(taken(&mut seen, false).is_empty());
        remember(&mut seen, 116, 3, 116);
        assert_eq!(taken(&mut seen, true), [false]);
        assert_eq!(seen.days.len(), 1);
    }

    #[test]
    fn a_forgotten_day_waits_for_its_own_stream_to_be_written() {
        let mut seen = Seen::default();
        remember(&mut seen, 100, 1, 100);
        assert_eq!(taken(&mut seen, false), [true]);
        remember(&mut seen, 108, 2, 108);
        seen.take_apart(Stream::Billing, true, |_, _| panic!("billing knows no ids"));
        assert_eq!(taken(&mut seen, false), [false, true], "what the changelog holds of day 100 is deleted");
    }

    #[test]
    fn what_travelled_together_is_written_apart_once_it_is_much() {
        let mut seen = Seen::default();
        for (identity, day) in (0..FEW as u64).zip((0..5).cycle()) {
            remember(&mut seen, day, identity, 5);
        }
        assert!(seen.are_few(Stream::Usage));
        assert!(taken(&mut seen, true).is_empty());
        remember(&mut seen, 4, 1_000, 5);
        assert!(!seen.are_few(Stream::Usage));
        assert_eq!(taken(&mut seen, false), [true; 5]);
        remember(&mut seen, 4, 1_001, 5);
        assert_eq!(taken(&mut seen, false), [true]);
        assert_eq!(taken(&mut seen, true), [false; 5]);
        assert_eq!(seen.part_numbers().count(), 0);
    }

    #[test]
    fn what_was_written_is_restored() {
        for together in [false, true] {
            let mut seen = Seen::default();
            for (day, identity) in [(100, 5), (100, 3), (101, 9)] {
                remember(&mut seen, day, identity, 101);
            }
            let mut restored = Seen::default();
            if together {
                let mut out = Writer::default();
                seen.write_together(Stream::Usage, &mut out);
                restored.restore_together(Stream::Usage, &out.0).unwrap();
            }
            seen.take_apart(Stream::Usage, together, |_, bytes| restored.restore(&bytes.unwrap()).unwrap());
            assert_eq!(restored, seen);
        }
    }

    #[test]
    fn ids_that_travel_together_keep_to_their_room() {
        let mut settings = Settings::default();
        settings.time.dedup_ms = i64::MAX / 4;
        let mut seen = Seen::default();
        for day in (0..).take(FEW) {
            let at = Timestamp(-(1 << 40) + day * DAY_MS);
            seen.remember(Stream::Usage, at, u64::MAX, Timestamp(0), &settings, &mut LimitMeter::default());
        }
        assert_eq!(seen.days.len(), FEW);
        let mut out = Writer::default();
        seen.write_together(Stream::Usage, &mut out);
        assert!(out.0.len() <= MAX_TOGETHER_BYTES, "{}", out.0.len());
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
