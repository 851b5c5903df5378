//! Events: the content of an input record that has passed every check.
//!
//! Text is borrowed from the record where JSON allows it. [`decode`] is the only entry point. Each stream has a file here with its types
//! and one in `native` that reads their fields.

mod billing;
mod feedback;
mod native;
mod profile;
mod record;
mod reject;
mod shape;
mod stream;
mod support;
mod usage;

pub use billing::{BillingEvent, Cost, CostCategory, Discount, Invoice, Item, SubscriptionSnapshot, SubscriptionStatus};
pub use feedback::{FeedbackEvent, FeedbackKind};
pub use native::{DecodeContext, Decoded, Raw, decode, encode};
pub use profile::AccountProfile;
pub use record::{Event, Record};
pub use reject::{Code, Rejection};
pub use shape::{Place, Shape};
pub use stream::{PerStream, Stream};
pub use support::{OpenStatus, Priority, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};
pub use usage::{UsageEvent, UsageKind};
