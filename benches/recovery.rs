//! How soon a service is at work again: after a start without state, a kill -9, and an outage of its broker.
//!
//! On a real broker that starts rebalances at once. "At work" means that a record written to each partition has been committed; a plain
//! producer writes them, and the time until the broker has acknowledged them is printed beside.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and what fails ends it")]

#[path = "../tests/kafka/mod.rs"]
#[allow(dead_code, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "shared with the tests")]
mod kafka;

use std::time::{Duration, Instant};

use churnwatch::event::Stream;
use kafka::broker::Broker;
use kafka::client;
use kafka::input::{now, simulated};
use kafka::scenario::Scenario;
use kafka::service::Service;

const PARTITIONS: i32 = 4;
/// How long the broker is away.
const OUTAGE: Duration = Duration::from_secs(4);

fn main() {
    let runs = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(11);
    let broker: &'static Broker = Box::leak(Box::new(Broker::start(|_, _| String::new(), "")));
    println!("Two stream threads, {PARTITIONS} partitions, a few accounts; seconds, {runs} runs of each");
    println!("| | median | 90 % | most | target |\n|---|---:|---:|---:|---|");
    print("a start without state, until it is ready", (0..runs).map(|_| first_start(broker)), "<= 1");
    let named = scenario(broker, Some("bench"));
    print("kill -9 and restart in place, until it is at work", kills(&named, runs), "median <= 1, 99 % <= 5");
    let dynamic = scenario(broker, None);
    print("the same without `application.instance`, session 6 s", kills(&dynamic, runs), "median <= 8, 99 % <= 10");
    let (own, plain): (Vec<_>, Vec<_>) = outages(broker, &named, runs).unzip();
    print("broker killed and back after 4 s, until it is at work", own.into_iter(), "99 % <= 5");
    print("the same, until a plain producer is acknowledged", plain.into_iter(), "");
}

/// Prints a row. With few runs, the highest percentiles are the longest time.
fn print(what: &str, times: impl Iterator<Item = Duration>, target: &str) {
    let mut seconds: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    let at = |percent: usize| seconds.get(((seconds.len() - 1) * percent).div_ceil(100)).copied().unwrap_or_default();
    println!("| {what} | {:.2} | {:.2} | {:.2} | {target} |", at(50), at(90), at(100));
}

/// An application with some state that has read all of its input.
fn scenario(broker: &'static Broker, instance: Option<&str>) -> Scenario {
    let mut scenario = Scenario::on(broker, "recovery", PARTITIONS, &simulated(1, 20, 10));
    scenario.application.set("application.threads", "2");
    if let Some(instance) = instance {
        scenario.application.set("application.instance", instance);
        // As it is by default; the tests have a shorter one.
        scenario.application.set("kafka.properties.\"session.timeout.ms\"", "10000");
    }
    scenario.run_to_end();
    scenario
}

/// From the start of the process until every task runs; its topics exist.
fn first_start(broker: &'static Broker) -> Duration {
    let mut scenario = Scenario::on(broker, "start", PARTITIONS, &[]);
    scenario.application.set("application.threads", "2");
    assert!(scenario.application.command(&["topics", "create"]).status.success());
    let began = Instant::now();
    let service = scenario.application.start();
    service.wait_until_ready();
    let lasted = began.elapsed();
    service.terminate();
    lasted
}

/// Kills at different moments of a cycle; from the start of the next process.
fn kills(scenario: &Scenario, runs: usize) -> impl Iterator<Item = Duration> {
    let mut running = Some(at_work(scenario));
    (0..runs).map(move |run| {
        write(scenario);
        std::thread::sleep(Duration::from_millis(run as u64 * 17 % 100));
        if let Some(service) = running.take() {
            service.kill();
        }
        let began = Instant::now();
        let service = running.insert(scenario.application.start());
        write(scenario);
        scenario.wait_for_end(service);
        began.elapsed()
    })
}

fn at_work(scenario: &Scenario) -> Service {
    let mut service = scenario.application.start();
    write(scenario);
    scenario.wait_for_end(&mut service);
    service
}

/// From the moment when the broker answers again: until the service has committed what was written then, and until that was acknowledged.
fn outages(broker: &Broker, scenario: &Scenario, runs: usize) -> impl Iterator<Item = (Duration, Duration)> {
    let mut service = at_work(scenario);
    (0..runs).map(move |_| {
        write(scenario);
        broker.end("KILL");
        std::thread::sleep(OUTAGE);
        broker.start_again();
        let began = Instant::now();
        write(scenario);
        let acknowledged = began.elapsed();
        scenario.wait_for_end(&mut service);
        (began.elapsed(), acknowledged)
    })
}

/// Writes a record to each partition of the usage topic.
fn write(scenario: &Scenario) {
    let topic = scenario.topics.of(Stream::Usage);
    let names = (0..).map(|number| format!("acct-{number:06}"));
    let accounts =
        (0..PARTITIONS).filter_map(|partition| names.clone().find(|name| client::murmur2(name.as_bytes(), PARTITIONS) == partition));
    let at = now();
    let events: Vec<_> = accounts.map(|account| (value(&account, at), account)).collect();
    client::produce(scenario.broker, events.iter().map(|(value, account)| (&*topic, Some(&**account), value.as_bytes(), at)));
}

fn value(account: &str, at: i64) -> String {
    let id = kafka::unique("use");
    format!(r#"{{"id":"{id}","type":"feature_used","account_id":"{account}","feature":"f","occurred_at":{at}}}"#)
}
