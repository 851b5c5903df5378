//! A stream thread: one member of the group, one transactional producer, and the tasks that the group has assigned to it.
//!
//! ```text
//!            +---------------- gather: poll and process until a cycle is due <-----------------+
//!            |                                   |                                             |
//!   Assigned v            Revoked                v                                             |
//!   membership, ask for   finish the cycle,    cycle: round and transaction -- committed ------+
//!   the tasks             give up partitions     |                                             |
//!   (rebalance.rs)        (rebalance.rs)         +-- failed: new producer, ask for its tasks --+
//! ```
//! A task that has been restored (restoring.rs) is assigned at its offsets and takes part from then on, whatever the others are waiting for.
//! Anything the thread cannot recover from ends it with a [`Failure`], and the process with it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::assignment::Assignment;
use super::cycle::{TransactionEnd, Transactions};
use super::failure::Failure;
use super::group_event::{GroupEvent, note};
use super::identity::Identity;
use super::joining::{is_wanted, join};
use super::load::Load;
use super::namesake::Namesake;
use super::notices::Notices;
use super::options::Options;
use super::preflight::Inputs;
use super::progress::Progress;
use super::restore::Restorer;
use super::restoring::Restoring;
use super::shared::Shared;
use super::task::StreamTask;
use super::tasks::Tasks;
use super::values::Values;
use crate::clock::monotonic;
use crate::fault;
use crate::kafka::{Consumer, ConsumerEvent, Membership, TRANSACTION_TIMEOUT, TransactionError, wait};
use crate::stop::Stop;
use crate::telemetry::Metrics;
use crate::threads::{RESTORE_STEP_LIMIT, STEP_LIMIT, StepClock, ThreadReport};

/// How long a transaction may take; the broker aborts one that lasts longer.
const COMMIT_LIMIT: Duration = TRANSACTION_TIMEOUT;
/// How long the last cycle before partitions are given up may take.
pub(super) const REVOKE_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for records; a shutdown request is noticed within this time.
const POLL_LIMIT: Duration = Duration::from_millis(100);
/// The same while a task is being restored: what has been restored runs after this time at the latest.
const RESTORING_POLL_LIMIT: Duration = Duration::from_millis(10);
/// Shortest time between two cycles in which records are read, even if the next cycle is overdue.
const GATHER_MIN: Duration = Duration::from_millis(5);
/// Events between two readings of the clock.
const BATCH: usize = 64;

/// How a commit cycle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CycleEnd {
    /// Committed, or there was nothing to commit.
    Committed,
    /// The transaction failed; its tasks have been dropped.
    Failed,
}

/// A stream thread and everything it owns.
pub(super) struct StreamThread {
    pub(super) number: usize,
    pub(super) inputs: Arc<Inputs>,
    pub(super) member: Consumer,
    pub(super) restoring: Restoring,
    pub(super) report: Arc<ThreadReport>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) stop: Stop,
    pub(super) events: VecDeque<GroupEvent>,
    pub(super) assignment: Assignment,
    pub(super) tasks: Tasks,
    pub(super) progress: Progress,
    pub(super) options: Arc<Options>,
    /// Whether only the accounts topics are being read: see [`StreamTask::has_deletions`].
    pub(super) reads_deletions: bool,
    pub(super) namesake: Option<Namesake>,
    pub(super) clock: Arc<StepClock>,
    shared: Arc<Shared>,
    transactions: Transactions,
    notices: Notices,
    values: Values,
    /// The group metadata of a client that is not a member; for a mutant.
    nobody: Option<Membership>,
}

impl StreamThread {
    /// Connects, and ends the transaction that an earlier run of the same instance left open.
    ///
    /// # Errors
    /// If a client is refused or the transaction coordinator does not answer.
    pub(super) fn new(number: usize, shared: &Arc<Shared>) -> Result<Self, Failure> {
        let Shared { options, inputs, directory, metrics, threads, stop, names, .. } = &**shared;
        let Identity { group_instance, transactional_id } = Identity::of(options, number);
        let report = threads.reports().get(number).cloned().unwrap_or_default();
        let clock = threads.clock(format!("stream thread {number}"), STEP_LIMIT);
        let restorer = Restorer::new(options, directory, inputs)?;
        let nobody = if fault::is_mutant("membership-left-out") { restorer.membership_of_nobody() } else { None };
        let restore_clock = threads.clock(format!("the restore of stream thread {number}"), RESTORE_STEP_LIMIT);
        let namesake = Namesake::of(&options.application, group_instance.as_deref(), options, names)?;
        if let Some(namesake) = &namesake {
            // The new producer fences whoever has its transactional id.
            namesake.check_first_use(|| is_wanted(&clock, stop))?;
        }
        Ok(Self {
            number,
            member: Consumer::new(&options.properties.member(&options.application, group_instance.as_deref()))?,
            restoring: Restoring::start(number, restorer, restore_clock, Arc::clone(&report), Arc::clone(metrics))?,
            namesake,
            transactions: Transactions::new(number, transactional_id, options, inputs, metrics, &clock)?,
            clock,
            nobody,
            shared: Arc::clone(shared),
            options: Arc::clone(options),
            inputs: Arc::clone(inputs),
            report,
            metrics: Arc::clone(metrics),
            stop: stop.clone(),
            events: VecDeque::new(),
            assignment: Assignment::default(),
            tasks: Tasks::default(),
            progress: Progress::begin(monotonic()),
            notices: Notices::begin(monotonic()),
            values: Values::new(&options.schema_registry, wait::OUTAGE)?,
            reads_deletions: false,
        })
    }

