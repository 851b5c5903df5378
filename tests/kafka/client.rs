//! Test clients: create topics, write input, read what was committed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use churnwatch::partitioner::Partitioner;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::broker::Broker;
use super::{eventually, unique};

const LIMIT: Duration = Duration::from_mins(3);
/// Timeout of one request; a broker that is not ready yet is asked again.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A committed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub partition: i32,
    pub offset: i64,
    /// Epoch milliseconds.
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: BTreeMap<String, Vec<u8>>,
}

impl Committed {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}"));
        std::str::from_utf8(value).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.value.as_deref().expect("a value")).unwrap()
    }
}

pub fn config(broker: &Broker) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.address()).set("log_level", "3");
    config
}

fn admin<T>(broker: &Broker, work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> T) -> T {
    let client: AdminClient<DefaultClientContext> = config(broker).create().unwrap();
    let options = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work(&client, &options))
}

pub fn create_topic(broker: &Broker, name: &str, partitions: i32) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(broker.replicas()));
    // A broker that has just started may not answer at first.
    eventually("a topic", LIMIT, || {
        match admin(broker, async |client, options| client.create_topics([&topic], options).await.map(|mut results| results.remove(0))) {
            Ok(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Some(()),
            Ok(Err((_, code))) => panic!("creating {name}: {code}"),
            Err(_) => None,
        }
    });
}

/// Creates a topic with its own settings.
pub fn create_topic_with(broker: &Broker, name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(broker.replicas()));
    let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
    admin(broker, async |client, options| client.create_topics([&topic], options).await.unwrap().remove(0).unwrap());
}

/// Writes one record with these bytes as its key to a partition.
pub fn produce_raw(broker: &Broker, topic: &str, partition: i32, key: &[u8], value: &[u8]) {
    let producer: BaseProducer = config(broker).create().unwrap();
    producer.send(BaseRecord::<[u8], [u8]>::to(topic).key(key).payload(value).partition(partition)).map_err(|(error, _)| error).unwrap();
    producer.flush(LIMIT).unwrap();
}

/// Writes a tombstone for a key to a partition.
pub fn delete_key(broker: &Broker, topic: &str, partition: i32, key: &[u8]) {
    let producer: BaseProducer = config(broker).create().unwrap();
    producer.send(BaseRecord::<[u8], [u8]>::to(topic).key(key).partition(partition)).map_err(|(error, _)| error).unwrap();
    producer.flush(LIMIT).unwrap();
}

/// A transaction with one record in partition 0 that stays open until the broker aborts it.
pub fn open_transaction(broker: &Broker, topic: &str, timeout: Duration) -> BaseProducer {
    let producer = transactional(broker, &unique("open"), timeout);
    add_to_transaction(&producer, topic);
    producer
}

/// A transactional producer, which fences earlier ones with the same id.
pub fn transactional(broker: &Broker, id: &str, timeout: Duration) -> BaseProducer {
    let timeout = timeout.as_millis().to_string();
    let mut config = config(broker);
    config.set("transactional.id", id).set("transaction.timeout.ms", &timeout).set("delivery.timeout.ms", &timeout);
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(LIMIT).unwrap();
    producer
}

/// The transactional ids with this prefix that the coordinator knows. Keys of its log are a version, a length and the id.
pub fn transactional_ids(broker: &Broker, prefix: &str) -> BTreeSet<String> {
    let ids = read_committed(broker, "__transaction_state").into_iter().filter_map(|record| Some(record.key?.get(4..)?.to_vec()));
    ids.filter_map(|id| String::from_utf8(id).ok()).filter(|id| id.starts_with(prefix)).collect()
}

/// Begins a transaction that writes one record to partition 0.
pub fn add_to_transaction(producer: &BaseProducer, topic: &str) {
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::<str, [u8]>::to(topic).key("open").payload(b"x").partition(0)).map_err(|(error, _)| error).unwrap();
    // A flush would wait for the end of the transaction.
    eventually("the record", LIMIT, || {
        producer.poll(Duration::from_millis(10));
        (producer.in_flight_count() == 0).then_some(())
    });
}

/// Sets one setting of an existing topic; all others get their defaults.
pub fn configure_topic(broker: &Broker, topic: &str, name: &str, value: &str) {
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
    admin(broker, async |client, options| client.alter_configs([&change], options).await.unwrap().remove(0).unwrap());
}

/// Whether it could be created; it cannot while a topic of that name is being deleted.
pub fn try_create_topic(broker: &Broker, name: &str, partitions: i32) -> bool {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(broker.replicas()));
    admin(broker, async |client, options| client.create_topics([&topic], options).await.unwrap().remove(0).is_ok())
}

