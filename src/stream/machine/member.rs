//! One member of the group: what it reads, when it commits, and what becomes of its tasks. The table is in `machine/mod.rs`.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::assignment::{Assignment, Membership};
use super::event::{Answer, Effect, Event, GroupEvent, KnownEnds, Now};
use super::gathering::Gathering;
use super::load::Load;
use super::progress::Progress;
use super::tasks::Tasks;
use super::transaction::Transactions;
use crate::fault;
use crate::kafka::{NextOffset, Outgoing, TransactionError};
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;
use crate::stream::notices::Notices;
use crate::stream::options::Options;
use crate::stream::read_record::ReadRecord;
use crate::telemetry::Metrics;
use crate::threads::ThreadReport;

/// What comes after a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterCycle {
    /// Reading.
    ReadOn,
    /// The partitions are given up.
    GiveUp,
    /// The end.
    Leave,
}

/// What a member is doing.
#[derive(Debug)]
pub(super) enum Phase {
    /// It reads; everything else begins here.
    Reading,
    /// It waits for its membership in the assignment of these partitions.
    Accepting(Vec<(String, i32)>),
    /// It is about to give its partitions up, and waits to hear that its name is still its own; `takes_producer`: it must
    /// take another producer afterwards.
    Checking { takes_producer: bool },
    /// It waits for what becomes of a transaction with these tasks.
    Writing { tasks: BTreeSet<i32>, limit: Duration, then: AfterCycle },
    /// It waits for a new producer, after a transaction that was committed.
    Replacing,
    /// The same after one that failed; `gave_up`: its partitions are gone already.
    Recovering { gave_up: bool },
    /// It has left.
    Left,
}

/// A member of the group and its tasks.
#[expect(clippy::struct_excessive_bools, reason = "independent flags of work still to do")]
pub struct Member {
    pub(super) number: usize,
    pub(super) inputs: Arc<Inputs>,
    pub(super) options: Arc<Options>,
    pub(super) report: Arc<ThreadReport>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) phase: Phase,
    /// What to do before anything else.
    pub(super) effects: VecDeque<Effect>,
    /// Group events that wait to be acted on, between cycles.
    pub(super) events: VecDeque<GroupEvent>,
    /// Answers of the restoring machine, which are acted on unless a rebalance has begun.
    pub(super) answers: VecDeque<Answer>,
    pub(super) assignment: Assignment,
    /// Its last membership, which the group knows under its name unless another process has taken it over.
    pub(super) known_as: Option<Membership>,
    pub(super) tasks: Tasks,
    pub(super) progress: Progress,
    /// Whether only the accounts topics are being read: see [`super::task::StreamTask::has_deletions`].
    pub(super) reads_deletions: bool,
    pub(super) transactions: Transactions,
    notices: Notices,
    gathering: Option<Gathering>,
    /// Whether an end has been reached since the last call of [`Self::polled`].
    has_ended: bool,
    /// Whether the inputs of the tasks are to be assigned, unless a group event is waiting: see [`Self::resume_reading`].
    pub(super) must_resume: bool,
    /// Whether readers are to see how far the tasks have come.
    pub(super) must_report: bool,
    is_stopping: bool,
}

impl Member {
    /// A member without tasks, of stream thread `number`.
    #[must_use]
    pub fn new(
        number: usize,
        options: &Arc<Options>,
        inputs: &Arc<Inputs>,
        report: Arc<ThreadReport>,
        metrics: Arc<Metrics>,
        now: Now,
    ) -> Self {
        Self {
            number,
            inputs: Arc::clone(inputs),
            options: Arc::clone(options),
            report,
            metrics,
            phase: Phase::Reading,
            effects: VecDeque::new(),
            events: VecDeque::new(),
            answers: VecDeque::new(),
            assignment: Assignment::default(),
            known_as: None,
            tasks: Tasks::default(),
            progress: Progress::begin(now.monotonic),
            reads_deletions: false,
            transactions: Transactions::of(options),
            notices: Notices::begin(now.monotonic),
            gathering: None,
            has_ended: false,
            must_resume: false,
            must_report: false,
            is_stopping: false,
        }
    }

    /// What to do next.
    ///
    /// # Errors
    /// Anything the process cannot recover from.
    pub fn next(&mut self, now: Now, ends: &KnownEnds<'_>) -> Result<Effect, Failure> {
        loop {
            if std::mem::take(&mut self.must_report) {
                self.report_tasks(ends);
            }
            if let Some(effect) = self.effects.pop_front() {
                return Ok(effect);
            }
            match self.phase {
                Phase::Reading => {}
                Phase::Left => return Ok(Effect::Leave),
                _ => return Ok(Effect::Await),
            }
            if self.is_stopping {
                tracing::info!(thread = self.number, "leaving the group");
                self.last_cycle(now, ends, AfterCycle::Leave)?;
            } else if let Some(event) = self.events.pop_front() {
                (self.gathering, self.must_resume) = (None, false);
                self.act_on(event, now, ends)?;
            } else if std::mem::take(&mut self.must_resume) {
                self.assign_inputs();
            } else if let Some(wait) = self.gather(now) {
                return Ok(Effect::Read { wait });
            } else if self.effects.is_empty() {
                self.cycle_if_due(now, ends)?;
                self.notices.sum_up_if_due(now.monotonic);
                self.progress.check(&self.assignment, now.monotonic)?;
            }
        }
    }

