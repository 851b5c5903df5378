//! Events: what a record of an input topic says, after every check has passed.
//!
//! All text is borrowed from the record where JSON allows it. [`decode`] is the only way in; the types of each stream have a file here,
//! and how their fields are read stands in `native`.

mod billing;
mod feedback;
mod native;
mod profile;
mod reject;
mod stream;
mod support;
mod usage;

use std::borrow::Cow;

pub use billing::{BillingEvent, Cost, CostCategory, Discount, Invoice, Item, SubscriptionSnapshot, SubscriptionStatus};
pub use feedback::{FeedbackEvent, FeedbackKind};
pub use native::{DecodeContext, Decoded, Raw, decode};
pub use profile::AccountProfile;
pub use reject::{Code, Rejection};
pub use stream::{PerStream, Stream};
pub use support::{OpenStatus, Priority, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};
pub use usage::{UsageEvent, UsageKind};

use crate::time::Timestamp;

/// One valid record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The account; `None` only for costs, which belong to none.
    pub account: Option<Cow<'a, str>>,
    /// The producer's id of the event; without it repetitions cannot be told apart.
    pub id: Option<Cow<'a, str>>,
    /// The `type` as written in the contract (`feature_used` ...), lower case.
    pub type_name: &'static str,
    /// Event time.
    pub occurred_at: Timestamp,
    /// Whether the payload itself held `occurred_at` (else it is the record's timestamp, which is no part of the identity).
    pub payload_time: bool,
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
