//! Where the threads of a process wait for each other before they join their group.
//!
//! A member that joins a group that is already at work is noticed by the others with their next heartbeat, up to three seconds later, and
//! then every task moves once more. Members that join at the same moment share one rebalance.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a thread waits for the others, which may be held back by a broker.
const LIMIT: Duration = Duration::from_secs(2);

/// The start line of a number of threads.
pub(super) struct StartLine {
    missing: Mutex<usize>,
    last_came: Condvar,
}

impl StartLine {
    /// A line at which this many threads are expected.
    pub(super) fn new(threads: usize) -> Self {
        Self { missing: Mutex::new(threads), last_came: Condvar::new() }
    }

    /// Waits until every thread has come here, or for two seconds.
    pub(super) fn await_others(&self) {
        self.await_for(LIMIT);
    }

    fn await_for(&self, limit: Duration) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        *missing = missing.saturating_sub(1);
        self.last_came.notify_all();
        drop(self.last_came.wait_timeout_while(missing, limit, |missing| *missing > 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    #[test]
    fn threads_leave_the_start_line_together() {
        let line = StartLine::new(2);
        let (first, last) = std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                line.await_for(Duration::from_mins(1));
                monotonic()
            });
            std::thread::sleep(Duration::from_millis(50));
            let last = monotonic();
            line.await_for(Duration::from_mins(1));
            (first.join().unwrap(), last)
        });
        assert!(first >= last);
    }

    #[test]
    fn a_thread_that_never_comes_does_not_hold_the_others_back_for_long() {
        StartLine::new(2).await_for(Duration::from_millis(1));
    }
}
