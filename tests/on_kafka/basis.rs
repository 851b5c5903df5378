//! What a state is based on besides its records: the same topics, as many partitions, one partitioner, one currency and time zone.

use churnwatch::event::{PerStream, Stream};

use crate::kafka::client;
use crate::kafka::eventually;
use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};

/// Deletes a topic, and creates it again with more records than it had.
fn recreate_and_grow(scenario: &Scenario, stream: Stream) {
    let (topic, partitions) = (scenario.topics.of(stream), scenario.topics.partitions);
    let read = client::ends(scenario.broker, &topic);
    client::delete_topic(scenario.broker, &topic);
    eventually("the deletion", LIMIT, || client::try_create_topic(scenario.broker, &topic, partitions).then_some(()));
    let records: Vec<_> = simulated(62, 20, 20).into_iter().filter(|record| record.stream == stream).collect();
    scenario.topics.fill(scenario.broker, &records);
    let now = client::ends(scenario.broker, &topic);
    assert!(now.iter().zip(&read).all(|(now, read)| now > read), "{now:?} must be longer than {read:?}");
}

#[test]
fn a_topic_recreated_and_grown_past_the_offset_is_rejected_at_every_start() {
    let scenario = Scenario::new("regrown", 2, &simulated(61, 10, 3));
    scenario.run_to_end();
    recreate_and_grow(&scenario, Stream::Usage);
    let check = scenario.application.command(&["check"]);
    assert!(String::from_utf8_lossy(&check.stderr).contains("error: topic_recreated"), "{check:?}");
    for _ in 0..2 {
        let log = scenario.fails_with("topic_recreated");
        assert!(log.contains(&scenario.topics.of(Stream::Usage)) && log.contains("new application.id"), "{log}");
    }
}

#[test]
fn a_topic_recreated_and_grown_under_a_running_service_stops_it_and_every_later_start() {
    let scenario = Scenario::new("swapped", 1, &simulated(61, 10, 3));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    // Suspended for less than its session, so that the topic has grown before the next fetch.
    service.signal("STOP");
    recreate_and_grow(&scenario, Stream::Usage);
    service.signal("CONT");
    service.fails_with("topic_recreated");
    scenario.fails_with("topic_recreated");
}

#[test]
fn a_state_without_topic_ids_is_continued_and_learns_them() {
    let mut scenario = Scenario::new("unstamped", 1, &simulated(61, 10, 3));
    scenario.application.set("state.write_version", "1");
    scenario.run_to_end();
    scenario.application.set("state.write_version", "2");
    recreate_and_grow(&scenario, Stream::Feedback);
    // Nothing tells that the topic is another one: the state goes on, and its next stamp has the ids.
    scenario.run_to_end();
    recreate_and_grow(&scenario, Stream::Support);
    scenario.fails_with("topic_recreated");
}

#[test]
fn partitions_added_under_a_running_service_stop_it_within_a_minute() {
    let scenario = Scenario::new("widened", 2, &simulated(61, 10, 3));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let usage = scenario.topics.of(Stream::Usage);
    client::add_partitions(scenario.broker, &usage, 3);
    let log = service.fails_with("partition_count_changed");
    assert!(log.contains(&format!("{usage} has 3 partitions, but the state was built with 2")), "{log}");
}

#[test]
fn another_currency_or_time_zone_is_rejected_until_it_is_set_back() {
    let mut scenario = Scenario::new("meaning", 2, &simulated(61, 10, 3));
    scenario.run_to_end();
    let given = scenario.application.arguments.clone();
    for (key, before, now) in [("money.reporting_currency", "USD", "EUR"), ("time.reporting_time_zone", "UTC", "Asia/Tokyo")] {
        scenario.application.set(key, now);
        let said = format!("{key} is {now}, but the state was built with {before}");
        let log = scenario.fails_with("meaning_changed");
        assert!(log.contains(&said) && log.contains(&format!("set {key} back to {before}")), "{log}");
        let check = scenario.application.command(&["check"]);
        assert_eq!(check.status.code(), Some(1));
        let text = String::from_utf8_lossy(&check.stderr);
        // Of all tasks together; with another currency, the sampled records lack a rate as well.
        assert_eq!(text.matches("error: meaning_changed: ").count(), 1, "{text}");
        assert!(text.contains(&format!("error: meaning_changed: {said}")), "{text}");
        scenario.application.arguments.clone_from(&given);
    }
    scenario.topics.fill(scenario.broker, &simulated(63, 10, 2));
    scenario.run_to_end();
}

#[test]
fn an_established_partitioner_is_kept_while_the_topics_are_empty_and_refuses_another() {
    let scenario = Scenario::new("kept", 4, &[]);
    let names = PerStream::from_fn(|stream| scenario.topics.of(stream));
    let produce = |partitioner: &str, seed| {
        let records = simulated(seed, 60, 3);
        let placed = records.iter().map(|r| (names.of(r.stream).as_str(), Some(r.account.as_str()), r.json.as_bytes(), now()));
        client::produce_by(partitioner, scenario.broker, placed);
    };
    let strays = || {
        let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
        letters.iter().filter(|letter| letter.header("churnwatch_code") == "wrong_partition").count()
    };
    produce("consistent_random", 64);
    scenario.run_to_end();
    assert_eq!(strays(), 0);
    for (topic, ends) in scenario.topics.all().iter().zip(scenario.ends()) {
        for (partition, end) in (0..).zip(ends) {
            client::delete_records(scenario.broker, topic, partition, end);
        }
    }
    let mut service = scenario.application.start_with(&["--set".to_owned(), "output.on_bad_run=dead_letter".to_owned()], &[]);
    service.get("/livez");
    eventually("the start", LIMIT, || service.log().contains("restored").then_some(()));
    produce("murmur2_random", 65);
    scenario.wait_for_end(&mut service);
    service.terminate();
    assert!(strays() > 0, "records that crc32 would have put elsewhere");
    let log = scenario.fails_with("partitioner_changed");
    assert!(log.contains("partitioned by murmur2, but the state was built from keys partitioned by crc32"), "{log}");
}
