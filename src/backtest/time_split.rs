//! Which points are learned from and which are held out: the earlier and the later part of a history, never at random.

use std::collections::BTreeSet;

use crate::time::{DAY_MS, Timestamp};

/// A split by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSplit {
    /// Points from here on are held out.
    pub test_begins: Timestamp,
    horizon_ms: i64,
}

/// The part that a point belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What happened after it was known when the test began.
    Train,
    /// Held out.
    Test,
    /// Neither: its horizon reaches into the test.
    Between,
}

impl TimeSplit {
    /// The last fifth of the instants is held out or, of fewer than three, all of them; `test_begins` sets another border.
    #[must_use]
    pub fn of(instants: &BTreeSet<Timestamp>, horizon_days: u32, test_begins: Option<Timestamp>) -> Self {
        let held_out = if instants.len() < 3 { instants.len() } else { (instants.len() / 5).max(1) };
        let first = instants.iter().nth(instants.len() - held_out).copied();
        Self { test_begins: test_begins.or(first).unwrap_or_default(), horizon_ms: i64::from(horizon_days) * DAY_MS }
    }

    /// The part of a point at `t`.
    #[must_use]
    pub fn side(&self, t: Timestamp) -> Side {
        if t >= self.test_begins {
            Side::Test
        } else if t.plus(self.horizon_ms) <= self.test_begins {
            Side::Train
        } else {
            Side::Between
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp(n * DAY_MS)
    }

    fn split(days: &[i64], at: Option<i64>) -> Vec<Side> {
        let instants: BTreeSet<Timestamp> = days.iter().map(|n| day(*n)).collect();
        let split = TimeSplit::of(&instants, 90, at.map(day));
        days.iter().map(|n| split.side(day(*n))).collect()
    }

    #[test]
    fn the_last_fifth_is_held_out_and_what_reaches_into_it_is_in_neither_part() {
        use Side::{Between, Test, Train};
        let expected = [Train, Train, Train, Train, Train, Between, Between, Between, Test, Test];
        assert_eq!(split(&[0, 28, 56, 84, 112, 140, 168, 196, 224, 252], None), expected);
        assert_eq!(split(&[0, 91, 120], None), [Train, Between, Test]);
    }

    #[test]
    fn the_border_may_be_set_and_an_outcome_known_at_the_border_is_learned_from() {
        use Side::{Between, Test, Train};
        assert_eq!(split(&[0, 10, 11, 100, 101], Some(100)), [Train, Train, Between, Test, Test]);
        assert_eq!(split(&[0, 10], Some(200)), [Train, Train]);
    }

    #[test]
    fn fewer_than_three_instants_are_all_held_out() {
        assert_eq!(split(&[0, 200], None), [Side::Test, Side::Test]);
        assert_eq!(split(&[0], None), [Side::Test]);
        assert_eq!(split(&[], None), []);
    }
}
