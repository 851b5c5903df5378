//! The table of aliases that the threads of the stage share. The follower fills it from the accounts topics and the aliases topic; a thread
//! enters what it has just read as well, so that the next record of its partition finds it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use super::deletions::Deletions;
use crate::account::Limit;
use crate::alias::{Aliases, Noted};
use crate::telemetry::{AliasConflict, Metrics};

/// The table, and how far its topics have been read.
#[derive(Debug)]
pub(in crate::stream) struct SharedAliases {
    table: RwLock<Aliases>,
    is_complete: AtomicBool,
    /// The next offset to be read of the aliases topic.
    next: AtomicI64,
    deletions: Mutex<Deletions>,
    /// Whether the gauges show the table as it is.
    is_reported: AtomicBool,
    /// `None` in a command, which has no metrics.
    metrics: Option<Arc<Metrics>>,
}

impl SharedAliases {
    /// An empty table of at most this many entries.
    pub(super) fn new(limit: usize, metrics: Option<Arc<Metrics>>) -> Self {
        Self {
            table: RwLock::new(Aliases::new(limit)),
            is_complete: AtomicBool::default(),
            next: AtomicI64::default(),
            deletions: Mutex::default(),
            is_reported: AtomicBool::default(),
            metrics,
        }
    }

    /// The table, for reading.
    pub(super) fn table(&self) -> RwLockReadGuard<'_, Aliases> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the table, and counts what was wrong with it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Aliases) -> Noted) -> Noted {
        let noted = change(&mut self.table.write().unwrap_or_else(PoisonError::into_inner));
        self.is_reported.store(false, Ordering::Release);
        if let Some(metrics) = &self.metrics {
            metrics.limit_reached(Limit::Aliases, noted.refused as u64);
            let conflicts =
                [(AliasConflict::Disputed, noted.disputed), (AliasConflict::Moved, noted.moved), (AliasConflict::Cyclic, noted.cyclic)];
            for (conflict, count) in conflicts {
                metrics.alias_conflict(conflict, count as u64);
            }
        }
        noted
    }

    /// Reports how large the table is, if it has changed since.
    pub(super) fn report(&self) {
        let Some(metrics) = self.metrics.as_ref().filter(|_| !self.is_reported.swap(true, Ordering::AcqRel)) else { return };
        let (declared, disputed) = {
            let table = self.table();
            (table.len(), table.disputed())
        };
        metrics.aliases(declared, disputed);
    }

    /// What deletions there are, and what they undo.
    pub(super) fn deletions(&self) -> MutexGuard<'_, Deletions> {
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the table out.
    pub(super) fn take(&self) -> Aliases {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut table, Aliases::new(0))
    }

    /// Whether the topics have been read to their ends.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    /// The topics have been read to their ends.
    pub(super) fn complete(&self) {
        self.is_complete.store(true, Ordering::Release);
    }

    /// Whether the aliases topic has been read up to this offset.
    pub(super) fn has_reached(&self, end: i64) -> bool {
        self.next.load(Ordering::Acquire) >= end
    }

    /// The aliases topic has been read up to this offset.
    pub(super) fn reach(&self, next: i64) {
        self.next.fetch_max(next, Ordering::AcqRel);
    }
}
