//! Events: the content of an input record that has passed every check.
//!
//! Text is borrowed from the record where JSON allows it. [`Format::decode`] is the entry point for every format, [`decode`] the one for
//! native events. Each stream has a file here with its types and one in `native` that reads their fields; each other format has a file in
//! `adapter`.

mod adapter;
mod billing;
mod extended_json;
mod feedback;
mod headers;
pub mod mapping;
mod names;
mod native;
mod owned;
mod plain_text;
mod profile;
mod record;
mod reject;
mod scan;
mod shape;
mod stream;
mod support;
mod usage;

pub use adapter::{Choice, Condition, Format, SegmentOptions, StripeOptions, Test};
pub use billing::{BillingEvent, Cost, CostCategory, Discount, Invoice, Item, SubscriptionSnapshot, SubscriptionStatus};
pub use feedback::{FeedbackEvent, FeedbackKind};
pub use headers::{HeaderLookup, Headers};
pub use native::{DecodeContext, Raw, decode, encode, framed, is_json_object};
pub use profile::AccountProfile;
pub use record::{Decoded, Event, Record};
pub use reject::{Code, Rejection};
pub use shape::{Place, Shape};
pub use stream::{PerStream, Stream};
pub use support::{OpenStatus, Priority, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};
pub use usage::{UsageEvent, UsageKind};
