//! Who and what was seen when: users and features with their last activity and the dates on which they were active.

use crate::time::{Date, Timestamp};

/// Dates that an actor's history reaches back from its last active date.
const HISTORY_DATES: i32 = 64;

/// When a user or feature was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Activity {
    /// Last activity.
    pub(super) last: Timestamp,
    /// Date of the last activity in the reporting zone.
    last_date: Date,
    /// Bit k: active on the date k before `last_date`.
    dates: u64,
}

impl Activity {
    pub(super) const fn first(at: Timestamp, date: Date) -> Self {
        Self { last: at, last_date: date, dates: 1 }
    }

    /// Adds an activity, in any order of time.
    pub(super) fn add(&mut self, at: Timestamp, date: Date) {
        self.last = self.last.max(at);
        let ahead = date.0 - self.last_date.0;
        if ahead > 0 {
            self.dates = if ahead < HISTORY_DATES { self.dates << ahead } else { 0 };
            self.last_date = date;
        }
        let back = self.last_date.0 - date.0;
        if back < HISTORY_DATES {
            self.dates |= 1 << back;
        }
    }

    /// The dates of `(end - days, end]` on which it was active; exact while
    /// `end - days` is at most 64 dates before the last activity.
    pub(super) fn dates_within(&self, end: Date, days: i32) -> u32 {
        // Bit k of `dates` is the date last_date - k; keep those with end - days < date <= end.
        let newest = (self.last_date.0 - end.0).max(0);
        let oldest = self.last_date.0 - (end.0 - days);
        if oldest <= newest || newest >= HISTORY_DATES {
            return 0;
        }
        let below = |bits: i32| if bits >= HISTORY_DATES { u64::MAX } else { (1_u64 << bits) - 1 };
        (self.dates & below(oldest) & !below(newest)).count_ones()
    }

    /// The last date of activity.
    pub(super) const fn last_date(&self) -> Date {
        self.last_date
    }
}

/// Something with an identity and activity.
pub(super) trait Actor {
    /// Hash of the identity; actors are sorted by it.
    fn hash(&self) -> u64;
    /// Its activity.
    fn activity(&self) -> &Activity;
    /// Its activity, to add to.
    fn activity_mut(&mut self) -> &mut Activity;
}

/// A user, known by the hash of its id only.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct User {
    pub(super) hash: u64,
    pub(super) activity: Activity,
}

/// A feature; its name is needed to tell which are entitled.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Feature {
    pub(super) hash: u64,
    pub(super) activity: Activity,
    pub(super) name: Box<str>,
}

impl Actor for User {
    fn hash(&self) -> u64 {
        self.hash
    }
    fn activity(&self) -> &Activity {
        &self.activity
    }
    fn activity_mut(&mut self) -> &mut Activity {
        &mut self.activity
    }
}

impl Actor for Feature {
    fn hash(&self) -> u64 {
        self.hash
    }
    fn activity(&self) -> &Activity {
        &self.activity
    }
    fn activity_mut(&mut self) -> &mut Activity {
        &mut self.activity
    }
}

/// Adds an activity to the actor of a hash, made by `new` where there is none. Beyond `limit` the longest idle leaves (then the
/// greatest hash); says whether one had to.
pub(super) fn touch<A: Actor>(actors: &mut Vec<A>, hash: u64, at: Timestamp, date: Date, limit: usize, new: impl FnOnce() -> A) -> bool {
    let place = match actors.binary_search_by_key(&hash, Actor::hash) {
        Ok(place) => {
            if let Some(actor) = actors.get_mut(place) {
                actor.activity_mut().add(at, date);
            }
            return false;
        }
        Err(place) => place,
    };
    if actors.len() == actors.capacity() {
        actors.reserve_exact(actors.len() / 4 + 2);
    }
    actors.insert(place, new());
    if actors.len() <= limit {
        return false;
    }
    let idlest = actors.iter().enumerate().min_by_key(|(_, actor)| (actor.activity().last, std::cmp::Reverse(actor.hash())));
    if let Some(place) = idlest.map(|(place, _)| place) {
        actors.remove(place);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::time::DAY_MS;

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
            prop_assert_eq!(activity.last, at(*set.last().unwrap()));
        }
    }

    #[test]
    fn beyond_the_limit_the_longest_idle_leaves() {
        let mut users = Vec::new();
        for (hash, at) in [(7, 30), (3, 10), (9, 20)] {
            touch(&mut users, hash, Timestamp(at), Date(0), 2, || User { hash, activity: Activity::first(Timestamp(at), Date(0)) });
        }
        assert_eq!(users.iter().map(|user| user.hash).collect::<Vec<_>>(), [7, 9]);
    }
}
