//! A stream thread: one member of the group, one transactional producer, and the tasks that the group has given it.
//!
//! ```text
//!            +--------------------- gather: poll and apply, until a cycle is due <---------------+
//!            |                                   |                                               |
//!   Assigned v            Revoked                v                                               |
//!   membership, restore,  finish the cycle,    cycle: round and transaction -- committed --------+
//!   assign at offsets     give up partitions     |
//!                                                +-- broken: new producer, drop what was in it, restore
//! ```
//! Whatever cannot go on ends the thread with a [`Failure`], and the process with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::assignment::Assignment;
use super::committed::Halt;
use super::cycle::{self, Destinations};
use super::failure::Failure;
use super::group_event::{GroupEvent, note};
use super::identity::Identity;
use super::load::Load;
use super::options::Options;
use super::preflight::Inputs;
use super::progress::Progress;
use super::restore::Restorer;
use super::task::Task;
use crate::clock::monotonic;
use crate::directory::Directory;
use crate::fault;
use crate::kafka::{Broken, Consumer, Offset, TRANSACTION_TIMEOUT, TransactionalProducer, What};
use crate::status::ThreadStatus;
use crate::stop::Stop;
use crate::telemetry::{Metrics, TransactionOutcome};

/// How long a transaction may take; the broker aborts it when it lasts longer.
const COMMIT_LIMIT: Duration = TRANSACTION_TIMEOUT;
/// How long the last cycle before giving up partitions may take.
const REVOKE_LIMIT: Duration = Duration::from_secs(5);
/// How long one wait for records lasts at most: how soon a request to stop is noticed.
const POLL_LIMIT: Duration = Duration::from_millis(100);
/// How long records are read between two cycles, though the next one is due.
const GATHER_MIN: Duration = Duration::from_millis(5);
/// Records between two looks at the clock.
const BATCH: usize = 64;
/// Transactions that may fail in a row.
const BROKEN_MAX: usize = 5;
/// A changelog record's size before any was written, bytes.
const CHANGELOG_RECORD_BYTES: usize = 1024;

/// How a commit cycle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cycle {
    /// Committed, or there was nothing to commit.
    Done,
    /// The transaction failed; its tasks are dropped and the producer is new.
    Broken,
}

/// The thread.
pub(super) struct StreamThread {
    number: usize,
    options: Arc<Options>,
    inputs: Arc<Inputs>,
    destinations: Destinations,
    member: Consumer,
    restorer: Restorer,
    producer: TransactionalProducer,
    transactional_id: String,
    status: Arc<ThreadStatus>,
    metrics: Arc<Metrics>,
    stop: Stop,
    events: VecDeque<GroupEvent>,
    assignment: Assignment,
    tasks: BTreeMap<i32, Task>,
    broken: usize,
    changelog_record_bytes: usize,
    progress: Progress,
}

impl StreamThread {
    /// Connects, and ends what an earlier run of the same instance left open.
    ///
    /// # Errors
    /// When a client is refused or the transaction coordinator does not answer.
    pub(super) fn new(
        number: usize,
        options: &Arc<Options>,
        inputs: &Arc<Inputs>,
        directory: &Arc<Directory>,
        status: Arc<ThreadStatus>,
        metrics: Arc<Metrics>,
        stop: Stop,
    ) -> Result<Self, Failure> {
        let Identity { group_instance, transactional_id } = Identity::of(options, number);
        Ok(Self {
            number,
            destinations: Destinations::of(options),
            member: Consumer::new(&options.properties.member(&options.application, group_instance.as_deref()))?,
            restorer: Restorer::new(options, directory, inputs)?,
            producer: TransactionalProducer::new(&options.properties, &transactional_id)?,
            options: Arc::clone(options),
            inputs: Arc::clone(inputs),
            transactional_id,
            status,
            metrics,
            stop,
            events: VecDeque::new(),
            assignment: Assignment::default(),
            tasks: BTreeMap::new(),
            broken: 0,
            changelog_record_bytes: CHANGELOG_RECORD_BYTES,
            progress: Progress::begin(),
        })
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// Whatever this process cannot go on from.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        self.member.subscribe(&self.options.input_names())?;
        while !self.stop.is_requested() {
            match self.events.pop_front() {
                Some(GroupEvent::Assigned(partitions)) => self.assigned(partitions)?,
                Some(GroupEvent::Revoked { lost }) => self.revoked(lost)?,
                Some(GroupEvent::OutOfRange) => self.out_of_range()?,
                None => {
                    self.gather()?;
                    self.cycle_if_due()?;
                    self.progress.check(&self.assignment, self.tasks.values())?;
                }
            }
        }
        tracing::info!(thread = self.number, "leaving");
        self.cycle(REVOKE_LIMIT, |_| true).map(|_| ())
    }

