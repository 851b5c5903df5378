//! Group offsets versus the stamp of the state, on a real Kafka: each row of the table in `src/stream/offsets.rs` that an operator can
//! bring about.

use crate::kafka::client::{self, Group};
use crate::kafka::input::simulated;
use crate::kafka::scenario::Scenario;
use churnwatch::event::Stream;

/// An application that has read everything and is stopped.
fn stopped(name: &str) -> Scenario {
    let scenario = Scenario::new(name, 2, &simulated(7, 10, 5));
    scenario.run_to_end();
    scenario
}

#[test]
fn moved_offsets_are_rejected_unless_resumed_from_the_stamp() {
    let mut scenario = stopped("moved");
    let topic = scenario.topics.of(Stream::Usage);
    let (before, state) = (scenario.committed(), client::ends(scenario.broker, &scenario.application.changelog));
    scenario.group().commit(&topic, 1, 0);
    let log = scenario.fails_with("offsets_moved");
    assert!(log.contains(&topic) && log.contains("--resume-from stamp"), "{log}");
    assert_eq!(client::ends(scenario.broker, &scenario.application.changelog), state, "nothing was written");

    scenario.application.arguments.extend(["--resume-from".to_owned(), "stamp".to_owned()]);
    scenario.run_to_end();
    assert_eq!(scenario.committed(), before);
}

#[test]
fn after_its_offsets_expired_a_group_continues_from_the_state_and_reads_nothing_twice() {
    let scenario = stopped("expired");
    let (before, letters) = (scenario.committed(), client::ends(scenario.broker, &scenario.application.dead_letters));
    Group::delete(scenario.broker, &scenario.application.id);
    assert_ne!(scenario.committed(), before);
    scenario.run_to_end();
    assert_eq!(scenario.committed(), before);
    assert_eq!(client::ends(scenario.broker, &scenario.application.dead_letters), letters, "bad records were read again");
}

#[test]
fn committed_offsets_without_state_are_rejected() {
    let scenario = stopped("stateless");
    client::delete_topic(scenario.broker, &scenario.application.changelog);
    scenario.fails_with("state_missing");
}

#[test]
fn lost_records_are_rejected_with_their_count_unless_the_loss_is_accepted() {
    let mut scenario = stopped("lost");
    let topic = scenario.topics.of(Stream::Usage);
    let read = client::ends(scenario.broker, &topic)[0];
    scenario.topics.fill(scenario.broker, &simulated(8, 10, 5));
    client::delete_records(scenario.broker, &topic, 0, read + 3);
    let log = scenario.fails_with("input_lost");
    assert!(log.contains("3 records"), "{log}");

    scenario.application.arguments.push("--accept-loss".to_owned());
    scenario.run_to_end();
    assert_eq!(scenario.committed(), scenario.ends());
}

#[test]
fn a_loss_is_accepted_for_the_start_and_not_for_the_life_of_the_process() {
    let mut scenario = Scenario::new("oncelost", 1, &simulated(17, 4, 3));
    scenario.run_to_end();
    let topic = scenario.topics.of(Stream::Usage);
    let lose = |count| {
        let read = client::ends(scenario.broker, &topic)[0];
        scenario.topics.fill(scenario.broker, &simulated(18, 4, 3));
        client::delete_records(scenario.broker, &topic, 0, read + count);
    };
    lose(3);
    let mut service = scenario.application.start_with(&["--accept-loss".to_owned()], &[]);
    scenario.wait_for_end(&mut service);
    // It is suspended for less than its session while more records are lost.
    service.signal("STOP");
    lose(2);
    service.signal("CONT");
    let log = service.fails_with("input_lost");
    assert!(log.contains("2 records"), "{log}");
    scenario.application.arguments.push("--accept-loss".to_owned());
    scenario.run_to_end();
}

#[test]
fn deleting_unread_records_stops_a_running_service_at_once() {
    let scenario = Scenario::new("undermined", 1, &simulated(17, 4, 3));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let topic = scenario.topics.of(Stream::Usage);
    let read = client::ends(scenario.broker, &topic)[0];
    // It is suspended for less than its session while records arrive and are deleted.
    service.signal("STOP");
    scenario.topics.fill(scenario.broker, &simulated(18, 4, 3));
    client::delete_records(scenario.broker, &topic, 0, read + 2);
    service.signal("CONT");
    let log = service.fails_with("input_lost");
    assert!(log.contains("2 records"), "{log}");
}

#[test]
fn a_recreated_topic_is_rejected() {
    let scenario = stopped("recreated");
    let topic = scenario.topics.of(Stream::Billing);
    client::delete_topic(scenario.broker, &topic);
    crate::kafka::eventually("the deletion", crate::kafka::scenario::LIMIT, || {
        client::try_create_topic(scenario.broker, &topic, 2).then_some(())
    });
    scenario.fails_with("topic_recreated");
}

#[test]
fn start_fail_rejects_a_partition_without_committed_offset() {
    let mut scenario = Scenario::new("never", 1, &simulated(9, 2, 2));
    scenario.application.set("kafka.start", "fail");
    scenario.fails_with("no_committed_offset");
}

#[test]
fn start_latest_skips_existing_records_and_reads_new_ones() {
    let mut scenario = Scenario::new("latest", 1, &simulated(9, 4, 4));
    scenario.application.set("kafka.start", "latest");
    scenario.run_to_end();
    assert_eq!(scenario.committed(), scenario.ends());
    assert_eq!(client::read_committed(scenario.broker, &scenario.application.changelog).len(), 1, "a stamp, and no account");
}

#[test]
fn added_partitions_are_rejected() {
    let scenario = stopped("grown");
    client::add_partitions(scenario.broker, &scenario.topics.of(Stream::Usage), 3);
    scenario.fails_with("partition_counts_differ");
    for stream in [Stream::Billing, Stream::Support, Stream::Feedback, Stream::Accounts] {
        client::add_partitions(scenario.broker, &scenario.topics.of(stream), 3);
    }
    scenario.fails_with("partition_count_changed");
}

#[test]
fn a_changed_topic_set_is_rejected_while_other_instances_run() {
    let mut scenario = Scenario::new("topicset", 2, &simulated(19, 10, 5));
    let mut first = scenario.application.start();
    scenario.wait_for_end(&mut first);
    let (usage, more) = (scenario.topics.of(Stream::Usage), format!("{}-more", scenario.topics.prefix));
    client::create_topic(scenario.broker, &more, 2);
    scenario.application.set("streams.usage.topics", &format!("{usage},{more}"));
    let log = scenario.fails_with("topic_set_changed");
    assert!(log.contains(&more), "{log}");
    first.terminate();

    let before = scenario.committed();
    let mut second = scenario.application.start();
    crate::kafka::eventually("the new topic's first commit", crate::kafka::scenario::LIMIT, || {
        second.assert_alive();
        (scenario.group().committed(&more, 2) == [0, 0]).then_some(())
    });
    second.terminate();
    assert_eq!(scenario.committed(), before, "nothing of the other topics was read again");
}
