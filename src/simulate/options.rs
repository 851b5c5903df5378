//! Options of a simulation.

use super::kind::{Kind, Mix};
use crate::time::{DAY_MS, Timestamp};

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The same seed gives byte-identical records.
    pub seed: u64,
    /// Number of accounts.
    pub accounts: u32,
    /// The first instant of the first day.
    pub start: Timestamp,
    /// Number of days.
    pub days: u32,
    /// Days over which stories unfold: every decline begins within them.
    pub story_days: u32,
    /// The first day on which a decline may begin.
    pub quiet_days: u32,
    /// Usage relative to a busy product, > 0; 1 gives some 40 usage records per account and day.
    pub activity: f64,
    /// Ups and downs of use that mean nothing, relative to the usual; 0 is none.
    pub noise: f64,
    /// Seats of an account at most, >= 1.
    pub seats_max: u32,
    /// ISO code of the currency of all prices.
    pub currency: String,
    /// Shares of the kinds of accounts, relative to their sum, in the order of [`Kind::ALL`].
    pub mix: Mix,
}

impl Options {
    /// The first instant after the run.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start.plus(i64::from(self.days) * DAY_MS)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 100,
            start: Timestamp(1_767_571_200_000),
            days: 180,
            story_days: 180,
            quiet_days: 0,
            activity: 1.0,
            noise: 1.0,
            seats_max: u32::MAX,
            currency: "USD".to_owned(),
            mix: Kind::ALL.map(Kind::default_share),
        }
    }
}

/// What goes wrong between the producer and the topic.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// Share of records that are duplicated, 0..=1.
    pub duplicates: f64,
    /// Records are late by up to this long, ms.
    pub disorder_ms: i64,
    /// Additional bad records, as a share of the good ones, 0..=1.
    pub bad: f64,
}