    /// Runs until a shutdown is requested.
    ///
    /// # Errors
    /// Anything the process cannot recover from.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        let result = self.work();
        // What has been counted since the last summary must not be lost, least of all before a failure.
        self.notices.sum_up();
        result
    }

    fn work(&mut self) -> Result<(), Failure> {
        let sources: Vec<&str> = self.inputs.topics.iter().map(|topic| topic.name.as_str()).collect();
        tracing::info!(thread = self.number, "joining the group");
        let step = || is_wanted(&self.clock, &self.stop);
        join(&self.member, &sources, self.namesake.as_ref(), step, || self.shared.start_line.await_others())?;
        while !self.stop.is_requested() {
            self.clock.step();
            match self.events.pop_front() {
                Some(GroupEvent::Assigned(partitions)) => self.assigned(partitions)?,
                Some(GroupEvent::Revoked { lost }) => self.revoked(lost)?,
                Some(GroupEvent::OutOfRange) => self.out_of_range()?,
                None => {
                    self.accept()?;
                    self.gather()?;
                    self.cycle_if_due()?;
                    self.notices.sum_up_if_due(monotonic());
                    self.progress.check(&self.assignment, monotonic())?;
                }
            }
        }
        tracing::info!(thread = self.number, "leaving the group");
        let end = self.cycle(REVOKE_LIMIT, |_| true);
        self.clock.idle();
        if end? == CycleEnd::Failed { Err(Failure::last_commit_failed()) } else { Ok(()) }
    }

    /// Polls and processes until a cycle is due, the transaction is nearly full, or a rebalance begins. If the last round left accounts
    /// unscored, it takes only what has already arrived.
    fn gather(&mut self) -> Result<(), Failure> {
        let began = monotonic();
        let has_left = self.tasks.running().any(|(_, task)| task.has_left());
        let latest = began + if self.tasks.all_run() { POLL_LIMIT } else { RESTORING_POLL_LIMIT };
        let due = gather_until(began, latest, self.tasks.running().map(|(_, task)| task.next_cycle()).min(), has_left);
        loop {
            let left = due.saturating_duration_since(monotonic());
            if left.is_zero() || !self.events.is_empty() || self.stop.is_requested() || self.is_nearly_full() {
                return Ok(());
            }
            let polled = self.process_batch(if has_left { Duration::ZERO } else { left })?;
            if has_left && polled < BATCH {
                return Ok(());
            }
        }
    }

    /// Processes up to one batch of events; waits for the first one only. Returns the number of events.
    fn process_batch(&mut self, wait: Duration) -> Result<usize, Failure> {
        let (mut wait, mut now, mut polled, mut has_ended) = (wait, None, 0, false);
        let reduced = self.transactions.limits().are_reduced();
        while polled < BATCH && !(reduced && polled > 0 && self.is_nearly_full()) {
            let Some(event) = self.member.poll(wait) else { break };
            (wait, polled) = (Duration::ZERO, polled + 1);
            match event.content() {
                ConsumerEvent::Record(record) => {
                    let (Some(index), Some(task)) = (self.inputs.index(record.topic()), self.tasks.get_mut(record.partition())) else {
                        continue;
                    };
                    let step = || {
                        self.clock.step();
                        !self.stop.is_requested()
                    };
                    let Some(read) = self.values.read(record, step)? else { break };
                    let now = *now.get_or_insert_with(|| self.options.clock.now());
                    task.process(index, &read, &self.inputs, &self.options, &mut self.notices, now)?;
                }
                ConsumerEvent::End(topic, partition, offset) => {
                    if let (Some(index), Some(task)) = (self.inputs.index(&topic), self.tasks.get_mut(partition)) {
                        task.reached_end(index, offset);
                        has_ended = true;
                    }
                }
                other => note(other, || self.member.assignment_lost(), &mut self.events)?,
            }
        }
        // A new assignment would answer a rebalance that has begun; it decides what is read next.
        if has_ended && self.reads_deletions && self.events.is_empty() && !self.misses_deletions() {
            self.resume_reading()?;
        }
        Ok(polled)
    }

    fn load(&self) -> Load {
        let record_bytes = self.transactions.limits().record_bytes();
        self.tasks.running().map(|(_, task)| task.load(record_bytes)).sum()
    }

    fn is_nearly_full(&self) -> bool {
        self.transactions.limits().are_nearly_reached(self.load())
    }

    fn cycle_if_due(&mut self) -> Result<(), Failure> {
        let now = monotonic();
        let options = Arc::clone(&self.options);
        let is_due = |task: &StreamTask| now >= task.next_cycle() && !task.awaits_verdict(&options);
        let end = if self.is_nearly_full() {
            self.cycle(COMMIT_LIMIT, |_| true)?
        } else if self.tasks.running().any(|(_, task)| is_due(task)) {
            self.cycle(COMMIT_LIMIT, is_due)?
        } else {
            return Ok(());
        };
        if end == CycleEnd::Failed {
            self.member.assign([])?;
            self.recover()?;
            // A rebalance that has begun decides what is read next.
            if self.events.is_empty() {
                self.resume_reading()?;
                self.ask()?;
            }
        }
        Ok(())
    }

    /// After a failed transaction, with nothing assigned: looks first whether the group already knows another process by the name of this
    /// one, which then has nothing left to do.
    pub(super) fn recover(&mut self) -> Result<(), Failure> {
        while let Some(event) = self.member.poll(Duration::ZERO) {
            note(event.content(), || self.member.assignment_lost(), &mut self.events)?;
        }
        self.transactions.replace_producer()
    }

    /// Runs one commit cycle over the chosen tasks, which are dropped if the transaction fails.
    pub(super) fn cycle(&mut self, limit: Duration, chosen: impl Fn(&StreamTask) -> bool) -> Result<CycleEnd, Failure> {
        fault::point("before-cycle");
        let Some(membership) = &self.assignment.membership else { return Ok(CycleEnd::Committed) };
        let membership = self.nobody.as_ref().unwrap_or(membership);
        let now = self.options.clock.now();
        let budget = self.transactions.limits().left_for_each_of(self.tasks.running().count(), self.load());
        let mut tasks: Vec<_> = self.tasks.running_mut().filter(|(_, task)| chosen(task)).collect();
        for (number, task) in &mut tasks {
            let end = |topic: &str| self.member.known_end(topic, **number).max(self.report.end(topic, **number));
            task.follow_ends(&self.inputs, end, now);
            task.round(now, &self.options, budget);
        }
        tasks.retain(|(_, task)| task.is_dirty());
        if !tasks.is_empty() {
            match self.transactions.write(&mut tasks, membership, limit)? {
                TransactionEnd::Committed(changelogs, lasted) => {
                    for (number, task) in tasks {
                        let (end, written) = changelogs.get(number).copied().unwrap_or((-1, Load::default()));
                        task.committed(end, written, &self.metrics);
                    }
                    self.report.committed(now, lasted);
                }
                TransactionEnd::Failed(error) => {
                    let numbers: BTreeSet<i32> = tasks.iter().map(|(number, _)| **number).collect();
                    let kept = fault::is_mutant("state-kept-after-abort")
                        || matches!(error, TransactionError::Unclear(_)) && fault::is_mutant("unclear-outcome-repeated");
                    numbers.into_iter().filter(|_| !kept).for_each(|number| self.tasks.drop_state(number));
                    return Ok(CycleEnd::Failed);
                }
            }
        }
        let end = |topic: &str, number| self.member.known_end(topic, number).max(self.report.end(topic, number));
        let tasks = self.tasks.running().map(|(number, task)| (number, task.metadata(&self.inputs, |topic| end(topic, number))));
        self.report.tasks(tasks.collect());
        Ok(CycleEnd::Committed)
    }
}

