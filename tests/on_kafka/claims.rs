//! What the model of the simulator (`tests/simulate/broker`) says about Kafka, shown with plain clients. Docs/reliability.md lists each claim.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::broker::Broker;
use crate::kafka::client::{self, Member, add_to_transaction, transactional};
use crate::kafka::scenario::LIMIT;
use crate::kafka::{eventually, unique};

/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(1);

/// A topic of one partition, and a group, with names of their own.
fn topic_and_group(broker: &Broker, name: &str) -> (String, String) {
    let (topic, group) = (unique(name), unique(name));
    client::create_topic(broker, &topic, 1);
    (topic, group)
}

fn reader(broker: &Broker, group: &str) -> BaseConsumer {
    client::config(broker).set("group.id", group).set("isolation.level", "read_committed").create().unwrap()
}

/// What a client that is no member commits with.
fn nobody(broker: &Broker, group: &str) -> ConsumerGroupMetadata {
    reader(broker, group).group_metadata().unwrap()
}

fn first_of(topic: &str, offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, offset).unwrap();
    list
}

/// Sends an offset in the transaction that is open.
fn send_offset(producer: &BaseProducer, topic: &str, next: i64, metadata: &ConsumerGroupMetadata) -> Result<(), KafkaError> {
    producer.send_offsets_to_transaction(&first_of(topic, Offset::Offset(next)), metadata, LIMIT)
}

/// The group's offset, unless the answer says that it is about to move.
fn stable_offset(reader: &BaseConsumer, topic: &str) -> Option<Offset> {
    let committed = reader.committed_offsets(first_of(topic, Offset::Invalid), Duration::from_secs(2)).ok()?;
    Some(committed.elements()[0].offset())
}

#[test]
fn offsets_count_in_the_order_in_which_they_were_sent_not_in_that_of_the_commits() {
    let broker = Broker::shared();
    let (topic, group) = topic_and_group(broker, "claims-order");
    let nobody = nobody(broker, &group);
    let (first, second) = (transactional(broker, &unique("first"), LONG), transactional(broker, &unique("second"), LONG));
    first.begin_transaction().unwrap();
    send_offset(&first, &topic, 7, &nobody).unwrap();
    second.begin_transaction().unwrap();
    send_offset(&second, &topic, 9, &nobody).unwrap();
    second.commit_transaction(LIMIT).unwrap();
    first.commit_transaction(LIMIT).unwrap();
    let reader = reader(broker, &group);
    let offset = eventually("the offset", LIMIT, || stable_offset(&reader, &topic));
    assert_eq!(offset, Offset::Offset(9), "the later one holds, although its transaction was committed before the other");
}

#[test]
fn an_offset_that_an_open_transaction_moves_cannot_be_read_and_records_from_its_first_on_are_not_stable() {
    let broker = Broker::shared();
    let (topic, group) = topic_and_group(broker, "claims-stable");
    let producer = transactional(broker, &unique("open"), LONG);
    add_to_transaction(&producer, &topic);
    send_offset(&producer, &topic, 5, &nobody(broker, &group)).unwrap();
    client::produce_raw(broker, &topic, 0, b"plain", b"x");
    let reader = reader(broker, &group);
    // Only a coordinator that has answered before shows that it is the offset that it withholds.
    eventually("an offset of another topic", LIMIT, || stable_offset(&reader, &unique("other")));
    assert_eq!(stable_offset(&reader, &topic), None);
    assert_eq!((client::stable_ends(broker, &topic), client::ends(broker, &topic)), (vec![0], vec![2]));
    producer.commit_transaction(LIMIT).unwrap();
    assert_eq!(eventually("the offset", LIMIT, || stable_offset(&reader, &topic)), Offset::Offset(5));
    // The marker takes an offset of its own.
    assert_eq!((client::stable_ends(broker, &topic), client::ends(broker, &topic)), (vec![3], vec![3]));
    assert_eq!(client::read_committed(broker, &topic).len(), 2);
}

#[test]
fn a_producer_that_takes_an_id_over_aborts_what_is_open_and_fences_the_one_before() {
    let broker = Broker::shared();
    let (topic, _) = topic_and_group(broker, "claims-fencing");
    let id = unique("owner");
    let before = transactional(broker, &id, LONG);
    add_to_transaction(&before, &topic);
    let _after = transactional(broker, &id, LONG);
    assert_eq!(client::stable_ends(broker, &topic), client::ends(broker, &topic));
    let error = before.commit_transaction(LIMIT).unwrap_err();
    assert!(matches!(&error, KafkaError::Transaction(error) if error.is_fatal()), "{error:?}");
    assert_eq!(client::read_committed(broker, &topic), []);
}

#[test]
fn a_producer_with_another_id_disturbs_neither_what_is_open_nor_its_commit() {
    let broker = Broker::shared();
    let (topic, _) = topic_and_group(broker, "claims-other-id");
    let first = transactional(broker, &unique("first"), LONG);
    add_to_transaction(&first, &topic);
    let _other = transactional(broker, &unique("other"), LONG);
    assert_eq!(client::stable_ends(broker, &topic), [0]);
    first.commit_transaction(LIMIT).unwrap();
    assert_eq!(client::read_committed(broker, &topic).len(), 1);
}

#[test]
fn a_transaction_that_is_open_for_too_long_is_aborted_and_its_producer_fenced() {
    let broker = Broker::shared();
    let (topic, _) = topic_and_group(broker, "claims-timeout");
    let producer = transactional(broker, &unique("slow"), Duration::from_secs(1));
    add_to_transaction(&producer, &topic);
    eventually("the abort", LIMIT, || (client::stable_ends(broker, &topic) == client::ends(broker, &topic)).then_some(()));
    assert!(producer.commit_transaction(LIMIT).is_err());
    assert_eq!(client::read_committed(broker, &topic), []);
}

#[test]
fn offsets_of_an_earlier_generation_are_refused_and_those_of_nobody_in_particular_are_not() {
    let broker = Broker::shared();
    let (topic, group) = topic_and_group(broker, "claims-generation");
    client::create_topic(broker, &topic, 1);
    let (first, mut second) = (Member::join(broker, &group, &[&topic]), None);
    let producer = transactional(broker, &unique("member"), LONG);
    let sends = |metadata: &ConsumerGroupMetadata| {
        producer.begin_transaction().unwrap();
        let result = send_offset(&producer, &topic, 3, metadata);
        producer.abort_transaction(LIMIT).unwrap();
        result
    };
    let earlier = eventually("the first generation", LIMIT, || {
        first.poll();
        first.metadata_if_assigned()
    });
    sends(&earlier).unwrap();
    // A second member begins the next generation.
    eventually("the second generation", LIMIT, || {
        first.poll();
        second.get_or_insert_with(|| Member::join(broker, &group, &[&topic])).poll();
        sends(&earlier).is_err().then_some(())
    });
    sends(&nobody(broker, &group)).unwrap();
}
