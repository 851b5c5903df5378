//! The example consumers of docs/recipes print each account whose band got worse, on a real broker.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use churnwatch::event::Stream;
use churnwatch::time::Timestamp;

use crate::kafka::client::{self, Committed};
use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::{eventually, unique};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs the example until it has printed a line, ends it, and returns the line.
fn first_line(mut example: Command, arguments: &[&str]) -> String {
    let spawned = example.args(arguments).stdout(Stdio::piped()).spawn();
    let mut process: Child = spawned.unwrap_or_else(|error| panic!("{example:?}: {error}; `./dev test` installs what it needs"));
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "{example:?} ended without a line");
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    eventually("the end of the example", LIMIT, || process.try_wait().unwrap());
    line
}

/// A topic of changes in which the band of one account got worse, and the account.
fn dropped(name: &str) -> (Scenario, String) {
    let scenario = Scenario::new(&unique(name), 2, &simulated(21, 6, 60));
    let mut service = scenario.application.start();
    let changes = || client::read_committed(scenario.broker, &scenario.application.changes);
    let is_green = |change: &Committed| change.json()["health"]["band"] == "green";
    let green = eventually("a green account", LIMIT, || changes().iter().find(|change| is_green(change)).map(Committed::json));
    let account = green["account_id"].as_str().unwrap().to_owned();
    let until = Timestamp(now() + 86_400_000);
    let event = format!(r#"{{"type":"health_override_set","account_id":"{account}","value":5,"until":"{until}","reason":"r","by":"b"}}"#);
    let topic = scenario.topics.of(Stream::Feedback);
    client::produce(scenario.broker, [(topic.as_str(), Some(account.as_str()), event.as_bytes(), now())]);
    let is_dropped = |change: &Committed| change.headers.contains_key("churnwatch_band_dropped");
    eventually("a change that drops its band", LIMIT, || changes().iter().any(is_dropped).then_some(()));
    service.assert_alive();
    service.terminate();
    (scenario, account)
}

fn assert_reports_the_drop(name: &str, example: Command) {
    let (scenario, account) = dropped(name);
    let line = first_line(example, &[&scenario.broker.address(), &scenario.application.changes]);
    assert!(line.starts_with(&format!("{account}: green -> red: ")), "{line}");
}

#[test]
fn the_java_example_prints_the_account_that_dropped() {
    let mut example = Command::new("java");
    example.arg("-cp").arg(repository(".dev/kafka/lib").join("*")).arg(repository("docs/recipes/consumers/HealthAlerts.java"));
    assert_reports_the_drop("java", example);
}

#[test]
fn the_python_example_prints_the_account_that_dropped() {
    let mut example = Command::new(repository(".dev/python/bin/python"));
    example.arg(repository("docs/recipes/consumers/consumer.py"));
    assert_reports_the_drop("python", example);
}
