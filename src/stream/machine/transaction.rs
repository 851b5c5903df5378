//! What a transaction holds: everything that its tasks have read, decided and changed.
//!
//! ```text
//!   round -> check sizes -> begin -> changes, dead letters, changelog and stamp of each task -> flush -> offsets -> commit
//! ```
//! The offsets cover every input of every task in the transaction, whether or not it moved. Sending them also fences a thread that the
//! group has already replaced, because the broker checks the membership that comes with them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::load::{Limits, Load};
use super::stamp;
use super::task::StreamTask;
use crate::fault;
use crate::kafka::{Outgoing, TransactionError};
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;
use crate::stream::options::Options;

/// How many transactions may fail in a row.
const FAILED_MAX: usize = 5;
/// Upper bound of what headers and framing add to the key and value of a change, bytes.
const CHANGE_OVERHEAD_BYTES: usize = 512;

/// The transactions of one thread, one at a time.
pub(super) struct Transactions {
    to: Destinations,
    limits: Limits,
    failed_in_a_row: usize,
    estimated: Load,
    was_limited: bool,
    written: Written,
}

impl Transactions {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            to: Destinations::of(options),
            limits: Limits::default(),
            failed_in_a_row: 0,
            estimated: Load::default(),
            was_limited: false,
            written: Written::default(),
        }
    }

    /// The limits of the next transaction.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Begins one that will hold these tasks.
    ///
    /// # Errors
    /// If a change is too large for the producer.
    pub(super) fn begin(&mut self, tasks: &[&StreamTask]) -> Result<(), Failure> {
        self.to.check(tasks)?;
        self.estimated = tasks.iter().map(|task| task.load(self.limits.record_bytes())).sum();
        self.was_limited = self.limits.are_nearly_reached(self.estimated) || tasks.iter().any(|task| task.has_left());
        self.written = Written { bytes_max: self.limits.bytes_written_max(), ..Written::default() };
        Ok(())
    }

    /// Sends the records of one task.
    ///
    /// # Errors
    /// Those of `send`, and if the transaction has become too large.
    pub(super) fn write(
        &mut self,
        task: &mut StreamTask,
        inputs: &Inputs,
        send: &mut impl FnMut(&Outgoing<'_>) -> Result<(), TransactionError>,
    ) -> Result<(), TransactionError> {
        let mut writer = TaskWriter { send, written: &mut self.written, error: None };
        writer.task(task, inputs, &self.to);
        writer.error.map_or(Ok(()), Err)
    }

    /// It was committed in this time; `limit` was allowed.
    pub(super) fn committed(&mut self, lasted: Duration, limit: Duration) {
        self.failed_in_a_row = 0;
        self.limits.committed(lasted, limit, self.was_limited);
    }

    /// What was written to the changelog of a task: as many records as were expected, and their bytes.
    pub(super) fn changelog(&self, task: i32) -> Load {
        self.written.changelogs.get(&task).copied().unwrap_or_default()
    }

    /// It failed after this time; `limit` was allowed.
    ///
    /// # Errors
    /// If the process cannot recover from it.
    pub(super) fn failed(
        &mut self,
        error: &TransactionError,
        lasted: Duration,
        limit: Duration,
        thread: usize,
        is_named_instance: bool,
    ) -> Result<(), Failure> {
        // One that failed sooner did not fail because of its size.
        if self.written.is_too_large() || lasted >= limit / 2 {
            self.limits.failed(self.estimated, self.written.load);
        }
        self.failed_in_a_row += 1;
        tracing::warn!(thread, ?error, in_a_row = self.failed_in_a_row, records_max = self.limits.records(), "transaction failed");
        unrecoverable(error, self.failed_in_a_row, is_named_instance).map_or(Ok(()), Err)
    }
}

/// Why the process cannot recover from a failed transaction, if it cannot. A fenced producer with a random transactional id was too slow;
/// with that of a named instance, another process has taken over.
pub(in crate::stream) fn unrecoverable(error: &TransactionError, failed_in_a_row: usize, is_named_instance: bool) -> Option<Failure> {
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
    fn check(&self, tasks: &[&StreamTask]) -> Result<(), Failure> {
        for change in tasks.iter().flat_map(|task| &task.changes) {
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
struct TaskWriter<'a, S> {
    send: &'a mut S,
    written: &'a mut Written,
    error: Option<TransactionError>,
}

impl<S: FnMut(&Outgoing<'_>) -> Result<(), TransactionError>> TaskWriter<'_, S> {
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
            (self.send)(record).err()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OutputRecord;
    use crate::stream::machine::task::tests::restored_task;

    fn code(error: &TransactionError, failed_in_a_row: usize, is_named_instance: bool) -> Option<&'static str> {
        unrecoverable(error, failed_in_a_row, is_named_instance).map(|failure| failure.code())
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
        to.check(&[&task]).unwrap();
        task.changes.push(sized(record_bytes_max - CHANGE_OVERHEAD_BYTES + 1));
        assert_eq!(to.check(&[&task]).unwrap_err().code(), "record_too_large");
    }
}