    /// Polls and applies until a cycle is due, the transaction is nearly full, or the group wants something. What the last round has left
    /// over waits for what has arrived in the meantime, and for nothing else.
    fn gather(&mut self) -> Result<(), Failure> {
        let began = monotonic();
        let has_left = self.tasks.values().any(Task::has_left);
        let due = self.tasks.values().map(Task::next_cycle).min().unwrap_or(began + POLL_LIMIT);
        let due = if has_left { began + POLL_LIMIT } else { due.clamp(began + GATHER_MIN, began + POLL_LIMIT) };
        loop {
            let left = due.saturating_duration_since(monotonic());
            if left.is_zero() || !self.events.is_empty() || self.stop.is_requested() || self.load().is_nearly_full() {
                return Ok(());
            }
            let polled = self.take_batch(if has_left { Duration::ZERO } else { left })?;
            if has_left && polled < BATCH {
                return Ok(());
            }
        }
    }

    /// Takes what has arrived, up to a batch, and says how much it was; waits for the first of it.
    fn take_batch(&mut self, wait: Duration) -> Result<usize, Failure> {
        let (mut wait, mut now, mut polled) = (wait, None, 0);
        while polled < BATCH {
            let Some(event) = self.member.poll(wait) else { break };
            (wait, polled) = (Duration::ZERO, polled + 1);
            match event.what() {
                What::Record(record) => {
                    let (Some(index), Some(task)) = (self.inputs.index(record.topic()), self.tasks.get_mut(&record.partition())) else {
                        continue;
                    };
                    let now = *now.get_or_insert_with(|| self.options.clock.now());
                    task.take(index, record, &self.inputs, &self.options, now)?;
                }
                What::End(topic, partition) => {
                    if let (Some(index), Some(task)) = (self.inputs.index(&topic), self.tasks.get_mut(&partition)) {
                        task.reached_end(index);
                    }
                }
                other => note(other, &self.member, &mut self.events)?,
            }
        }
        if now.is_some() {
            self.progress.read();
        }
        Ok(polled)
    }

    fn load(&self) -> Load {
        self.tasks.values().map(|task| task.load(self.changelog_record_bytes)).sum()
    }

    fn cycle_if_due(&mut self) -> Result<(), Failure> {
        let now = monotonic();
        let options = Arc::clone(&self.options);
        let is_due = |task: &Task| now >= task.next_cycle() && !task.awaits_verdict(&options);
        let cycle = if self.load().is_nearly_full() {
            self.cycle(COMMIT_LIMIT, |_| true)?
        } else if self.tasks.values().any(is_due) {
            self.cycle(COMMIT_LIMIT, is_due)?
        } else {
            return Ok(());
        };
        if cycle == Cycle::Broken { self.prepare() } else { Ok(()) }
    }

    /// One commit cycle over the chosen tasks. When its transaction breaks, they are gone.
    fn cycle(&mut self, limit: Duration, chosen: impl Fn(&Task) -> bool) -> Result<Cycle, Failure> {
        fault::point("before-cycle");
        let Some(membership) = &self.assignment.membership else { return Ok(Cycle::Done) };
        let nobody = if fault::is_mutant("membership-left-out") { self.restorer.membership_of_nobody() } else { None };
        let membership = nobody.as_ref().unwrap_or(membership);
        let now = self.options.clock.now();
        let budget = self.load().left_for_each_of(self.tasks.len(), self.changelog_record_bytes);
        let mut tasks: Vec<_> = self.tasks.iter_mut().filter(|(_, task)| chosen(task)).collect();
        for (_, task) in &mut tasks {
            task.round(now, &self.options, budget);
        }
        tasks.retain(|(_, task)| task.is_dirty());
        if !tasks.is_empty() {
            self.destinations.check(tasks.iter().map(|(_, task)| &**task))?;
            let began = monotonic();
            match cycle::transact(&self.producer, &mut tasks, membership, &self.inputs, &self.destinations, limit) {
                Ok(written) => {
                    self.changelog_record_bytes = written.changelog.bytes / written.changelog.records.max(1);
                    for (number, task) in tasks {
                        task.committed(written.changelog_ends.get(number).copied().unwrap_or(-1), &self.metrics);
                    }
                }
                Err(broken) => {
                    let numbers: BTreeSet<i32> = tasks.iter().map(|(number, _)| **number).collect();
                    let kept = fault::is_mutant("state-kept-after-abort")
                        || matches!(broken, Broken::Unclear(_)) && fault::is_mutant("unclear-outcome-repeated");
                    self.tasks.retain(|number, _| kept || !numbers.contains(number));
                    self.renew(&broken, monotonic().duration_since(began))?;
                    return Ok(Cycle::Broken);
                }
            }
            self.broken = 0;
            self.metrics.transaction(TransactionOutcome::Committed, monotonic().duration_since(began));
            self.status.committed(now);
        }
        let known_end = |topic: &str, partition| self.member.known_end(topic, partition);
        self.status.tasks(self.tasks.iter().map(|(number, task)| (*number, task.state(&self.inputs, known_end))).collect());
        Ok(Cycle::Done)
    }

