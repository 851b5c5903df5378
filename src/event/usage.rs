//! Product use: features and sessions.

use std::borrow::Cow;

/// One act of product use by one user.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageEvent<'a> {
    /// The user; kept as a hash only.
    pub user_id: Cow<'a, str>,
    /// What the user did.
    pub kind: UsageKind<'a>,
}

/// What the user did.
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
        /// Length of the session in nanoseconds, so that sums do not depend on their order.
        duration_ns: u64,
    },
}
