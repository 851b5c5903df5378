//! The data inside an envelope, as far as the pass over the envelope reads it.

use crate::event::adapter::object::Listed;
use crate::event::adapter::{segment, stripe, zendesk};

/// What the pass over an envelope reads of the data inside, so that it need not be scanned again: by the format of the data.
#[derive(Debug, Default)]
pub(in crate::event::adapter) enum Inside<'a> {
    /// Nothing but where it is.
    #[default]
    Unread,
    /// The members of a native event.
    Native(Listed<'a>),
    /// A call of Segment.
    Segment(Box<segment::Call<'a>>),
    /// An event of Stripe.
    Stripe(Box<stripe::StripeEvent<'a>>),
    /// An event or ticket of Zendesk.
    Zendesk(Box<zendesk::Payloads<'a>>),
}

impl Inside<'_> {
    /// The same before anything was read.
    pub(super) fn emptied(&self) -> Self {
        match self {
            Self::Unread => Self::Unread,
            Self::Native(_) => Self::Native(Listed::default()),
            Self::Segment(_) => Self::Segment(Box::default()),
            Self::Stripe(_) => Self::Stripe(Box::default()),
            Self::Zendesk(_) => Self::Zendesk(Box::default()),
        }
    }
}
