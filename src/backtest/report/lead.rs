//! How long before they left accounts turned red.

use serde::Serialize;

use super::super::points::{AccountPast, ScoredPoint};
use crate::time::{DAY_MS, Timestamp};

/// The warnings before leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LeadTime {
    /// Number of leaves of accounts that were points before.
    pub left: u64,
    /// Number of them with a red band before, and no green one after it.
    pub warned: u64,
    /// Median days from the first red to the leave, of those warned.
    pub median_days: Option<f64>,
    /// A quarter of the warnings is shorter.
    pub lower_quartile_days: Option<f64>,
    /// A quarter of the warnings is longer.
    pub upper_quartile_days: Option<f64>,
}

impl LeadTime {
    /// That of every leave after `from` and up to `to`, if the last point before it belongs to the scope.
    #[must_use]
    pub fn of<'a>(
        accounts: impl Iterator<Item = &'a AccountPast>,
        (from, to): (Timestamp, Timestamp),
        belongs: impl Fn(&ScoredPoint) -> bool,
    ) -> Self {
        let (mut left, mut days) = (0, Vec::new());
        for account in accounts {
            let is_in_scope = |leave: &Timestamp| account.points.iter().rev().find(|point| point.t < *leave).is_some_and(&belongs);
            for leave in account.leaves.iter().filter(|leave| **leave > from && **leave <= to && is_in_scope(leave)) {
                left += 1;
                days.extend(account.warning_ms(*leave).map(|warning| warning as f64 / DAY_MS as f64));
            }
        }
        days.sort_by(f64::total_cmp);
        let quantile = |quarters: usize| {
            let rank = (days.len() * quarters).div_ceil(4);
            days.get(rank.checked_sub(1)?).copied()
        };
        Self {
            left,
            warned: days.len() as u64,
            median_days: quantile(2),
            lower_quartile_days: quantile(1),
            upper_quartile_days: quantile(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::point;
    use super::super::super::points::RedSpell;
    use super::*;

    #[test]
    fn the_median_is_of_the_leaves_that_were_warned_of() {
        let day = |n: i64| Timestamp(n * DAY_MS);
        let account = |red: &[i64], leaves: &[i64]| AccountPast {
            points: vec![point(0, true)],
            red: red.iter().map(|since| RedSpell { since: day(*since), until: None }).collect(),
            leaves: leaves.iter().map(|left| day(*left)).collect(),
            health: Vec::new(),
        };
        let unscored = AccountPast { points: Vec::new(), ..account(&[10], &[60]) };
        let accounts = [account(&[10], &[52]), account(&[21], &[28]), account(&[], &[70]), account(&[49], &[70, 200]), unscored];
        let found = LeadTime::of(accounts.iter(), (day(20), day(100)), |_| true);
        assert_eq!((found.left, found.warned), (4, 3));
        assert_eq!((found.lower_quartile_days, found.median_days, found.upper_quartile_days), (Some(7.0), Some(21.0), Some(42.0)));
        assert_eq!(LeadTime::of(accounts.iter(), (day(300), day(400)), |_| true), LeadTime::default());
        assert_eq!(LeadTime::of(accounts.iter(), (day(20), day(100)), |point| point.segment.is_some()), LeadTime::default());
    }
}
