//! The input of scoring: an account at one instant, with its health override if any.

use std::fmt;

use serde::Serialize;

use crate::event::PerStream;
use crate::metric::{Metrics, Stage};
use crate::time::Timestamp;

/// An account at the instant of a scoring.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The account's metrics.
    pub metrics: &'a Metrics,
    /// Segment of its profile.
    pub segment: Option<&'a str>,
    /// Plan of its profile.
    pub plan: Option<&'a str>,
    /// Lifecycle stage.
    pub stage: Option<Stage>,
    /// `account.tenure_days`.
    pub tenure_days: f64,
    /// Which streams are configured.
    pub configured: &'a PerStream<bool>,
    /// The override in force, if any; an expired one is not.
    pub health_override: Option<Override<'a>>,
    /// What sentences need besides; `None`: nothing is known of other instants.
    pub other_instants: Option<&'a dyn OtherInstants>,
}

/// The account at other instants. Computed on request, because few scorings need it.
pub trait OtherInstants: fmt::Debug {
    /// The metrics [`DAYS_BEFORE`] days ago, as far as the state can tell them.
    fn metrics_before(&self) -> Metrics;

    /// For how many more days streams must be observed until there is a score; `None` if that will not give one.
    fn observing_days(&self) -> Option<i64>;
}

/// How long ago the past is with which an account is compared that has no published change yet, days.
pub const DAYS_BEFORE: i64 = 28;

/// Health pinned by customer success.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Override<'a> {
    /// The pinned health, 0..=100.
    pub value: f64,
    /// When it expires.
    #[serde(serialize_with = "crate::time::rfc3339")]
    pub until: Timestamp,
    /// The reason given.
    pub reason: &'a str,
    /// The author.
    pub by: &'a str,
}