/// When to stop gathering: at `latest`, given the earliest time at which a cycle of a task is due.
fn gather_until(began: Instant, latest: Instant, next_cycle: Option<Instant>, has_left: bool) -> Instant {
    if has_left { latest } else { next_cycle.map_or(latest, |due| due.clamp(began + GATHER_MIN, latest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn records_are_gathered_until_the_next_cycle_is_due() {
        let began = monotonic();
        assert_eq!(gather_until(began, began + POLL_LIMIT, Some(began + 30 * MILLI), false), began + 30 * MILLI);
    }

    #[test]
    fn an_overdue_cycle_still_leaves_time_to_read() {
        let began = monotonic();
        let latest = began + 30 * MILLI + POLL_LIMIT;
        assert_eq!(gather_until(began + 30 * MILLI, latest, Some(began), false), began + 30 * MILLI + GATHER_MIN);
    }

    #[test]
    fn a_shutdown_request_is_noticed_although_no_cycle_is_due_for_long() {
        let began = monotonic();
        assert_eq!(gather_until(began, began + POLL_LIMIT, Some(began + 10_000 * MILLI), false), began + POLL_LIMIT);
        assert_eq!(gather_until(began, began + POLL_LIMIT, None, false), began + POLL_LIMIT, "nor without any task");
    }
}
