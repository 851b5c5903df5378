//! `[output]`: where changes and refused records go.

use serde::Deserialize;

use crate::config::field;
use crate::engine::bad_run;

/// `[output]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Topic of health and risk changes.
    #[serde(deserialize_with = "field::topic_name")]
    pub changes_topic: String,
    /// Topic of refused records.
    #[serde(deserialize_with = "field::topic_name")]
    pub dead_letters_topic: String,
    /// What happens on a bad run of records.
    pub on_bad_run: OnBadRun,
    /// A topic partition with more than this share of bad records is a bad run, 0..=1.
    #[serde(deserialize_with = "field::share")]
    pub bad_run_share: f64,
    /// Fewer records than this are never a bad run.
    #[serde(deserialize_with = "field::between::<1, 1_000_000, _, _>")]
    pub bad_run_records: u64,
}

/// What happens on a bad run of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRun {
    /// The service exits before the transaction commits.
    Exit,
    /// The records become dead letters like any other bad record.
    DeadLetter,
}

impl Output {
    /// When bad records become a bad run.
    #[must_use]
    pub const fn bad_run_limits(&self) -> bad_run::Thresholds {
        bad_run::Thresholds { share: self.bad_run_share, records: self.bad_run_records }
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            changes_topic: "account-health".to_owned(),
            dead_letters_topic: "churnwatch-dead-letters".to_owned(),
            on_bad_run: OnBadRun::Exit,
            bad_run_share: 0.5,
            bad_run_records: 200,
        }
    }
}
