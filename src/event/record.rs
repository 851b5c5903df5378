//! A valid record, and the event that it holds.

use std::borrow::Cow;

use super::billing::{BillingEvent, Cost};
use super::feedback::FeedbackEvent;
use super::profile::AccountProfile;
use super::support::TicketEvent;
use super::usage::UsageEvent;
use crate::time::Timestamp;

/// One valid record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The account; `None` only for costs, which belong to none.
    pub account: Option<Cow<'a, str>>,
    /// The producer's id of the event. Without one, a repetition cannot be recognised.
    pub id: Option<Cow<'a, str>>,
    /// The `type` as written in the contract (`feature_used` ...), lower case.
    pub type_name: &'static str,
    /// Event time.
    pub occurred_at: Timestamp,
    /// Whether `occurred_at` came from the payload. A record timestamp is not part of the identity: it changes with a redelivery.
    pub payload_time: bool,
    /// Whether any text of the event was longer than `limits.text_bytes` and was cut there.
    pub cut_text: bool,
    /// What happened.
    pub event: Event<'a>,
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
    /// One fact of a ticket.
    Support(TicketEvent<'a>),
    /// An answer, a referral, an override.
    Feedback(FeedbackEvent<'a>),
    /// The whole current profile; boxed, since it is rare and large.
    Profile(Box<AccountProfile<'a>>),
}
