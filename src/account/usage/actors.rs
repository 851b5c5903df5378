//! Who and what was seen when: users and features with their last activity and the dates on which they were active.

use crate::account::bytes::{Reader, Writer, make_room};
use crate::time::{DAY_MS, Date, Timestamp};

/// Dates that an actor's history reaches back from its last active date.
const HISTORY_DATES: i32 = 64;
/// Bytes of an encoded actor, at least.
pub(super) const LEAST_BYTES: usize = 10;

/// A user or a feature, known by the hash of its id or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) hash: u64,
    pub(super) activity: Activity,
}

/// When a user or feature was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    last: Moment,
    /// Bit k: active on the date k before that of `last`.
    dates: u64,
}

/// An instant and its date in the reporting zone, in one word: milliseconds times four, plus how far the date is from the one in UTC
/// (-1, 0 or 1 days), plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(i64);

impl Moment {
    fn new(at: Timestamp, date: Date) -> Self {
        let ahead = i64::from(date.0) - at.0.div_euclid(DAY_MS);
        Self(at.0 * 4 + ahead + 1)
    }

    const fn at(self) -> Timestamp {
        Timestamp(self.0 >> 2)
    }

    fn date(self) -> Date {
        let day = self.at().0.div_euclid(DAY_MS) + (self.0 & 3) - 1;
        Date(i32::try_from(day).unwrap_or(i32::MAX))
    }
}

impl Activity {
    pub(super) fn first(at: Timestamp, date: Date) -> Self {
        Self { last: Moment::new(at, date), dates: 1 }
    }

    /// Adds an activity, in any order of time.
    pub(super) fn add(&mut self, at: Timestamp, date: Date) {
        let last_date = self.last_date();
        self.last = self.last.max(Moment::new(at, date));
        let ahead = date.0 - last_date.0;
        if ahead > 0 {
            self.dates = if ahead < HISTORY_DATES { self.dates << ahead } else { 0 };
        }
        let back = last_date.0.max(date.0) - date.0;
        if back < HISTORY_DATES {
            self.dates |= 1 << back;
        }
    }

    /// The last activity.
    pub(super) const fn last(&self) -> Timestamp {
        self.last.at()
    }

    /// The date of the last activity.
    pub(super) fn last_date(&self) -> Date {
        self.last.date()
    }

    /// The dates of `(end - days, end]` on which it was active; exact while
    /// `end - days` is at most 64 dates before the last activity.
    pub(super) fn dates_within(&self, end: Date, days: i32) -> u32 {
        // Bit k of `dates` is the date last_date - k; keep those with end - days < date <= end.
        let last_date = self.last_date();
        let newest = (last_date.0 - end.0).max(0);
        let oldest = last_date.0 - (end.0 - days);
        if oldest <= newest || newest >= HISTORY_DATES {
            return 0;
        }
        let below = |bits: i32| if bits >= HISTORY_DATES { u64::MAX } else { (1_u64 << bits) - 1 };
        (self.dates & below(oldest) & !below(newest)).count_ones()
    }
}

impl Actor {
    /// Writes it; `base` is an instant close to its last activity.
    pub(super) fn write(&self, base: Timestamp, out: &mut Writer) {
        out.long(self.hash);
        out.signed((base.0 * 4).wrapping_sub(self.activity.last.0));
        out.varint(self.activity.dates);
    }

    /// Reads what [`Actor::write`] wrote.
    pub(super) fn read(base: Timestamp, bytes: &mut Reader<'_>) -> Option<Self> {
        let hash = bytes.long()?;
        let last = Moment(base.0.checked_mul(4)?.checked_sub(bytes.signed()?)?);
        Some(Self { hash, activity: Activity { last, dates: bytes.varint()? } })
    }
}

/// What [`touch`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Where an actor came to be.
    pub(super) added: Option<usize>,
    /// Where one had to leave, after that.
    pub(super) removed: Option<usize>,
}

/// Adds an activity to the actor of a hash, who comes to be where there is none. Beyond `limit` the longest idle leaves (then the
/// greatest hash).
pub(super) fn touch(actors: &mut Vec<Actor>, hash: u64, at: Timestamp, date: Date, limit: usize) -> Touched {
    let place = match actors.binary_search_by_key(&hash, |actor| actor.hash) {
        Ok(place) => {
            if let Some(actor) = actors.get_mut(place) {
                actor.activity.add(at, date);
            }
            return Touched::default();
        }
        Err(place) => place,
    };
    make_room(actors, 1);
    actors.insert(place, Actor { hash, activity: Activity::first(at, date) });
    let idlest = || actors.iter().enumerate().min_by_key(|(_, actor)| (actor.activity.last(), std::cmp::Reverse(actor.hash)));
    let removed = if actors.len() > limit { idlest().map(|(place, _)| place) } else { None };
    if let Some(place) = removed {
        actors.remove(place);
    }
    Touched { added: Some(place), removed }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dates_are_a_set_whatever_the_order(dates in prop::collection::vec(0..70_i32, 1..40), ahead in 0..60_i32, days in 1..=56_i32) {
            let at = |date: i32| Timestamp(i64::from(date) * DAY_MS + 5);
            let mut activity = Activity::first(at(dates[0]), Date(dates[0]));
            for date in &dates[1..] {
                activity.add(at(*date), Date(*date));
            }
            let set: BTreeSet<i32> = dates.iter().copied().collect();
            let end = set.last().unwrap() + ahead;
            let expected = set.iter().filter(|date| **date > end - days && **date <= end).count();
            prop_assert_eq!(activity.dates_within(Date(end), days) as usize, expected);
            prop_assert_eq!(activity.last(), at(*set.last().unwrap()));
        }

        #[test]
        fn a_moment_keeps_its_instant_and_its_date(at in -(1_i64 << 52)..1 << 52, ahead in -1..=1_i32) {
            let date = Date(i32::try_from(at.div_euclid(DAY_MS)).unwrap() + ahead);
            let moment = Moment::new(Timestamp(at), date);
            prop_assert_eq!((moment.at(), moment.date()), (Timestamp(at), date));
        }
    }

    #[test]
    fn beyond_the_limit_the_longest_idle_leaves() {
        let mut users = Vec::new();
        let removed = [(7, 30), (3, 10), (9, 20)].map(|(hash, at)| touch(&mut users, hash, Timestamp(at), Date(0), 2).removed);
        assert_eq!(removed, [None, None, Some(0)]);
        assert_eq!(users.iter().map(|user| user.hash).collect::<Vec<_>>(), [7, 9]);
    }
}
