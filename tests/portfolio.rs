//! Portfolio KPIs: a worked example with numbers for each, the borders of months, and sums that no grouping can change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics where its example is not as expected"
)]
#![allow(clippy::needless_pass_by_value, reason = "records are written in place")]

use std::collections::BTreeMap;
use std::path::Path;

use churnwatch::event::{Code, Stream};
use churnwatch::portfolio::{Kpi, Period, Portfolio, Sums};
use churnwatch::replay::{self, History, InputFile, Output, Reading, Request};
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp, Zone};
use serde_json::{Value, json};

/// 2026-04-01T00:00:00Z, the end of most examples; the trailing 28 days begin on 4 March.
const END: i64 = 1_775_001_600_000;
const ONCE: Request = Request { as_of: Timestamp(END), score_every: None };

/// A whole number of days before the end.
const fn ago(days: i64) -> i64 {
    END - days * DAY_MS
}

/// Records by stream.
#[derive(Clone, Default)]
struct World(BTreeMap<&'static str, Vec<Value>>, usize);

impl World {
    fn tell(&mut self, stream: &'static str, kind: &str, account: &str, at: i64, mut rest: Value) -> &mut Self {
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

    /// Monthly subscription `s` of so many minor units; 0 is cancelled.
    fn pays(&mut self, account: &str, at: i64, minor: i64) -> &mut Self {
        self.subscribed(account, at, json!({"items": [item(minor)], "status": if minor > 0 { "active" } else { "canceled" }}))
    }

    fn subscribed(&mut self, account: &str, at: i64, more: Value) -> &mut Self {
        let mut fields = json!({"subscription_id": "s", "status": "active", "items": [item(100)], "started_at": at,
            "current_period_start": at, "current_period_end": at + 3650 * DAY_MS});
        more.as_object().unwrap().iter().for_each(|(name, value)| fields[name] = value.clone());
        self.tell("billing", "subscription_changed", account, at, fields)
    }

    fn profile(&mut self, account: &str, fields: Value) -> &mut Self {
        self.tell("accounts", "account_profile", account, ago(300), fields)
    }

    fn used(&mut self, account: &str, user: &str, feature: &str, at: i64) -> &mut Self {
        self.tell("usage", "feature_used", account, at, json!({"user_id": user, "feature": feature}))
    }

    /// The same records in the order of their time.
    fn sorted(mut self) -> Self {
        self.0.values_mut().for_each(|records| records.sort_by_key(|record| record["occurred_at"].as_i64()));
        self
    }

    fn files(&self) -> Vec<InputFile> {
        let streams = Stream::ALL.into_iter().filter_map(|stream| Some((stream, self.0.get(stream.name())?)));
        let lines = |records: &[Value]| records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        streams.map(|(stream, records)| InputFile::of_bytes(stream, stream.name(), lines(records))).collect()
    }

    /// The lines of `--out-kpis`, with `--kpi-months` where `months` says so.
    fn lines(&self, request: Request, months: bool, settings: Settings) -> Vec<Value> {
        let files = self.files();
        let settings = replay::settings_for(&files, settings);
        let reading = Reading::of(&files, request.as_of, &settings, |_| {});
        assert!(reading.dead_letters.iter().all(|letter| letter.rejection.code == Code::FutureTime), "{:?}", reading.dead_letters);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kpis.ndjson");
        let mut output = Output::create(Path::new(&path)).unwrap();
        if months {
            replay::write_months(&files, &reading, &request, &settings, &mut output).unwrap();
        }
        let mut history = History::new(&files, &reading, settings.clone());
        replay::score_history(&mut history, &request, &settings, |_| Ok::<(), ()>(())).unwrap();
        replay::write_trailing(&history, request.as_of, &settings, &mut output).unwrap();
        output.finish().unwrap();
        std::fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The KPIs of all accounts over the trailing 28 days.
    fn kpis(&self) -> Value {
        self.scoped(&json!({}))
    }

    fn scoped(&self, scope: &Value) -> Value {
        let line = self.lines(ONCE, false, Settings::default()).into_iter().find(|line| line["scope"] == *scope);
        line.expect("a line of this scope")["kpis"].clone()
    }
}

fn item(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD", "interval": "month"})
}

fn close(kpi: &Value, expected: f64) {
    let value = kpi["value"].as_f64().unwrap_or_else(|| panic!("{kpi} is absent"));
    assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{value} for {expected}");
}

/// Four accounts present at start (100, 200, 300, 400) of which one grows to 150, one shrinks to 120, one leaves, one stays; one new
/// (500), one back after a pause (50).
fn movers() -> World {
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

#[test]
fn mrr_and_its_movements() {
    let kpis = movers().kpis();
    let sums = [("mrr", 1220), ("arr", 14_640), ("opening_mrr", 0), ("new_mrr", 500), ("expansion_mrr", 50), ("contraction_mrr", 80)];
    let more = [("churned_mrr", 300), ("reactivation_mrr", 50), ("fx_mrr", 0), ("portfolio_growth", -280)];
    for (name, value) in sums.into_iter().chain(more) {
        assert_eq!(kpis[name], json!({"value": value}), "{name}");
    }
    assert_eq!(kpis["expansion_rate"], json!({"value": 0.05, "numerator": 50, "denominator": 1000}));
    assert_eq!((&kpis["nrr"]["numerator"], &kpis["grr"]["numerator"]), (&json!(670), &json!(620)));
    close(&kpis["expansion_share"], 50.0 / 550.0);
    close(&kpis["nrr"], 0.67);
    close(&kpis["grr"], 0.62);
    close(&kpis["portfolio_growth_rate"], -0.28);
}

#[test]
fn accounts_won_held_and_lost() {
    let kpis = movers().kpis();
    for (name, value) in [("new_accounts", 1), ("lost_accounts", 1), ("accounts_present", 5)] {
        assert_eq!(kpis[name], json!({"value": value}), "{name}");
    }
    close(&kpis["retention_rate"], 0.75);
    let monthly = 1.0 - 0.75_f64.powf(365.0 / 12.0 / 28.0);
    close(&kpis["logo_churn_monthly"], monthly);
    close(&kpis["logo_churn_yearly"], 1.0 - 0.75_f64.powf(365.0 / 28.0));
    close(&kpis["mean_lifespan_months"], 1.0 / monthly);
    assert_eq!((&kpis["logo_churn_monthly"]["numerator"], &kpis["logo_churn_monthly"]["denominator"]), (&json!(1), &json!(4)));
    close(&kpis["arpa"], 244.0);
}

#[test]
fn without_loss_nobody_knows_a_lifespan() {
    let mut world = World::default();
    world.pays("a", ago(200), 100);
    let kpis = world.kpis();
    assert_eq!(kpis["logo_churn_monthly"]["value"], json!(0.0));
    for name in ["mean_lifespan_months", "clv", "clv_net", "clv_to_cac", "cac", "churned_after_support", "renewal_rate"] {
        assert!(kpis.get(name).is_none(), "{name}");
    }
    assert_eq!(kpis["retention_cost"], json!({"value": 0.0, "numerator": 0, "denominator": 1}));
}

#[test]
fn what_a_customer_is_worth_and_costs() {
    let mut world = movers();
    world.profile("new", json!({"segment": "smb"})).profile("stays", json!({"segment": "mid"}));
    for (category, minor, segment) in [("acquisition", 900, Some("smb")), ("acquisition", 100, None), ("retention", 60, None)] {
        let mut cost = json!({"category": category, "amount_minor": minor, "currency": "USD"});
        if let Some(segment) = segment {
            cost["segment"] = json!(segment);
        }
        world.tell("billing", "cost_recorded", "", ago(1), cost);
    }
    world.tell("billing", "invoice_paid", "stays", ago(90), json!({"invoice_id": "i", "amount_minor": 800, "currency": "USD"}));
    let kpis = world.kpis();
    let clv = 244.0 / (1.0 - 0.75_f64.powf(365.0 / 12.0 / 28.0));
    close(&kpis["clv"], clv);
    assert_eq!(kpis["clv_historic"], json!({"value": 800.0, "numerator": 800, "denominator": 1}));
    close(&kpis["cac"], 1000.0);
    close(&kpis["retention_cost"], 20.0);
    close(&kpis["clv_net"], clv - 1020.0);
    close(&kpis["clv_to_cac"], clv / 1000.0);
    close(&world.scoped(&json!({"segment": "smb"}))["cac"], 900.0);
    assert!(world.scoped(&json!({"segment": "mid"})).get("retention_cost").is_none());
}

#[test]
fn costs_that_ever_named_a_segment_make_its_cac_0() {
    let mut world = World::default();
    world.pays("a", ago(3), 100).profile("a", json!({"segment": "smb", "plan": "pro"}));
    assert!(world.scoped(&json!({"segment": "smb"})).get("cac").is_none());
    let cost = json!({"category": "acquisition", "amount_minor": 5, "currency": "USD", "segment": "smb"});
    world.tell("billing", "cost_recorded", "", ago(250), cost);
    close(&world.scoped(&json!({"segment": "smb"}))["cac"], 0.0);
    assert!(world.scoped(&json!({"plan": "pro"})).get("cac").is_none());
}

#[test]
fn terms_that_ended_and_trials_that_converted() {
    let mut world = World::default();
    let year = |end: i64| json!({"current_period_start": end - 365 * DAY_MS, "current_period_end": end});
    world.subscribed("renews", ago(370), year(ago(5)));
    let ends = json!({"current_period_start": ago(370), "current_period_end": ago(5), "cancel_at_period_end": true});
    world.subscribed("ends", ago(370), ends);
    world.subscribed("monthly", ago(34), json!({"current_period_start": ago(34), "current_period_end": ago(4)}));
    world.subscribed("converts", ago(20), json!({"status": "trialing", "trial_end": ago(6)})).pays("converts", ago(6), 100);
    world.subscribed("lapses", ago(20), json!({"status": "trialing", "trial_end": ago(6)}));
    let kpis = world.kpis();
    assert_eq!(kpis["renewal_rate"], json!({"value": 0.5, "numerator": 1, "denominator": 2}));
    assert_eq!(kpis["renewal_rate_short"], json!({"value": 1.0, "numerator": 1, "denominator": 1}));
    assert_eq!(kpis["trial_conversion"], json!({"value": 0.5, "numerator": 1, "denominator": 2}));
}

/// Account `a` used by two users, account `b` by one, both with four seats and two entitled features.
fn users() -> World {
    let mut world = World::default();
    let entitled = json!({"seats": 4, "entitled_features": ["x", "y"]});
    world.profile("a", entitled.clone()).profile("b", entitled);
    world.used("a", "old", "z", ago(100));
    world.used("a", "1", "x", END - HOUR_MS).used("a", "1", "y", ago(3)).used("a", "2", "x", ago(10)).used("b", "1", "x", ago(20));
    world.tell("usage", "session_ended", "a", ago(10), json!({"user_id": "2", "session_id": "s", "duration_seconds": 90}));
    world.tell("usage", "session_ended", "b", ago(20), json!({"user_id": "1", "session_id": "s", "duration_seconds": 30}));
    world
}

#[test]
fn users_and_how_much_they_use() {
    let kpis = users().kpis();
    assert_eq!((&kpis["dau"], &kpis["wau"], &kpis["mau"]), (&json!({"value": 1}), &json!({"value": 1}), &json!({"value": 3})));
    close(&kpis["dau_mau"], 1.0 / 3.0);
    assert_eq!((&kpis["usage_rate"]["numerator"], &kpis["usage_rate"]["denominator"]), (&json!(4), &json!(56)));
    close(&kpis["usage_frequency"], 2.0);
    close(&kpis["session_seconds"], 60.0);
    assert_eq!(kpis["feature_adopters"], json!({"value": {"x": 2, "y": 1}}));
    close(&kpis["adoption"], 0.75);
    close(&kpis["breadth"], 0.375);
    close(&kpis["depth"], 1.5);
    assert_eq!((&kpis["adoption"]["buckets"]["0.5"], &kpis["adoption"]["buckets"]["+Inf"]), (&json!(1), &json!(2)));
    assert!(kpis.get("mrr").is_none() && kpis.get("tickets_open").is_none(), "streams without a file have no KPIs");
}

#[test]
fn kpis_of_windows_wait_until_the_stream_was_observed_long_enough_and_those_of_periods_do_not() {
    let mut world = World::default();
    world.used("a", "1", "x", ago(10)).pays("a", ago(100), 100);
    let kpis = world.kpis();
    for name in ["mau", "dau_mau", "arpu", "depth", "breadth", "adoption"] {
        assert!(kpis.get(name).is_none(), "{name}");
    }
    assert_eq!((&kpis["dau"]["value"], &kpis["wau"]["value"]), (&json!(0), &json!(0)));
    close(&kpis["usage_rate"], 1.0 / 28.0);
}

#[test]
fn mrr_is_arpa_times_payers_and_arpu_times_users() {
    let mut world = movers();
    world.used("grows", "old", "z", ago(100)).used("grows", "1", "x", ago(1)).used("new", "2", "x", ago(1)).used(
        "leaves",
        "3",
        "x",
        ago(9),
    );
    let kpis = world.kpis();
    let number = |name: &str| kpis[name]["value"].as_f64().unwrap();
    assert!((number("arpa") * number("accounts_present") - number("mrr")).abs() < 1e-9);
    assert!((number("arpu") * number("mau") - number("mrr")).abs() < 1e-9);
    assert_eq!(kpis["mau"], json!({"value": 3}));
}

#[test]
fn health_by_band_and_money_at_risk() {
    let kpis = movers().kpis();
    let bands = kpis["accounts_by_band"]["value"].as_object().unwrap();
    assert_eq!(bands.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 6);
    assert_eq!(bands["churned"], json!(1));
    let money = kpis["mrr_by_band"]["value"].as_object().unwrap();
    assert_eq!(money.values().map(|minor| minor.as_i64().unwrap()).sum::<i64>(), 1220);
    assert!(kpis["mrr_at_risk"]["value"].as_f64().unwrap() >= 0.0);
}

#[test]
fn answers_referrals_and_advocacy() {
    let mut world = World::default();
    for (at, score) in [(40, 9), (40, 3), (40, 3), (5, 10), (5, 9), (5, 7), (5, 0)] {
        world.tell("feedback", "nps_answered", "a", ago(at), json!({"score": score}));
    }
    for score in [5, 4, 2] {
        world.tell("feedback", "csat_answered", "a", ago(5), json!({"score": score, "scale": {"min": 1, "max": 5}}));
    }
    for score in [1, 4] {
        world.tell("feedback", "ces_answered", "a", ago(5), json!({"score": score, "scale": {"min": 1, "max": 5}}));
    }
    for kind in ["nps", "nps", "nps", "nps", "nps", "nps", "nps", "nps", "own", "own"] {
        world.tell("feedback", "survey_sent", "a", ago(6), json!({"kind": kind}));
    }
    world.tell("feedback", "referral_made", "a", ago(2), json!({}));
    world.tell("feedback", "advocacy_made", "a", ago(2), json!({"kind": "review"}));
    world.tell("support", "ticket_opened", "a", ago(9), json!({"ticket_id": "t"}));
    world.tell("support", "ticket_rated", "a", ago(1), json!({"ticket_id": "t", "score": "good"}));
    let kpis = world.kpis();
    assert_eq!(
        kpis["nps"],
        json!({"value": 25.0, "numerator": 1, "denominator": 4, "buckets": {"promoters": 2, "passives": 1, "detractors": 1}})
    );
    close(&kpis["nps_trend"], 25.0 + 100.0 / 3.0);
    assert_eq!(kpis["csat"], json!({"value": 0.75, "numerator": 3, "denominator": 4}));
    close(&kpis["csat_highly_satisfied"], 0.5);
    close(&kpis["csat_dissatisfied"], 0.25);
    close(&kpis["ces"], 0.375);
    close(&kpis["survey_response_rate"], 0.9);
    assert_eq!(kpis["survey_response_rate"]["by_kind"]["nps"]["value"], json!(0.5));
    assert_eq!(kpis["survey_response_rate"]["by_kind"]["own"]["value"], json!(0.0));
    assert_eq!((&kpis["referrals"], &kpis["advocacy"]), (&json!({"value": 1}), &json!({"value": 1, "by_kind": {"review": 1}})));
}

#[test]
fn tickets_and_how_they_were_resolved() {
    let mut world = World::default();
    for (ticket, hours, priority, category) in [("1", 2, "urgent", "bug"), ("2", 4, "low", "bug"), ("3", 12, "low", "billing")] {
        let opened = json!({"ticket_id": ticket, "priority": priority, "category": category, "product": "api"});
        world.tell("support", "ticket_opened", "a", ago(20), opened);
        let reply = json!({"ticket_id": ticket, "by": "agent"});
        world.tell("support", "ticket_replied", "a", ago(20) + hours * MINUTE_MS, reply);
        world.tell("support", "ticket_resolved", "a", ago(20) + hours * HOUR_MS, json!({"ticket_id": ticket}));
    }
    world.tell("support", "ticket_reopened", "a", ago(19), json!({"ticket_id": "3"}));
    world.tell("support", "ticket_opened", "a", ago(400), json!({"ticket_id": "4"}));
    let kpis = world.kpis();
    assert_eq!(
        kpis["tickets_opened"],
        json!({"value": 3, "by_priority": {"low": 2, "urgent": 1}, "by_product": {"api": 3}, "by_category": {"billing": 1, "bug": 2}})
    );
    assert_eq!((&kpis["tickets_resolved"]["value"], &kpis["tickets_open"]["value"]), (&json!(3), &json!(2)));
    assert_eq!(
        kpis["resolution_hours_p50"],
        json!({"value": 4.0, "by_priority": {"low": 4.0, "urgent": 2.0}, "by_category": {"billing": 12.0, "bug": 2.0}})
    );
    close(&kpis["resolution_hours_mean"], 6.0);
    let mean = &kpis["resolution_hours_mean"];
    assert_eq!((&mean["buckets"]["4"], &mean["by_category"]["bug"]["denominator"]), (&json!(2), &json!(2)));
    close(&kpis["resolution_hours_p90"], 12.0);
    close(&kpis["resolution_hours_agent_p50"], 4.0);
    close(&kpis["first_reply_minutes_p50"], 4.0);
    close(&kpis["reopen_rate"], 1.0 / 3.0);
    close(&kpis["fcr"], 2.0 / 3.0);
    close(&kpis["fcr_simple"], 2.0 / 3.0);
}

#[test]
fn onboarding_referred_accounts_and_reasons_of_losses() {
    let mut world = movers();
    world.profile("new", json!({"referred_by": "stays", "onboarded_at": ago(2)}));
    world.profile("stays", json!({"referred_by": "leaves", "onboarded_at": ago(100)}));
    world.pays("silent", ago(200), 100).pays("silent", ago(4), 0);
    world.tell("support", "ticket_opened", "leaves", ago(30), json!({"ticket_id": "t"}));
    world.tell("support", "ticket_opened", "silent", ago(40), json!({"ticket_id": "t"}));
    let kpis = world.kpis();
    assert_eq!((&kpis["onboarded"], &kpis["referred_accounts"]), (&json!({"value": 1}), &json!({"value": 1})));
    assert_eq!(kpis["churn_reasons"], json!({"value": {"too expensive": 1, "unspecified": 1}}));
    assert_eq!(kpis["churned_after_support"], json!({"value": 0.5, "numerator": 1, "denominator": 2}));
}

#[test]
fn lines_are_for_all_then_by_segment_plan_and_csm() {
    let mut world = movers();
    world.profile("new", json!({"segment": "smb", "plan": "pro", "csm": "dana"})).profile("stays", json!({"segment": "mid"}));
    let lines = world.lines(ONCE, false, Settings::default());
    let scopes: Vec<Value> = lines.iter().map(|line| line["scope"].clone()).collect();
    assert_eq!(json!(scopes), json!([{}, {"segment": "mid"}, {"segment": "smb"}, {"plan": "pro"}, {"csm": "dana"}]));
    assert_eq!(lines[0]["period"], json!({"from": "2026-03-04T00:00:00Z", "to": "2026-04-01T00:00:00Z"}));
    assert_eq!((&lines[1]["kpis"]["mrr"]["value"], &lines[4]["kpis"]["new_mrr"]["value"]), (&json!(400), &json!(500)));
}

#[test]
fn a_month_ends_at_its_last_millisecond_and_its_churn_is_not_scaled() {
    let (april, march) = (END, END - 31 * DAY_MS);
    let mut world = World::default();
    world.pays("a", march - 1, 100).pays("b", march - 1, 100).pays("b", april - 1, 0).pays("c", march, 30).pays("d", april, 70);
    let lines = world.lines(Request { as_of: Timestamp(april), ..ONCE }, true, Settings::default());
    let months: Vec<&str> = lines.iter().map(|line| line["period"]["from"].as_str().unwrap()).collect();
    assert_eq!(months, ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z"]);
    let kpis = &lines[1]["kpis"];
    assert_eq!(lines[1]["period"]["to"], json!("2026-04-01T00:00:00Z"));
    assert_eq!((&kpis["mrr"]["value"], &kpis["new_mrr"]["value"], &kpis["churned_mrr"]["value"]), (&json!(130), &json!(30), &json!(100)));
    close(&kpis["logo_churn_monthly"], 0.5);
    close(&kpis["logo_churn_yearly"], 1.0 - 0.5_f64.powf(365.0 / 31.0));
    close(&kpis["mean_lifespan_months"], 2.0);
}

#[test]
fn a_leap_february_and_a_month_whose_clocks_change_end_where_the_reporting_zone_says() {
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap().0;
    let mut world = World::default();
    world.pays("a", at("2024-01-10T00:00:00Z"), 100).pays("b", at("2024-01-10T00:00:00Z"), 100);
    world.pays("b", at("2024-02-29T22:59:59.999Z"), 0).pays("c", at("2024-02-29T23:00:00Z"), 30);
    world.pays("d", at("2024-03-31T21:59:59.999Z"), 7).pays("e", at("2024-03-31T22:00:00Z"), 70);
    let settings = Settings { zone: Zone::named("Europe/Berlin").unwrap(), ..Settings::default() };
    let request = Request { as_of: Timestamp(at("2024-03-31T22:00:00Z")), ..ONCE };
    let lines = world.lines(request, true, settings);
    let kpi = |line: usize, name: &str| &lines[line]["kpis"][name];
    let periods: Vec<&Value> = lines.iter().map(|line| &line["period"]["from"]).collect();
    assert_eq!(json!(periods), json!(["2023-12-31T23:00:00Z", "2024-01-31T23:00:00Z", "2024-02-29T23:00:00Z", "2024-03-03T22:00:00Z"]));
    assert_eq!((&kpi(1, "churned_mrr")["value"], &kpi(1, "new_mrr")["value"]), (&json!(100), &json!(0)));
    close(kpi(1, "logo_churn_yearly"), 1.0 - 0.5_f64.powf(365.0 / 29.0));
    assert_eq!((&kpi(2, "new_mrr")["value"], &kpi(3, "new_mrr")["value"]), (&json!(37), &json!(77)));
}

#[test]
fn the_trailing_period_ends_with_its_instant_and_begins_after_that_of_28_days_before() {
    let mut world = World::default();
    world.pays("at the end", END, 1).pays("just before the begin", ago(28), 2).pays("just after it", ago(28) + 1, 4);
    world.tell("support", "ticket_opened", "a", ago(28), json!({"ticket_id": "before"}));
    world.tell("support", "ticket_opened", "a", ago(28) + 1, json!({"ticket_id": "within"}));
    world.tell("feedback", "nps_answered", "a", ago(28), json!({"score": 0}));
    world.tell("feedback", "nps_answered", "a", END, json!({"score": 10}));
    let kpis = world.kpis();
    assert_eq!((&kpis["new_mrr"]["value"], &kpis["nrr"]["denominator"]), (&json!(5), &json!(2)));
    assert_eq!((&kpis["tickets_opened"]["value"], &kpis["nps"]["value"]), (&json!(1), &json!(100.0)));
    close(&kpis["nps_trend"], 200.0);
}

/// The movers with usage, tickets, answers and profiles, as a stream brings them: a few records weeks late.
fn disturbed() -> World {
    let mut world = movers();
    for (day, account) in (0..120).zip(["grows", "stays", "new"].into_iter().cycle()) {
        world.used(account, &format!("u{}", day % 5), "x", ago(120 - day));
    }
    world.used("grows", "late", "y", ago(95)).used("grows", "late", "y", ago(95));
    world.tell("support", "ticket_opened", "stays", ago(70), json!({"ticket_id": "t"}));
    world.tell("feedback", "nps_answered", "grows", ago(40), json!({"score": 9}));
    world.profile("grows", json!({"segment": "smb"}));
    world.tell("accounts", "account_profile", "grows", ago(33), json!({"segment": "mid"}));
    world.tell("accounts", "account_profile", "shrinks", ago(6), json!({"deleted": true}));
    world
}

#[test]
fn every_month_is_what_a_replay_as_of_its_end_tells_less_accounts_deleted_since() {
    let worlds = [(movers(), None), (disturbed(), None), (disturbed(), Some(7))];
    let sorted = worlds.clone().map(|(world, score_every)| (world.sorted(), score_every));
    for (world, score_every) in worlds.into_iter().chain(sorted) {
        let request = Request { score_every, ..ONCE };
        let all = world.lines(request, true, Settings::default());
        let end = Timestamp(END - 31 * DAY_MS - 1);
        let mut earlier = world.clone();
        if earlier.0.contains_key("accounts") {
            // Deleted in March: gone from every month.
            earlier.0.values_mut().for_each(|records| records.retain(|record| record["account_id"] != "shrinks"));
        }
        let until = earlier.lines(Request { as_of: end, ..request }, true, Settings::default());
        let months = |lines: &[Value]| -> Vec<Value> {
            let is_until = |line: &&Value| line["period"]["from"].as_str() <= Some("2026-02-01T00:00:00Z");
            lines.iter().filter(is_until).filter(|line| line["period"]["to"].as_str().unwrap().ends_with("01T00:00:00Z")).cloned().collect()
        };
        assert!(!months(&until).is_empty());
        assert_eq!(months(&all), months(&until), "{score_every:?}");
    }
}

#[test]
fn sums_of_two_halves_are_the_sums_of_the_whole() {
    let world = disturbed();
    let files = world.files();
    let settings = replay::settings_for(&files, Settings::default());
    let reading = Reading::of(&files, ONCE.as_of, &settings, |_| {});
    let mut history = History::new(&files, &reading, settings.clone());
    replay::score_history(&mut history, &ONCE, &settings, |_| Ok::<(), ()>(())).unwrap();
    let period = Period::trailing(ONCE.as_of, &settings.zone);
    let view = history.view(ONCE.as_of);
    let sum = |belongs: fn(&str) -> bool| {
        let mut portfolio = Portfolio::new(period);
        history.task().view().accounts.for_each(|account| {
            if belongs(account.id()) {
                let metrics = account.measure(&view, &settings);
                portfolio.add_account(account, &Sums::of(account, &metrics, account.share.as_ref(), &period, &settings));
            }
        });
        portfolio
    };
    let mut halves = sum(|id| id < "n");
    halves.merge(&sum(|id| id >= "n"));
    let lines = |portfolio: &Portfolio| churnwatch::portfolio::lines(portfolio, &settings).collect::<Vec<_>>();
    assert_eq!(lines(&halves), lines(&sum(|_| true)));
}

#[test]
fn every_name_of_the_registry_is_written_by_some_example() {
    let mut written: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    let mut world = movers();
    world.profile("new", json!({"segment": "smb", "seats": 2, "entitled_features": ["x"]}));
    world.used("new", "0", "x", ago(100)).used("new", "1", "x", ago(1));
    world.tell("usage", "session_ended", "new", ago(1), json!({"user_id": "1", "session_id": "s", "duration_seconds": 3}));
    for days in [40, 5] {
        world.tell("feedback", "nps_answered", "new", ago(days), json!({"score": 9}));
    }
    world.tell("feedback", "csat_answered", "new", ago(5), json!({"score": 5, "scale": {"min": 1, "max": 5}}));
    world.tell("feedback", "ces_answered", "new", ago(5), json!({"score": 5, "scale": {"min": 1, "max": 5}}));
    world.tell("feedback", "survey_sent", "new", ago(5), json!({"kind": "nps"}));
    world.tell("support", "ticket_opened", "new", ago(9), json!({"ticket_id": "t"}));
    world.tell("support", "ticket_replied", "new", ago(9), json!({"ticket_id": "t", "by": "agent"}));
    world.tell("support", "ticket_resolved", "new", ago(8), json!({"ticket_id": "t"}));
    world.tell("billing", "cost_recorded", "", ago(1), json!({"category": "acquisition", "amount_minor": 5, "currency": "USD"}));
    world.tell("billing", "invoice_paid", "new", ago(1), json!({"invoice_id": "i", "amount_minor": 5, "currency": "USD"}));
    world.subscribed("year", ago(370), json!({"current_period_start": ago(370), "current_period_end": ago(5)}));
    world.subscribed("month", ago(34), json!({"current_period_start": ago(34), "current_period_end": ago(4)}));
    world.subscribed("trial", ago(20), json!({"status": "trialing", "trial_end": ago(6)}));
    written.extend(world.kpis().as_object().unwrap().keys().cloned());
    let missing: Vec<&str> = Kpi::ALL.iter().map(|kpi| kpi.name()).filter(|name| !written.contains(*name)).collect();
    assert!(missing.iter().all(|name| *name == "health_mean"), "{missing:?}");
}
