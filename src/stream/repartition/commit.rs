//! The transactions of a thread of the repartition stage: when they are committed, with which offsets, and what happens when one fails.

use std::sync::Arc;
use std::time::Duration;

use super::counted::Counted;
use super::declaration::Declaration;
use super::deletions::Key;
use super::frontier::Frontier;
use super::table::SharedAliases;
use super::thread::{Assigned, RepartitionThread};
use crate::clock::{Deadline, monotonic};
use crate::config::section::OnBadRun;
use crate::fault;
use crate::kafka::{COMMIT_LIMIT, NextOffset, Outgoing, TransactionError, TransactionalProducer};
use crate::stream::failure::Failure;
use crate::stream::group_event::drain;
use crate::stream::identity::replacement_id;
use crate::stream::machine::load::Load;
use crate::stream::machine::transaction::unrecoverable;
use crate::telemetry::TransactionOutcome;

/// How long a transaction stays open while a bad run is suspected.
const VERDICT_LIMIT: Duration = Duration::from_secs(5);
/// Stands for the place in the keys of deletions that the accounts topics say.
const DELETIONS: (&str, i32) = ("deletions", 0);
/// The stage commits this many times per commit interval of the tasks, which wait for it.
const COMMITS_PER_INTERVAL: u32 = 4;

impl RepartitionThread {
    /// How often the thread commits.
    pub(super) fn interval(&self) -> Duration {
        self.options.commit_interval / COMMITS_PER_INTERVAL
    }

