//! The engine on one core: decoding alone (the upper bound), then decoding, deduplication and state, in events per CPU-second; and the
//! size of a typical account.
//!
//! The input is generated with a fixed seed: 90 % feature uses, 4 % billing, 6 % support, Zipf-distributed over accounts.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench prints, and its input is its own")]

use std::sync::Arc;

use churnwatch::directory::{Directory, SharedTask};
use churnwatch::engine::{Input, Outcome, RoundOptions};
use churnwatch::event::{self, Format, Headers, Raw, Stream};
use churnwatch::score::{Model, ModelFile};
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, HOUR_MS, Timestamp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: usize = 1_000_000;
const ACCOUNTS: usize = 100_000;
const DAYS: i64 = 35;
const START: i64 = 1_767_225_600_000;
const RUNS: usize = 5;
const TYPICAL_ACCOUNTS: usize = 100_000;

struct Made {
    stream: Stream,
    at: Timestamp,
    json: String,
}

fn main() {
    // First, while no freed memory can be mistaken for that of an account.
    memory();
    let events = mixed_events();
    let bytes: usize = events.iter().map(|event| event.json.len()).sum();
    println!("\n{EVENTS} events of {} bytes on average, {ACCOUNTS} accounts, seed 1, {RUNS} runs", bytes / EVENTS);
    println!("| events per CPU-second | slowest | median | fastest |\n|---|---:|---:|---:|");
    print_rates("decoding only (the upper bound)", || cpu_of(|| decode_all(&events)));
    print_rates("decoding, deduplication and state", || {
        let mut task = new_task();
        cpu_of(|| apply_all(&mut task, &events))
    });
}

/// Other programs share the machine's caches and memory, so the fastest run says most about this one.
fn print_rates(what: &str, mut run: impl FnMut() -> f64) {
    let mut rates: Vec<f64> = (0..RUNS).map(|_| EVENTS as f64 / run()).collect();
    rates.sort_by(f64::total_cmp);
    println!("| {what} | {:.0} | {:.0} | {:.0} |", rates[0], rates[RUNS / 2], rates[RUNS - 1]);
}

/// CPU seconds of this process that `work` takes.
fn cpu_of(work: impl FnOnce()) -> f64 {
    let before = cpu_seconds();
    work();
    cpu_seconds() - before
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn decode_all(events: &[Made]) {
    let settings = Settings::default();
    let context = settings.decode_context();
    for event in events {
        let raw = Raw {
            stream: event.stream,
            key: None,
            value: Some(event.json.as_bytes()),
            headers: Headers::NONE,
            timestamp: None,
            future_reference: None,
        };
        assert!(event::decode(&raw, &context).is_ok());
    }
}

fn new_task() -> SharedTask {
    let settings = Arc::new(Settings::default());
    SharedTask::new(0, Arc::new(Directory::new(settings)))
}

fn apply_all(task: &mut SharedTask, events: &[Made]) {
    for event in events {
        apply(task, event);
    }
}

fn apply(task: &mut SharedTask, event: &Made) {
    let input = Input {
        stream: event.stream,
        key: None,
        value: Some(event.json.as_bytes()),
        headers: Headers::NONE,
        timestamp: None,
        format: &Format::Native,
        broker_timestamp: Some(event.at),
    };
    assert_eq!(task.engine.process(&input, event.at), Outcome::Applied);
}

fn mixed_events() -> Vec<Made> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut cumulative = Vec::with_capacity(ACCOUNTS);
    let mut sum = 0.0;
    for rank in 1..=ACCOUNTS {
        sum += 1.0 / rank as f64;
        cumulative.push(sum);
    }
    (0..EVENTS)
        .map(|n| {
            let at = Timestamp(START + DAYS * DAY_MS * i64::try_from(n).unwrap() / i64::try_from(EVENTS).unwrap());
            let account = cumulative.partition_point(|share| *share < random.random_range(0.0..sum));
            let account = format!("acct-{account:06}");
            match random.random_range(0..100) {
                0..90 => usage(&mut random, n, &account, at),
                90..94 => subscription(n, &account, n % 2, at),
                _ => ticket(n, &account, n / 50, ["ticket_opened", "ticket_resolved"][n % 2], at),
            }
        })
        .collect()
}

fn usage(random: &mut ChaCha8Rng, n: usize, account: &str, at: Timestamp) -> Made {
    let (user, feature) = (random.random_range(0..20), random.random_range(0..15));
    let json = format!(
        r#"{{"id":"0197a3c2-{n:08x}-7abc-9def-0123456789ab","type":"feature_used","account_id":"{account}","occurred_at":"{at}","user_id":"{account}-user-{user:02}","feature":"feature_number_{feature}","session_id":"s-{n:012x}","count":1}}"#
    );
    Made { stream: Stream::Usage, at, json }
}

