//! What the stream threads tell others about themselves: what they own, how far they are, what they wait for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::Timestamp;

/// All stream threads of this process.
#[derive(Clone, Debug)]
pub struct Status {
    threads: Vec<Arc<ThreadStatus>>,
    tasks_total: usize,
}

impl Status {
    /// Threads that have not begun.
    #[must_use]
    pub fn new(threads: usize, tasks_total: usize) -> Self {
        Self { threads: (0..threads).map(|_| Arc::default()).collect(), tasks_total }
    }

    /// Each thread.
    #[must_use]
    pub fn threads(&self) -> &[Arc<ThreadStatus>] {
        &self.threads
    }

    /// How many tasks the group has: the partitions of each input topic.
    #[must_use]
    pub const fn tasks_total(&self) -> usize {
        self.tasks_total
    }

    /// What keeps this process from being ready; nothing: every thread has joined and restored what it owns. Stays so in a rebalance.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<String> {
        let waiting = |(number, thread): (usize, &Arc<ThreadStatus>)| {
            let state = thread.read();
            match state.phase {
                Phase::Joining => Some(format!("thread {number} to join the group")),
                Phase::Restoring => Some(format!("thread {number} to restore its tasks")),
                Phase::Running => None,
            }
        };
        self.threads.iter().enumerate().filter_map(waiting).collect()
    }
}

/// What a thread is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It has never had an assignment.
    #[default]
    Joining,
    /// It reads the state of its tasks for the first time.
    Restoring,
    /// It has restored an assignment.
    Running,
}

/// One thread, as it was at the end of its last cycle.
#[derive(Clone, Debug, Default)]
pub struct ThreadState {
    /// What it is doing.
    pub phase: Phase,
    /// Tasks that are being restored.
    pub restoring: Vec<i32>,
    /// Tasks that came without all of their topics.
    pub parked: Vec<i32>,
    /// Tasks that it owns and has restored.
    pub tasks: BTreeMap<i32, TaskState>,
    /// When the last transaction was committed.
    pub committed_at: Option<Timestamp>,
    /// Transactions that were committed.
    pub transactions: u64,
}

/// One task of a thread.
#[derive(Clone, Debug, Default)]
pub struct TaskState {
    /// Whether it reads old records and publishes nothing, or says that it does.
    pub catching_up: bool,
    /// How far each input has been read, in the order of the topics' names.
    pub inputs: Vec<InputState>,
}

/// One input of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputState {
    /// The topic.
    pub topic: String,
    /// The next offset to read.
    pub next: i64,
    /// Whether everything that there was had been read.
    pub at_end: bool,
    /// Offsets from the next one to the end of what can be read; `None`: the end is not known yet.
    pub lag: Option<u64>,
}

/// One thread's state, written by it once a cycle.
#[derive(Debug, Default)]
pub struct ThreadStatus(Mutex<ThreadState>);

impl ThreadStatus {
    /// The state of the thread; held only while it is read.
    pub fn read(&self) -> MutexGuard<'_, ThreadState> {
        // A poisoned lock holds what an earlier cycle said, which is still the best there is.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn restoring(&self, tasks: &[i32], parked: impl Iterator<Item = i32>) {
        let mut state = self.read();
        state.restoring = tasks.to_vec();
        state.parked = parked.collect();
        if state.phase == Phase::Joining {
            state.phase = Phase::Restoring;
        }
    }

    pub(crate) fn restored(&self) {
        let mut state = self.read();
        state.restoring.clear();
        state.phase = Phase::Running;
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

    pub(crate) fn tasks(&self, tasks: BTreeMap<i32, TaskState>) {
        self.read().tasks = tasks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_once_every_thread_has_joined_and_restored_and_stays_so() {
        let status = Status::new(2, 4);
        assert_eq!(status.waiting_for().len(), 2);
        for thread in status.threads() {
            thread.restoring(&[0, 1], std::iter::empty());
        }
        assert!(status.waiting_for().iter().all(|reason| reason.ends_with("to restore its tasks")));
        status.threads()[0].restored();
        status.threads()[1].restoring(&[], std::iter::empty());
        status.threads()[1].restored();
        assert!(status.waiting_for().is_empty(), "no task at all is ready too");
        status.threads()[0].revoked();
        status.threads()[0].restoring(&[2], std::iter::empty());
        assert!(status.waiting_for().is_empty(), "a rebalance does not take readiness back");
    }
}
