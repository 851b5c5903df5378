//! Product use: features and sessions.

use std::borrow::Cow;

/// A usage event.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageEvent<'a> {
    /// The user, stored only as a hash; `None` for use by a server or an API key.
    pub user_id: Option<Cow<'a, str>>,
    /// An id that the user had before it was known who they are, such as the id of a browser: both are one person.
    pub anonymous_id: Option<Cow<'a, str>>,
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
        /// Number of uses, >= 1.
        count: u64,
    },
    /// `session_ended`.
    SessionEnded {
        /// In whole nanoseconds, because float sums depend on their order.
        duration_ns: u64,
    },
    /// `user_identified`: no use, only that both ids are one person.
    Identified,
}
