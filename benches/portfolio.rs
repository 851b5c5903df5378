//! What the live portfolio sums cost: the CPU time of one second of 50,000 records plus its scoring round, and the share of the
//! sums, with few and with many idle accounts.
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench prints, and its input is its own")]

use std::sync::Arc;

use churnwatch::account::Account;
use churnwatch::directory::{Directory, SharedTask};
use churnwatch::engine::{Input, Outcome, RoundOptions};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::portfolio::{AccountScore, Live, LiveEntry};
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, Timestamp};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORDS_PER_SECOND: usize = 50_000;
const ACTIVE: usize = 20_000;
const IDLE: [usize; 2] = [0, 200_000];
/// As long as the sums of a busy account may wait for their refresh.
const SECONDS: usize = 60;
const SCRAPES: u32 = 200;
const NOW: Timestamp = Timestamp(1_767_571_200_000);

fn main() {
    println!("{RECORDS_PER_SECOND} records per second over {ACTIVE} accounts; CPU milliseconds per second, mean of {SECONDS} seconds\n");
    println!("| idle accounts | apply | round | accounts scored | refreshed for the sums alone | summing all accounts once |");
    println!("|---:|---:|---:|---:|---:|---:|");
    let costs = IDLE.map(|idle| {
        let mut world = World::new(ACTIVE + idle);
        world.run(idle);
        world.costs()
    });
    let [_, [without, rescored, replaced]] = costs;
    println!("\n| scoring one account, CPU microseconds | |\n|---|---:|");
    println!("| computing its metrics | {without:.2} |");
    println!("| replacing its health in the sums | {rescored:.2} |");
    println!("| replacing all of its sums, at most once a minute | {replaced:.2} |");
}

struct World {
    settings: Arc<Settings>,
    directory: Arc<Directory>,
    task: SharedTask,
    now: Timestamp,
    records: usize,
}

impl World {
    fn new(accounts: usize) -> Self {
        let settings = Arc::new(Settings::default());
        let directory = Arc::new(Directory::new(Arc::clone(&settings)));
        let task = SharedTask::new(0, Arc::clone(&directory));
        let mut world = Self { settings, directory, task, now: NOW, records: 0 };
        // One that has been observed long enough for every window.
        world.fill(accounts, NOW.minus_days(400));
        (0..accounts).for_each(|number| world.fill(number, NOW.minus_days(3)));
        world.task.show();
        while world.round().1 > 0 {}
        world
    }

    fn fill(&mut self, number: usize, at: Timestamp) {
        let of = |kind: &str, rest: Value| {
            let mut record = json!({"id": number.to_string(), "type": kind, "account_id": account(number), "occurred_at": at.0});
            record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            record.to_string()
        };
        let profile = json!({"segment": format!("segment {}", number % 12), "plan": format!("plan {}", number % 4),
            "csm": format!("csm {}", number % 60), "seats": 5, "entitled_features": ["report"]});
        self.tell(Stream::Accounts, &of("account_profile", profile), at);
        let item = json!({"amount_minor": 1_000 + number % 5_000, "currency": "USD", "interval": "month"});
        let subscription = json!({"subscription_id": "s", "status": "active", "items": [item], "current_period_start": at.0,
            "current_period_end": at.plus(30 * DAY_MS).0});
        self.tell(Stream::Billing, &of("subscription_changed", subscription), at);
        self.tell(Stream::Support, &of("ticket_opened", json!({"ticket_id": "t", "product": "core", "category": "bug"})), at);
        self.tell(Stream::Usage, &of("feature_used", json!({"user_id": "u", "feature": "report"})), at);
    }

    fn tell(&mut self, stream: Stream, record: &str, at: Timestamp) {
        let input = Input {
            stream,
            key: None,
            value: Some(record.as_bytes()),
            headers: Headers::NONE,
            timestamp: None,
            format: &Format::Native,
            broker_timestamp: Some(at),
        };
        assert_eq!(self.task.engine.process(&input, self.now), Outcome::Applied);
    }

    /// Accounts scored, and those left.
    fn round(&mut self) -> (usize, usize) {
        let options = RoundOptions { publish: true, catching_up: false, budget: 1_000_000, bytes: usize::MAX };
        let report = self.task.round(self.now, &options, &mut Vec::new());
        // The changelog writes are discarded.
        self.task.engine.changelog(|_, _| {});
        (report.scored, report.left)
    }

    fn run(&mut self, idle: usize) {
        let (mut apply, mut round, mut scored, mut replaced) = (0.0, 0.0, 0, 0);
        for _ in 0..SECONDS {
            self.now = self.now.plus(1_000);
            let records: Vec<String> = (0..RECORDS_PER_SECOND).map(|_| self.used()).collect();
            let at = self.now;
            apply += cpu_of(|| records.iter().for_each(|record| self.tell(Stream::Usage, record, at)));
            round += cpu_of(|| scored += self.round().0);
            self.task.view().accounts.visit(|slot| {
                replaced += usize::from(slot.live_entry().contribution.as_ref().is_some_and(|part| part.at() == at));
            });
        }
        // Many times, because thread CPU clocks are coarse.
        let scrape = cpu_of(|| (0..SCRAPES).for_each(|_| drop(self.directory.portfolio(self.now)))) / f64::from(SCRAPES);
        let mean = |sum: f64| sum / SECONDS as f64;
        println!(
            "| {idle} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
            mean(apply * 1e3),
            mean(round * 1e3),
            mean(scored as f64),
            mean(replaced as f64),
            scrape * 1e3
        );
    }

    fn used(&mut self) -> String {
        self.records += 1;
        let (n, at) = (self.records, self.now.0);
        let account = account(n * 7919 % ACTIVE);
        format!(r#"{{"id":"u{n}","type":"feature_used","account_id":"{account}","occurred_at":{at},"user_id":"u","feature":"report"}}"#)
    }

    /// Microseconds per account: its metrics alone, then what replacing its parts adds.
    fn costs(&self) -> [f64; 3] {
        let (view, settings) = (self.task.engine.stream_time().view(self.now, &self.settings), &*self.settings);
        let copy = |number| self.task.view().accounts.copy(&account(number)).unwrap();
        let accounts: Vec<_> = (0..ACTIVE).map(copy).map(|slot| (slot.account.clone(), *slot.last_score().unwrap())).collect();
        let (mut live, mut entries) = (Live::default(), vec![LiveEntry::default(); ACTIVE]);
        let micros = |work: &mut dyn FnMut(usize, &Account, AccountScore)| {
            let each = || accounts.iter().enumerate().for_each(|(number, (account, score))| work(number, account, *score));
            cpu_of(each) * 1e6 / ACTIVE as f64
        };
        let mut replace = |number: usize, account: &Account, score: AccountScore| {
            live.replace(account, &mut entries[number], score, &account.measure(&view, settings), &view, settings);
        };
        micros(&mut replace);
        let replaced = micros(&mut replace);
        let rescored = micros(&mut |number, account, score| {
            drop(account.measure(&view, settings));
            live.rescore(&mut entries[number], score);
        });
        let measured = micros(&mut |_, account, _| drop(account.measure(&view, settings)));
        [measured, rescored - measured, replaced - measured]
    }
}

fn account(number: usize) -> String {
    format!("acct-{number:07}")
}

/// CPU seconds of this thread that `work` takes.
fn cpu_of(work: impl FnOnce()) -> f64 {
    let cpu = || {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let before = cpu();
    work();
    cpu() - before
}
