//! Simulated records to Kafka topics, keyed and partitioned as the Java client does it, so that an account is in one partition number
//! of every topic.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::record::SimulatedRecord;
use crate::clock::Deadline;
use crate::event::PerStream;

/// How long the brokers may take for everything that is still on its way.
const FLUSH_LIMIT: Duration = Duration::from_mins(1);
/// How long the creation of topics may take.
const CREATE_LIMIT: Duration = Duration::from_secs(30);
/// How long a broker may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long a topic may take to be there.
const FIND_LIMIT: Duration = Duration::from_secs(3);
/// One wait for room in the producer's queue.
const ROOM_STEP: Duration = Duration::from_millis(20);

/// Records that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// No producer with these properties.
    #[error("cannot make a producer")]
    Producer(#[source] KafkaError),
    /// A record was refused.
    #[error("topic {topic} does not take a record")]
    Refused {
        /// The topic.
        topic: String,
        /// Why.
        source: KafkaError,
    },
    /// No broker answers.
    #[error("no broker answers; kafka.bootstrap_servers or --bootstrap-servers names them")]
    Unreachable(#[source] KafkaError),
    /// There is no such topic.
    #[error("topic {topic} does not exist; --partitions makes the topics that are missing")]
    Missing {
        /// The topic.
        topic: String,
    },
    /// Some records did not arrive.
    #[error("{count} records did not arrive: {reason}")]
    Undelivered {
        /// How many.
        count: u64,
        /// Why the first of them did not.
        reason: String,
    },
    /// A topic could not be made.
    #[error("cannot create topic {topic}: {reason}")]
    NotCreated {
        /// The topic.
        topic: String,
        /// Why.
        reason: String,
    },
}

/// A writer to one topic a stream.
pub struct Topics {
    producer: BaseProducer<Deliveries>,
    /// Records of a stream without a topic are left out.
    names: PerStream<Option<String>>,
}

impl Topics {
    /// A writer with librdkafka's `properties` to the topics `names`, each of one stream.
    ///
    /// # Errors
    /// When librdkafka refuses the properties.
    pub fn new<'p>(
        properties: impl IntoIterator<Item = (&'p str, &'p str)>,
        names: PerStream<Option<String>>,
    ) -> Result<Self, ProduceError> {
        let mut config = ClientConfig::new();
        config.set("linger.ms", "20").set("compression.type", "lz4").set("queue.buffering.max.kbytes", "65536");
        config.extend(properties.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        config.set("partitioner", "murmur2_random").set("enable.idempotence", "true");
        let producer = config.create_with_context(Deliveries::default()).map_err(ProduceError::Producer)?;
        Ok(Self { producer, names })
    }

    /// Looks for the topics, so that what cannot succeed ends before the first record.
    ///
    /// # Errors
    /// When no broker answers, or a topic is not there.
    pub fn find(&self) -> Result<(), ProduceError> {
        for name in self.names.0.iter().flatten() {
            let deadline = Deadline::after(FIND_LIMIT);
            // A broker that makes topics by itself needs a moment for it.
            while !self.is_there(name)? {
                if deadline.passed() {
                    return Err(ProduceError::Missing { topic: name.clone() });
                }
                self.producer.poll(ROOM_STEP);
            }
        }
        Ok(())
    }

    fn is_there(&self, name: &str) -> Result<bool, ProduceError> {
        let metadata = self.producer.client().fetch_metadata(Some(name), ANSWER_LIMIT).map_err(ProduceError::Unreachable)?;
        Ok(metadata.topics().iter().any(|topic| topic.name() == name && topic.error().is_none() && !topic.partitions().is_empty()))
    }

    /// Makes the topics that are missing, all with the same number of partitions.
    ///
    /// # Errors
    /// When the cluster does not answer or refuses one.
    pub fn create_missing<'p>(
        &self,
        properties: impl IntoIterator<Item = (&'p str, &'p str)>,
        partitions: i32,
    ) -> Result<(), ProduceError> {
        let mut config = ClientConfig::new();
        config.extend(properties.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let admin: AdminClient<DefaultClientContext> = config.create().map_err(ProduceError::Producer)?;
        let topics: Vec<_> =
            self.names.0.iter().flatten().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(-1))).collect();
        let refused =
            |topic: &str, reason: &dyn std::fmt::Display| ProduceError::NotCreated { topic: topic.to_owned(), reason: reason.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| refused("of the simulation", &error))?;
        let options = AdminOptions::new().operation_timeout(Some(CREATE_LIMIT)).request_timeout(Some(CREATE_LIMIT));
        let results = runtime.block_on(admin.create_topics(&topics, &options)).map_err(|error| refused("of the simulation", &error))?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(refused(&topic, &code)),
            }
        }
        Ok(())
    }

    /// Sends a record, with its time as the timestamp; waits while the queue is full.
    ///
    /// # Errors
    /// When the record is refused, or earlier ones did not arrive.
    pub fn write(&self, record: &SimulatedRecord) -> Result<(), ProduceError> {
        let Some(topic) = self.names.of(record.stream).as_deref() else { return Ok(()) };
        let mut message = BaseRecord::to(topic).key(&record.account).payload(&record.json).timestamp(record.at.millis());
        while let Err((error, back)) = self.producer.send(message) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(ProduceError::Refused { topic: topic.to_owned(), source: error });
            }
            self.producer.poll(ROOM_STEP);
            self.undelivered()?;
            message = back;
        }
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until everything has arrived.
    ///
    /// # Errors
    /// When something has not.
    pub fn finish(self) -> Result<(), ProduceError> {
        let _ = self.producer.flush(FLUSH_LIMIT);
        self.undelivered()?;
        match self.producer.in_flight_count() {
            0 => Ok(()),
            left => {
                Err(ProduceError::Undelivered { count: u64::try_from(left).unwrap_or(0), reason: "the brokers take too long".to_owned() })
            }
        }
    }

    fn undelivered(&self) -> Result<(), ProduceError> {
        let failed = self.producer.context().0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failed {
            None => Ok(()),
            Some(failed) => Err(ProduceError::Undelivered { count: failed.count, reason: failed.first.to_string() }),
        }
    }
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Counts what did not arrive.
#[derive(Default)]
struct Deliveries(Mutex<Option<Failed>>);

