//! The transactional producer: one transaction at a time.
//!
//! Every call has a timeout. A transaction whose outcome is unknown is never retried: the caller drops this producer, creates one with
//! another transactional id, and continues from what was committed. What the old one has left open ends after the transaction timeout.

use std::cell::Cell;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::error::Error;
use super::log;
use super::outgoing::Outgoing;
use super::produce::Topics;
use super::properties::{Properties, RETRY_BACKOFF_MS};
use super::wait;
use crate::clock::{Deadline, monotonic};
use crate::fault;

/// How much later than its deadline librdkafka may say why offsets could not be sent.
const LATE_ANSWER: Duration = Duration::from_secs(1);
/// The shortest time after which librdkafka repeats a request of a transaction: `retry.backoff.ms` less its jitter of 20 %.
const RETRY_BACKOFF_MIN: Duration = Duration::from_millis(RETRY_BACKOFF_MS / 5 * 4);
/// How long one wait for delivery reports, or for a first answer, lasts. librdkafka waits in whole milliseconds and spins for the last one, so
/// shorter steps would burn a core while a slow broker responds.
const DRAIN_STEP: Duration = Duration::from_millis(10);
/// Records between two looks at the delivery reports. librdkafka keeps a record until its report is taken: if that is soon, the next one gets
/// its memory while the processor still has it in its cache.
const REPORTS_EVERY: usize = 100;

/// A transaction that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The offset of the last remembered record in each partition.
    pub last: Vec<(i32, i64)>,
    /// Whether a request may have been sent twice, because librdkafka repeats one whose connection has broken. The first copy may then
    /// reach the broker at any time, also within the next transaction of this producer: it would end that transaction, or put back the
    /// offsets of this one. So this producer must not begin another.
    pub may_be_repeated: bool,
}

/// How a transaction failed. The producer must not be used after any of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionError {
    /// It was not committed.
    Aborted(String),
    /// It may or may not have been committed.
    Unclear(String),
    /// Another process has taken over the transactional id, or the broker aborted the transaction because it took too long.
    Fenced(String),
    /// No transaction can succeed.
    Fatal(String),
}

/// What the delivery reports of a transaction said.
#[derive(Debug, Default)]
struct Deliveries {
    failed: Option<String>,
    /// Why the transaction failed: librdkafka only logs it, and the delivery reports of purged records do not say.
    cause: Option<String>,
    /// (partition, offset) of the last remembered record of each partition.
    last: Vec<(i32, i64)>,
}

struct Context(Mutex<Deliveries>);

impl ClientContext for Context {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, text: &str) {
        log::librdkafka(level as i32, facility, text);
        if facility == "TXNERR"
            && let Ok(mut deliveries) = self.0.lock()
        {
            deliveries.cause.get_or_insert_with(|| text.to_owned());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log::client_error("producer", error.rdkafka_error_code(), reason);
    }
}

impl ProducerContext for Context {
    /// 1 if `commit` must return the offset of the record, else 0.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, remember: usize) {
        if remember == 0 && result.is_ok() {
            return;
        }
        let Ok(mut deliveries) = self.0.lock() else { return };
        match result {
            Err((error, record)) => {
                deliveries.failed.get_or_insert_with(|| format!("{} [{}]: {error}", record.topic(), record.partition()));
            }
            Ok(record) => match deliveries.last.iter_mut().find(|(partition, _)| *partition == record.partition()) {
                Some((_, last)) => *last = record.offset().max(*last),
                None => deliveries.last.push((record.partition(), record.offset())),
            },
        }
    }
}

/// A producer that is ready for its next transaction.
pub(crate) struct TransactionalProducer {
    // Must be dropped before the client that they belong to.
    topics: Topics,
    client: Arc<BaseProducer<Context>>,
    /// Records sent since the last look at the delivery reports.
    unreported: Cell<usize>,
}

