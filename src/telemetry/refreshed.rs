//! A value that is expensive to compute and often read: refreshed in the background, so that no reader waits long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// A value is refreshed at the latest at this age.
const MAX_AGE: Duration = Duration::from_mins(1);
/// A cheap value is refreshed earlier: after this many times the time that it took to compute.
const REST_PER_WORK: u32 = 50;
/// A value that lacks what a reader asks for is refreshed even earlier, because that reader waits.
const REST_PER_WORK_IF_AWAITED: u32 = 4;
/// How long a reader waits for a refresh before it settles for the old value.
const WAIT_LIMIT: Duration = Duration::from_millis(20);
/// A value this many times older than it should be has not been asked for in a while: the first reader waits for a new one ...
const NEGLECTED: u32 = 2;
/// ... for at most this long.
const NEGLECTED_WAIT_LIMIT: Duration = Duration::from_secs(1);

/// A value that is refreshed when a read finds it too old.
pub(crate) struct Refreshed<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    min_age: Duration,
    current: Mutex<Made<T>>,
    changed: Condvar,
    busy: AtomicBool,
}

struct Made<T> {
    value: Arc<T>,
    at: Instant,
    took: Duration,
}

impl<T> Made<T> {
    fn by(make: &dyn Fn() -> T) -> Self {
        let begun = monotonic();
        let value = Arc::new(make());
        let at = monotonic();
        Self { value, at, took: at.duration_since(begun) }
    }

    /// The age at which it is refreshed.
    fn rest(&self, per_work: u32, min_age: Duration) -> Duration {
        (self.took * per_work).clamp(min_age, MAX_AGE)
    }
}

impl<T: Send + Sync + 'static> Refreshed<T> {
    /// Computes the value for the first time.
    pub(super) fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Arc<Self> {
        Self::every(Duration::ZERO, make)
    }

    /// The same for a value that is refreshed at most once in an interval.
    pub(crate) fn every(min_age: Duration, make: impl Fn() -> T + Send + Sync + 'static) -> Arc<Self> {
        let current = Mutex::new(Made::by(&make));
        Arc::new(Self { make: Box::new(make), min_age, current, changed: Condvar::new(), busy: AtomicBool::new(false) })
    }

    /// The current value. If it is too old, starts a refresh and returns the new value if that is quick.
    pub(crate) fn get(self: &Arc<Self>) -> Arc<T> {
        self.get_within(WAIT_LIMIT)
    }

    /// The same for a reader that can wait longer.
    pub(super) fn get_within(self: &Arc<Self>, limit: Duration) -> Arc<T> {
        let current = self.lock();
        let (age, rest) = (current.at.elapsed(), current.rest(REST_PER_WORK, self.min_age));
        if age < rest {
            return Arc::clone(&current.value);
        }
        let limit = if age > rest * NEGLECTED { limit.max(NEGLECTED_WAIT_LIMIT) } else { limit };
        self.make_in_background();
        let known = current.at;
        let (current, _) = self.changed.wait_timeout_while(current, limit, |made| made.at == known).unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.value)
    }

    /// What `find` finds in the current value, or in the first that has it; `None` if that takes longer than `limit`. Readers that find
    /// nothing share refreshes, of which there are still few.
    pub(super) fn find_within<F>(self: &Arc<Self>, limit: Duration, find: impl Fn(&T) -> Option<F>) -> Option<F> {
        let begun = monotonic();
        let found = find(&self.get());
        if found.is_some() {
            return found;
        }
        let mut current = self.lock();
        loop {
            if let Some(found) = find(&current.value) {
                return Some(found);
            }
            let left = limit.checked_sub(begun.elapsed()).filter(|left| !left.is_zero())?;
            let rest = current.rest(REST_PER_WORK_IF_AWAITED, Duration::ZERO).saturating_sub(current.at.elapsed());
            let wait = if rest.is_zero() {
                self.make_in_background();
                left
            } else {
                rest.min(left)
            };
            current = self.changed.wait_timeout(current, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Made<T>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a refresh unless one is running.
    fn make_in_background(self: &Arc<Self>) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let refreshed = Arc::clone(self);
        let spawned = std::thread::Builder::new().name("refresh".to_owned()).spawn(move || {
            let busy = Busy(&refreshed.busy);
            let made = Made::by(&*refreshed.make);
            let mut current = refreshed.lock();
            *current = made;
            // Before the lock is released: a reader that still finds it busy is already waiting.
            drop(busy);
            drop(current);
            refreshed.changed.notify_all();
        });
        if spawned.is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }
}

/// A refresh that runs; over when dropped, also by a panic.
struct Busy<'a>(&'a AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<T> std::fmt::Debug for Refreshed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refreshed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_cheap_value_is_refreshed_for_its_reader() {
        let made = AtomicUsize::new(0);
        let refreshed = Refreshed::new(move || made.fetch_add(1, Ordering::SeqCst));
        while *refreshed.get() < 3 {}
    }

    #[test]
    fn a_value_that_nobody_has_read_for_long_is_refreshed_before_it_is_returned() {
        let made = AtomicUsize::new(0);
        let refreshed = Refreshed::new(move || {
            let number = made.fetch_add(1, Ordering::SeqCst);
            // The first takes no time, so its age soon exceeds any multiple of that. The second takes longer than a reader usually waits.
            std::thread::sleep(if number == 0 { Duration::ZERO } else { 2 * WAIT_LIMIT });
            number
        });
        refreshed.lock().took = Duration::ZERO;
        assert_eq!(*refreshed.get(), 1);
    }

    #[test]
    fn a_refresh_that_panics_does_not_stop_the_next() {
        let made = AtomicUsize::new(0);
        let refreshed = Refreshed::new(move || {
            let number = made.fetch_add(1, Ordering::SeqCst);
            assert_ne!(number, 1, "a panic in the test");
            number
        });
        while *refreshed.get() < 2 {}
    }

    #[test]
    fn a_reader_gets_the_old_value_while_a_slow_refresh_runs() {
        let (made, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
        let (count, wait) = (Arc::clone(&made), Arc::clone(&gate));
        let refreshed = Refreshed::new(move || {
            let number = count.fetch_add(1, Ordering::SeqCst);
            if number == 1 {
                wait.wait();
            }
            number
        });
        while made.load(Ordering::SeqCst) < 2 {
            assert_eq!(*refreshed.get(), 0);
        }
        gate.wait();
        while *refreshed.get() == 0 {}
    }
}
