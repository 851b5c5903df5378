//! A consumer that its owning thread polls and that returns events as values; none of our code ever runs in a callback.
//!
//! librdkafka holds a rebalance back until `assign` or `unassign` is called, so a thread can finish its cycle first:
//!
//! ```text
//!   poll -> Assigned   assign(nothing)  capture the membership, restore tasks, assign(at offsets)
//!   poll -> Revoked    finish the cycle, within 5 s              unassign()
//!   poll -> Revoked, lost                drop the tasks          unassign()
//! ```

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use super::broker_warning::BrokerWarning;
use super::error::Error;
use super::log;
use super::native::{ConsumerEvent, EventQueue, Membership, Next, PartitionEvents, QueuedEvent, known_end, membership};
use super::record::Record;
use super::wait;
use crate::clock::Deadline;

/// Logs librdkafka's messages and keeps the reason for failed connections. rust-rdkafka's rebalance callback runs only while the consumer
/// closes.
#[derive(Default)]
pub(crate) struct LoggingContext {
    /// Why the last connection failed.
    pub warning: BrokerWarning,
}

impl ClientContext for LoggingContext {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, text: &str) {
        log::librdkafka(level as i32, facility, text);
        self.warning.note(facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log::client_error("consumer", error.rdkafka_error_code(), reason);
    }
}

impl ConsumerContext for LoggingContext {}

/// The first wait for an answer of the coordinator, which is doubled with each.
const CONNECT_STEP: Duration = Duration::from_millis(10);

/// A partition, its committed offset, and what was noted with it.
type CommittedNote = (String, i32, Option<(i64, String)>);

/// A consumer with a group id. It joins the group only when it subscribes.
pub(crate) struct Consumer {
    // Must be dropped before the client that it belongs to.
    queue: EventQueue,
    client: BaseConsumer<LoggingContext>,
    /// Whether an assignment was lost that has been replaced since, which librdkafka forgets. Its revocation has not been taken yet.
    lost_before: Cell<bool>,
}

impl Consumer {
    /// Creates the client without contacting a broker.
    ///
    /// # Errors
    /// If librdkafka refuses the configuration.
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let client = BaseConsumer::from_config_and_context(config, LoggingContext::default())
            .map_err(|error| Error::call("creating a consumer", &error))?;
        let queue = EventQueue::of(&client).ok_or_else(|| Error::call("creating a consumer", &"librdkafka gave it no queue"))?;
        Ok(Self { queue, client, lost_before: Cell::new(false) })
    }

    /// The next event; waits for at most `limit`.
    pub(crate) fn poll(&self, limit: Duration) -> Option<QueuedEvent<'_>> {
        self.queue.poll(limit)
    }

    /// Forwards what an idle consumer has logged; its queue would grow otherwise.
    pub(crate) fn pass_on_logs(&self) {
        self.idle(Duration::ZERO);
    }

    /// Forwards what an idle consumer logs within `limit`.
    fn idle(&self, limit: Duration) {
        let deadline = Deadline::after(limit);
        loop {
            match self.poll(deadline.remaining()).as_ref().map(QueuedEvent::content) {
                Some(ConsumerEvent::Log(level, facility, text)) => log::librdkafka(level, &facility, &text),
                None if deadline.passed() => return,
                _ => {}
            }
        }
    }

    /// Waits until the group's coordinator answers, for at most `limit`; false if it does not. Then the next request to it leaves at once.
    ///
    /// librdkafka's main thread notices that the coordinator has been found, or its connection has come up, only when it has a request to
    /// serve, or else once a second. So it is asked again and again for the offset of this partition.
    pub(crate) fn connect(&self, (topic, partition): (&str, i32), limit: Duration) -> bool {
        let (deadline, mut step) = (Deadline::after(limit), CONNECT_STEP);
        while !deadline.passed() {
            let turn = Deadline::after(step);
            match self.committed([(topic, partition)], step) {
                // An offset that an open transaction is about to move is an answer, too.
                Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnstableOffsetCommit) => return true,
                Err(error) if wait::limit(&error, wait::OUTAGE).is_some() => self.idle(turn.remaining()),
                _ => return true,
            }
            step = (step * 2).min(deadline.remaining());
        }
        false
    }

    /// Joins the group.
    pub(crate) fn subscribe(&self, topics: &[&str]) -> Result<(), Error> {
        self.client.subscribe(topics).map_err(|error| Error::call("subscribing", &error))
    }

    /// Replaces the assignment: reads these partitions from these offsets. Records already fetched are dropped.
    pub(crate) fn assign<'a>(&self, partitions: impl IntoIterator<Item = (&'a str, i32, Offset)>) -> Result<(), Error> {
        if self.client.assignment_lost() {
            self.lost_before.set(true);
        }
        let list = list(partitions).map_err(|error| Error::call("assigning partitions", &error))?;
        self.client.assign(&list).map_err(|error| Error::call("assigning partitions", &error))
    }

    /// Returns the partitions to the group.
    pub(crate) fn unassign(&self) -> Result<(), Error> {
        self.client.unassign().map_err(|error| Error::call("giving up partitions", &error))
    }

    /// The last stable offset of a partition as of the last fetch; sends no request.
    pub(crate) fn known_end(&self, topic: &str, partition: i32) -> Option<i64> {
        known_end(&self.client, topic, partition)
    }

    /// Overwrites committed offsets of the group, which must have no members.
    pub(crate) fn commit<'a>(&self, partitions: impl IntoIterator<Item = (&'a str, i32, Offset)>) -> Result<(), Error> {
        let failed = |error: KafkaError| Error::call("committing offsets (is an instance running?)", &error);
        self.client.commit(&list(partitions).map_err(failed)?, CommitMode::Sync).map_err(failed)
    }

    /// Whether the group has already assigned our partitions to others; to be asked once, when a revocation arrives.
    pub(crate) fn assignment_lost(&self) -> bool {
        self.lost_before.take() || self.client.assignment_lost()
    }

    /// The current membership.
    pub(crate) fn membership(&self) -> Option<Membership> {
        membership(&self.client)
    }

    /// Group metadata of a client that has not joined: without generation and member id, so brokers do not fence its commits. Only for a
    /// producer whose transactional id alone decides who may commit, and for a mutant.
    pub(crate) fn membership_unchecked(&self) -> Option<Membership> {
        self.client.group_metadata().map(|metadata| Membership { metadata: metadata.into(), generation: -1, member: String::new() })
    }

    /// The group's stable committed offsets, in the order given. An error for one partition fails the whole call.
    pub(crate) fn committed<'a>(
        &self,
        partitions: impl IntoIterator<Item = (&'a str, i32)>,
        limit: Duration,
    ) -> KafkaResult<Vec<(String, i32, Option<i64>)>> {
        let committed = self.committed_notes(partitions, limit)?;
        Ok(committed.into_iter().map(|(topic, partition, committed)| (topic, partition, committed.map(|(next, _)| next))).collect())
    }

    /// The same, with what was noted about each when it was committed.
    pub(crate) fn committed_notes<'a>(
        &self,
        partitions: impl IntoIterator<Item = (&'a str, i32)>,
        limit: Duration,
    ) -> KafkaResult<Vec<CommittedNote>> {
        let list = list(partitions.into_iter().map(|(topic, partition)| (topic, partition, Offset::Invalid)))?;
        let committed = self.client.committed_offsets(list, limit)?;
        let one = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            element.error()?;
            let next = match element.offset() {
                Offset::Offset(next) => Some((next, element.metadata().to_owned())),
                _ => None,
            };
            Ok((element.topic().to_owned(), element.partition(), next))
        };
        committed.elements().iter().map(one).collect()
    }

    /// The last stable offset of each of these partitions, by one request per broker. An error for one partition fails the whole call.
    pub(crate) fn ends<'a>(
        &self,
        partitions: impl IntoIterator<Item = (&'a str, i32)>,
        limit: Duration,
    ) -> KafkaResult<BTreeMap<(String, i32), i64>> {
        // In a look-up of offsets by time, the end counts as a time.
        let list = list(partitions.into_iter().map(|(topic, partition)| (topic, partition, Offset::End)))?;
        let ends = self.client.offsets_for_times(list, limit)?;
        let one = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            element.error()?;
            let end = match element.offset() {
                Offset::Offset(end) => Some(end),
                _ => None,
            };
            Ok(end.map(|end| ((element.topic().to_owned(), element.partition()), end)))
        };
        ends.elements().iter().filter_map(|element| one(element).transpose()).collect()
    }

    /// Asks a broker about a topic, to see whether one answers.
    pub(crate) fn ask_about(&self, topic: &str, limit: Duration) -> KafkaResult<()> {
        self.client.fetch_metadata(Some(topic), limit).map(drop)
    }

    /// The first offset and the last stable offset of a partition.
    pub(crate) fn stable_watermarks(&self, topic: &str, partition: i32, limit: Duration) -> KafkaResult<(i64, i64)> {
        watermarks(&self.client, topic, partition, limit)
    }
}

