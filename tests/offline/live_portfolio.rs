//! Compares the live KPIs of running tasks with the KPI lines of a replay of the same records at the same time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use churnwatch::directory::{Directory, SharedTask};
use churnwatch::engine::{Input, RoundOptions};
use churnwatch::event::{Format, Headers, PerStream, Stream};
use churnwatch::file::{Existing, Output};
use churnwatch::portfolio::{Scope, lines};
use churnwatch::replay::{self, Division, History, InputFile, Reading, Request};
use churnwatch::settings::Settings;
use churnwatch::simulate::{Generator, Options, SimulatedRecord};
use churnwatch::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use serde_json::{Value, json};

const PUBLISH: RoundOptions = RoundOptions { publish: true, catching_up: false, budget: 100_000, bytes: usize::MAX };
const DAYS: u32 = 130;
const ACCOUNTS: u32 = 24;
const TASKS: usize = 2;

/// UTC throughout, and no stream is ever stale, as in a replay.
fn settings() -> Arc<Settings> {
    Arc::new(Settings { stale_after_ms: PerStream([None; 5]), ..Settings::default() })
}

/// Four simulated months, plus what the simulation lacks: accounts that change segment, leave and return.
fn records() -> Vec<SimulatedRecord> {
    let options = Options { accounts: ACCOUNTS, days: DAYS, story_days: DAYS, activity: 0.1, ..Options::default() };
    let mut records: Vec<SimulatedRecord> = Generator::new(&options).collect();
    let accounts: Vec<String> =
        records.iter().filter(|record| record.stream == Stream::Accounts).map(|record| record.account.clone()).collect();
    let profile = |number: usize, day: i64, mut fields: Value| {
        let (account, at) = (accounts[number].clone(), options.start.plus(day * DAY_MS + 7));
        let own = json!({"id": format!("own-{number}-{day}"), "type": "account_profile", "account_id": account, "occurred_at": at.0});
        fields.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        SimulatedRecord { stream: Stream::Accounts, account, at, json: fields.to_string() }
    };
    records.push(profile(
        0,
        100,
        json!({"segment": "moved", "csm": "new", "referred_by": "b", "onboarded_at": options.start.0 + 110 * DAY_MS}),
    ));
    records.push(profile(1, 110, json!({"deleted": true})));
    records.push(profile(1, 120, json!({"segment": "again"})));
    records.push(profile(2, 125, json!({"deleted": true})));
    records.sort_by_key(|record| record.at);
    records
}

/// The tasks of an instance; accounts are assigned by hash, costs go to the first task.
struct Instance {
    directory: Arc<Directory>,
    tasks: Vec<SharedTask>,
}

impl Instance {
    fn new() -> Self {
        let settings = settings();
        let directory = Arc::new(Directory::new(Arc::clone(&settings)));
        let task = |number| SharedTask::new(number, Arc::clone(&directory));
        let tasks: Vec<SharedTask> = (0..i32::try_from(TASKS).unwrap()).map(task).collect();
        tasks.iter().for_each(SharedTask::show);
        Self { directory, tasks }
    }

    fn feed(&mut self, record: &SimulatedRecord) {
        let task = if record.account == "company" { 0 } else { record.account.bytes().map(usize::from).sum::<usize>() % TASKS };
        let input = Input {
            stream: record.stream,
            key: None,
            value: Some(record.json.as_bytes()),
            headers: Headers::NONE,
            timestamp: Some(record.at),
            format: &Format::Native,
            broker_timestamp: Some(record.at),
        };
        self.tasks[task].engine.process(&input, record.at);
    }

    fn round(&mut self, now: Timestamp) {
        self.tasks.iter_mut().for_each(|task| {
            task.round(now, &PUBLISH, &mut Vec::new());
        });
    }

    fn cohorts(&self, now: Timestamp) -> Vec<Value> {
        self.directory.cohorts(now).lines().map(|line| serde_json::from_slice(&line).unwrap()).collect()
    }

    fn lines(&self, now: Timestamp) -> Vec<Value> {
        let portfolio = self.directory.portfolio(now);
        lines(&portfolio, &self.directory.settings()).map(|line| serde_json::from_slice(&line).unwrap()).collect()
    }

    /// The history of every scope that has a line among the KPIs.
    fn histories(&self, now: Timestamp) -> Vec<Value> {
        let history = self.directory.portfolio_history(now);
        let scope = |line: Value| match line["scope"].as_object().unwrap().iter().next() {
            Some((kind, name)) => Scope::named(kind, name.as_str().unwrap()).unwrap(),
            None => Scope::All,
        };
        self.lines(now).into_iter().map(|line| history.line(&scope(line)).unwrap()).collect()
    }

