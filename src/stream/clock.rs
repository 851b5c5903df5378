//! The one file that reads a clock. Everything else is given the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// The wall clock, in the resolution of [`Timestamp`].
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The monotonic clock, for intervals and time limits.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// An instant of the monotonic clock by which something must have happened.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much time from now on.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(monotonic() + limit)
    }

    /// The time that is left; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(monotonic())
    }

    /// Whether no time is left.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.remaining().is_zero()
    }
}