pub fn add_partitions(broker: &Broker, name: &str, partitions: usize) {
    let more = NewPartitions::new(name, partitions);
    admin(broker, async |client, options| client.create_partitions([&more], options).await.unwrap().remove(0).unwrap());
}

pub fn delete_topic(broker: &Broker, name: &str) {
    admin(broker, async |client, options| client.delete_topics(&[name], options).await.unwrap().remove(0).unwrap());
}

/// Deletes the records before an offset.
pub fn delete_records(broker: &Broker, topic: &str, partition: i32, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before)).unwrap();
    admin(broker, async |client, options| client.delete_records(&list, options).await.map(drop).unwrap());
}

/// Topic, key, value, timestamp.
pub type Outgoing<'a> = (&'a str, Option<&'a str>, &'a [u8], i64);

/// Writes records where the Java client would put them, and waits until they are there.
pub fn produce<'a>(broker: &Broker, records: impl IntoIterator<Item = Outgoing<'a>>) {
    produce_by("murmur2_random", broker, records);
}

/// Writes one record with headers.
pub fn produce_with_headers(broker: &Broker, (topic, key, value, timestamp): Outgoing<'_>, headers: &[(&str, &str)]) {
    let producer: BaseProducer = config(broker).create().unwrap();
    let with = |known: OwnedHeaders, (key, value): &(&str, &str)| known.insert(Header { key, value: Some(*value) });
    let mut record = BaseRecord::<str, [u8]>::to(topic).payload(value).timestamp(timestamp);
    record.key = key;
    record.headers = Some(headers.iter().fold(OwnedHeaders::new(), with));
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(LIMIT).unwrap();
}

/// Writes records with one of librdkafka's partitioners.
pub fn produce_by<'a>(partitioner: &str, broker: &Broker, records: impl IntoIterator<Item = Outgoing<'a>>) {
    write(partitioner, broker, records.into_iter().map(|record| (record, None)));
}

/// Writes records to the partitions in turn, whatever their keys.
pub fn produce_scattered<'a>(broker: &Broker, partitions: i32, records: impl IntoIterator<Item = Outgoing<'a>>) {
    write("murmur2_random", broker, records.into_iter().zip((0..partitions).cycle().map(Some)));
}

/// Writes values with these timestamps to one partition.
pub fn produce_to<'a>(broker: &Broker, topic: &str, partition: i32, records: impl IntoIterator<Item = (&'a [u8], i64)>) {
    let records = records.into_iter().map(|(value, timestamp)| ((topic, None, value, timestamp), Some(partition)));
    write("murmur2_random", broker, records);
}

