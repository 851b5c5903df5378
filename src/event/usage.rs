//! Product use: features and sessions.

use std::borrow::Cow;

/// One act of product use.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageEvent<'a> {
    /// The user, kept as a hash only; `None` for use by a server or an API key.
    pub user_id: Option<Cow<'a, str>>,
    /// What was used.
    pub kind: UsageKind<'a>,
}

/// What was used.
#[derive(Clone, Debug, PartialEq)]
pub enum UsageKind<'a> {
    /// `feature_used`.
    Feature {
        /// Name of the feature.
        feature: Cow<'a, str>,
        /// How often, >= 1.
        count: u64,
    },
    /// `session_ended`.
    SessionEnded {
        /// Length in nanoseconds: a whole number, because sums of floats depend on their order.
        duration_ns: u64,
    },
}
