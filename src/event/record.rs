//! A valid record and its event.

use std::borrow::Cow;

use super::billing::{BillingEvent, Cost};
use super::feedback::FeedbackEvent;
use super::profile::AccountProfile;
use super::stream::Stream;
use super::support::TicketEvent;
use super::usage::UsageEvent;
use crate::time::Timestamp;

/// One valid record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The account; `None` only for costs, which belong to no account.
    pub account: Option<Cow<'a, str>>,
    /// The producer's event id. Duplicates can be recognised only by it.
    pub id: Option<Cow<'a, str>>,
    /// The `type` as written in the contract (`feature_used` ...), lower case.
    pub type_name: &'static str,
    /// Event time.
    pub occurred_at: Timestamp,
    /// Whether `occurred_at` came from the payload. A record timestamp changes on redelivery, so it is not part of the identity.
    pub payload_time: bool,
    /// Whether any text was truncated at `limits.text_bytes`.
    pub cut_text: bool,
    /// What happened.
    pub event: Event<'a>,
}

impl Event<'_> {
    /// The stream that carries such events.
    #[must_use]
    pub const fn stream(&self) -> Stream {
        match self {
            Self::Usage(_) => Stream::Usage,
            Self::Billing(_) | Self::Cost(_) => Stream::Billing,
            Self::Support(_) => Stream::Support,
            Self::Feedback(_) => Stream::Feedback,
            Self::Profile(_) => Stream::Accounts,
        }
    }
}

/// What happened, by stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// Product use.
    Usage(UsageEvent<'a>),
    /// Subscriptions and invoices of an account.
    Billing(BillingEvent<'a>),
    /// A cost of the company, which has no account.
    Cost(Cost<'a>),
    /// A step in the life of a ticket.
    Support(TicketEvent<'a>),
    /// Survey answers, referrals, overrides.
    Feedback(FeedbackEvent<'a>),
    /// A full profile; boxed because it is rare and large.
    Profile(Box<AccountProfile<'a>>),
}
