//! What is worked out over many accounts and read often: made anew in the background, so that a reader never waits for long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::stream::clock::monotonic;

/// What is older than this is made anew.
const MAX_AGE: Duration = Duration::from_mins(1);
/// It is made anew earlier where that is cheap: after so many times what it took.
const REST_PER_WORK: u32 = 50;
/// What takes less is made anew while the reader waits.
const QUICK: Duration = Duration::from_millis(20);

/// Something that is made anew when it is asked for and old.
pub(super) struct Refreshed<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    current: Mutex<Option<Made<T>>>,
    busy: AtomicBool,
}

struct Made<T> {
    value: Arc<T>,
    at: Instant,
    took: Duration,
}

impl<T: Send + Sync + 'static> Refreshed<T> {
    pub(super) fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { make: Box::new(make), current: Mutex::new(None), busy: AtomicBool::new(false) })
    }

    /// What was made last; begins to make it anew where that is old.
    pub(super) fn get(self: &Arc<Self>) -> Arc<T> {
        let known = self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|made| {
            let old = made.at.elapsed() >= (made.took * REST_PER_WORK).min(MAX_AGE);
            (Arc::clone(&made.value), old, made.took < QUICK)
        });
        match known {
            None | Some((_, true, true)) => self.make(),
            Some((value, old, _)) => {
                if old && !self.busy.swap(true, Ordering::AcqRel) {
                    self.make_in_background();
                }
                value
            }
        }
    }

    fn make_in_background(self: &Arc<Self>) {
        let refreshed = Arc::clone(self);
        let spawned = std::thread::Builder::new().name("refresh".to_owned()).spawn(move || {
            refreshed.make();
            refreshed.busy.store(false, Ordering::Release);
        });
        if spawned.is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }

    fn make(&self) -> Arc<T> {
        let begun = monotonic();
        let value = Arc::new((self.make)());
        let current = Made { value: Arc::clone(&value), at: monotonic(), took: begun.elapsed() };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
        value
    }
}

impl<T> std::fmt::Debug for Refreshed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refreshed").finish_non_exhaustive()
    }
}
