//! How long a member reads between two cycles.

use std::time::{Duration, Instant};

/// Longest wait for records, and so for noticing a shutdown request.
const POLL_LIMIT: Duration = Duration::from_millis(100);
/// The same while a task is being restored: what has been restored runs after this time at the latest.
const RESTORING_POLL_LIMIT: Duration = Duration::from_millis(10);
/// Shortest time between two cycles in which records are read, even if the next cycle is overdue.
const GATHER_MIN: Duration = Duration::from_millis(5);
/// Most events that are handed over between two readings of the clock.
pub const BATCH: usize = 64;

/// Reading, until a cycle may be due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering {
    until: Instant,
    /// Whether the last round left accounts unscored: then only what has already arrived is taken.
    has_left: bool,
    is_over: bool,
}

impl Gathering {
    /// Begins at `now`. `next_cycle`: the earliest time at which a cycle of a task is due; `all_run`: whether no task is being restored.
    pub(super) fn begin(now: Instant, next_cycle: Option<Instant>, has_left: bool, all_run: bool) -> Self {
        let latest = now + if all_run { POLL_LIMIT } else { RESTORING_POLL_LIMIT };
        let until = if has_left { latest } else { next_cycle.map_or(latest, |due| due.clamp(now + GATHER_MIN, latest)) };
        Self { until, has_left, is_over: false }
    }

    /// How long to wait for records; `None` once it is over.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let left = self.until.saturating_duration_since(now);
        let goes_on = !self.is_over && !left.is_zero();
        goes_on.then_some(if self.has_left { Duration::ZERO } else { left })
    }

    /// This many events have been handed over.
    pub(super) const fn polled(&mut self, events: usize) {
        self.is_over |= self.has_left && events < BATCH;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn records_are_gathered_until_the_next_cycle_is_due() {
        let begun = monotonic();
        let gathering = Gathering::begin(begun, Some(begun + 30 * MILLI), false, true);
        assert_eq!((gathering.wait(begun), gathering.wait(begun + 30 * MILLI)), (Some(30 * MILLI), None));
    }

    #[test]
    fn an_overdue_cycle_still_leaves_time_to_read() {
        let begun = monotonic();
        assert_eq!(Gathering::begin(begun + 30 * MILLI, Some(begun), false, true).wait(begun + 30 * MILLI), Some(GATHER_MIN));
    }

    #[test]
    fn a_shutdown_request_is_noticed_although_no_cycle_is_due_for_long() {
        let begun = monotonic();
        assert_eq!(Gathering::begin(begun, Some(begun + 10_000 * MILLI), false, true).wait(begun), Some(POLL_LIMIT));
        assert_eq!(Gathering::begin(begun, None, false, true).wait(begun), Some(POLL_LIMIT), "nor while there is no task");
    }

    #[test]
    fn a_task_that_has_been_restored_runs_soon() {
        let begun = monotonic();
        assert_eq!(Gathering::begin(begun, None, false, false).wait(begun), Some(RESTORING_POLL_LIMIT));
    }

    #[test]
    fn accounts_that_are_left_wait_for_no_record() {
        let begun = monotonic();
        let mut gathering = Gathering::begin(begun, Some(begun), true, true);
        assert_eq!(gathering.wait(begun), Some(Duration::ZERO));
        gathering.polled(BATCH);
        assert_eq!(gathering.wait(begun), Some(Duration::ZERO), "there may be more");
        gathering.polled(BATCH - 1);
        assert_eq!(gathering.wait(begun), None);
    }
}
