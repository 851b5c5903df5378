//! The commit cycle: everything that the tasks have read, decided and changed becomes one transaction.
//!
//! ```text
//!   round -> check sizes -> begin -> changes, dead letters, changelog and stamp of each task -> drain -> offsets -> commit
//! ```
//! The offsets cover every input of every task in the transaction, whether or not it moved. Sending them also fences a thread that the
//! group has already replaced, because the broker checks the membership that comes with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use super::identity::replacement_id;
use super::load::{Limits, Load};
use super::options::Options;
use super::preflight::Inputs;
use super::stamp;
use super::task::StreamTask;
use crate::clock::{Deadline, monotonic};
use crate::fault;
use crate::kafka::{Commit, Membership, NextOffset, Outgoing, TransactionError, TransactionalProducer};
use crate::telemetry::{Metrics, TransactionOutcome};
use crate::threads::StepClock;

/// How many transactions may fail in a row.
const FAILED_MAX: usize = 5;
/// Upper bound of what headers and framing add to the key and value of a change, bytes.
const CHANGE_OVERHEAD_BYTES: usize = 512;

/// Writes transactions, one at a time.
pub(super) struct Transactions {
    number: usize,
    options: Arc<Options>,
    inputs: Arc<Inputs>,
    metrics: Arc<Metrics>,
    transactional_id: String,
    producer: TransactionalProducer,
    clock: Arc<StepClock>,
    destinations: Destinations,
    failed_in_a_row: usize,
    limits: Limits,
}

/// How a transaction ended.
pub(super) enum TransactionEnd {
    /// Committed, with the offset at which the changelog of each task now ends, and what was written to it: the records that were
    /// expected, and their bytes; and how long it took.
    Committed(BTreeMap<i32, (i64, Load)>, Duration),
    /// Failed. What the tasks regard as written was not written, and the producer must be replaced.
    Failed(TransactionError),
}

impl Transactions {
    /// Connects, and ends the transaction that an earlier run with the same transactional id left open.
    ///
    /// # Errors
    /// If the client is refused or the transaction coordinator does not answer.
    pub(super) fn new(
        number: usize,
        transactional_id: String,
        options: &Arc<Options>,
        inputs: &Arc<Inputs>,
        metrics: &Arc<Metrics>,
        clock: &Arc<StepClock>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            number,
            options: Arc::clone(options),
            inputs: Arc::clone(inputs),
            metrics: Arc::clone(metrics),
            producer: TransactionalProducer::new(&options.properties, &transactional_id, || clock.step())?,
            transactional_id,
            clock: Arc::clone(clock),
            destinations: Destinations::of(options),
            failed_in_a_row: 0,
            limits: Limits::default(),
        })
    }

    /// The limits of the next transaction.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Writes these tasks in one transaction.
    ///
    /// # Errors
    /// If the transaction failed in a way that the process cannot recover from.
    pub(super) fn write(
        &mut self,
        tasks: &mut [(&i32, &mut StreamTask)],
        membership: &Membership,
        limit: Duration,
    ) -> Result<TransactionEnd, Failure> {
        self.destinations.check(tasks.iter().map(|(_, task)| &**task))?;
        let estimated: Load = tasks.iter().map(|(_, task)| task.load(self.limits.record_bytes())).sum();
        let was_limited = self.limits.are_nearly_reached(estimated) || tasks.iter().any(|(_, task)| task.has_left());
        let began = monotonic();
        let mut written = Written { bytes_max: self.limits.bytes_written_max(), ..Written::default() };
        let result = self.transact(tasks, membership, Deadline::after(limit), &mut written);
        let lasted = monotonic().duration_since(began);
        match result {
            Ok(commit) => {
                if commit.may_be_repeated {
                    // At once, while the coordinator answers.
                    self.replace_producer()?;
                }
                for (number, _) in &*tasks {
                    self.options.starts.over(**number);
                }
                self.failed_in_a_row = 0;
                self.limits.committed(lasted, limit, was_limited);
                self.metrics.transaction(TransactionOutcome::Committed, lasted);
                let changelog = |task: i32| written.changelogs.get(&task).copied().unwrap_or_default();
                // The commit marker takes the offset after the last record.
                let changelogs = commit.last.into_iter().map(|(task, offset)| (task, (offset + 2, changelog(task)))).collect();
                Ok(TransactionEnd::Committed(changelogs, lasted))
            }
            Err(error) => {
                // One that failed sooner did not fail because of its size.
                if written.is_too_large() || lasted >= limit / 2 {
                    self.limits.failed(estimated, written.load);
                }
                // The abort may be what shows that another process has taken over.
                let error = self.producer.abort().err().unwrap_or(error);
                self.failed(&error, lasted)?;
                Ok(TransactionEnd::Failed(error))
            }
        }
    }

    fn transact(
        &self,
        tasks: &mut [(&i32, &mut StreamTask)],
        membership: &Membership,
        deadline: Deadline,
        written: &mut Written,
    ) -> Result<Commit, TransactionError> {
        fault::point("before-begin");
        self.producer.begin()?;
        for (_, task) in &mut *tasks {
            let mut writer = TaskWriter { producer: &self.producer, deadline, written: &mut *written, error: None };
            writer.task(task, &self.inputs, &self.destinations);
            if let Some(error) = writer.error {
                return Err(error);
            }
        }
        let offsets: Vec<_> = tasks.iter().flat_map(|(_, task)| task.offsets(&self.inputs)).map(NextOffset::from).collect();
        let commit = self.producer.commit(&offsets, &membership.metadata, deadline)?;
        fault::point("after-commit");
        Ok(commit)
    }

    fn failed(&mut self, error: &TransactionError, lasted: Duration) -> Result<(), Failure> {
        self.failed_in_a_row += 1;
        let unclear = matches!(error, TransactionError::Unclear(_));
        self.metrics.transaction(if unclear { TransactionOutcome::Unclear } else { TransactionOutcome::Aborted }, lasted);
        let records_max = self.limits.records();
        tracing::warn!(thread = self.number, ?error, in_a_row = self.failed_in_a_row, records_max, "transaction failed");
        give_up(error, self.failed_in_a_row, self.options.instance.is_some()).map_or(Ok(()), Err)
    }

    /// After a transaction that failed or may have failed, or whose requests may still arrive: a new producer, whose id nobody else can
    /// hold. The coordinator ends whatever the old one has left open, and a restore waits for that.
    pub(super) fn replace_producer(&mut self) -> Result<(), Failure> {
        let id = replacement_id(&self.transactional_id);
        self.producer = TransactionalProducer::new(&self.options.properties, &id, || self.clock.step())?;
        Ok(())
    }
}

