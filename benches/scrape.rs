//! One scrape of `/metrics` with 1,000,000 accounts, gathered and encoded, compared with the limits on its duration and series; and what
//! the live sums add per account, in bytes and in the time of a scoring round.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench prints, and its input is its own")]

use std::sync::Arc;
use std::time::Instant;

use churnwatch::clock::{Clock, SimulatedTime};
use churnwatch::config::Config;
use churnwatch::config::section::Start;
use churnwatch::directory::{Directory, SharedTask};
use churnwatch::engine::{Input, Outcome, RoundOptions};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::kafka::Members;
use churnwatch::settings::Settings;
use churnwatch::stream::{Options, Permits};
use churnwatch::telemetry::{Caps, Instance, Metrics, Scrape, Source, text};
use churnwatch::threads::Threads;
use churnwatch::time::{DAY_MS, Timestamp};
use prometheus::Registry;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ACCOUNTS: usize = 1_000_000;
const TASKS: usize = 4;
const RUNS: usize = 20;
const NOW: Timestamp = Timestamp(1_767_571_200_000);
const LIMIT_MS: f64 = 100.0;
const LIMIT_SERIES: usize = 10_000;
const ROUND: usize = 50_000;

fn main() {
    let settings = Arc::new(Settings::default());
    let directory = Arc::new(Directory::new(Arc::clone(&settings)));
    let mut tasks: Vec<SharedTask> = (0..TASKS).map(|number| SharedTask::new(number.try_into().unwrap(), Arc::clone(&directory))).collect();
    for task in &mut tasks {
        // Streams that have been observed long enough for every window.
        fill(task, ACCOUNTS, NOW.minus_days(400));
    }
    for number in 0..ACCOUNTS {
        fill(&mut tasks[number % TASKS], number, NOW.minus_days(3));
    }
    let scoring = Instant::now();
    tasks.iter_mut().for_each(score);
    let scoring = scoring.elapsed().as_secs_f64() * 1e6 / ACCOUNTS as f64;
    tasks.iter().for_each(SharedTask::show);

    let registry = Registry::new();
    let _counters = Metrics::new(&registry, settings.limits.label_values).unwrap();
    let source: Arc<dyn Source> = Arc::new(instance(directory));
    let caps = Caps { series: LIMIT_SERIES, label_values: settings.limits.label_values, watched: Arc::default() };
    Scrape::register(&registry, source, &caps).unwrap();
    let (milliseconds, metrics) = scrapes(&registry);
    let series = metrics.lines().filter(|line| !line.starts_with('#')).count();
    println!("{ACCOUNTS} accounts in {TASKS} tasks, 60 segments, 12 plans, 300 CSMs; median and slowest of {RUNS} scrapes\n");
    println!("| | limit | measured |\n|---|---:|---:|");
    println!("| scrape, median ms | {LIMIT_MS:.0} | {:.1} |", milliseconds[RUNS / 2]);
    println!("| scrape, slowest ms | {LIMIT_MS:.0} | {:.1} |", milliseconds[RUNS - 1]);
    println!("| series | {LIMIT_SERIES} | {series} |");
    println!("| bytes of the response | | {} |", metrics.len());
    println!("| first scoring of an account, live sums included, us | | {scoring:.1} |");
    println!("| live sums per account, bytes | | {:.0} |", part_bytes(&tasks));
}

fn fill(task: &mut SharedTask, number: usize, day: Timestamp) {
    let (account, at) = (format!("acct-{number:07}"), day.0 + i64::try_from(number % 1_000).unwrap());
    let of = |kind: &str, rest: Value| {
        let mut record = json!({"id": number.to_string(), "type": kind, "account_id": account, "occurred_at": at});
        record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        record
    };
    let profile = json!({"segment": format!("segment {}", number % 60), "plan": format!("plan {}", number % 12),
        "csm": format!("csm {}", number % 300), "seats": 5, "entitled_features": ["report"]});
    tell(task, Stream::Accounts, &of("account_profile", profile));
    let item = json!({"amount_minor": 1_000 + number % 5_000, "currency": "USD", "interval": "month"});
    let subscription = json!({"subscription_id": "s", "status": "active", "items": [item], "current_period_start": at,
        "current_period_end": at + 30 * DAY_MS});
    tell(task, Stream::Billing, &of("subscription_changed", subscription));
    let used = json!({"user_id": "u", "feature": format!("feature {}", number % 20)});
    tell(task, Stream::Usage, &of("feature_used", used));
    if number.is_multiple_of(10) {
        let category = format!("category {}", number % 80);
        tell(task, Stream::Support, &of("ticket_opened", json!({"ticket_id": "t", "product": "core", "category": category})));
        let mut resolved = of("ticket_resolved", json!({"ticket_id": "t"}));
        resolved["occurred_at"] = json!(at + i64::try_from(number).unwrap() * 100);
        tell(task, Stream::Support, &resolved);
    }
}

fn tell(task: &mut SharedTask, stream: Stream, record: &Value) {
    let bytes = serde_json::to_vec(record).unwrap();
    let at = Timestamp(record["occurred_at"].as_i64().unwrap());
    let input = Input {
        stream,
        key: None,
        value: Some(&bytes),
        headers: Headers::NONE,
        timestamp: None,
        format: &Format::Native,
        broker_timestamp: Some(at),
    };
    assert_eq!(task.engine.process(&input, NOW), Outcome::Applied);
}

fn score(task: &mut SharedTask) {
    let options = RoundOptions { publish: true, catching_up: false, budget: ROUND, bytes: usize::MAX };
    while task.round(NOW, &options, &mut Vec::new()).left > 0 {
        // The changelog writes are discarded.
        task.engine.changelog(|_, _| {});
    }
}

fn instance(directory: Arc<Directory>) -> Instance {
    let permits = Permits { start: Start::Earliest, resume_from_stamp: false, accept_loss: false };
    let options = Options::of(&Config::default(), permits);
    let clock = Clock::Simulated(SimulatedTime::at(NOW));
    Instance::new(directory, Threads::new(1, TASKS), Members::new(&options.properties, &options.application).unwrap(), clock)
}

/// Milliseconds of each scrape in ascending order, and the body of the last one.
fn scrapes(registry: &Registry) -> (Vec<f64>, String) {
    let mut last = Vec::new();
    let mut milliseconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            last = text(registry).unwrap();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    (milliseconds, String::from_utf8(last).unwrap())
}

fn part_bytes(tasks: &[SharedTask]) -> f64 {
    let (mut bytes, mut parts) = (0, 0);
    for task in tasks {
        task.view().accounts.visit(|slot| {
            if let Some(part) = &slot.live_entry().contribution {
                bytes += part.bytes();
                parts += 1;
            }
        });
    }
    bytes as f64 / f64::from(parts)
}
