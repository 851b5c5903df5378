//! The one file that reads a clock. Everything else is given the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// The wall clock, in the resolution of [`Timestamp`].
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Whose time the engine goes by.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The wall clock.
    #[default]
    Wall,
    /// Time that somebody else moves on, for a demonstration.
    Simulated(SimulatedTime),
}

impl Clock {
    /// The instant by this clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => now(),
            Self::Simulated(time) => time.now(),
        }
    }
}

/// Time that stands still until it is moved on.
#[derive(Clone, Debug)]
pub struct SimulatedTime(Arc<AtomicI64>);

impl SimulatedTime {
    /// Time that stands at an instant.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.millis())))
    }

    /// Moves on, never back.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.fetch_max(at.millis(), Ordering::AcqRel);
    }

    /// Where it stands.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Acquire))
    }
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