/// Why the process cannot recover from a failed transaction, if it cannot. A fenced producer with a random transactional id was too slow;
/// with that of a named instance, another process has taken over.
pub(super) fn give_up(error: &TransactionError, failed_in_a_row: usize, is_named_instance: bool) -> Option<Failure> {
    let is_named_instance = is_named_instance && !fault::is_mutant("fenced-counts-as-aborted");
    match error {
        TransactionError::Fatal(cause) => Some(Failure::kafka("writing a transaction", cause)),
        TransactionError::Fenced(cause) if is_named_instance => Some(Failure::Fenced { cause: cause.clone() }),
        _ if failed_in_a_row > FAILED_MAX => {
            Some(Failure::NoProgress { what: format!("{failed_in_a_row} transactions failed in a row, most recently: {error:?}") })
        }
        _ => None,
    }
}

/// The topics that transactions write to.
struct Destinations {
    changes: String,
    dead_letters: String,
    changelog: String,
    record_bytes_max: usize,
}

impl Destinations {
    fn of(options: &Options) -> Self {
        Self {
            changes: options.changes_topic.clone(),
            dead_letters: options.dead_letters_topic.clone(),
            changelog: options.changelog_topic(),
            record_bytes_max: options.properties.message_max_bytes(),
        }
    }

    /// Refuses changes too large for the producer before a transaction is begun.
    fn check<'a>(&self, tasks: impl Iterator<Item = &'a StreamTask>) -> Result<(), Failure> {
        for change in tasks.flat_map(|task| &task.changes) {
            let bytes = change.size() + CHANGE_OVERHEAD_BYTES;
            if bytes > self.record_bytes_max {
                return Err(Failure::RecordTooLarge { topic: self.changes.clone(), bytes, limit: self.record_bytes_max });
            }
        }
        Ok(())
    }
}

/// What a transaction has written.
#[derive(Debug, Default)]
struct Written {
    /// What each task expected to write to its changelog at least, as a number of records, and the bytes that it did write.
    changelogs: BTreeMap<i32, Load>,
    /// All records.
    load: Load,
    /// Most bytes.
    bytes_max: usize,
}

