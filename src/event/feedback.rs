//! Feedback: survey answers, referrals, advocacy, and overrides of the score by customer success.

use std::borrow::Cow;

use crate::time::Timestamp;

/// One feedback event of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackEvent<'a> {
    /// What it is.
    pub kind: FeedbackKind<'a>,
    /// What an answer is about, in the customer's or the surveyor's own words.
    pub theme: Option<Cow<'a, str>>,
}

/// What a feedback event is.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedbackKind<'a> {
    /// `nps_answered`: 0..=10.
    Nps(u8),
    /// `csat_answered`: place on the scale, 0..=1.
    Csat(f64),
    /// `ces_answered`: place on the scale, 0..=1.
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
        /// When it ends.
        until: Timestamp,
        /// Why.
        reason: Cow<'a, str>,
        /// By whom.
        by: Cow<'a, str>,
    },
    /// `health_override_cleared`.
    OverrideCleared,
}
