//! Writes simulated records to Kafka topics, keyed and partitioned like the Java client, so an account has the same partition number in
//! every topic.

use super::record::SimulatedRecord;
use crate::event::PerStream;
use crate::kafka::{self, Creation, Found, Inspector, Properties, TopicSpec, Writer, create_topics, wait};

/// Why records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// A client failed.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// No broker responds.
    #[error("no broker answers; check kafka.bootstrap_servers or --bootstrap-servers")]
    Unreachable(#[source] kafka::Error),
    /// A topic does not exist.
    #[error("topic {topic} does not exist; --partitions creates missing topics")]
    Missing {
        /// The topic.
        topic: String,
    },
    /// A topic could not be created.
    #[error("cannot create topic {topic}: {reason}")]
    NotCreated {
        /// The topic.
        topic: String,
        /// The broker's reason.
        reason: String,
    },
}

/// Writes to one topic per stream.
pub struct Topics {
    properties: Properties,
    writer: Writer,
    /// Records of streams without a topic are dropped.
    names: PerStream<Option<String>>,
}

impl Topics {
    /// Writes to the topics `names`. Does not connect yet.
    ///
    /// # Errors
    /// If librdkafka refuses the properties.
    pub fn new(properties: Properties, names: PerStream<Option<String>>) -> Result<Self, ProduceError> {
        Ok(Self { writer: Writer::new(&properties)?, properties, names })
    }

    /// Checks that the topics exist, so that a misconfigured simulation fails before its first record.
    ///
    /// # Errors
    /// If no broker answers, or a topic does not exist.
    pub fn find(&self) -> Result<(), ProduceError> {
        let inspector = Inspector::new(&self.properties)?;
        for name in self.names.0.iter().flatten() {
            // A topic that we are not authorised to describe may still be writable.
            let is_hidden = inspector.find(name).map_err(ProduceError::Unreachable)? == Found::Hidden;
            // Some brokers create topics on first request.
            if !is_hidden && inspector.partitions_in_time(name, wait::UNKNOWN_TOPIC)?.is_none() {
                return Err(ProduceError::Missing { topic: name.clone() });
            }
        }
        Ok(())
    }

    /// Creates missing topics, all with the same number of partitions.
    ///
    /// # Errors
    /// If the cluster does not answer or refuses a topic.
    pub fn create_missing(&self, partitions: i32) -> Result<(), ProduceError> {
        let spec = |name| TopicSpec { name, partitions, replication_factor: -1, settings: &[] };
        let topics: Vec<_> = self.names.0.iter().flatten().map(|name| spec(name.as_str())).collect();
        match create_topics(&self.properties, &topics, Creation::Real, wait::FIRST_CONTACT)?.into_iter().next() {
            None => Ok(()),
            Some((topic, code)) => Err(ProduceError::NotCreated { topic, reason: code.to_string() }),
        }
    }

    /// Sends a record with its time as the timestamp; blocks while the queue is full.
    ///
    /// # Errors
    /// If the record is rejected, or an earlier one was not delivered.
    pub fn write(&self, record: &SimulatedRecord) -> Result<(), ProduceError> {
        match self.names.of(record.stream).as_deref() {
            Some(topic) => Ok(self.writer.write(topic, &record.account, record.json.as_ref(), record.at)?),
            None => Ok(()),
        }
    }

    /// Waits until everything is delivered.
    ///
    /// # Errors
    /// If something is not.
    pub fn finish(self) -> Result<(), ProduceError> {
        Ok(self.writer.finish()?)
    }
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics").field("names", &self.names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::event::Stream;
    use crate::kafka::mock::EmbeddedBroker;
    use crate::simulate::{Generator, Options};

    #[test]
    fn missing_brokers_are_reported_before_the_first_record() {
        let names = PerStream::from_fn(|stream| Some(stream.name().to_owned()));
        let topics = Topics::new(Properties::new([("bootstrap.servers", "127.0.0.1:1")]), names).unwrap();
        assert!(matches!(topics.find(), Err(ProduceError::Unreachable(_))));
    }

    #[test]
    fn an_account_has_the_same_partition_number_in_all_topics() {
        let broker = EmbeddedBroker::start().unwrap();
        let names = Stream::ALL.map(|stream| format!("in-{}", stream.name()));
        for name in &names {
            broker.create_topic(name, 4).unwrap();
        }
        let topics = Topics::new(broker.properties(), PerStream(names.clone().map(Some))).unwrap();
        topics.find().unwrap();
        let records: Vec<_> = Generator::new(&Options { accounts: 8, days: 3, ..Options::default() }).collect();
        for record in &records {
            topics.write(record).unwrap();
        }
        topics.finish().unwrap();
        let arrived = broker.read(&names.each_ref().map(String::as_str), records.len());
        assert_eq!(arrived.len(), records.len());
        let mut partitions: BTreeMap<Vec<u8>, i32> = BTreeMap::new();
        for (partition, key) in arrived {
            assert_eq!(*partitions.entry(key).or_insert(partition), partition);
        }
        assert!(partitions.len() >= 8);
    }
}
