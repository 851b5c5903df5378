//! librdkafka's embedded mock broker, for `demo` and unit tests: no Kafka installation needed.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::error::Error;

/// One broker inside this process. Must be dropped by the thread that started it.
pub struct EmbeddedBroker(MockCluster<'static, DefaultProducerContext>);

impl EmbeddedBroker {
    /// Starts a broker on a free port.
    ///
    /// # Errors
    /// If librdkafka cannot start it.
    pub fn start() -> Result<Self, Error> {
        MockCluster::new(1).map(Self).map_err(|error| Error::call("starting the embedded broker", &error))
    }

    /// Its `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.bootstrap_servers()
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// If the broker refuses it.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), Error> {
        self.0
            .create_topic(name, partitions, 1)
            .map_err(|error| Error::call(format!("creating topic {name} on the embedded broker"), &error))
    }
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EmbeddedBroker").field(&self.address()).finish()
    }
}

#[cfg(test)]
mod for_tests {
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    use rdkafka::message::Message as _;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

    use super::*;
    use crate::kafka::Properties;
    use std::time::Duration;

    impl EmbeddedBroker {
        /// Properties of clients that connect to it.
        pub(crate) fn properties(&self) -> Properties {
            Properties::new([("bootstrap.servers", self.address())])
        }

        /// Removes the leader of a partition, or restores it.
        pub(crate) fn set_leader(&self, topic: &str, partition: i32, leader: bool) {
            self.0.partition_leader(topic, partition, leader.then_some(1)).unwrap();
        }

        /// Answers this many requests for records with an error.
        pub(crate) fn refuse_fetches(&self, count: usize) {
            let error = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
            self.0.request_errors(rdkafka::types::RDKafkaApiKey::Fetch, &vec![error; count]);
        }

        /// Writes values without keys to one partition.
        pub(crate) fn write(&self, topic: &str, partition: i32, values: &[&[u8]]) {
            let producer: BaseProducer = self.properties().admin().create().unwrap();
            for value in values {
                producer.send(BaseRecord::<[u8], [u8]>::to(topic).partition(partition).payload(value)).map_err(|(error, _)| error).unwrap();
            }
            producer.flush(Duration::from_secs(10)).unwrap();
        }

        /// The first `count` records of these topics: partition and key of each.
        pub(crate) fn read(&self, topics: &[&str], count: usize) -> Vec<(i32, Vec<u8>)> {
            let mut config = self.properties().admin();
            let reader: BaseConsumer = config.set("group.id", "test-reader").set("auto.offset.reset", "earliest").create().unwrap();
            reader.subscribe(topics).unwrap();
            // A poll that handles a rebalance returns no record.
            let polls = std::iter::repeat_with(|| reader.poll(Duration::from_secs(1))).take(count + 30);
            let records = polls.flatten().map(Result::unwrap).take(count);
            records.map(|record| (record.partition(), record.key().unwrap_or_default().to_vec())).collect()
        }
    }
}