    /// Something has happened.
    ///
    /// # Errors
    /// Anything the process cannot recover from.
    pub fn handle(&mut self, event: Event, now: Now) -> Result<(), Failure> {
        let phase = std::mem::replace(&mut self.phase, Phase::Reading);
        match (event, phase) {
            (Event::Accepted(membership), Phase::Accepting(partitions)) => self.accepted(partitions, membership, now),
            // To give the partitions up would be to rejoin.
            (Event::NameIsOurs, Phase::Checking { .. }) if self.is_stopping => self.phase = Phase::Left,
            (Event::NameIsOurs, Phase::Checking { takes_producer }) => self.give_up_partitions(takes_producer, now),
            (Event::Written { result, lasted }, Phase::Writing { tasks, limit, then }) => match result {
                Ok(commit) => self.committed(&commit, lasted, &tasks, (limit, then), now),
                Err(error) => self.failed(&error, lasted, tasks, (limit, then), now)?,
            },
            (Event::ProducerReplaced, Phase::Replacing) => {}
            (Event::ProducerReplaced, Phase::Recovering { gave_up }) => {
                if !gave_up {
                    self.resume_reading();
                    self.ask(now);
                }
            }
            (event, phase) => {
                self.phase = phase;
                match event {
                    Event::Group(event) => self.events.push_back(event),
                    Event::Restored(answer) => self.answers.push_back(answer),
                    Event::Stop => self.is_stopping = true,
                    other => return Err(Failure::NoProgress { what: format!("unexpected {other:?} (a bug)") }),
                }
            }
        }
        Ok(())
    }

    /// Processes a record of an input: `index` is that of its topic.
    ///
    /// # Errors
    /// If the topic seems to hold something else than events.
    pub fn record(&mut self, index: usize, read: &ReadRecord<'_>, now: Now) -> Result<(), Failure> {
        match self.tasks.get_mut(read.record.partition) {
            Some(task) => task.process(index, read, &self.inputs, &self.options, &mut self.notices, now.wall),
            None => Ok(()),
        }
    }

    /// Whether a task reads this partition.
    #[must_use]
    pub fn runs(&self, partition: i32) -> bool {
        self.tasks.is_running(partition)
    }

    /// A partition has been read to its end.
    pub fn end(&mut self, index: usize, partition: i32, offset: i64, now: Now) {
        if let Some(task) = self.tasks.get_mut(partition) {
            task.reached_end(index, offset, now.monotonic);
            self.has_ended = true;
        }
    }

    /// Whether another record may be handed over before the next call of [`Self::polled`].
    #[must_use]
    pub fn takes_more(&self) -> bool {
        !self.transactions.limits().are_reduced() || !self.is_nearly_full()
    }

    /// What has arrived, this many events, has been handed over.
    pub fn polled(&mut self, events: usize) {
        if let Some(gathering) = &mut self.gathering {
            gathering.polled(events);
        }
        if std::mem::take(&mut self.has_ended) && self.reads_deletions && !self.misses_deletions() {
            self.resume_reading();
        }
    }

    /// Hands the records of the transaction that is being written to `send`, and returns the offsets to commit with it: the next one of
    /// every input of every task.
    ///
    /// # Errors
    /// Those of `send`, and if the transaction has become too large.
    pub fn write(
        &mut self,
        mut send: impl FnMut(&Outgoing<'_>) -> Result<(), TransactionError>,
    ) -> Result<Vec<NextOffset>, TransactionError> {
        let Phase::Writing { tasks, .. } = &self.phase else { return Ok(Vec::new()) };
        let mut offsets = Vec::new();
        for (_, task) in self.tasks.running_mut().filter(|(number, _)| tasks.contains(number)) {
            self.transactions.write(task, &self.inputs, &mut send)?;
            if !fault::is_mutant("offsets-not-sent") {
                offsets.extend(task.offsets(&self.inputs).map(NextOffset::from));
            }
        }
        Ok(offsets)
    }

    /// Logs what has been counted since the last summary, which must not be lost, least of all before a failure.
    pub fn sum_up(&mut self) {
        self.notices.sum_up();
    }

    /// How long to wait for records; `None` once a cycle may be due, or there is something else to do.
    fn gather(&mut self, now: Now) -> Option<Duration> {
        if self.gathering.is_none() {
            self.accept_answers(now);
            if !self.effects.is_empty() {
                return None;
            }
        }
        let gathering = self.gathering.get_or_insert_with(|| {
            let next_cycle = self.tasks.running().map(|(_, task)| task.next_cycle()).min();
            Gathering::begin(now.monotonic, next_cycle, self.tasks.running().any(|(_, task)| task.has_left()), self.tasks.all_run())
        });
        let wait = gathering.wait(now.monotonic).filter(|_| !self.is_nearly_full());
        if wait.is_none() {
            self.gathering = None;
        }
        wait
    }

    pub(super) fn load(&self) -> Load {
        let record_bytes = self.transactions.limits().record_bytes();
        self.tasks.running().map(|(_, task)| task.load(record_bytes)).sum()
    }

    pub(super) fn is_nearly_full(&self) -> bool {
        self.transactions.limits().are_nearly_reached(self.load())
    }

    fn report_tasks(&self, ends: &KnownEnds<'_>) {
        let tasks = self.tasks.running().map(|(number, task)| (number, task.metadata(&self.inputs, |topic| ends(topic, number))));
        self.report.tasks(tasks.collect());
    }
}

#[cfg(test)]
mod tests;
