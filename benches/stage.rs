//! What the repartition stage costs on a real broker: records per CPU-second, its Kafka clients included.
//!
//! Two services read the same records: one from a topic that is keyed by account, the other through the stage from a topic that is not. What
//! the second needs more CPU time for is the stage; so it also pays for the headers that its tasks read. Both must end with the same state.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench prints, and what fails ends it")]

#[path = "../tests/kafka/mod.rs"]
#[allow(dead_code, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "shared with the tests")]
mod kafka;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use churnwatch::event::Stream;
use kafka::broker::Broker;
use kafka::client;
use kafka::eventually;
use kafka::input::{Topics, now};
use kafka::service::{Application, Service};

const RECORDS: usize = 1_000_000;
const ACCOUNTS: usize = 5_000;
const PARTITIONS: i32 = 6;
/// Of an odd number of rounds, the median is one of them.
const ROUNDS: usize = 3;
/// Records per CPU-second.
const TARGET: f64 = 300_000.0;
const LIMIT: Duration = Duration::from_mins(10);

/// What a service took, and what it made of the records.
struct Run {
    cpu_seconds: f64,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
}

fn main() -> ExitCode {
    let broker = Broker::shared();
    let start = now() - 3_600_000;
    let values: Vec<String> = (0..RECORDS).map(|number| value(number, start)).collect();
    let bytes = values.iter().map(String::len).sum::<usize>() / RECORDS;
    let (direct, through) = (topics(broker, "direct", false, start, &values), topics(broker, "through", true, start, &values));
    println!("{RECORDS} records of {bytes} bytes; CPU-seconds of the whole process");
    let mut differences = Vec::new();
    for round in 1..=ROUNDS {
        let (without, with) = (run(broker, &direct, false), run(broker, &through, true));
        println!("  round {round}: {:>6.2} without the repartition stage   {:>6.2} with it", without.cpu_seconds, with.cpu_seconds);
        if without.state != with.state {
            println!("the states differ: what was measured is not the same work");
            return ExitCode::FAILURE;
        }
        differences.push(with.cpu_seconds - without.cpu_seconds);
    }
    differences.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a count of records")]
    let speed = RECORDS as f64 / differences[ROUNDS / 2];
    let verdict = if speed < TARGET { "below target" } else { "met" };
    println!("repartition stage, Kafka clients included: {speed:.0} records per CPU-second; target: {TARGET:.0}   {verdict}");
    ExitCode::SUCCESS
}

/// 250 bytes, with every field that usage events commonly have and one that is ignored.
fn value(number: usize, start: i64) -> String {
    let (account, user, at) = (number % ACCOUNTS, number % (7 * ACCOUNTS), at(number, start));
    let event = format!(
        r#"{{"id":"01HV6Z3E8Q4N6S0T2W{number:08}","type":"feature_used","account_id":"account-{account:07}","occurred_at":{at},"user_id":"user-{user:010}","feature":"report.export.spreadsheet","session_id":"5f1c9e2a","count":1,"source":"web""#
    );
    format!("{event:<249}}}")
}

/// When an event happens: a thousand in each millisecond.
fn at(number: usize, start: i64) -> i64 {
    start + i64::try_from(number / 1_000).unwrap()
}

/// Topics with the records, keyed by account or by something else.
fn topics(broker: &'static Broker, name: &str, has_other_keys: bool, start: i64, values: &[String]) -> Topics {
    /// As many as a producer holds at a time.
    const RECORDS_HELD: usize = 500_000;
    let topics = Topics::create(broker, name, PARTITIONS);
    let topic = topics.of(Stream::Usage);
    let key = |number: usize| if has_other_keys { format!("key-{number}") } else { format!("account-{:07}", number % ACCOUNTS) };
    let records: Vec<(i64, String, &String)> =
        values.iter().enumerate().map(|(number, value)| (at(number, start), key(number), value)).collect();
    for some in records.chunks(RECORDS_HELD) {
        client::produce(broker, some.iter().map(|(at, key, value)| (topic.as_str(), Some(key.as_str()), value.as_bytes(), *at)));
    }
    topics
}

/// A new service reads the records, from its start until all of them are in its state.
fn run(broker: &'static Broker, topics: &Topics, repartition: bool) -> Run {
    let mut application = Application::new(broker, topics);
    application.set("streams.usage.repartition", &repartition.to_string());
    // The defaults, which the configuration of the tests shortens: with theirs, commits would be most of what is measured.
    application.set("commit.interval_ms", "1000");
    application.set("commit.catch_up_interval_ms", "10000");
    let mut service = application.start();
    eventually("the end of the records", LIMIT, || {
        service.assert_alive();
        // Seldom, since an answer takes tens of milliseconds of CPU time too.
        std::thread::sleep(Duration::from_secs(1));
        (applied(&service) == RECORDS).then_some(())
    });
    let cpu_seconds = service.cpu_seconds();
    service.terminate();
    Run { cpu_seconds, state: client::state_of_events(broker, &application.changelog) }
}

/// The records that the tasks have applied.
fn applied(service: &Service) -> usize {
    let metrics = service.get("/metrics");
    let lines = metrics.lines().filter(|line| line.starts_with("churnwatch_records_total{outcome=\"applied\",stream=\"usage\""));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).max().unwrap_or_default()
}