impl TransactionalProducer {
    /// Creates a producer, which ends the transaction that an earlier one with the same id left open and fences that producer.
    ///
    /// # Errors
    /// If the properties are refused, a right is missing, or the coordinator does not answer within a minute. `step` is called at least every
    /// few seconds.
    pub(crate) fn new(properties: &Properties, transactional_id: &str, step: impl Fn()) -> Result<Self, Error> {
        let ready = Self::within(wait::OUTAGE, properties, transactional_id, step)?;
        ready.ok_or_else(|| Self::unanswered(transactional_id))
    }

    /// The error of a coordinator that has not answered in time.
    pub(crate) fn unanswered(transactional_id: &str) -> Error {
        Error::call(preparing(transactional_id), &"the transaction coordinator does not answer")
    }

    /// The same, but waits no longer than `limit`: `None` if the coordinator has not answered by then.
    ///
    /// # Errors
    /// If the properties are refused or a right is missing.
    pub(crate) fn within(limit: Duration, properties: &Properties, transactional_id: &str, step: impl Fn()) -> Result<Option<Self>, Error> {
        let failed = |error: KafkaError| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::TransactionalIdAuthorizationFailed) => {
                Error::NotAllowed { resource: "transactional id", name: transactional_id.to_owned(), operation: "Write" }
            }
            _ => Error::call(preparing(transactional_id), &error),
        };
        let deadline = Deadline::after(limit);
        let context = Context(Mutex::default());
        let client = BaseProducer::from_config_and_context(&properties.producer(transactional_id), context).map_err(failed)?;
        let producer = Self { topics: Topics::default(), client: Arc::new(client), unreported: Cell::new(0) };
        // librdkafka looks for the coordinator at once if a broker has answered, and else half a second later.
        let in_touch = Deadline::after(wait::TURN);
        while producer.client.client().fetch_cluster_id(DRAIN_STEP).is_none() && !in_touch.passed() {}
        while !deadline.passed() {
            step();
            match producer.client.init_transactions(deadline.remaining().min(wait::TURN)) {
                Ok(()) => return Ok(Some(producer)),
                Err(error) if is_retriable(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(None)
    }

    /// Begins a transaction and forgets the delivery reports of the last one.
    pub(crate) fn begin(&self) -> Result<(), TransactionError> {
        if let Ok(mut deliveries) = self.client.context().0.lock() {
            *deliveries = Deliveries::default();
        }
        self.client.begin_transaction().map_err(|error| self.failed(TransactionError::of("begin", &error, false)))
    }

    /// Adds a record to the open transaction.
    pub(crate) fn send(&self, outgoing: &Outgoing<'_>, deadline: Deadline) -> Result<(), TransactionError> {
        self.unreported.set(self.unreported.get() + 1);
        if self.unreported.get() >= REPORTS_EVERY {
            self.unreported.set(0);
            self.client.poll(Duration::ZERO);
        }
        loop {
            match self.topics.produce(&self.client, outgoing) {
                Ok(()) => return Ok(()),
                Err(RDKafkaErrorCode::QueueFull) if !deadline.passed() => self.client.poll(DRAIN_STEP),
                Err(code) => return Err(self.failed(TransactionError::of("produce", &KafkaError::MessageProduction(code), false))),
            }
        }
    }

    /// Waits for every delivery report, adds the offsets, and commits.
    pub(crate) fn commit(
        &self,
        offsets: &[NextOffset],
        metadata: &Arc<ConsumerGroupMetadata>,
        deadline: Deadline,
    ) -> Result<Commit, TransactionError> {
        self.try_commit(offsets, metadata, deadline).map_err(|error| self.failed(error))
    }

    fn try_commit(
        &self,
        offsets: &[NextOffset],
        metadata: &Arc<ConsumerGroupMetadata>,
        deadline: Deadline,
    ) -> Result<Commit, TransactionError> {
        // commit_transaction flushes in steps of 100 ms; draining here first takes shorter ones.
        while self.client.in_flight_count() > 0 {
            self.client.poll(DRAIN_STEP);
            if deadline.passed() {
                return Err(TransactionError::Aborted("delivery reports did not arrive in time".to_owned()));
            }
        }
        let last = self.delivered()?;
        let offsets = offset_list(offsets).map_err(|error| TransactionError::Fatal(error.to_string()))?;
        fault::point("after-produce");
        let began = monotonic();
        // Without any, librdkafka would send nothing: only a broken rule gets here.
        if offsets.count() > 0 {
            self.send_offsets(offsets, metadata, deadline)?;
        }
        fault::point("before-commit");
        let is_repeated = retry(deadline, "commit transaction", || self.client.commit_transaction(deadline.remaining()), true)?;
        let may_be_repeated = is_repeated || monotonic().duration_since(began) >= RETRY_BACKOFF_MIN;
        Ok(Commit { last, may_be_repeated })
    }

    /// Adds offsets to the open transaction, on a thread of its own: librdkafka waits without a limit for a group coordinator that it has
    /// found on a broker that is down. A thread that waits too long keeps the client, which nobody asks to commit any more.
    fn send_offsets(
        &self,
        offsets: TopicPartitionList,
        metadata: &Arc<ConsumerGroupMetadata>,
        deadline: Deadline,
    ) -> Result<(), TransactionError> {
        let (result, sent) = mpsc::sync_channel(1);
        let (producer, metadata) = (Arc::clone(&self.client), Arc::clone(metadata));
        let work = move || {
            let call = || producer.send_offsets_to_transaction(&offsets, &metadata, deadline.remaining());
            // If it is late, nobody waits for it any more.
            let _ = result.send(retry(deadline, "commit offsets", call, false).map(drop));
        };
        let spawned = std::thread::Builder::new().name("send-offsets".to_owned()).spawn(work);
        spawned.map_err(|error| TransactionError::Aborted(format!("commit offsets: cannot create a thread: {error}")))?;
        sent.recv_timeout(deadline.remaining() + LATE_ANSWER)
            .unwrap_or_else(|_| Err(TransactionError::Aborted("commit offsets: the group coordinator did not answer in time".to_owned())))
    }

    fn delivered(&self) -> Result<Vec<(i32, i64)>, TransactionError> {
        let mut deliveries =
            self.client.context().0.lock().map_err(|_| TransactionError::Fatal("a delivery report panicked".to_owned()))?;
        match deliveries.failed.take() {
            Some(failed) => {
                Err(TransactionError::Aborted(deliveries.cause.take().map_or(failed.clone(), |cause| format!("{failed}; {cause}"))))
            }
            None => Ok(std::mem::take(&mut deliveries.last)),
        }
    }

    /// Tries to abort the open transaction. The producer must not be used afterwards. Returns the cause if another producer with the same
    /// id has taken over, which may show only here.
    pub(crate) fn abort(&self) -> Result<(), TransactionError> {
        let Err(error) = self.client.abort_transaction(wait::ABORT) else { return Ok(()) };
        let failed = self.failed(TransactionError::of("abort", &error, false));
        if matches!(failed, TransactionError::Fenced(_)) {
            return Err(failed);
        }
        tracing::info!(%error, "abort failed; the coordinator will end the transaction after its timeout");
        Ok(())
    }

    /// What a failure means for this producer. A broker that refuses a batch of a fenced producer makes the client unusable, but the
    /// delivery reports only say that their records were purged.
    fn failed(&self, error: TransactionError) -> TransactionError {
        error.of_client(self.client.client().fatal_error())
    }
}

impl TransactionError {
    /// Classifies an error. `decided`: whether the commit had already been requested, so that a timeout leaves the outcome open.
    fn of(step: &str, error: &KafkaError, decided: bool) -> Self {
        let what = format!("{step}: {error}");
        if error.rdkafka_error_code().is_some_and(is_fencing) {
            return Self::Fenced(what);
        }
        match error {
            KafkaError::Transaction(error) if error.txn_requires_abort() => Self::Aborted(what),
            KafkaError::Transaction(error) if error.is_fatal() => Self::Fatal(what),
            KafkaError::Transaction(error) if error.is_retriable() && !decided => Self::Aborted(what),
            KafkaError::Transaction(error) if error.is_retriable() => Self::Unclear(what),
            KafkaError::Flush(_) => Self::Unclear(what),
            KafkaError::MessageProduction(_) => Self::Aborted(what),
            _ => Self::Fatal(what),
        }
    }

    /// The same failure, given the client's fatal error, if it has one.
    fn of_client(self, fatal: Option<(RDKafkaErrorCode, String)>) -> Self {
        match fatal {
            Some((code, reason)) if is_fencing(code) => Self::Fenced(reason),
            _ => self,
        }
    }
}

/// Whether a broker answers with this code because a newer producer or group member has taken over.
const fn is_fencing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{Fenced, FencedInstanceId, InvalidProducerEpoch, ProducerFenced};
    matches!(code, ProducerFenced | Fenced | FencedInstanceId | InvalidProducerEpoch)
}