    /// Whether the open transaction should be committed before more is written.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.limits.are_nearly_reached(self.load)
    }

    /// Commits if the transaction is nearly full or old enough.
    pub(super) fn commit_if_due(&mut self) -> Result<(), Failure> {
        let since = self.open.unwrap_or(self.last_commit);
        let age = monotonic().saturating_duration_since(since);
        let awaits_verdict = self.options.on_bad_run == OnBadRun::Exit
            && age < VERDICT_LIMIT
            && self.partitions.values().any(|assigned| assigned.run.is_open(self.options.bad_run) && !assigned.position.at_end);
        if self.is_nearly_full() || (age >= self.interval() && !awaits_verdict) {
            self.commit(COMMIT_LIMIT)?;
        }
        Ok(())
    }

    /// Commits what has been read and written. Returns whether that succeeded; after a failure, everything is read again.
    pub(super) fn commit(&mut self, limit: Duration) -> Result<bool, Failure> {
        let Some(metadata) = self.membership.as_ref().map(|membership| Arc::clone(&membership.metadata)) else { return Ok(true) };
        self.last_commit = monotonic();
        let table = self.stage.table().filter(|_| !self.partitions.is_empty());
        let deletions: Vec<_> = table.map(|table| table.deletions().unwritten()).unwrap_or_default();
        let undone: Vec<_> = table.map(|table| self.undone(table)).unwrap_or_default();
        let frontiers = self.backlog.frontiers();
        for (key, assigned) in &mut self.partitions {
            assigned.frontier = frontiers.get(key).copied().unwrap_or(Frontier::CaughtUp);
            assigned.is_dirty |= assigned.noted != Some(assigned.frontier);
        }
        if self.open.is_none() && deletions.is_empty() && undone.is_empty() && !self.partitions.values().any(|assigned| assigned.is_dirty) {
            self.report_positions();
            return Ok(true);
        }
        if self.open.is_some() {
            fault::point("before-repartition-commit");
        }
        let began = self.open.unwrap_or_else(monotonic);
        let deadline = Deadline::after(limit.saturating_sub(monotonic().saturating_duration_since(began)));
        let open = if self.open.is_none() { self.producer.begin() } else { Ok(()) };
        let offsets = self.offsets();
        let committed = open
            .and_then(|()| deletions.iter().try_for_each(|deletion| self.write_deletion(deletion, deadline)))
            .and_then(|()| undone.iter().try_for_each(|key| self.write_alias(key, None, deadline)))
            .and_then(|()| self.producer.commit(&offsets, &metadata, deadline));
        // Records are on their way since the transaction was opened.
        let lasted = monotonic().duration_since(began);
        match committed {
            // At once, while the coordinator answers.
            Ok(commit) if commit.may_be_repeated => self.replace_producer()?,
            Ok(_) => {}
            Err(error) => {
                self.failed(&error)?;
                return Ok(false);
            }
        }
        fault::point("after-repartition-commit");
        self.failed_in_a_row = 0;
        self.limits.committed(lasted, limit, self.is_nearly_full());
        self.metrics.transaction(TransactionOutcome::Committed, lasted);
        self.stage.started(self.owned.iter());
        let committed = self.partitions.iter().filter_map(|((index, partition), assigned)| {
            let place = (self.stage.topics.get(*index)?.name.clone(), *partition);
            Some((place, assigned.position.next, assigned.frontier))
        });
        self.stage.frontiers.committed(committed, monotonic());
        for assigned in self.partitions.values_mut() {
            (assigned.is_dirty, assigned.noted) = (false, Some(assigned.frontier));
        }
        // So that the next commit does not write them again before they have been read back.
        if let Some(table) = self.stage.table() {
            let mut known = table.deletions();
            for deletion in &deletions {
                known.declared(deletion, &deletion.key(DELETIONS));
            }
            for key in &undone {
                known.removed(key);
            }
            drop(known);
            table.report();
        }
        std::mem::take(&mut self.counted).report(&self.metrics);
        (self.open, self.load) = (None, Load::default());
        self.report.committed(self.options.clock.now(), lasted);
        self.report_positions();
        Ok(true)
    }

    /// Writes the deletion of an account to the aliases topic. Every instance writes the same record, whatever it has read.
    fn write_deletion(&self, deletion: &Declaration, deadline: Deadline) -> Result<(), TransactionError> {
        self.write_alias(&deletion.key(DELETIONS), Some(&deletion.value()), deadline)
    }

    /// Writes a record of the aliases topic, or a tombstone.
    fn write_alias(&self, key: &[u8], value: Option<&[u8]>, deadline: Deadline) -> Result<(), TransactionError> {
        let topic = &self.options.aliases_topic();
        let record = Outgoing { topic, partition: None, key: Some(key), value, headers: &[], timestamp: None, remember: false };
        self.producer.send(&record, deadline)
    }

    /// Keys of the aliases topic that deletions have undone and that this thread alone may write to: those of its partitions, once the table
    /// holds all that was written there before they were assigned.
    fn undone(&self, table: &SharedAliases) -> Vec<Key> {
        if !self.aliases_before.is_some_and(|end| table.has_reached(end)) {
            return Vec::new();
        }
        table
            .deletions()
            .undone(|(topic, partition)| self.stage.index(topic).is_some_and(|index| self.partitions.contains_key(&(index, *partition))))
    }

    /// The next offset of every partition, moved or not: sending them fences a thread that the group has replaced.
    fn offsets(&self) -> Vec<NextOffset> {
        if fault::is_mutant("repartition-offsets-left-out") {
            return Vec::new();
        }
        let next = |((index, partition), assigned): (&(usize, i32), &Assigned)| {
            let (topic, note) = (self.stage.topics.get(*index)?.name.clone(), assigned.frontier.note());
            Some(NextOffset { topic, partition: *partition, next: assigned.position.next, note })
        };
        self.partitions.iter().filter_map(next).collect()
    }

    /// After a transaction that failed or may have failed: ends it, and reads on from the committed offsets.
    pub(super) fn failed(&mut self, error: &TransactionError) -> Result<(), Failure> {
        self.failed_in_a_row += 1;
        // One that failed sooner did not fail because of its size.
        if self.open.is_some_and(|since| monotonic().duration_since(since) >= COMMIT_LIMIT / 4) {
            self.limits.failed(self.load, self.load);
        }
        // The abort may be what shows that another process has taken over.
        let found = self.producer.abort().err();
        let error = found.as_ref().unwrap_or(error);
        let unclear = matches!(error, TransactionError::Unclear(_));
        let outcome = if unclear { TransactionOutcome::Unclear } else { TransactionOutcome::Aborted };
        self.metrics.transaction(outcome, Duration::ZERO);
        tracing::warn!(thread = self.number, ?error, in_a_row = self.failed_in_a_row, "transaction of the repartition stage failed");
        unrecoverable(error, self.failed_in_a_row, self.options.instance.is_some()).map_or(Ok(()), Err)?;
        self.forget();
        self.replace_producer()?;
        drain(&self.member, &mut self.events)?;
        // A rebalance that has begun decides what is read next. An assignment would answer it, and a named member whose session has ended would
        // join again before it has looked its name up.
        if self.events.is_empty() { self.read_on() } else { Ok(()) }
    }

    /// Drops what was counted for the open transaction.
    pub(super) fn forget(&mut self) {
        (self.open, self.load, self.counted) = (None, Load::default(), Counted::default());
        self.partitions.clear();
    }

    /// A new producer, whose id nobody else can hold.
    pub(super) fn replace_producer(&mut self) -> Result<(), Failure> {
        self.open = None;
        let id = replacement_id(&self.transactional_id);
        self.producer = TransactionalProducer::new(&self.options.properties, &id, || self.clock.step())?;
        Ok(())
    }
}
