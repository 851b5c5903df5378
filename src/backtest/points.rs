//! What a backtest keeps of a history: accounts at instants, and for each account when it was red, when it left, and its health through
//! time.
//!
//! A history of 20,000 accounts and 60 instants has more than a million points, so a point holds numbers only, and absent ones are NaN.

use std::collections::BTreeMap;

use crate::metric::Metric;
use crate::score::{Band, Level};
use crate::time::Timestamp;

/// Simple measures of an account that a score must beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simple {
    /// Days since the last activity; for an account that never was active, since it was first seen.
    pub days_since_last: f32,
    /// The same in usual gaps between active days.
    pub gaps_since_last: f32,
    /// MRR in relation to 91 days ago, less 1; below 0 it shrinks.
    pub mrr_change: f32,
    /// Feature uses in 28 days.
    pub events_28d: f32,
}

/// One account at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredPoint {
    /// The instant.
    pub t: Timestamp,
    /// Segment at the instant, as an index into the names of the history; `None` without one.
    pub segment: Option<u16>,
    /// Band, with hysteresis.
    pub band: Band,
    /// Health, 0..=100; `None`: unknown.
    pub health: Option<f64>,
    /// Risk by the model in force, 0..=1.
    pub risk: Option<f64>,
    /// Level of that risk.
    pub level: Option<Level>,
    /// The highest risk that a rule in force sets as the lowest.
    pub risk_floor: Option<f64>,
    /// The simple measures.
    pub simple: Simple,
    /// The input of the risk model for each component of the model, in file order; NaN if it is absent.
    pub inputs: Box<[f64]>,
    /// The value of each metric by [`Metric::index`], NaN if it is absent; empty unless they are asked for.
    pub values: Box<[f32]>,
    /// Whether the account churned within the horizon.
    pub churned: bool,
    /// The true probability that it would, if the labels tell it.
    pub true_probability: Option<f64>,
}

/// A history has millions of points.
const _: () = assert!(size_of::<ScoredPoint>() <= 152);

impl ScoredPoint {
    /// The value of a metric, if it is present and was kept.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.values.get(metric.index()).filter(|value| !value.is_nan()).map(|value| f64::from(*value))
    }
}

/// A stretch of time in which an account was not green after it had turned red.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedSpell {
    /// The first scoring in the red band.
    pub since: Timestamp,
    /// The first scoring that was green, unknown or churned again.
    pub until: Option<Timestamp>,
}

/// The past of one account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountPast {
    /// Its points, by instant.
    pub points: Vec<ScoredPoint>,
    /// When it was red, ascending.
    pub red: Vec<RedSpell>,
    /// Every date on which it left, ascending.
    pub leaves: Vec<Timestamp>,
    /// Health at each scoring that gave one: index of the scoring, and health.
    pub health: Vec<(u16, f32)>,
}

/// The past of all accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// By id.
    pub accounts: BTreeMap<Box<str>, AccountPast>,
    /// Names of segments.
    pub segments: Vec<Box<str>>,
}

impl AccountPast {
    /// Notes the band at a scoring.
    pub(super) fn see_band(&mut self, t: Timestamp, band: Band) {
        let open = self.red.last_mut().filter(|spell| spell.until.is_none());
        match (band, open) {
            (Band::Red, None) => self.red.push(RedSpell { since: t, until: None }),
            (Band::Green | Band::Unknown | Band::Churned, Some(spell)) => spell.until = Some(t),
            _ => {}
        }
    }

    /// The time from the first red scoring to a leave, without a green one in between, milliseconds; `None` if it was not red before.
    #[must_use]
    pub fn warning_ms(&self, left: Timestamp) -> Option<i64> {
        let covers = |spell: &&RedSpell| spell.since < left && spell.until.is_none_or(|until| until >= left);
        self.red.iter().find(covers).map(|spell| left.since(spell.since))
    }

    /// Whether it left in (t, t + horizon].
    #[must_use]
    pub fn leaves_within(&self, t: Timestamp, horizon_ms: i64) -> bool {
        self.leaves.iter().any(|left| *left > t && *left <= t.plus(horizon_ms))
    }
}

impl Past {
    /// All points, by account id and instant.
    pub fn points(&self) -> impl Iterator<Item = (&str, &ScoredPoint)> {
        self.accounts.iter().flat_map(|(id, account)| account.points.iter().map(move |point| (&**id, point)))
    }
}

#[cfg(test)]
mod tests {
    use Band::{Churned, Green, Red, Yellow};

    use super::*;
    use crate::time::DAY_MS;

    fn day(n: i64) -> Timestamp {
        Timestamp(n * DAY_MS)
    }

    fn account(bands: &[(i64, Band)]) -> AccountPast {
        let mut account = AccountPast::default();
        for (n, band) in bands {
            account.see_band(day(*n), *band);
        }
        account
    }

    #[test]
    fn a_warning_runs_from_the_first_red_without_a_green_in_between() {
        let account = account(&[(0, Red), (7, Green), (14, Yellow), (21, Red), (28, Yellow), (35, Red), (42, Churned)]);
        assert_eq!(account.warning_ms(day(40)), Some(19 * DAY_MS));
        assert_eq!(account.warning_ms(day(42)), Some(21 * DAY_MS));
        assert_eq!((account.warning_ms(day(15)), account.warning_ms(day(50))), (None, None));
        assert_eq!(account.warning_ms(day(5)), Some(5 * DAY_MS));
    }

    #[test]
    fn a_leave_at_the_instant_itself_is_past_and_one_at_the_end_of_the_horizon_counts() {
        let account = AccountPast { leaves: vec![day(10), day(100)], ..AccountPast::default() };
        let within = |t: i64| account.leaves_within(day(t), 90 * DAY_MS);
        assert_eq!([within(9), within(10), within(99), within(100)], [true, true, true, false]);
        assert!(!account.leaves_within(day(10), 89 * DAY_MS));
    }
}