    /// An instance restored from the changelogs of this one.
    fn restarted(&mut self) -> Self {
        let mut restarted = Self::new();
        for (task, restored) in self.tasks.iter_mut().zip(&mut restarted.tasks) {
            let mut changelog: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
            task.engine.changelog(|key, value| match value {
                Some(value) => drop(changelog.insert(key.to_vec(), value.to_vec())),
                None => drop(changelog.remove(key)),
            });
            for (key, value) in &changelog {
                restored.engine.restore(key, Some(value));
            }
            restored.engine.finish_restore(Some(&task.engine.stamp())).unwrap();
        }
        restarted
    }
}

/// The KPI lines and cohorts of a replay as of `t`, scored at every midnight.
fn replayed(records: &[SimulatedRecord], t: Timestamp) -> (Vec<Value>, Vec<Value>) {
    let of = |stream: Stream| records.iter().filter(move |record| record.stream == stream).map(|record| record.json.as_str());
    let settings = replay::settings_for(&Stream::ALL, (*settings()).clone());
    let division = Division::of_machine();
    let file = |stream: Stream| {
        let lines = of(stream).collect::<Vec<_>>().join("\n");
        InputFile::of((stream, &Arc::default()), Path::new(stream.name()), lines.as_bytes(), &settings, division).unwrap()
    };
    let files = Stream::ALL.map(file);
    let request = Request { as_of: t, score_every: Some(1) };
    let reading = Reading::of(&files, t, &settings, division.threads);
    let mut history = History::new(&files, &reading, Arc::clone(&settings));
    replay::score_history(&mut history, &request, &settings, |_, _| Ok::<(), ()>(())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kpis.ndjson");
    let mut output = Output::create(&path, Existing::Refuse).unwrap();
    replay::write_trailing(&history, t, &settings, &mut output).unwrap();
    output.finish().unwrap();
    let kpis = std::fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (kpis, history.cohorts(t).lines().map(|line| serde_json::from_slice(&line).unwrap()).collect())
}

fn midnight(day: i64) -> Timestamp {
    Options::default().start.plus(day * DAY_MS)
}

/// Feeds all records up to the midnight of a day, with a round at each midnight in which every account is scored.
fn run_until(instance: &mut Instance, records: &[SimulatedRecord], days: std::ops::RangeInclusive<i64>) {
    for day in days {
        let since = midnight(day - 1);
        for record in records.iter().filter(|record| record.at > since && record.at <= midnight(day)) {
            instance.feed(record);
        }
        instance.round(midnight(day));
    }
}

fn assert_equal(live: &[Value], replayed: &[Value], what: &str) {
    let scopes = |lines: &[Value]| lines.iter().map(|line| line["scope"].clone()).collect::<Vec<_>>();
    assert_eq!(scopes(live), scopes(replayed), "{what}");
    for (live, replayed) in live.iter().zip(replayed) {
        assert_eq!(live["period"], replayed["period"]);
        for (name, expected) in replayed["kpis"].as_object().unwrap() {
            assert_eq!(&live["kpis"][name], expected, "{name} of {} {what}", replayed["scope"]);
        }
        assert_eq!(live["kpis"].as_object().unwrap().len(), replayed["kpis"].as_object().unwrap().len(), "{what}");
    }
}

#[test]
fn live_kpis_match_a_replay_once_every_account_is_scored_even_after_a_restart() {
    let records = records();
    let mut instance = Instance::new();
    run_until(&mut instance, &records, 0..=60);
    let (expected, cohorts) = replayed(&records, midnight(60));
    assert_equal(&instance.lines(midnight(60)), &expected, "on day 60");
    assert_eq!(instance.cohorts(midnight(60)), cohorts, "on day 60");
    run_until(&mut instance, &records, 61..=125);
    let (expected, cohorts) = replayed(&records, midnight(126));
    assert!(cohorts.iter().any(|line| line["months"].as_array().unwrap().len() > 2), "some cohorts with a history");
    assert!(expected.len() > 6, "some segments, plans and CSMs");
    let mut restarted = instance.restarted();
    let mut histories = Vec::new();
    for (instance, what) in [(&mut instance, "on day 126"), (&mut restarted, "after a restart")] {
        run_until(instance, &records, 126..=126);
        assert_equal(&instance.lines(midnight(126)), &expected, what);
        assert_eq!(instance.cohorts(midnight(126)), cohorts, "{what}");
        histories.push(instance.histories(midnight(126)));
    }
    assert_eq!(histories[0], histories[1], "a restart changes no history");
    let series = &histories[0][0]["series"];
    for name in ["mrr", "accounts_present", "nrr", "grr", "lost_accounts"] {
        assert_eq!(series[name].as_array().unwrap().last(), Some(&expected[0]["kpis"][name]["value"]), "{name} of the last date");
    }
    let present = |name: &str| series[name].as_array().unwrap().iter().filter(|value| !value.is_null()).count();
    assert_eq!((present("green"), present("mrr_at_risk"), present("mrr")), (91, 91, 91));
}

#[test]
fn an_account_keeps_the_scores_of_past_dates_also_while_the_task_catches_up_and_publishes_nothing() {
    let catch_up = RoundOptions { publish: false, catching_up: true, ..PUBLISH };
    let (mut live, mut behind) = (Instance::new(), Instance::new());
    let records = records();
    for day in 0..=100 {
        for record in records.iter().filter(|record| record.at >= midnight(day) && record.at < midnight(day + 1)) {
            live.feed(record);
            behind.feed(record);
        }
        live.round(midnight(day + 1));
        let mut published = Vec::new();
        for task in &mut behind.tasks {
            task.round(midnight(2_000), &catch_up, &mut published);
        }
        assert!(published.is_empty());
    }
    let health = |instance: &Instance, id: &str| instance.directory.account_history(id, midnight(101)).unwrap().health;
    let account = &records[0].account;
    let (live, behind) = (health(&live, account), health(&behind, account));
    assert!(live.iter().flatten().count() > 60 && behind.iter().flatten().count() > 60, "{live:?} {behind:?}");
    // One scores the end of a date, the other its last record.
    let near = live.iter().skip(1).zip(&behind).filter_map(|(live, behind)| Some(((*live)? - (*behind)?).abs()));
    let (count, sum) = near.fold((0, 0.0), |(count, sum), difference| (count + 1, sum + difference));
    assert!(count > 60 && sum / f64::from(count) < 3.0, "{sum} over {count} dates: {live:?} {behind:?}");
}

#[test]
fn an_event_shows_at_once_and_later_ones_within_a_minute() {
    let mut instance = Instance::new();
    let changed = |id: i64, minor: i64, at: Timestamp| {
        let json = json!({"id": id.to_string(), "type": "subscription_changed", "account_id": "acme", "subscription_id": "s", "status": "active",
            "items": [{"amount_minor": minor, "currency": "USD", "interval": "month"}], "current_period_start": at.0,
            "current_period_end": at.0 + 365 * DAY_MS, "occurred_at": at.0});
        SimulatedRecord { stream: Stream::Billing, account: "acme".to_owned(), at, json: json.to_string() }
    };
    let mrr = |instance: &Instance, at: Timestamp| instance.lines(at)[0]["kpis"]["mrr"]["value"].as_i64();
    let begin = midnight(0);
    for (second, minor, shown) in [(0, 100, 100), (1, 200, 100), (59, 300, 100), (61, 300, 300), (62, 400, 300), (122, 400, 400)] {
        let now = begin.plus(second * 1000);
        instance.feed(&changed(minor, minor, now));
        instance.round(now);
        assert_eq!(mrr(&instance, now), Some(shown), "after {second} s");
    }
}

#[test]
fn figures_that_age_without_events_are_at_most_an_hour_old() {
    let mut instance = Instance::new();
    let subscription = json!({"id": "1", "type": "subscription_changed", "account_id": "acme", "subscription_id": "s", "status": "active",
        "items": [{"amount_minor": 100, "currency": "USD", "interval": "month"}], "current_period_start": midnight(0).0,
        "current_period_end": midnight(400).0, "occurred_at": midnight(0).0});
    let record = SimulatedRecord { stream: Stream::Billing, account: "acme".to_owned(), at: midnight(0), json: subscription.to_string() };
    instance.feed(&record);
    let at_start = |instance: &Instance, at: Timestamp| instance.lines(at)[0]["kpis"]["nrr"]["denominator"].as_i64();
    for minutes in 0..=28 * 24 * 60 + 60 {
        if minutes % 5 == 0 {
            instance.round(midnight(0).plus(minutes * MINUTE_MS));
        }
        if minutes == 28 * 24 * 60 - 1 {
            assert_eq!(at_start(&instance, midnight(28)), None);
        }
    }
    assert_eq!(at_start(&instance, midnight(28).plus(HOUR_MS)), Some(100));
}