fn subscription(n: usize, account: &str, which: usize, at: Timestamp) -> Made {
    let end = at.plus(365 * DAY_MS);
    let json = format!(
        r#"{{"id":"b-{n}","type":"subscription_changed","account_id":"{account}","occurred_at":"{at}","subscription_id":"sub-{account}-{which}","version":{n},"status":"active","items":[{{"amount_minor":{},"currency":"USD","interval":"month","interval_count":1,"quantity":5,"usage_type":"licensed"}}],"current_period_start":"{at}","current_period_end":"{end}","cancel_at_period_end":false}}"#,
        1000 + n % 5000
    );
    Made { stream: Stream::Billing, at, json }
}

fn ticket(n: usize, account: &str, ticket: usize, kind: &str, at: Timestamp) -> Made {
    let json = format!(
        r#"{{"id":"t-{n}","type":"{kind}","account_id":"{account}","occurred_at":"{at}","ticket_id":"T-{ticket:08}","priority":"normal","product":"core","channel":"email"}}"#
    );
    Made { stream: Stream::Support, at, json }
}

/// Resident bytes of accounts with 20 users, 15 features, 2 subscriptions, 3 open and 10 resolved tickets, 90 days of usage and 100
/// remembered ids, written to the changelog and scored as in the service: what further accounts take once some exist, so
/// that the program itself is not counted.
fn memory() {
    let mut task = new_task();
    let end = Timestamp(START + 90 * DAY_MS);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let first = TYPICAL_ACCOUNTS / 10;
    typical_accounts(&mut task, 0..first, end, &mut random);
    let before = resident_bytes();
    let (records, bytes) = typical_accounts(&mut task, first..first + TYPICAL_ACCOUNTS, end, &mut random);
    let resident = resident_bytes() - before;
    println!("| typical account, mean of {TYPICAL_ACCOUNTS} | bytes |\n|---|---:|");
    println!("| resident | {} |", resident / TYPICAL_ACCOUNTS);
    println!("| in the changelog, {:.1} records | {} |", records as f64 / TYPICAL_ACCOUNTS as f64, bytes / TYPICAL_ACCOUNTS);
    rescore(&mut task, end);
}

/// Creates accounts and scores them in rounds, as the service does; returns their number of changelog records and bytes.
fn typical_accounts(task: &mut SharedTask, numbers: std::ops::Range<usize>, end: Timestamp, random: &mut ChaCha8Rng) -> (usize, usize) {
    let (mut scored, wanted) = (0, numbers.len());
    numbers.for_each(|number| typical(task, number, end, random));
    let options = RoundOptions { publish: true, catching_up: false, budget: 500, bytes: usize::MAX };
    while scored < wanted {
        scored += task.round(end, &options, &mut Vec::new()).scored;
    }
    let (mut records, mut bytes) = (0, 0);
    task.engine.changelog(|key, value| {
        records += 1;
        bytes += key.len() + value.map_or(0, <[u8]>::len);
    });
    (records, bytes)
}

/// CPU seconds for a million such accounts under another model.
fn rescore(task: &mut SharedTask, now: Timestamp) {
    let strict = "[model]\nname = 'strict'\n[bands]\ngreen = 99.9\nyellow = 99.8\nworse = { points = 0, hours = 0 }\n";
    task.engine.store().directory().set_model(Model::compile(&ModelFile::parse(strict).unwrap()).unwrap());
    let options = RoundOptions { publish: true, catching_up: false, budget: 20_000, bytes: usize::MAX };
    let (mut scored, mut changes) = (0, 0);
    let seconds = cpu_of(|| {
        while scored < TYPICAL_ACCOUNTS {
            let report = task.round(now, &options, &mut Vec::new());
            (scored, changes) = (scored + report.scored, changes + report.changes);
            task.engine.changelog(|_, _| {});
        }
    });
    let per_million = seconds * 1e6 / TYPICAL_ACCOUNTS as f64;
    println!(
        "\n{scored} accounts rescored with another model, {changes} changes, changelog included: {per_million:.1} CPU seconds per million accounts"
    );
}

fn typical(task: &mut SharedTask, number: usize, end: Timestamp, random: &mut ChaCha8Rng) {
    let account = format!("acct-{number:06}");
    for day in (0..90).rev() {
        let at = end.minus_days(day).plus(-HOUR_MS * (1 + random.random_range(0..8)));
        let ids = if day < 7 { 10 } else { 1 };
        for n in 0..ids {
            apply(task, &usage(random, number * 1_000 + usize::try_from(day).unwrap() * 20 + n, &account, at));
        }
    }
    for which in 0..2 {
        apply(task, &subscription(which, &account, which, end.minus_days(80)));
        apply(task, &subscription(10 + which, &account, which, end.minus_days(20)));
    }
    for n in 0..13 {
        let opened = end.minus_days(60).plus(i64::try_from(n).unwrap() * HOUR_MS);
        apply(task, &ticket(n, &account, n, "ticket_opened", opened));
        if n < 10 {
            apply(task, &ticket(100 + n, &account, n, "ticket_resolved", opened.plus(5 * HOUR_MS)));
        }
    }
}
