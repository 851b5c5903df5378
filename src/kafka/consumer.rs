//! A consumer that is polled by the one thread that owns it, and hands out what happens as values: no callback ever runs our code.
//!
//! librdkafka waits with a rebalance until the assignment is set or given up, so that a thread may first finish what it is doing:
//!
//! ```text
//!   poll -> Assigned   assign(nothing)  capture the membership, restore tasks, assign(at offsets)
//!   poll -> Revoked    finish the cycle, within 5 s              unassign()
//!   poll -> Revoked, lost                drop the tasks          unassign()
//! ```

use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use super::broker_warning::BrokerWarning;
use super::error::Error;
use super::log;
use super::native::{Event, EventQueue, Membership, What, known_end, membership};

/// Sends librdkafka's words to our logs, and remembers what it says of failed connections. The default rebalance callback serves while
/// the consumer is closed.
#[derive(Default)]
pub(crate) struct Quiet {
    /// Why connections failed.
    pub warning: BrokerWarning,
}

impl ClientContext for Quiet {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, text: &str) {
        log::librdkafka(level as i32, facility, text);
        self.warning.note(facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log::client_error("consumer", error.rdkafka_error_code(), reason);
    }
}

impl ConsumerContext for Quiet {}

/// A consumer with a group id, whether it joins the group or not.
pub(crate) struct Consumer {
    // Dropped before the client that it belongs to.
    queue: EventQueue,
    client: BaseConsumer<Quiet>,
}

impl Consumer {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the configuration is refused.
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let client =
            BaseConsumer::from_config_and_context(config, Quiet::default()).map_err(|error| Error::call("making a consumer", &error))?;
        let queue = EventQueue::of(&client).ok_or_else(|| Error::call("making a consumer", &"it has no queue"))?;
        Ok(Self { queue, client })
    }

    /// The next event, waited for at most this long.
    pub(crate) fn poll(&self, limit: Duration) -> Option<Event<'_>> {
        self.queue.poll(limit)
    }

    /// Passes on what an idle consumer has logged, so that its queue does not grow.
    pub(crate) fn pass_on_logs(&self) {
        while let Some(event) = self.poll(Duration::ZERO) {
            if let What::Log(level, facility, text) = event.what() {
                log::librdkafka(level, &facility, &text);
            }
        }
    }

    /// Joins the group.
    pub(crate) fn subscribe(&self, topics: &[&str]) -> Result<(), Error> {
        self.client.subscribe(topics).map_err(|error| Error::call("subscribing", &error))
    }

    /// Reads these partitions from these offsets on, and no others; fetches of anything else are forgotten.
    pub(crate) fn assign<'a>(&self, places: impl IntoIterator<Item = (&'a str, i32, Offset)>) -> Result<(), Error> {
        let list = list(places).map_err(|error| Error::call("assigning partitions", &error))?;
        self.client.assign(&list).map_err(|error| Error::call("assigning partitions", &error))
    }

    /// Tells the group that its partitions are free.
    pub(crate) fn unassign(&self) -> Result<(), Error> {
        self.client.unassign().map_err(|error| Error::call("giving up partitions", &error))
    }

    /// Where a partition ends for readers of committed records, by the last answer of its leader; no request is made.
    pub(crate) fn known_end(&self, topic: &str, partition: i32) -> Option<i64> {
        known_end(&self.client, topic, partition)
    }

    /// Sets committed offsets of the group, which must have no members.
    pub(crate) fn commit<'a>(&self, places: impl IntoIterator<Item = (&'a str, i32, Offset)>) -> Result<(), Error> {
        let failed = |error: KafkaError| Error::call("committing offsets (is an instance running?)", &error);
        self.client.commit(&list(places).map_err(failed)?, CommitMode::Sync).map_err(failed)
    }

    /// Whether the group has already given our partitions to others.
    pub(crate) fn assignment_lost(&self) -> bool {
        self.client.assignment_lost()
    }

    /// The membership as of now.
    pub(crate) fn membership(&self) -> Option<Membership> {
        membership(&self.client)
    }

    /// The group alone, without generation or member id when it was never joined: what no broker fences, and a mutant asks for.
    pub(crate) fn membership_unchecked(&self) -> Option<Membership> {
        self.client.group_metadata().map(|metadata| Membership { metadata, generation: -1 })
    }

    /// The offsets that the group has committed, in the order asked for; read as stable. An error of any partition is one of all.
    pub(crate) fn committed<'a>(
        &self,
        places: impl IntoIterator<Item = (&'a str, i32)>,
        limit: Duration,
    ) -> KafkaResult<Vec<(String, i32, Option<i64>)>> {
        let list = list(places.into_iter().map(|(topic, partition)| (topic, partition, Offset::Invalid)))?;
        let committed = self.client.committed_offsets(list, limit)?;
        let one = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            element.error()?;
            let next = match element.offset() {
                Offset::Offset(next) => Some(next),
                _ => None,
            };
            Ok((element.topic().to_owned(), element.partition(), next))
        };
        committed.elements().iter().map(one).collect()
    }

    /// First offset and offset after the last committed record of a partition.
    pub(crate) fn stable_watermarks(&self, topic: &str, partition: i32, limit: Duration) -> KafkaResult<(i64, i64)> {
        watermarks(&self.client, topic, partition, limit)
    }
}

/// First offset and end of a partition, as a client sees them. What it knows of a topic it holds on to for minutes, a missing leader too:
/// after a failure it is made to look again, so that the question can be repeated.
pub(crate) fn watermarks<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    limit: Duration,
) -> KafkaResult<(i64, i64)> {
    client.fetch_watermarks(topic, partition, limit).inspect_err(|_| drop(client.fetch_metadata(Some(topic), limit)))
}

fn list<'a>(places: impl IntoIterator<Item = (&'a str, i32, Offset)>) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset) in places {
        list.add_partition_offset(topic, partition, offset)?;
    }
    Ok(list)
}
