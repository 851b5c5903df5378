//! Series of single accounts: the most urgent ones, up to a hard cap. They vanish when an account leaves the set.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::source::Source;
use super::top::{OwnedRow, Query, Sort, top};
use crate::stream::clock::monotonic;

/// A selection older than this is made anew.
const SELECTION_MAX_AGE: Duration = Duration::from_mins(1);
/// It is made anew earlier where that is cheap: after so many times what it took.
const REST_PER_WORK: u32 = 50;

/// The accounts that have series now.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// The most urgent first.
    pub(super) rows: Vec<OwnedRow>,
    /// How many accounts have none.
    pub(super) left_out: u64,
}

/// Selects accounts in the background: a scrape is given the last selection and never waits for a million accounts.
pub(super) struct Selector {
    source: Arc<dyn Source>,
    query: Query,
    current: Mutex<Option<Made>>,
    busy: AtomicBool,
}

struct Made {
    selection: Arc<Selection>,
    at: Instant,
    took: Duration,
}

impl Selector {
    pub(super) fn new(source: Arc<dyn Source>, accounts_max: usize, watched: Arc<BTreeSet<String>>) -> Arc<Self> {
        let query = Query { sort: Sort::Attention, limit: accounts_max, watched, ..Query::default() };
        Arc::new(Self { source, query, current: Mutex::new(None), busy: AtomicBool::new(false) })
    }

    /// The last selection; starts a new one where it is old.
    pub(super) fn selection(self: &Arc<Self>) -> Arc<Selection> {
        let known = self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|made| {
            let old = made.at.elapsed() >= (made.took * REST_PER_WORK).min(SELECTION_MAX_AGE);
            (Arc::clone(&made.selection), old, made.took < Duration::from_millis(20))
        });
        match known {
            None | Some((_, true, true)) => self.select(),
            Some((selection, old, _)) => {
                if old && !self.busy.swap(true, Ordering::AcqRel) {
                    self.select_in_background();
                }
                selection
            }
        }
    }

    fn select_in_background(self: &Arc<Self>) {
        let selector = Arc::clone(self);
        let spawned = std::thread::Builder::new().name("account-series".to_owned()).spawn(move || {
            selector.select();
            selector.busy.store(false, Ordering::Release);
        });
        if spawned.is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }

    fn select(&self) -> Arc<Selection> {
        let begun = monotonic();
        let (rows, matched) = top(&*self.source, &self.query);
        let left_out = matched.saturating_sub(rows.len() as u64);
        let selection = Arc::new(Selection { rows, left_out });
        let made = Made { selection: Arc::clone(&selection), at: monotonic(), took: begun.elapsed() };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        selection
    }
}

impl std::fmt::Debug for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selector").field("query", &self.query).finish_non_exhaustive()
    }
}
