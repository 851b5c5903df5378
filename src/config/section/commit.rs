//! `[commit]`: how often a transaction is committed.

use serde::Deserialize;

use crate::config::field;
use crate::config::validate::Report;

/// `[commit]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Commit {
    /// Interval while live, ms.
    #[serde(deserialize_with = "field::between::<1, 60_000, _, _>")]
    pub interval_ms: u64,
    /// Interval in catch-up, ms. At most 120 s.
    #[serde(deserialize_with = "field::between::<1, 120_000, _, _>")]
    pub catch_up_interval_ms: u64,
}

impl Default for Commit {
    fn default() -> Self {
        Self { interval_ms: 1_000, catch_up_interval_ms: 10_000 }
    }
}

impl Commit {
    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        if self.catch_up_interval_ms < self.interval_ms {
            let message = format!("{} is below commit.interval_ms, which is {}", self.catch_up_interval_ms, self.interval_ms);
            report.problem_of_either(["commit.catch_up_interval_ms", "commit.interval_ms"], message);
        }
    }
}
