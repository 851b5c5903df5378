//! The changelog after compaction, and a changelog written by a newer version.

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
