//! Time as data: instants, dates of the reporting zone, and the windows that metrics look at.
//!
//! Nothing here reads a clock; only `clock.rs` in the shell does.

mod business_hours;
mod calendar;
mod instant;
mod maybe;
mod rfc3339;
mod zone;

pub use business_hours::{BusinessHours, OpenHours};
pub use calendar::{Calendar, QuietPeriod};
pub use instant::Timestamp;
pub use maybe::MaybeTimestamp;
pub(crate) use rfc3339::{rfc3339, rfc3339_or_null};
pub use zone::{Date, Zone};

/// Milliseconds of one minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds of one hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of 24 hours; a date of the reporting zone may be longer or shorter.
pub const DAY_MS: i64 = 86_400_000;
