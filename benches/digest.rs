//! Sums over a changelog as one line of JSON, to compare a run over known events with the expected totals.
//!
//! `cargo bench --bench digest`, with BOOTSTRAP, GROUP (the application id) and AS_OF_MS in the environment. Reads committed records only.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints, and ends where its broker does not answer"
)]

use std::env;
use std::sync::Arc;
use std::time::Duration;

use churnwatch::account::Account;
use churnwatch::engine::{PlainStore, Store, Task};
use churnwatch::metric::View;
use churnwatch::metric::{Metric, Metrics};
use churnwatch::settings::Settings;
use churnwatch::time::Timestamp;
use hdrhistogram::Histogram;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default, serde::Serialize)]
struct Digest {
    accounts: u64,
    mrr_minor: i64,
    open_tickets: i64,
    events_28d: u64,
    active_days_28d: u64,
    users_28d: usize,
    features_28d: usize,
    resolved: u64,
    resolution_p50_minutes_sum: u64,
    state_bytes: u64,
}

fn main() {
    let as_of = Timestamp(variable("AS_OF_MS").parse().expect("AS_OF_MS is a number"));
    let topic = format!("churnwatch-{}-changelog", variable("GROUP"));
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", variable("BOOTSTRAP"))
        .set("group.id", "churnwatch-digest")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE).expect("metadata of the changelog");
    let partitions = metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions).map(|p| p.id());
    let mut digest = Digest::default();
    for partition in partitions {
        add(&restored(&consumer, &topic, partition, &mut digest.state_bytes), as_of, &mut digest);
    }
    println!("{}", serde_json::to_string(&digest).unwrap());
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn restored(consumer: &BaseConsumer, topic: &str, partition: i32, bytes: &mut u64) -> Task<PlainStore> {
    let mut task = Task::new(Arc::new(Settings::default()), PlainStore::default());
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    loop {
        match consumer.poll(PATIENCE).expect("the changelog answers") {
            Ok(record) => {
                let key = record.key().unwrap_or_default();
                *bytes += record.payload().map_or(0, |value| value.len() as u64);
                if key.first().is_some_and(|first| *first != 0) {
                    task.restore(key, record.payload());
                }
            }
            Err(rdkafka::error::KafkaError::PartitionEOF(_)) => break,
            Err(error) => panic!("{error}"),
        }
    }
    task.finish_restore(None).expect("a changelog of this version");
    task
}

fn add(task: &Task<PlainStore>, as_of: Timestamp, digest: &mut Digest) {
    let settings = Settings::default();
    let view = View::complete(as_of);
    task.store().for_each(|slot| add_account(&slot.account, &view, &settings, digest));
}

fn add_account(account: &Account, view: &View, settings: &Settings, digest: &mut Digest) {
    let metrics: Metrics = account.measure(view, settings);
    let today = settings.zone.date_of(view.t);
    let usage = account.usage();
    digest.accounts += 1;
    digest.mrr_minor += metrics.whole_number(Metric::Mrr).unwrap_or_default();
    digest.open_tickets += metrics.whole_number(Metric::Open).unwrap_or_default();
    for (_, events) in usage.events_by_date(today.minus(28), today) {
        digest.events_28d += events;
        digest.active_days_28d += u64::from(events > 0);
    }
    digest.users_28d += usage.users_on_dates(today, 28);
    digest.features_28d += usage.features_on_dates(today, 28).count();
    let mut minutes = Histogram::<u64>::new_with_bounds(1, 400 * 24 * 60, 2).unwrap();
    let resolved = account.support().tickets_in(Timestamp::MIN, view.t, None).filter_map(|ticket| ticket.resolved?.resolution_ms);
    for millis in resolved {
        minutes.record(u64::try_from(millis / 60_000).unwrap().max(1)).unwrap();
    }
    digest.resolved += minutes.len();
    digest.resolution_p50_minutes_sum += if minutes.is_empty() { 0 } else { minutes.value_at_quantile(0.5) };
}