fn write<'a>(partitioner: &str, broker: &Broker, records: impl Iterator<Item = (Outgoing<'a>, Option<i32>)>) {
    let producer: BaseProducer = config(broker)
        .set("partitioner", partitioner)
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .unwrap();
    for ((topic, key, value, timestamp), partition) in records {
        let mut record = BaseRecord::<str, [u8]>::to(topic).payload(value).timestamp(timestamp);
        (record.key, record.partition) = (key, partition);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(LIMIT).unwrap();
}

/// The partition to which the Java client sends a key.
pub fn murmur2(key: &[u8], partitions: i32) -> i32 {
    Partitioner::Murmur2.partition(key, partitions)
}

/// All records of a topic that read-committed consumers see, by partition and offset.
pub fn read_committed(broker: &Broker, topic: &str) -> Vec<Committed> {
    let consumer: BaseConsumer = config(broker)
        .set("group.id", "test-reader")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let partitions = partitions(broker, topic);
    let mut list = TopicPartitionList::new();
    (0..partitions).for_each(|partition| list.add_partition_offset(topic, partition, Offset::Beginning).unwrap());
    consumer.assign(&list).unwrap();
    let (mut ends, mut read) = (0, Vec::new());
    while ends < partitions {
        match consumer.poll(LIMIT) {
            Some(Ok(record)) => read.push(Committed {
                partition: record.partition(),
                offset: record.offset(),
                timestamp: record.timestamp().to_millis().unwrap_or(-1),
                key: record.key().map(<[u8]>::to_vec),
                value: record.payload().map(<[u8]>::to_vec),
                headers: record
                    .headers()
                    .into_iter()
                    .flat_map(|headers| headers.iter())
                    .map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
                    .collect(),
            }),
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            None => panic!("{topic} gave nothing for {LIMIT:?}"),
        }
    }
    read.sort_by_key(|record| (record.partition, record.offset));
    read
}

/// The newest value of each changelog key, for keys that do not depend on the time of scoring.
pub fn state_of_events(broker: &Broker, changelog: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut state = BTreeMap::new();
    for record in read_committed(broker, changelog) {
        let key = record.key.unwrap();
        match record.value {
            Some(value) if is_made_of_events_alone(&key) => drop(state.insert(key, value)),
            _ => drop(state.remove(&key)),
        }
    }
    state
}

/// The sections of an account that depend on when it was scored: its score, and its scores on past dates.
pub const SECTIONS_OF_SCORES: [u8; 2] = [0, 16];

/// Sections of accounts are numbered. The stamp counts waiting records.
fn is_made_of_events_alone(key: &[u8]) -> bool {
    matches!(key, [1, section, ..] if !SECTIONS_OF_SCORES.contains(section))
}

/// The number of partitions of an existing topic.
pub fn partitions(broker: &Broker, topic: &str) -> i32 {
    let client: BaseConsumer = config(broker).create().unwrap();
    // A broker that has just started or resumed does not know its topics for a moment.
    let count = eventually("the partitions of a topic", LIMIT, || {
        let metadata = client.fetch_metadata(Some(topic), ANSWER_LIMIT).ok()?;
        metadata.topics().first().map(|found| found.partitions().len()).filter(|count| *count > 0)
    });
    i32::try_from(count).unwrap()
}

/// The offset after the last record of each partition, open transactions and control records included.
pub fn ends(broker: &Broker, topic: &str) -> Vec<i64> {
    ends_as_seen(broker, topic, "read_uncommitted")
}

/// The last stable offset of each partition: read-committed consumers stop there, at the first open transaction.
pub fn stable_ends(broker: &Broker, topic: &str) -> Vec<i64> {
    ends_as_seen(broker, topic, "read_committed")
}

/// The offset of the first record of a partition.
pub fn start(broker: &Broker, topic: &str, partition: i32) -> i64 {
    let client: BaseConsumer = config(broker).create().unwrap();
    client.fetch_watermarks(topic, partition, ANSWER_LIMIT).unwrap().0
}

fn ends_as_seen(broker: &Broker, topic: &str, isolation: &str) -> Vec<i64> {
    let client: BaseConsumer = config(broker).set("group.id", "test-reader").set("isolation.level", isolation).create().unwrap();
    // A broker that was suspended is fenced by its controller for a moment, and its partitions have no leader.
    let end = |partition| {
        eventually("the end of a partition", LIMIT, || {
            // Otherwise the client caches "no leader" for minutes.
            client.fetch_metadata(Some(topic), ANSWER_LIMIT).ok()?;
            client.fetch_watermarks(topic, partition, ANSWER_LIMIT).ok()
        })
    };
    (0..partitions(broker, topic)).map(|partition| end(partition).1).collect()
}

/// A client of a group for queries and commits from outside; it never joins.
pub struct Group(BaseConsumer);

impl Group {
    pub fn new(broker: &Broker, group: &str) -> Self {
        Self(config(broker).set("group.id", group).set("enable.auto.commit", "false").create().unwrap())
    }

    /// The committed offset of each partition of a topic; -1: none.
    pub fn committed(&self, topic: &str, partitions: i32) -> Vec<i64> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        // A new group has no coordinator for a moment.
        let committed = eventually("the group's offsets", LIMIT, || self.0.committed_offsets(list.clone(), LIMIT).ok());
        let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element.offset() {
            Offset::Offset(offset) => offset,
            _ => -1,
        };
        committed.elements().iter().map(offset).collect()
    }

    /// Moves an offset of a group without members.
    pub fn commit(&self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        self.0.commit(&list, CommitMode::Sync).unwrap();
    }

    /// Deletes all offsets of a group without members.
    pub fn delete(broker: &Broker, group: &str) {
        admin(broker, async |client, options| client.delete_groups(&[group], options).await.unwrap().remove(0).unwrap());
    }
}

/// A foreign member of a group. It leaves when dropped.
pub struct Member(BaseConsumer);

impl Member {
    /// Subscribes to these topics; the group accepts it once it is polled.
    pub fn join(broker: &Broker, group: &str, topics: &[&str]) -> Self {
        let mut config = config(broker);
        config.set("group.id", group).set("partition.assignment.strategy", "range").set("session.timeout.ms", "6000");
        let consumer: BaseConsumer = config.set("heartbeat.interval.ms", "500").set("enable.auto.commit", "false").create().unwrap();
        consumer.subscribe(topics).unwrap();
        Self(consumer)
    }

    pub fn poll(&self) {
        drop(self.0.poll(Duration::from_millis(100)));
    }

    /// What it commits with, once it has been assigned something.
    pub fn metadata_if_assigned(&self) -> Option<ConsumerGroupMetadata> {
        (self.0.assignment().ok()?.count() > 0).then(|| self.0.group_metadata())?
    }
}
