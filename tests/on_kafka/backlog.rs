//! The repartition stage reads a backlog in the order of time, so that a repetition is recognised whichever partition it is in.

use std::collections::BTreeMap;

use churnwatch::event::Stream;
use churnwatch::simulate::SimulatedRecord;
use churnwatch::time::DAY_MS;

use crate::chaos::Violation;
use crate::chaos::check::changelog::Changelog;
use crate::chaos::check::compare_states;
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::eventually;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::{Application, Service};
use crate::repartition::Foreign;

/// Six weeks, of which ids are remembered for one.
fn six_weeks() -> Vec<SimulatedRecord> {
    simulated(9, 40, 42)
}

fn state(broker: &Broker, application: &Application) -> Changelog {
    Changelog::read(broker, &application.changelog).unwrap_or_else(|violation| panic!("{violation}")).without_ids()
}

/// What differs between the state of foreign topics and that of native ones. Costs are in the task of whichever partition they were in; ids
/// have done their work if every repetition was counted as one.
fn difference(native: &Scenario, foreign: &Application) -> Option<Violation> {
    let (foreign, native) = (state(native.broker, foreign), state(native.broker, &native.application));
    compare_states(&foreign, &native, |key| key.first() != Some(&2))
}

/// How the records of each stream have ended, over all instances.
fn outcomes(instances: &[Service]) -> BTreeMap<String, u64> {
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for metrics in instances.iter().map(|instance| instance.get("/metrics")) {
        for line in metrics.lines().filter(|line| line.starts_with("churnwatch_records_total{")) {
            let (series, count) = line.rsplit_once(' ').unwrap();
            // What the stage ignores or rejects does not reach the tasks.
            if ["applied", "duplicate", "late"].iter().any(|outcome| series.contains(outcome)) {
                *outcomes.entry(series.to_owned()).or_default() += count.parse::<u64>().unwrap();
            }
        }
    }
    outcomes
}

/// Waits for the end of the backlog; returns how its records have ended.
fn read(foreign: &Foreign, broker: &Broker, application: &Application, mut instances: Vec<Service>) -> BTreeMap<String, u64> {
    eventually("the end of the backlog", LIMIT, || foreign.is_read(broker, application, &mut instances).then_some(()));
    let outcomes = outcomes(&instances);
    for instance in instances {
        instance.terminate();
    }
    outcomes
}

#[test]
fn a_backlog_longer_than_ids_are_remembered_gives_what_native_input_gives() {
    let records = six_weeks();
    let native = Scenario::new("native", 4, &records);
    let mut service = native.application.start();
    native.wait_for_end(&mut service);
    let expected = outcomes(std::slice::from_ref(&service));
    service.terminate();
    let foreign = Foreign::create(native.broker, &records);

    let alone = foreign.application(native.broker);
    assert_eq!(read(&foreign, native.broker, &alone, vec![alone.start()]), expected, "one thread");
    assert_eq!(difference(&native, &alone).map(|found| found.to_string()), None, "one thread");

    let mut shared = foreign.application(native.broker);
    shared.set("application.threads", "2");
    let instances = vec![shared.start(), shared.start()];
    assert_eq!(read(&foreign, native.broker, &shared, instances), expected, "two processes of two threads");

    let mut joined = foreign.application(native.broker);
    joined.set("application.threads", "2");
    let first = joined.start();
    eventually("the middle of the backlog", LIMIT, || foreign.has_begun(native.broker, &joined).then_some(()));
    let instances = vec![first, joined.start()];
    assert_eq!(read(&foreign, native.broker, &joined, instances), expected, "a process that joins in the middle");
    assert_eq!(difference(&native, &joined).map(|found| found.to_string()), None, "a process that joins in the middle");

    let mut mutant = foreign.application(native.broker);
    mutant.variables.push(("CHURNWATCH_MUTANT".to_owned(), "backlog-out-of-order".to_owned()));
    let counted = read(&foreign, native.broker, &mutant, vec![mutant.start()]);
    assert_ne!(counted, expected, "a stage that reads its partitions as they come counts repetitions twice");
}

#[test]
fn partitions_without_plausible_timestamps_or_without_records_hold_no_other() {
    let broker = Broker::shared();
    let foreign = Foreign::create(broker, &six_weeks()[..2_000]);
    let usage = foreign.topics.of(Stream::Usage);
    client::add_partitions(broker, &usage, 8);
    let event = |number| {
        let id = format!("broken-{number}");
        format!(r#"{{"id":"{id}","type":"feature_used","account_id":"acct-000001","feature":"f","occurred_at":"2026-01-01T00:00:00Z"}}"#)
    };
    let records: Vec<String> = (0..50).map(event).collect();
    client::produce_to(broker, &usage, 6, records.iter().map(|record| (record.as_bytes(), DAY_MS)));
    let application = foreign.application(broker);
    let mut service = application.start();
    let stage = client::Group::new(broker, &format!("{}-repartition", application.id));
    eventually("all of it", LIMIT, || {
        service.assert_alive();
        (stage.committed(&usage, 8) == client::ends(broker, &usage)).then_some(())
    });
    service.terminate();
}
