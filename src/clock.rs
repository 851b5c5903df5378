//! The only file that reads a clock. All other code takes the time as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// The wall-clock time, in milliseconds.
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The clock that the engine runs on.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The wall clock.
    #[default]
    Wall,
    /// Simulated time, advanced by `demo`.
    Simulated(SimulatedTime),
}

impl Clock {
    /// The current time on this clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => now(),
            Self::Simulated(time) => time.now(),
        }
    }
}

/// Time that moves only when it is advanced.
#[derive(Clone, Debug)]
pub struct SimulatedTime(Arc<AtomicI64>);

impl SimulatedTime {
    /// Starts at the given instant.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.millis())))
    }

    /// Moves time forward; an earlier instant has no effect.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.fetch_max(at.millis(), Ordering::AcqRel);
    }

    /// The current simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Acquire))
    }
}

/// The monotonic clock, for durations and timeouts.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// A point on the monotonic clock by which something must be done.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// `limit` from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(monotonic() + limit)
    }

    /// `limit` from an instant.
    #[must_use]
    pub fn from(begin: Instant, limit: Duration) -> Self {
        Self(begin + limit)
    }

    /// The time left; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(monotonic())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.remaining().is_zero()
    }
}
