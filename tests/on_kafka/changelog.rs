//! The changelog after compaction, one that has lost records or may lose them, and one written by a newer version.

use std::collections::BTreeSet;

use crate::kafka::client;
use crate::kafka::eventually;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::Application;

/// Changelog records whose key has a newer record.
fn superseded(scenario: &Scenario) -> usize {
    let records = client::read_committed(scenario.broker, &scenario.application.changelog);
    let keys: BTreeSet<_> = records.iter().map(|record| (record.partition, &record.key)).collect();
    records.len() - keys.len()
}

#[test]
fn a_compacted_changelog_restores_the_same_state_as_an_uninterrupted_run() {
    let scenario = Scenario::new("compacted", 2, &simulated(21, 20, 6));
    let settings =
        [("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.001"), ("delete.retention.ms", "0")];
    client::create_topic_with(scenario.broker, &scenario.application.changelog, 2, &settings);
    let mut service = scenario.application.start();
    // The active segment is never compacted, so records keep coming until the cleaner has removed something.
    let (mut seed, mut superseded_before) = (30, 0);
    eventually("compaction", LIMIT, || {
        scenario.topics.fill(scenario.broker, &simulated(seed, 20, 2));
        seed += 1;
        scenario.wait_for_end(&mut service);
        let now = superseded(&scenario);
        let is_compacted = now < superseded_before;
        superseded_before = now;
        is_compacted.then_some(())
    });
    service.kill();

    scenario.topics.fill(scenario.broker, &simulated(99, 20, 2));
    scenario.run_to_end();
    let witness = Application::new(scenario.broker, &scenario.topics);
    let mut undisturbed = witness.start();
    let group = client::Group::new(scenario.broker, &witness.id);
    eventually("an undisturbed reading", LIMIT, || {
        undisturbed.assert_alive();
        let reached = |(topic, ends): (&String, &Vec<i64>)| group.committed(topic, 2) == *ends;
        scenario.topics.all().iter().zip(&scenario.ends()).all(reached).then_some(())
    });
    undisturbed.terminate();
    let state = |application: &Application| client::state_of_events(scenario.broker, &application.changelog);
    let (compacted, expected) = (state(&scenario.application), state(&witness));
    let differing: Vec<_> = expected.iter().filter(|(key, value)| compacted.get(*key) != Some(value)).map(|(key, _)| key).collect();
    assert!(differing.is_empty(), "{} of {} records of state differ: {differing:?}", differing.len(), expected.len());
    assert_eq!(compacted.len(), expected.len());
}

/// Deletes the records of the changelog's first partition before an offset, for which it must not be compacted meanwhile.
fn behead(scenario: &Scenario, before: i64) {
    let changelog = &scenario.application.changelog;
    client::configure_topic(scenario.broker, changelog, "cleanup.policy", "delete");
    eventually("the deletion of the head", LIMIT, || {
        client::delete_records(scenario.broker, changelog, 0, before);
        (client::start(scenario.broker, changelog, 0) == before).then_some(())
    });
    client::configure_topic(scenario.broker, changelog, "cleanup.policy", "compact");
}

#[test]
fn a_changelog_whose_head_was_deleted_is_rejected() {
    let scenario = Scenario::new("headless", 1, &simulated(24, 10, 3));
    scenario.run_to_end();
    let changelog = &scenario.application.changelog;
    let end = client::ends(scenario.broker, changelog)[0];
    // The stamp stays: it is the last record.
    behead(&scenario, end - 3);
    scenario.topics.fill(scenario.broker, &simulated(25, 10, 2));
    for _ in 0..2 {
        let log = scenario.fails_with("state_incomplete");
        assert!(log.contains(&format!("{changelog} [0]")) && log.contains("but the changelog holds"), "{log}");
    }
    assert_eq!(client::ends(scenario.broker, changelog)[0], end, "nothing was written");
}

#[test]
fn a_state_without_a_digest_is_rejected_once_its_head_was_deleted() {
    let mut scenario = Scenario::new("undigested", 1, &simulated(24, 10, 3));
    scenario.application.set("state.write_version", "1");
    scenario.run_to_end();
    behead(&scenario, 5);
    let log = scenario.fails_with("state_incomplete");
    assert!(log.contains("records before offset 5 were deleted"), "{log}");
}

#[test]
fn a_record_missing_from_the_middle_of_the_changelog_is_noticed() {
    let scenario = Scenario::new("holed", 1, &simulated(24, 10, 3));
    scenario.run_to_end();
    let changelog = &scenario.application.changelog;
    let account = client::state_of_events(scenario.broker, changelog).into_keys().next().unwrap();
    client::delete_key(scenario.broker, changelog, 0, &account);
    scenario.fails_with("state_incomplete");
}

#[test]
fn a_changelog_that_kafka_would_delete_from_is_reported_by_every_command() {
    let scenario = Scenario::new("policy", 2, &simulated(26, 10, 3));
    let changelog = &scenario.application.changelog;
    client::create_topic_with(scenario.broker, changelog, 2, &[("cleanup.policy", "compact,delete")]);
    let said = format!("{changelog} has cleanup.policy = compact,delete");
    let log = scenario.fails_with("state_incomplete");
    assert!(log.contains(&said) && log.contains("set cleanup.policy = compact"), "{log}");
    for command in [&["check"][..], &["topics"], &["topics", "create"]] {
        let output = scenario.application.command(command);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
        assert!(text.contains(&said), "{command:?}: {text}");
    }
    client::configure_topic(scenario.broker, changelog, "cleanup.policy", "compact");
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    client::configure_topic(scenario.broker, changelog, "cleanup.policy", "delete");
    service.fails_with("state_incomplete");
}

#[test]
fn a_changelog_recreated_under_a_running_service_is_not_taken_for_its_state() {
    let scenario = Scenario::new("emptied", 1, &simulated(27, 10, 3));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let changelog = &scenario.application.changelog;
    service.signal("STOP");
    client::delete_topic(scenario.broker, changelog);
    eventually("the deletion", LIMIT, || client::try_create_topic(scenario.broker, changelog, 1).then_some(()));
    client::configure_topic(scenario.broker, changelog, "cleanup.policy", "compact");
    service.signal("CONT");
    let log = service.fails_with("state_incomplete");
    assert!(log.contains("deleted and re-created while the service was running"), "{log}");
    let log = scenario.application.start().wait_for_failure();
    assert!(log.lines().last().is_some_and(|line| line.contains("state_missing") || line.contains("state_incomplete")), "{log}");
}

#[test]
fn a_stamp_of_a_newer_version_is_rejected_and_nothing_is_written() {
    newer_state_is_refused("newer-stamp", b"\0stamp");
}

#[test]
fn an_account_of_a_newer_version_is_rejected_and_nothing_is_written() {
    newer_state_is_refused("newer-account", b"\x01\x00\x00\x00acct-000001");
}

fn newer_state_is_refused(name: &str, key: &[u8]) {
    let scenario = Scenario::new(name, 1, &simulated(22, 5, 3));
    scenario.run_to_end();
    let changelog = &scenario.application.changelog;
    client::produce_raw(scenario.broker, changelog, 0, key, &[250, 1, 2, 3]);
    scenario.topics.fill(scenario.broker, &simulated(23, 5, 2));
    let topics = [changelog, &scenario.application.changes, &scenario.application.dead_letters];
    let ends = || topics.map(|topic| client::ends(scenario.broker, topic));
    let before = ends();
    let log = scenario.fails_with("state_newer");
    assert!(log.contains(changelog), "{log}");
    assert_eq!(ends(), before, "nothing was written");
}
