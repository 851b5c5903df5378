//! A valid record and its event.

use std::borrow::Cow;

use super::billing::{BillingEvent, Cost};
use super::feedback::FeedbackEvent;
use super::profile::AccountProfile;
use super::stream::Stream;
use super::support::TicketEvent;
use super::usage::UsageEvent;
use crate::time::Timestamp;

/// A successfully decoded value.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every value is one record, and boxing it would allocate for each")]
pub enum Decoded<'a> {
    /// An event of a known type.
    Record(Record<'a>),
    /// Two or more events, to be applied in this order.
    Records(Vec<Record<'a>>),
    /// An object of an unknown type for this stream, or one that its format does not need.
    Ignored,
}

impl<'a> Decoded<'a> {
    /// The same with every event changed.
    #[must_use]
    pub fn map<'b>(self, change: impl FnMut(Record<'a>) -> Record<'b>) -> Decoded<'b> {
        let mut change = change;
        match self {
            Self::Record(record) => Decoded::Record(change(record)),
            Self::Records(records) => Decoded::Records(records.into_iter().map(change).collect()),
            Self::Ignored => Decoded::Ignored,
        }
    }

    /// The same after a change of every event in place.
    #[must_use]
    pub(super) fn with(mut self, change: impl FnMut(&mut Record<'a>)) -> Self {
        match &mut self {
            Self::Record(record) => std::slice::from_mut(record),
            Self::Records(records) => records,
            Self::Ignored => &mut [],
        }
        .iter_mut()
        .for_each(change);
        self
    }

    /// Makes all events known by the id of their envelope, if it has one, and notes whether their time is from there. Several of one type
    /// would pass for repetitions of the first, so the others add their place to the id.
    pub(super) fn identify(&mut self, id: Option<Cow<'a, str>>, has_time: bool) {
        match self {
            // Nearly every payload is one event, which takes the id as it is.
            Self::Record(record) => {
                record.payload_time |= has_time;
                record.id = id.or_else(|| record.id.take());
            }
            Self::Records(records) => {
                let mut types: Vec<&str> = Vec::new();
                for (index, record) in records.iter_mut().enumerate() {
                    record.payload_time |= has_time;
                    let is_repeated = types.contains(&record.type_name);
                    if !is_repeated {
                        types.push(record.type_name);
                    }
                    let own = |id: &Cow<'a, str>| if is_repeated { Cow::Owned(format!("{id}#{index}")) } else { id.clone() };
                    record.id = id.as_ref().map(own).or_else(|| record.id.take());
                }
            }
            Self::Ignored => {}
        }
    }

    /// The events, in order.
    #[must_use]
    pub fn records(&self) -> &[Record<'a>] {
        match self {
            Self::Record(record) => std::slice::from_ref(record),
            Self::Records(records) => records,
            Self::Ignored => &[],
        }
    }
}

/// One valid record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The account; `None` only for costs, which belong to no account.
    pub account: Option<Cow<'a, str>>,
    /// The system whose id `account` is, such as `stripe`: the pair is then an alias, which the repartition stage resolves. `None` if it is
    /// the account's own id.
    pub account_system: Option<Cow<'a, str>>,
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
    /// Whether a discount was left out because the payload holds only its id, so that the subscription counts at list price.
    pub unexpanded_discount: bool,
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
    /// A step in the life of a ticket.
    Support(TicketEvent<'a>),
    /// Survey answers, referrals, overrides.
    Feedback(FeedbackEvent<'a>),
    /// A full profile; boxed because it is rare and large.
    Profile(Box<AccountProfile<'a>>),
}

impl Event<'_> {
    /// The stream to which events like this belong. Formats of other providers mix events of several streams in one topic.
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
