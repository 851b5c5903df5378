//! What the stream threads report: the tasks they own, how far each task has read, and what a thread is waiting for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::monotonic;
use crate::time::Timestamp;

/// How long a thread may be without a task that it should have before the process counts as not ready: rebalances usually end sooner.
const UNSETTLED_LIMIT: Duration = Duration::from_mins(1);
/// How long one step of a stream thread may take. Its longest call is a commit, of ten seconds.
pub(crate) const STEP_LIMIT: Duration = Duration::from_mins(1);
/// How long one step of a restore may take. Its longest is to decode all accounts of a task.
pub(crate) const RESTORE_STEP_LIMIT: Duration = Duration::from_mins(5);

/// All stream threads of this process.
#[derive(Clone, Debug)]
pub struct Threads {
    reports: Vec<Arc<ThreadReport>>,
    repartition: Vec<Arc<ThreadReport>>,
    clocks: Arc<Mutex<Vec<Arc<StepClock>>>>,
    contact: Arc<Contact>,
    tasks_total: usize,
}

impl Threads {
    /// Threads that have not started yet.
    #[must_use]
    pub fn new(threads: usize, tasks_total: usize) -> Self {
        let reports = (0..threads).map(|_| Arc::default()).collect();
        Self { reports, repartition: Vec::new(), clocks: Arc::default(), contact: Arc::default(), tasks_total }
    }

    /// With this many threads of the repartition stage.
    #[must_use]
    pub fn with_repartition(mut self, threads: usize) -> Self {
        self.repartition = (0..threads).map(|_| Arc::default()).collect();
        self
    }

    /// The report of each thread of the repartition stage; its tasks are the partitions that have the same number.
    #[must_use]
    pub fn repartition(&self) -> &[Arc<ThreadReport>] {
        &self.repartition
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

    /// Whether Kafka answers.
    #[must_use]
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// A clock that a thread sets with each of its steps.
    pub(crate) fn clock(&self, name: String, limit: Duration) -> Arc<StepClock> {
        let clock = Arc::new(StepClock { name, limit, last: Mutex::new(Some(monotonic())) });
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&clock));
        clock
    }

    /// A thread that has been in one step for too long, if there is one, and for how many seconds. Nothing that such a thread holds is
    /// needed to find out.
    #[must_use]
    pub fn stuck(&self) -> Option<(String, u64)> {
        self.stuck_at(monotonic())
    }

    fn stuck_at(&self, now: Instant) -> Option<(String, u64)> {
        let clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        clocks.iter().find_map(|clock| Some((clock.name.clone(), clock.overdue(now)?.as_secs())))
    }

    /// What keeps this process from being ready; empty once every thread has joined and restored its tasks. A rebalance does not revoke
    /// readiness unless it leaves tasks without state for a minute; a loss of contact does.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<String> {
        self.waiting_for_at(monotonic())
    }

    fn waiting_for_at(&self, now: Instant) -> Vec<String> {
        let waiting = |(number, thread): (usize, &Arc<ThreadReport>)| {
            let state = thread.read();
            let is_unsettled = state.unsettled.is_some_and(|since| now.saturating_duration_since(since) > UNSETTLED_LIMIT);
            match state.phase {
                ThreadPhase::Joining => Some(format!("thread {number} to join the group")),
                ThreadPhase::Restoring => Some(format!("thread {number} to restore its tasks")),
                ThreadPhase::Running if !is_unsettled => None,
                ThreadPhase::Running if !state.restoring.is_empty() => {
                    Some(format!("thread {number} to restore tasks {:?}", state.restoring))
                }
                ThreadPhase::Running if !state.parked.is_empty() => {
                    Some(format!("thread {number} to get every topic of tasks {:?}", state.parked))
                }
                ThreadPhase::Running => Some(format!("thread {number} to be assigned its tasks again")),
            }
        };
        let contact = self.contact.lost_since().map(|since| format!("contact with Kafka, lost since {since}"));
        let of_stage = |(number, thread): (usize, &Arc<ThreadReport>)| {
            let state = thread.read();
            let is_unsettled = state.unsettled.is_some_and(|since| now.saturating_duration_since(since) > UNSETTLED_LIMIT);
            let waits = state.phase != ThreadPhase::Running || is_unsettled;
            waits.then(|| format!("repartition thread {number} to read the accounts topics and join its group"))
        };
        let of_stage = self.repartition.iter().enumerate().filter_map(of_stage);
        contact.into_iter().chain(self.reports.iter().enumerate().filter_map(waiting)).chain(of_stage).collect()
    }
}

/// When a thread took its last step; read by the service's main loop and `/livez`, never by the thread itself.
#[derive(Debug)]
pub struct StepClock {
    name: String,
    /// How long a step may last.
    limit: Duration,
    /// `None`: it waits for work, for however long.
    last: Mutex<Option<Instant>>,
}

impl StepClock {
    pub(crate) fn step(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(monotonic());
    }

