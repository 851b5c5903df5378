//! Feedback: survey answers, referrals, advocacy, and health overrides set by customer success.

use std::borrow::Cow;

use crate::time::Timestamp;

/// One feedback event of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackEvent<'a> {
    /// The event type and its fields.
    pub kind: FeedbackKind<'a>,
    /// The topic of an answer, as free text from the customer or the surveyor.
    pub theme: Option<Cow<'a, str>>,
}

/// Feedback event types.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedbackKind<'a> {
    /// `nps_answered`: 0..=10.
    Nps(u8),
    /// `csat_answered`: position on the scale, 0..=1.
    Csat(f64),
    /// `ces_answered`: position on the scale, 0..=1.
    Ces(f64),
    /// `survey_sent` of a kind (`nps`, `csat`, `ces`, or the sender's own).
    SurveySent(Cow<'a, str>),
    /// `referral_made`.
    Referral,
    /// `advocacy_made` of a kind.
    Advocacy(Cow<'a, str>),
    /// `health_override_set`.
    OverrideSet {
        /// The pinned health, 0..=100.
        value: f64,
        /// When it expires.
        until: Timestamp,
        /// Why.
        reason: Cow<'a, str>,
        /// By whom.
        by: Cow<'a, str>,
    },
    /// `health_override_cleared`.
    OverrideCleared,
}