    /// After a transaction that did not or may not have happened: a new producer ends it, and shuts out what is late.
    fn renew(&mut self, broken: &Broken, lasted: Duration) -> Result<(), Failure> {
        self.broken += 1;
        let unclear = matches!(broken, Broken::Unclear(_));
        self.metrics.transaction(if unclear { TransactionOutcome::Unclear } else { TransactionOutcome::Aborted }, lasted);
        tracing::warn!(thread = self.number, ?broken, in_a_row = self.broken, "transaction failed");
        match broken {
            Broken::Fatal(cause) => return Err(Failure::kafka("writing a transaction", cause)),
            Broken::Fenced(cause) if self.options.instance.is_some() => return Err(Failure::Fenced { cause: cause.clone() }),
            _ if self.broken > BROKEN_MAX => {
                return Err(Failure::NoProgress {
                    what: format!("{} transactions failed in a row, the last one: {broken:?}", self.broken),
                });
            }
            _ => {}
        }
        self.producer.abort();
        self.producer = TransactionalProducer::new(&self.options.properties, &self.transactional_id)?;
        Ok(())
    }

    /// Takes over what the group has given.
    fn assigned(&mut self, partitions: Vec<(String, i32)>) -> Result<(), Failure> {
        // Nothing is fetched yet; the group may go on.
        self.member.assign([])?;
        self.assignment = Assignment::of(partitions, &self.options.input_names(), self.member.membership());
        for (task, missing) in &self.assignment.incomplete {
            tracing::warn!(thread = self.number, task, missing, "parked: not all of its topics were assigned");
        }
        if let Some(membership) = &self.assignment.membership {
            tracing::info!(thread = self.number, generation = membership.generation, tasks = ?self.assignment.tasks, "assigned");
        } else {
            tracing::info!(thread = self.number, "the assignment was lost before it could be taken over");
        }
        self.progress.assigned(&self.assignment);
        let tasks = &self.assignment.tasks;
        self.metrics.tasks_assigned(tasks.len() as u64);
        self.tasks.retain(|number, _| tasks.contains(number));
        self.prepare()
    }

    /// Restores what is not held, then reads on where each task stands. Leaves the tasks alone when the group interrupts.
    fn prepare(&mut self) -> Result<(), Failure> {
        if self.assignment.membership.is_none() {
            self.tasks.clear();
            return Ok(());
        }
        self.member.assign([])?;
        self.restorer.verify_partition_counts()?;
        self.status.restoring(&self.assignment.tasks, self.assignment.incomplete.iter().map(|(number, _)| *number));
        let held = self.tasks.iter().map(|(number, task)| (*number, task.marks.clone())).collect();
        let (member, events, stop) = (&self.member, &mut self.events, &self.stop);
        let mut alive = || {
            while let Some(event) = member.poll(Duration::ZERO) {
                note(event.what(), member, events)?;
            }
            Ok(events.is_empty() && !stop.is_requested())
        };
        let began = monotonic();
        let restored = match self.restorer.restore(&self.assignment.tasks, &held, &mut alive) {
            Ok(restored) => restored,
            Err(Halt::Failed(failure)) => return Err(failure),
            Err(Halt::Interrupted) => {
                self.tasks.clear();
                return Ok(());
            }
        };
        let numbers: Vec<_> = restored.keys().copied().collect();
        for (number, restored) in restored {
            restored.shared.show();
            self.tasks.insert(number, Task::new(restored));
        }
        self.metrics.restored(monotonic().duration_since(began));
        tracing::info!(thread = self.number, restored = ?numbers, millis = monotonic().duration_since(began).as_millis(), "restored");
        self.tasks.values_mut().for_each(Task::reassigned);
        self.status.restored();
        self.progress.read();
        self.read_on()
    }

    /// Reads every input of every task from its next offset on.
    fn read_on(&self) -> Result<(), Failure> {
        let topics = &self.inputs.topics;
        self.member.assign(self.tasks.iter().flat_map(|(number, task)| {
            topics.iter().zip(&task.positions).map(|(topic, position)| (topic.name.as_str(), *number, Offset::Offset(position.next)))
        }))?;
        Ok(())
    }

    /// Gives up everything: after the current cycle, or at once when others have it already. Tasks that are clean stay, for the case that
    /// they come back; what is in the way of that is dropped.
    fn revoked(&mut self, lost: bool) -> Result<(), Failure> {
        tracing::info!(thread = self.number, lost, tasks = ?self.tasks.keys().collect::<Vec<_>>(), "revoked");
        fault::point("in-revocation");
        let count = self.tasks.len() as u64;
        if lost {
            self.metrics.tasks_lost(count);
            self.tasks.clear();
        } else {
            self.metrics.tasks_revoked(count);
            if self.cycle(REVOKE_LIMIT, |_| true)? == Cycle::Broken {
                self.tasks.clear();
            }
            self.tasks.retain(|_, task| !task.is_dirty());
        }
        fault::point("in-revocation");
        self.assignment = Assignment::default();
        self.progress.assigned(&self.assignment);
        self.status.revoked();
        self.member.unassign()?;
        Ok(())
    }

    /// The log has been cut off under us. Compares everything with the log anew, which ends with what exactly is lost.
    fn out_of_range(&mut self) -> Result<(), Failure> {
        tracing::warn!(thread = self.number, "an offset that is to be read next does not exist any more");
        self.tasks.clear();
        self.prepare()
    }
}