/// Retries a call until the deadline, as long as its error is retriable. Returns whether it was called more than once.
fn retry(deadline: Deadline, step: &str, mut call: impl FnMut() -> KafkaResult<()>, decides: bool) -> Result<bool, TransactionError> {
    let mut is_repeated = false;
    loop {
        match call() {
            Ok(()) => return Ok(is_repeated),
            Err(error) if is_retriable(&error) && !deadline.passed() => {
                tracing::debug!(step, %error, "retrying");
                is_repeated = true;
            }
            Err(error) => return Err(TransactionError::of(step, &error, decides)),
        }
    }
}

fn preparing(transactional_id: &str) -> String {
    format!("preparing transactions of {transactional_id}")
}

fn is_retriable(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable() && !error.txn_requires_abort(),
        KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) => true,
        _ => false,
    }
}

/// An offset to commit: that of the next record to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub next: i64,
    /// What other members of the group are to know about it.
    pub note: String,
}

impl From<(String, i32, i64)> for NextOffset {
    fn from((topic, partition, next): (String, i32, i64)) -> Self {
        Self { topic, partition, next, note: String::new() }
    }
}

fn offset_list(offsets: &[NextOffset]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for NextOffset { topic, partition, next, note } in offsets {
        let mut element = list.add_partition(topic, *partition);
        element.set_offset(Offset::Offset(*next))?;
        if !note.is_empty() {
            element.set_metadata(note);
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_that_timed_out_leaves_the_outcome_unclear() {
        let error = KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut);
        assert!(is_retriable(&error));
        assert!(matches!(TransactionError::of("commit", &error, true), TransactionError::Unclear(_)));
    }

    #[test]
    fn fencing_is_distinct_from_fatal_errors() {
        for code in [RDKafkaErrorCode::ProducerFenced, RDKafkaErrorCode::Fenced, RDKafkaErrorCode::FencedInstanceId] {
            assert!(matches!(TransactionError::of("commit", &KafkaError::Global(code), true), TransactionError::Fenced(_)), "{code:?}");
        }
        assert!(matches!(TransactionError::of("begin", &KafkaError::Global(RDKafkaErrorCode::State), false), TransactionError::Fatal(_)));
    }

    #[test]
    fn a_client_that_was_fenced_while_producing_turns_any_failure_into_fencing() {
        let purged = || TransactionError::Aborted("t [0]: purged in flight".to_owned());
        let fenced = Some((RDKafkaErrorCode::Fenced, "by a newer instance".to_owned()));
        assert_eq!(purged().of_client(fenced), TransactionError::Fenced("by a newer instance".to_owned()));
        assert_eq!(purged().of_client(Some((RDKafkaErrorCode::State, String::new()))), purged());
        assert_eq!(purged().of_client(None), purged());
    }
}