struct Failed {
    count: u64,
    first: KafkaError,
}

impl ClientContext for Deliveries {
    /// What does not arrive in the end is told then; brokers that are away for a moment are not.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "simulation");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| Failed { count: 0, first: error.clone() }).count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::message::Message;
    use rdkafka::mocking::MockCluster;

    use super::*;
    use crate::event::{PerStream, Stream};
    use crate::simulate::{Generator, Options};

    #[test]
    fn brokers_that_are_not_there_are_told_before_the_first_record() {
        let topics =
            Topics::new([("bootstrap.servers", "127.0.0.1:1")], PerStream::from_fn(|stream| Some(stream.name().to_owned()))).unwrap();
        assert!(matches!(topics.find(), Err(ProduceError::Unreachable(_))));
    }

    #[test]
    fn records_arrive_and_an_account_has_one_partition_number_in_all_topics() {
        let cluster = MockCluster::new(1).unwrap();
        let names = Stream::ALL.map(|stream| format!("in-{}", stream.name()));
        for name in &names {
            cluster.create_topic(name, 4, 1).unwrap();
        }
        let servers = cluster.bootstrap_servers();
        let topics = Topics::new([("bootstrap.servers", servers.as_str())], PerStream(names.clone().map(Some))).unwrap();
        topics.find().unwrap();
        let records: Vec<_> = Generator::new(&Options { accounts: 8, days: 3, ..Options::default() }).collect();
        for record in &records {
            topics.write(record).unwrap();
        }
        topics.finish().unwrap();
        let reader: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &servers)
            .set("group.id", "reader")
            .set("auto.offset.reset", "earliest")
            .create()
            .unwrap();
        reader.subscribe(&names.each_ref().map(String::as_str)).unwrap();
        let mut homes: BTreeMap<Vec<u8>, i32> = BTreeMap::new();
        // A poll that served a rebalance brings no record.
        let polls = std::iter::repeat_with(|| reader.poll(Duration::from_secs(1))).take(records.len() + 30);
        let messages: Vec<_> = polls.flatten().map(Result::unwrap).take(records.len()).collect();
        assert_eq!(messages.len(), records.len());
        for message in &messages {
            let key = message.key().unwrap().to_vec();
            assert_eq!(*homes.entry(key).or_insert(message.partition()), message.partition());
        }
        assert!(homes.len() >= 8);
    }
}
