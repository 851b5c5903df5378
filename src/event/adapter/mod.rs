//! Adapters: topics as they already are. Each turns the payloads of one provider into native events.
//!
//! [`Format::decode`] is the entry point. An adapter is a function from a [`Payload`](payload::Payload) to events that it pushes into
//! [`Events`](events::Events), or a rejection whose reason names the field; the format is added here. No event at all means that the format
//! knows the payload and does not need it. `object` has the lenient types with which adapters describe their payloads.

mod choice;
mod cloudevents;
mod events;
mod format;
mod inner;
mod lookup;
mod object;
mod payload;
mod segment;
mod stripe;
mod zendesk;

pub use choice::{Condition, Test};
pub use format::{Choice, Format};
pub use segment::Options as SegmentOptions;
pub use stripe::Options as StripeOptions;
