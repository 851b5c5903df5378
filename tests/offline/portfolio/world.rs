//! Builds records in place and replays them to KPIs.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use churnwatch::event::{Code, Stream};
use churnwatch::file::{Existing, Output};
use churnwatch::replay::{self, Division, History, InputFile, Reading, Request};
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, Timestamp};
use serde_json::{Value, json};

/// 2026-04-01T00:00:00Z, the end of most examples; the trailing 28 days begin on 4 March.
pub const END: i64 = 1_775_001_600_000;
/// A replay as of the end, with every account scored once.
pub const ONCE: Request = Request { as_of: Timestamp(END), score_every: None };

/// A whole number of days before the end.
pub const fn ago(days: i64) -> i64 {
    END - days * DAY_MS
}

/// Records by stream.
#[derive(Clone, Default)]
pub struct World(pub BTreeMap<&'static str, Vec<Value>>, usize);

impl World {
    pub fn add(&mut self, stream: &'static str, kind: &str, account: &str, at: i64, mut rest: Value) -> &mut Self {
        self.1 += 1;
        let fields = rest.as_object_mut().unwrap();
        fields.insert("id".into(), json!(format!("{:06}", self.1)));
        fields.insert("type".into(), json!(kind));
        fields.insert("occurred_at".into(), json!(at));
        if !account.is_empty() {
            fields.insert("account_id".into(), json!(account));
        }
        self.0.entry(stream).or_default().push(rest);
        self
    }

    /// Monthly subscription `s` in minor units; 0 cancels it.
    pub fn pays(&mut self, account: &str, at: i64, minor: i64) -> &mut Self {
        self.subscribed(account, at, json!({"items": [item(minor)], "status": if minor > 0 { "active" } else { "canceled" }}))
    }

    pub fn subscribed(&mut self, account: &str, at: i64, more: Value) -> &mut Self {
        let mut fields = json!({"subscription_id": "s", "status": "active", "items": [item(100)], "started_at": at,
            "current_period_start": at, "current_period_end": at + 3650 * DAY_MS});
        more.as_object().unwrap().iter().for_each(|(name, value)| fields[name] = value.clone());
        self.add("billing", "subscription_changed", account, at, fields)
    }

    pub fn profile(&mut self, account: &str, fields: Value) -> &mut Self {
        self.add("accounts", "account_profile", account, ago(300), fields)
    }

    pub fn used(&mut self, account: &str, user: &str, feature: &str, at: i64) -> &mut Self {
        self.add("usage", "feature_used", account, at, json!({"user_id": user, "feature": feature}))
    }

    /// The same records in time order.
    pub fn sorted(mut self) -> Self {
        self.0.values_mut().for_each(|records| records.sort_by_key(|record| record["occurred_at"].as_i64()));
        self
    }

    /// Its files (none for a stream without records), and the settings of their replay.
    fn files(&self, settings: Settings, division: Division) -> (Vec<InputFile>, Arc<Settings>) {
        let given: Vec<Stream> = Stream::ALL.into_iter().filter(|stream| self.0.contains_key(stream.name())).collect();
        let settings = replay::settings_for(&given, settings);
        let file = |stream: Stream| {
            let lines: Vec<String> = self.0[stream.name()].iter().map(Value::to_string).collect();
            InputFile::of((stream, &Arc::default()), Path::new(stream.name()), lines.join("\n").as_bytes(), &settings, division).unwrap()
        };
        (given.into_iter().map(file).collect(), settings)
    }

    /// The lines of `--out-kpis`, with `--kpi-months` if `months`.
    pub fn lines(&self, request: Request, months: bool, settings: Settings) -> Vec<Value> {
        let division = Division { threads: NonZeroUsize::new(2).unwrap(), ..Division::of_machine() };
        let (files, settings) = self.files(settings, division);
        let reading = Reading::of(&files, request.as_of, &settings, division.threads);
        assert!(reading.dead_letters.iter().all(|letter| letter.rejection.code == Code::FutureTime), "{:?}", reading.dead_letters);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kpis.ndjson");
        let mut output = Output::create(Path::new(&path), Existing::Refuse).unwrap();
        if months {
            replay::write_months(&files, &reading, &request, &settings, &mut output).unwrap();
        }
        let mut history = History::new(&files, &reading, settings.clone());
        replay::score_history(&mut history, &request, &settings, |_, _| Ok::<(), ()>(())).unwrap();
        replay::write_trailing(&history, request.as_of, &settings, &mut output).unwrap();
        output.finish().unwrap();
        std::fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The KPIs of all accounts over the trailing 28 days.
    pub fn kpis(&self) -> Value {
        self.scoped(&json!({}))
    }

    pub fn scoped(&self, scope: &Value) -> Value {
        let line = self.lines(ONCE, false, Settings::default()).into_iter().find(|line| line["scope"] == *scope);
        line.expect("a line of this scope")["kpis"].clone()
    }
}

pub fn item(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD", "interval": "month"})
}

pub fn close(kpi: &Value, expected: f64) {
    let value = kpi["value"].as_f64().unwrap_or_else(|| panic!("{kpi} is absent"));
    assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{value} for {expected}");
}

/// Four accounts present at start (100, 200, 300, 400): one grows to 150, one shrinks to 120, one leaves, one stays; one new
/// (500), one back after a pause (50).
pub fn movers() -> World {
    let mut world = World::default();
    world.pays("grows", ago(200), 100).pays("grows", ago(10), 150);
    world.pays("shrinks", ago(200), 200).pays("shrinks", ago(10), 120);
    world.pays("stays", ago(200), 400);
    world.pays("leaves", ago(200), 300);
    world.subscribed("leaves", ago(5), json!({"status": "canceled", "reason": "too expensive"}));
    world.pays("new", ago(3), 500);
    world.pays("back", ago(200), 50).pays("back", ago(100), 0).pays("back", ago(2), 50);
    world
}

/// The movers with usage, tickets, answers and profiles, in arrival order: a few records are weeks late.
pub fn disturbed() -> World {
    let mut world = movers();
    for (day, account) in (0..120).zip(["grows", "stays", "new"].into_iter().cycle()) {
        world.used(account, &format!("u{}", day % 5), "x", ago(120 - day));
    }
    world.used("grows", "late", "y", ago(95)).used("grows", "late", "y", ago(95));
    world.add("support", "ticket_opened", "stays", ago(70), json!({"ticket_id": "t"}));
    world.add("feedback", "nps_answered", "grows", ago(40), json!({"score": 9}));
    world.profile("grows", json!({"segment": "smb"}));
    world.add("accounts", "account_profile", "grows", ago(33), json!({"segment": "mid"}));
    world.add("accounts", "account_profile", "shrinks", ago(6), json!({"deleted": true}));
    world
}