/// One partition of a consumer, whose events come to nobody else.
pub(crate) struct PartitionQueue {
    // Must be dropped before the client that they belong to.
    events: PartitionEvents,
    consumer: Rc<Consumer>,
}

impl PartitionQueue {
    /// Separates a partition from the others, best before it is assigned: what is in the consumer's queue already stays there.
    ///
    /// # Errors
    /// If librdkafka does not know of the partition.
    pub(crate) fn separate(consumer: &Rc<Consumer>, topic: &str, partition: i32) -> Result<Self, Error> {
        let events = PartitionEvents::of(&consumer.client, topic, partition);
        let events = events.ok_or_else(|| Error::call("reading a partition by itself", &"librdkafka gave it no queue"))?;
        Ok(Self { events, consumer: Rc::clone(consumer) })
    }

    /// The next record, which stays until it is passed, or an event before it; does not wait.
    pub(crate) fn advance(&mut self) -> Next<'_> {
        self.events.advance()
    }

    /// The record that has not been passed yet.
    pub(crate) fn head(&self) -> Option<Record<'_>> {
        self.events.head()
    }

    /// Goes past the record.
    pub(crate) fn pass(&mut self) {
        self.events.pass();
    }

    /// Lets the consumer deliver the partition with the others again, from the record after the one that is kept.
    pub(crate) fn rejoin(self) {
        self.events.rejoin(&self.consumer.queue);
    }
}

/// The first and end offset of a partition. A client caches metadata for minutes, even the absence of a leader, so a failure refreshes it
/// for the next attempt.
pub(crate) fn watermarks<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    limit: Duration,
) -> KafkaResult<(i64, i64)> {
    client.fetch_watermarks(topic, partition, limit).inspect_err(|_| drop(client.fetch_metadata(Some(topic), limit)))
}

fn list<'a>(partitions: impl IntoIterator<Item = (&'a str, i32, Offset)>) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset) in partitions {
        list.add_partition_offset(topic, partition, offset)?;
    }
    Ok(list)
}
