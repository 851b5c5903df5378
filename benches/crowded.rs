//! The cost of one more event on an oversized account, and the bytes it writes, by kind and number of entries.
//!
//! Each row is a mean over several events. Each is followed by a scoring round and its changelog writes, as if the service committed after
//! every event. `known` events touch an existing entry; `new` ones evict another first.
#![expect(clippy::print_stdout, reason = "a bench prints, and its input is its own")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use churnwatch::directory::{Directory, SharedTask};
use churnwatch::engine::{Input, Outcome, RoundOptions};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::settings::{Limits, Settings};
use churnwatch::time::{MINUTE_MS, Timestamp};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: i64 = 1_772_357_400_000;
const ROUNDS: usize = 120;
const OPTIONS: RoundOptions = RoundOptions { publish: true, catching_up: false, budget: 1_000, bytes: usize::MAX };

/// The things an account can hold many of.
#[derive(Clone, Copy, Debug)]
enum Kind {
    OpenTicket,
    ResolvedTicket,
    User,
    Feature,
    Id,
    Subscription,
    Answer,
}

const KINDS: [(Kind, [usize; 3]); 7] = [
    (Kind::OpenTicket, [10, 10_000, 100_000]),
    (Kind::ResolvedTicket, [10, 10_000, 100_000]),
    (Kind::User, [20, 20_000, 200_000]),
    (Kind::Feature, [15, 1_000, 10_000]),
    (Kind::Id, [100, 10_000, 50_000]),
    (Kind::Subscription, [2, 200, 1_000]),
    (Kind::Answer, [10, 5_000, 50_000]),
];

fn main() {
    println!("| held | number | event | apply, us | round, us | changelog, us | changelog, bytes |\n|---|---:|---|---:|---:|---:|---:|");
    for (kind, numbers) in KINDS {
        for number in numbers {
            let mut account = Crowded::new(kind, number);
            account.row("known", 0);
            account.row("new", number);
        }
    }
}

/// A task of one account that holds as many as its limits allow.
struct Crowded {
    task: SharedTask,
    kind: Kind,
    number: usize,
    now: Timestamp,
    events: usize,
}

impl Crowded {
    fn new(kind: Kind, number: usize) -> Self {
        let mut limits = Limits::default();
        match kind {
            Kind::OpenTicket => limits.tickets_open = number,
            Kind::ResolvedTicket => limits.tickets_resolved = number,
            Kind::User => limits.users = number,
            Kind::Feature => limits.features = number,
            Kind::Id => limits.ids_per_day = number,
            Kind::Subscription => limits.subscriptions = number,
            Kind::Answer => limits.answers = number,
        }
        let settings = Arc::new(Settings { limits, ..Settings::default() });
        let task = SharedTask::new(0, Arc::new(Directory::new(settings)));
        let mut account = Self { task, kind, number, now: Timestamp(START), events: 0 };
        (0..number).for_each(|which| account.apply(which));
        account.round();
        account.write();
        account
    }

    fn row(&mut self, what: &str, first: usize) {
        let (mut apply, mut round, mut write, mut bytes) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
        for n in 0..ROUNDS {
            apply += timed(|| self.apply(first + n % self.number.max(ROUNDS))).0;
            round += timed(|| self.round()).0;
            let (duration, more) = timed(|| self.write());
            (write, bytes) = (write + duration, bytes + more);
        }
        let micros = |total: Duration| total.as_secs_f64() * 1e6 / ROUNDS as f64;
        println!(
            "| {:?} | {} | {what} | {:.1} | {:.1} | {:.1} | {} |",
            self.kind,
            self.number,
            micros(apply),
            micros(round),
            micros(write),
            bytes / ROUNDS
        );
    }

    fn apply(&mut self, which: usize) {
        self.events += 1;
        self.now = Timestamp(self.now.0 + 10);
        let (stream, fields) = match self.kind {
            Kind::OpenTicket => (Stream::Support, format!(r#""type":"ticket_opened","ticket_id":"T-{which}""#)),
            Kind::ResolvedTicket => (Stream::Support, format!(r#""type":"ticket_resolved","ticket_id":"T-{which}""#)),
            Kind::User => (Stream::Usage, format!(r#""type":"feature_used","user_id":"u-{which}","feature":"f""#)),
            Kind::Id => (Stream::Usage, r#""type":"feature_used","user_id":"u","feature":"f""#.to_owned()),
            Kind::Feature => (Stream::Usage, format!(r#""type":"feature_used","user_id":"u","feature":"feature-{which}""#)),
            Kind::Subscription => (Stream::Billing, subscription(which, self.now)),
            Kind::Answer => (Stream::Feedback, r#""type":"nps_answered","score":9"#.to_owned()),
        };
        let json = format!(r#"{{"id":"evt-{}","account_id":"acme","occurred_at":{},{fields}}}"#, self.events, self.now.0);
        let at = Some(self.now);
        let input = Input {
            stream,
            key: None,
            value: Some(json.as_bytes()),
            headers: Headers::NONE,
            timestamp: at,
            format: &Format::Native,
            broker_timestamp: at,
        };
        assert_eq!(self.task.engine.process(&input, self.now), Outcome::Applied);
    }

    /// A round a second later, as in the service; work that is done once a minute happens twice per table row.
    fn round(&mut self) {
        self.now = Timestamp(self.now.0 + 1000);
        self.task.round(self.now, &OPTIONS, &mut Vec::new());
    }

    fn write(&mut self) -> usize {
        let mut bytes = 0;
        self.task.engine.changelog(|key, value| bytes += key.len() + value.map_or(0, <[u8]>::len));
        bytes
    }
}

fn subscription(which: usize, now: Timestamp) -> String {
    let end = now.0 + 30 * 24 * 60 * MINUTE_MS;
    format!(
        r#""type":"subscription_changed","subscription_id":"s-{which}","status":"active","items":[{{"amount_minor":1000,"currency":"USD","interval":"month","quantity":{which}}}],"current_period_start":{},"current_period_end":{end}"#,
        now.0
    )
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed(), done)
}