impl Written {
    /// Whether the estimate that ended the cycle was too low. Such a transaction is given up at once.
    const fn is_too_large(&self) -> bool {
        self.load.bytes > self.bytes_max
    }
}

/// Sends the records of one task; stops sending at the first error.
struct TaskWriter<'a> {
    producer: &'a TransactionalProducer,
    deadline: Deadline,
    written: &'a mut Written,
    error: Option<TransactionError>,
}

impl TaskWriter<'_> {
    fn task(&mut self, task: &mut StreamTask, inputs: &Inputs, to: &Destinations) {
        let number = task.shared.number();
        for change in &task.changes {
            let headers: Vec<_> = change.headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.clone()))).collect();
            let (key, value) = (Some(change.key.as_bytes()), change.value.as_deref());
            self.send(&Outgoing { topic: &to.changes, partition: None, key, value, headers: &headers, timestamp: None, remember: false });
        }
        for letter in &task.letters {
            self.send(&letter.outgoing(&to.dead_letters));
        }
        // The stamp is one more.
        let expected = task.shared.engine.unwritten_records() + 1;
        self.written.changelogs.entry(number).or_default().records += expected;
        let live_keys = &mut task.live_keys;
        task.shared.engine.changelog(|key, value| {
            let is_left_out = matches!(key, [1 | 3, 1, ..] if fault::is_mutant("usage-not-written"))
                || matches!(key, [2, b'w', ..] if fault::is_mutant("waiting-not-written"))
                || matches!(key, [2, b'd', ..] if fault::is_mutant("deletions-not-written"));
            if !is_left_out {
                live_keys.write(key, value.is_some());
                self.changelog(&to.changelog, number, key, value);
            }
        });
        let stamp = task.stamp(inputs).encode(task.shared.engine.state_write_version());
        self.changelog(&to.changelog, number, stamp::KEY, Some(&stamp));
    }

    fn changelog(&mut self, topic: &str, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let record = Outgoing { topic, partition: Some(partition), key: Some(key), value, headers: &[], timestamp: None, remember: true };
        self.written.changelogs.entry(partition).or_default().bytes += record.size();
        self.send(&record);
    }

    fn send(&mut self, record: &Outgoing<'_>) {
        if self.error.is_some() {
            return;
        }
        self.written.load.records += 1;
        self.written.load.bytes += record.size();
        self.error = if self.written.is_too_large() {
            let (bytes, limit) = (self.written.load.bytes, self.written.bytes_max);
            Some(TransactionError::Aborted(format!("{bytes} bytes are more than the limit of {limit}")))
        } else {
            self.producer.send(record, self.deadline).err()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OutputRecord;
    use crate::stream::task::tests::restored_task;

    fn code(error: &TransactionError, failed_in_a_row: usize, is_named_instance: bool) -> Option<&'static str> {
        give_up(error, failed_in_a_row, is_named_instance).map(|failure| failure.code())
    }

    fn cause() -> String {
        "cause".to_owned()
    }

    #[test]
    fn failed_transactions_are_recovered_from_until_too_many_fail_in_a_row() {
        for error in [TransactionError::Aborted(cause()), TransactionError::Unclear(cause())] {
            assert_eq!(code(&error, FAILED_MAX, true), None);
            assert_eq!(code(&error, FAILED_MAX + 1, true), Some("no_progress"));
        }
    }

    #[test]
    fn a_fatal_error_ends_the_process_at_once() {
        assert_eq!(code(&TransactionError::Fatal(cause()), 1, false), Some("kafka"));
    }

    #[test]
    fn only_a_named_instance_can_have_been_replaced_by_another_process() {
        let fenced = TransactionError::Fenced(cause());
        assert_eq!((code(&fenced, 1, true), code(&fenced, 1, false)), (Some("fenced"), None));
    }

    #[test]
    fn a_change_too_large_for_the_producer_is_refused_before_a_transaction_begins() {
        let record_bytes_max = 10_000;
        let to = Destinations { changes: cause(), dead_letters: cause(), changelog: cause(), record_bytes_max };
        let mut task = restored_task();
        let sized = |bytes| OutputRecord { key: String::new(), headers: Vec::new(), value: Some(vec![b'v'; bytes]) };
        task.changes.push(sized(1_000));
        to.check(std::iter::once(&task)).unwrap();
        task.changes.push(sized(record_bytes_max - CHANGE_OVERHEAD_BYTES + 1));
        assert_eq!(to.check(std::iter::once(&task)).unwrap_err().code(), "record_too_large");
    }
}
