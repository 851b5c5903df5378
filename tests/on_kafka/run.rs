//! The running service: every record is read once and committed together with its results.

use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::{client, eventually};
use churnwatch::event::Stream;

#[test]
fn everything_is_read_once_and_bad_records_are_dead_letters_with_their_origin() {
    let scenario = Scenario::new("whole", 2, &simulated(1, 20, 20));
    let broken = scenario.topics.of(Stream::Billing);
    client::produce(scenario.broker, [(broken.as_str(), Some("sim-1"), b"{no json".as_slice(), now())]);
    scenario.run_to_end();

    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    let origin =
        |letter: &client::Committed| ["topic", "partition", "offset"].map(|name| letter.header(&format!("churnwatch_{name}")).to_owned());
    let mut origins: Vec<_> = letters.iter().map(origin).collect();
    let count = origins.len();
    origins.sort_unstable();
    origins.dedup();
    assert_eq!(origins.len(), count, "a record is twice in the dead letters");
    assert!(count > 1, "the simulated input holds bad records");
    let own = letters.iter().find(|letter| letter.value.as_deref() == Some(b"{no json")).expect("the broken record");
    assert_eq!((own.header("churnwatch_code"), own.header("churnwatch_topic")), ("invalid_json", broken.as_str()));
    assert_eq!(own.key.as_deref(), Some(b"sim-1".as_slice()));
}

#[test]
fn the_first_transaction_commits_offsets_of_empty_topics_too() {
    let scenario = Scenario::new("empty", 1, &[]);
    scenario.run_to_end();
    assert_eq!(scenario.committed(), scenario.ends());
    let changelog = client::read_committed(scenario.broker, &scenario.application.changelog);
    assert_eq!(changelog.len(), 1, "one stamp and nothing else");
}

#[test]
fn records_that_arrive_while_it_runs_are_read() {
    let scenario = Scenario::new("live", 2, &simulated(2, 3, 5));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    for round in 0..3 {
        scenario.topics.fill(scenario.broker, &simulated(20 + round, 3, 2));
        scenario.wait_for_end(&mut service);
    }
    service.terminate();
}

#[test]
fn without_the_right_to_create_topics_it_names_the_missing_one() {
    let mut scenario = Scenario::new("forbidden", 1, &[]);
    scenario.application.set("kafka.create_topics", "false");
    let log = scenario.fails_with("topic_missing");
    assert!(log.contains(&scenario.application.changelog), "{log}");
}

#[test]
fn the_page_the_api_and_the_metrics_show_what_it_has_read() {
    let scenario = Scenario::new("shown", 2, &simulated(14, 10, 10));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    service.wait_until_ready();
    let health = scenario.application.command(&["health", "--url", &format!("http://{}", service.address())]);
    assert!(health.status.success(), "{}", String::from_utf8_lossy(&health.stderr));
    eventually("every account", LIMIT, || service.get("/api/accounts").contains("\"matched\":10").then_some(()));
    let pipeline = service.get("/api/pipeline");
    assert!(pipeline.contains("\"tasks_owned\":2") && pipeline.contains("\"tasks_total\":2"), "{pipeline}");
    let read: i64 = scenario.ends().iter().flatten().sum();
    let counted = |metrics: &str| -> i64 {
        let lines = metrics.lines().filter(|line| line.starts_with("churnwatch_records_total{"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<i64>().ok()).sum()
    };
    eventually("all records counted", LIMIT, || (counted(&service.get("/metrics")) == read).then_some(()));
    service.terminate();
}

#[test]
fn two_instances_share_the_tasks_and_take_over_from_each_other() {
    let scenario = Scenario::new("shared", 4, &simulated(3, 20, 10));
    let (mut first, second) = (scenario.application.start(), scenario.application.start());
    eventually("both to have tasks", LIMIT, || {
        first.assert_alive();
        let share = |log: &str| log.contains("tasks=[0, 1]") || log.contains("tasks=[2, 3]");
        (share(&first.log()) && share(&second.log())).then_some(())
    });
    scenario.wait_for_end(&mut first);
    second.terminate();
    scenario.topics.fill(scenario.broker, &simulated(4, 20, 3));
    scenario.wait_for_end(&mut first);
    first.terminate();
}

#[test]
fn a_second_process_with_the_same_instance_name_fences_the_first() {
    let mut scenario = Scenario::new("fenced", 2, &simulated(5, 5, 5));
    scenario.application.set("application.instance", "a");
    let mut first = scenario.application.start();
    scenario.wait_for_end(&mut first);
    let mut second = scenario.application.start();
    first.fails_with("fenced");
    scenario.topics.fill(scenario.broker, &simulated(6, 5, 2));
    scenario.wait_for_end(&mut second);
    second.terminate();
}

#[test]
fn a_named_instance_that_is_fenced_while_it_produces_exits_and_leaves_its_successor_alone() {
    let mut scenario = Scenario::new("zombie", 2, &simulated(15, 5, 5));
    scenario.application.set("application.instance", "a");
    // It stops inside its first transaction for longer than its successor needs to take over and read everything.
    let zombie = scenario.application.start_with(&[], &[("CHURNWATCH_FAULT", "before-begin:1:20000".to_owned())]);
    eventually("its first tasks", LIMIT, || zombie.log().contains("restored").then_some(()));
    let mut successor = scenario.application.start();
    scenario.wait_for_end(&mut successor);
    zombie.fails_with("fenced");
    for seed in [16, 17] {
        scenario.topics.fill(scenario.broker, &simulated(seed, 5, 2));
        scenario.wait_for_end(&mut successor);
    }
    assert!(!successor.log().contains("transaction failed"), "{}", successor.log());
    successor.terminate();
}
