//! The state of one account, in sections that are applied to, measured and written on their own.

pub mod billing;
pub mod feedback;
pub mod limit;
pub mod section;
pub mod support;

pub use limit::{Limit, LimitMeter};
pub use section::{CodecError, MAX_PART_BYTES, Section};

use crate::settings::Settings;
use crate::time::Timestamp;

/// What applying an event may look at and count, besides the event.
#[derive(Debug)]
pub struct ApplyContext<'a> {
    /// Event time.
    pub at: Timestamp,
    /// The producer's id of the event.
    pub id: Option<&'a str>,
    /// The settings.
    pub settings: &'a Settings,
    /// Counts limits that were reached.
    pub limits: &'a mut LimitMeter,
}