    pub(crate) fn idle(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How long the current step has lasted, if that is too long.
    fn overdue(&self, now: Instant) -> Option<Duration> {
        let last = (*self.last.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(now.saturating_duration_since(last)).filter(|lasted| *lasted > self.limit)
    }
}

/// Whether Kafka answers, as the watchdog finds by asking.
#[derive(Debug, Default)]
pub struct Contact(Mutex<Option<Timestamp>>);

impl Contact {
    /// Since when no broker has answered; `None` while one does.
    #[must_use]
    pub fn lost_since(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_lost(&self, since: Option<Timestamp>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
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
    /// Changelog records read so far.
    pub restored_records: u64,
    /// Since when it has not had every task that it should have.
    pub unsettled: Option<Instant>,
    /// The ends of the inputs, as the watchdog last found them.
    pub ends: BTreeMap<(String, i32), i64>,
    /// Tasks assigned without all of their topics.
    pub parked: Vec<i32>,
    /// Restored tasks, by partition number.
    pub tasks: BTreeMap<i32, TaskMetadata>,
    /// When its last transaction was committed.
    pub committed_at: Option<Timestamp>,
    /// Committed transactions.
    pub transactions: u64,
    /// How long they took in all.
    pub commit_time: Duration,
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
    /// Whether it is read now, and not after other inputs.
    pub is_read: bool,
    /// The offset up to which everything has been read, control records included.
    pub read_to: i64,
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

    /// Which tasks do not run; `settled`: every task that the thread should have runs.
    pub(crate) fn states(&self, restoring: Vec<i32>, parked: Vec<i32>, settled: bool, now: Instant) {
        let mut state = self.read();
        (state.restoring, state.parked) = (restoring, parked);
        if settled {
            (state.phase, state.unsettled) = (ThreadPhase::Running, None);
        } else {
            state.unsettled.get_or_insert(now);
        }
        if state.phase == ThreadPhase::Joining {
            state.phase = ThreadPhase::Restoring;
        }
    }

    pub(crate) fn restore_progress(&self, records: u64) {
        self.read().restored_records = records;
    }

    pub(crate) fn revoked(&self, now: Instant) {
        let mut state = self.read();
        state.tasks.clear();
        state.restoring.clear();
        state.parked.clear();
        state.unsettled.get_or_insert(now);
    }

    pub(crate) fn ends(&self, ends: BTreeMap<(String, i32), i64>) {
        self.read().ends = ends;
    }

    /// The end of an input, as the watchdog last found it.
    pub(crate) fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        self.read().ends.get(&(topic.to_owned(), partition)).copied()
    }

    /// A transaction was committed, which took `lasted` from its begin.
    pub(crate) fn committed(&self, at: Timestamp, lasted: Duration) {
        let mut state = self.read();
        state.committed_at = Some(at);
        state.transactions += 1;
        state.commit_time += lasted;
    }

    pub(crate) fn tasks(&self, tasks: BTreeMap<i32, TaskMetadata>) {
        self.read().tasks = tasks;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread reports these tasks as not running yet.
    fn restoring(thread: &ThreadReport, tasks: &[i32], now: Instant) {
        thread.states(tasks.to_vec(), Vec::new(), tasks.is_empty(), now);
    }

    #[test]
    fn a_process_becomes_ready_once_every_thread_has_restored_and_stays_ready_through_a_rebalance() {
        let (threads, now) = (Threads::new(2, 4), monotonic());
        assert_eq!(threads.waiting_for_at(now).len(), 2);
        for thread in threads.reports() {
            restoring(thread, &[0, 1], now);
        }
        assert!(threads.waiting_for_at(now).iter().all(|reason| reason.ends_with("to restore its tasks")));
        threads.reports().iter().for_each(|thread| restoring(thread, &[], now));
        assert!(threads.waiting_for_at(now).is_empty(), "a thread without tasks is ready too");
        threads.reports()[0].revoked(now);
        restoring(&threads.reports()[0], &[2], now + UNSETTLED_LIMIT);
        assert!(threads.waiting_for_at(now + UNSETTLED_LIMIT).is_empty());
    }

    #[test]
    fn a_process_whose_tasks_stay_away_is_no_longer_ready() {
        let (threads, now) = (Threads::new(1, 4), monotonic());
        let (thread, late) = (&threads.reports()[0], now + UNSETTLED_LIMIT + Duration::from_secs(1));
        restoring(thread, &[], now);
        thread.revoked(now);
        assert_eq!(threads.waiting_for_at(late), ["thread 0 to be assigned its tasks again"]);
        restoring(thread, &[3], late);
        assert_eq!(threads.waiting_for_at(late), ["thread 0 to restore tasks [3]"], "another assignment does not restart the clock");
        thread.states(Vec::new(), vec![3], false, late);
        assert_eq!(threads.waiting_for_at(late), ["thread 0 to get every topic of tasks [3]"]);
        restoring(thread, &[], late);
        assert!(threads.waiting_for_at(late).is_empty());
    }

    #[test]
    fn without_contact_to_kafka_a_process_is_not_ready() {
        let (threads, now) = (Threads::new(1, 4), monotonic());
        restoring(&threads.reports()[0], &[], now);
        threads.contact().set_lost(Some(Timestamp(1_700_000_000_000)));
        assert_eq!(threads.waiting_for_at(now), ["contact with Kafka, lost since 2023-11-14T22:13:20Z"]);
        threads.contact().set_lost(None);
        assert!(threads.waiting_for_at(now).is_empty());
    }

    #[test]
    fn a_thread_is_stuck_once_one_step_lasts_too_long_unless_it_waits_for_work() {
        let threads = Threads::new(1, 1);
        let clock = threads.clock("stream thread 0".to_owned(), STEP_LIMIT);
        let late = monotonic() + STEP_LIMIT + Duration::from_secs(2);
        assert_eq!(threads.stuck_at(monotonic()), None);
        assert_eq!(threads.stuck_at(late).unwrap().0, "stream thread 0");
        clock.idle();
        assert_eq!(threads.stuck_at(late), None);
    }
}
