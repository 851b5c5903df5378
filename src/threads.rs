//! What the stream threads report: the tasks they own, how far each task has read, and what a thread is waiting for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::Timestamp;

/// All stream threads of this process.
#[derive(Clone, Debug)]
pub struct Threads {
    reports: Vec<Arc<ThreadReport>>,
    tasks_total: usize,
}

impl Threads {
    /// Threads that have not started yet.
    #[must_use]
    pub fn new(threads: usize, tasks_total: usize) -> Self {
        Self { reports: (0..threads).map(|_| Arc::default()).collect(), tasks_total }
    }

    /// The report of each thread, by its number.
    #[must_use]
    pub fn reports(&self) -> &[Arc<ThreadReport>] {
        &self.reports
    }

    /// Tasks across the whole group: the partition count that all input topics share.
    #[must_use]
    pub const fn tasks_total(&self) -> usize {
        self.tasks_total
    }

    /// What still keeps this process from being ready; empty once every thread has joined and restored its tasks. A later rebalance does
    /// not revoke readiness.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<String> {
        let waiting = |(number, thread): (usize, &Arc<ThreadReport>)| {
            let state = thread.read();
            match state.phase {
                ThreadPhase::Joining => Some(format!("thread {number} to join the group")),
                ThreadPhase::Restoring => Some(format!("thread {number} to restore its tasks")),
                ThreadPhase::Running => None,
            }
        };
        self.reports.iter().enumerate().filter_map(waiting).collect()
    }
}

/// What a thread is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreadPhase {
    /// Waiting for its first assignment.
    #[default]
    Joining,
    /// Restoring its first assignment.
    Restoring,
    /// Has restored an assignment at least once.
    Running,
}

/// One thread as of its last cycle.
#[derive(Clone, Debug, Default)]
pub struct ThreadMetadata {
    /// What it is doing.
    pub phase: ThreadPhase,
    /// Tasks being restored.
    pub restoring: Vec<i32>,
    /// Tasks assigned without all of their topics.
    pub parked: Vec<i32>,
    /// Restored tasks, by partition number.
    pub tasks: BTreeMap<i32, TaskMetadata>,
    /// When its last transaction was committed.
    pub committed_at: Option<Timestamp>,
    /// Committed transactions.
    pub transactions: u64,
}

/// One task of a thread.
#[derive(Clone, Debug, Default)]
pub struct TaskMetadata {
    /// Whether it is working through old records: it publishes nothing, or flags what it publishes.
    pub catching_up: bool,
    /// Its inputs, sorted by topic.
    pub inputs: Vec<InputMetadata>,
}

/// One input of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputMetadata {
    /// The topic.
    pub topic: String,
    /// The next offset to read.
    pub next: i64,
    /// Whether it has been read to its end.
    pub at_end: bool,
    /// Offsets from the next one to the end of the committed records; `None` while the end is unknown.
    pub lag: Option<u64>,
}

/// What one thread reports, updated once per cycle.
#[derive(Debug, Default)]
pub struct ThreadReport(Mutex<ThreadMetadata>);

impl ThreadReport {
    /// The latest report. Keep the guard only while reading: the stream thread blocks on it.
    pub fn read(&self) -> MutexGuard<'_, ThreadMetadata> {
        // A poisoned lock still holds the report of an earlier cycle.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn restoring(&self, tasks: &[i32], parked: impl Iterator<Item = i32>) {
        let mut state = self.read();
        state.restoring = tasks.to_vec();
        state.parked = parked.collect();
        if state.phase == ThreadPhase::Joining {
            state.phase = ThreadPhase::Restoring;
        }
    }

    pub(crate) fn restored(&self) {
        let mut state = self.read();
        state.restoring.clear();
        state.phase = ThreadPhase::Running;
    }

    pub(crate) fn revoked(&self) {
        let mut state = self.read();
        state.tasks.clear();
        state.restoring.clear();
        state.parked.clear();
    }

    pub(crate) fn committed(&self, at: Timestamp) {
        let mut state = self.read();
        state.committed_at = Some(at);
        state.transactions += 1;
    }

    pub(crate) fn tasks(&self, tasks: BTreeMap<i32, TaskMetadata>) {
        self.read().tasks = tasks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_becomes_ready_once_every_thread_has_restored_and_stays_ready() {
        let threads = Threads::new(2, 4);
        assert_eq!(threads.waiting_for().len(), 2);
        for thread in threads.reports() {
            thread.restoring(&[0, 1], std::iter::empty());
        }
        assert!(threads.waiting_for().iter().all(|reason| reason.ends_with("to restore its tasks")));
        threads.reports()[0].restored();
        threads.reports()[1].restoring(&[], std::iter::empty());
        threads.reports()[1].restored();
        assert!(threads.waiting_for().is_empty(), "a thread without tasks is ready too");
        threads.reports()[0].revoked();
        threads.reports()[0].restoring(&[2], std::iter::empty());
        assert!(threads.waiting_for().is_empty(), "a rebalance does not revoke readiness");
    }
}
