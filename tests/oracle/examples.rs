//! Worked examples with numbers, to anchor the reference itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::settings::Settings;
use super::zone::Zone;
use super::{Extras, Files, Replay, STREAMS, replay};

fn instant(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// Replays records of account `a`: stream, type, `occurred_at`, other fields.
fn replayed(settings: &Settings, t: &str, records: &[(&'static str, &str, &str, Value)]) -> Replay {
    let mut files: Files = STREAMS.into_iter().map(|stream| (stream, Vec::new())).collect();
    let long_ago = ["usage", "billing", "support", "feedback"].map(|stream| {
        let kind = match stream {
            "usage" => json!({"type": "feature_used", "user_id": "u", "feature": "f"}),
            "billing" => json!({"type": "cost_recorded", "category": "retention", "amount_minor": 0, "currency": "USD"}),
            "support" => json!({"type": "ticket_deleted", "ticket_id": "t"}),
            _ => json!({"type": "survey_sent", "kind": "nps"}),
        };
        (stream, with(kind, json!({"account_id": "long ago", "occurred_at": "2020-01-01T00:00:00Z"})))
    });
    for (stream, body) in long_ago {
        files.get_mut(stream).unwrap().push(body.to_string().into_bytes());
    }
    for (number, (stream, kind, at, fields)) in (0..).zip(records) {
        let common = json!({"id": number, "type": kind, "account_id": "a", "occurred_at": at});
        files.get_mut(stream).unwrap().push(with(common, fields.clone()).to_string().into_bytes());
    }
    replay(&files, settings, instant(t), Extras::default())
}

fn with(mut body: Value, mut fields: Value) -> Value {
    body.as_object_mut().unwrap().append(fields.as_object_mut().unwrap());
    body
}

fn values(replay: &Replay) -> &BTreeMap<&'static str, Value> {
    &replay.accounts["a"].metrics.values
}

fn used(at: &'static str, user: &str, count: i64) -> (&'static str, &'static str, &'static str, Value) {
    ("usage", "feature_used", at, json!({"user_id": user, "feature": "export", "count": count}))
}

fn subscription(at: &'static str, id: &str, status: &str, amount: i64, more: Value) -> (&'static str, &'static str, &'static str, Value) {
    let body = json!({
        "subscription_id": id, "status": status, "items": [{"amount_minor": amount, "currency": "USD", "interval": "month"}],
        "current_period_start": "2026-02-01T00:00:00Z", "current_period_end": "2026-03-01T00:00:00Z",
    });
    ("billing", "subscription_changed", at, with(body, more))
}

fn ticket(kind: &'static str, at: &'static str, more: Value) -> (&'static str, &'static str, &'static str, Value) {
    ("support", kind, at, with(json!({"ticket_id": "t1"}), more))
}

#[test]
fn hour_windows_hold_whole_buckets_and_day_windows_whole_dates() {
    let settings = Settings { zone: Zone::named("Europe/Berlin"), ..Settings::default() };
    let records = [
        used("2026-02-28T09:00:00.001Z", "u1", 1),
        used("2026-02-28T09:00:00Z", "u2", 10),
        used("2026-01-31T23:00:00Z", "u3", 100),
        used("2026-01-31T22:59:59.999Z", "u4", 1000),
    ];
    let replay = replayed(&settings, "2026-03-01T08:30:00Z", &records);
    assert_eq!(values(&replay)["usage.events_1d"], 1, "the bucket of t ends at 9:00, so the window starts after 9:00 of the day before");
    assert_eq!(values(&replay)["usage.events_28d"], 11, "the dates 2 February to 1 March in Berlin");
    assert_eq!(values(&replay)["usage.events_91d"], 1111);
    assert_eq!(values(&replay)["usage.mau"], 2, "the exact window starts after 1 February 8:30");
    assert_eq!(values(&replay)["usage.active_days_91d"], 3);
}

#[test]
fn a_plan_switch_within_the_hour_is_one_expansion() {
    let records = [
        subscription("2026-01-10T00:00:00Z", "old", "active", 1000, json!({})),
        subscription("2026-02-20T10:00:00Z", "old", "canceled", 1000, json!({})),
        subscription("2026-02-20T11:00:00Z", "new", "active", 1500, json!({})),
    ];
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    let movements = &values(&replay)["revenue.movements_28d"];
    assert_eq!(movements["expansion"], json!({"count": 1, "sum": 500}));
    assert_eq!(movements["churn"], json!({"count": 0, "sum": 0}));
    assert_eq!(values(&replay)["revenue.mrr_delta_28d"], 500);
}

#[test]
fn a_plan_switch_one_millisecond_over_the_hour_is_churn_and_reactivation() {
    let records = [
        subscription("2026-01-10T00:00:00Z", "old", "active", 1000, json!({})),
        subscription("2026-02-20T10:00:00Z", "old", "canceled", 1000, json!({})),
        subscription("2026-02-20T11:00:00.001Z", "new", "active", 1500, json!({})),
    ];
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    let movements = &values(&replay)["revenue.movements_28d"];
    assert_eq!(movements["churn"], json!({"count": 1, "sum": 1000}));
    assert_eq!(movements["reactivation"], json!({"count": 1, "sum": 1500}));
}

#[test]
fn an_existing_customer_first_seen_is_an_opening() {
    let old = json!({"started_at": "2025-02-01T00:00:00Z"});
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &[subscription("2026-02-20T00:00:00Z", "s", "active", 1000, old)]);
    assert_eq!(values(&replay)["revenue.movements_28d"]["opening"], json!({"count": 1, "sum": 1000}));
}

#[test]
fn a_scheduled_cancellation_is_zero_from_the_end_of_the_period() {
    let records = [subscription("2026-02-10T00:00:00Z", "s", "active", 1000, json!({"cancel_at_period_end": true}))];
    let before = replayed(&Settings::default(), "2026-02-28T23:59:59.999Z", &records);
    assert_eq!((&values(&before)["revenue.mrr"], &values(&before)["revenue.cancel_scheduled"]), (&json!(1000), &json!(1)));
    let after = replayed(&Settings::default(), "2026-03-01T00:00:00Z", &records);
    assert_eq!((&values(&after)["revenue.mrr"], &values(&after)["revenue.cancel_scheduled"]), (&json!(0), &json!(0)));
    assert_eq!(values(&after)["account.stage"], "churned");
}

#[test]
fn dunning_ends_thirty_days_after_past_due_began() {
    let records = [
        subscription("2026-01-01T00:00:00Z", "s", "active", 1000, json!({})),
        subscription("2026-01-10T00:00:00Z", "s", "past_due", 1000, json!({})),
        subscription("2026-01-30T00:00:00Z", "s", "past_due", 1000, json!({})),
    ];
    let before = replayed(&Settings::default(), "2026-02-08T23:59:59.999Z", &records);
    assert_eq!((&values(&before)["revenue.mrr"], &values(&before)["account.stage"]), (&json!(1000), &json!("past_due")));
    let after = replayed(&Settings::default(), "2026-02-09T00:00:00Z", &records);
    assert_eq!((&values(&after)["revenue.mrr"], &values(&after)["account.stage"]), (&json!(0), &json!("churned")));
}

#[test]
fn percentage_discounts_come_first_and_an_account_is_rounded_once() {
    let items = json!([
        {"amount_minor": 100, "currency": "USD", "interval": "week"},
        {"amount_minor": 1000, "currency": "USD", "interval": "year", "quantity": 2},
        {"amount_minor": 5000, "currency": "USD"},
        {"amount_minor": 5000, "currency": "USD", "interval": "month", "usage_type": "metered"},
    ]);
    let discount = json!({"percent_off": 10, "amount_off_minor": 12, "interval": "year"});
    let more = json!({"items": items, "discount": discount});
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &[subscription("2026-02-20T00:00:00Z", "s", "active", 0, more)]);
    // (100 x 52/12 + 2000/12) x 0.9 - 1 = 600 x 0.9 - 1
    assert_eq!(values(&replay)["revenue.mrr"], 539);
    assert_eq!(values(&replay)["revenue.arr"], 6468);
}

#[test]
fn time_on_hold_is_not_agent_time() {
    let records = [
        ticket("ticket_opened", "2026-02-01T00:00:00Z", json!({})),
        ticket("ticket_status_changed", "2026-02-01T02:00:00Z", json!({"status": "pending"})),
        ticket("ticket_status_changed", "2026-02-01T07:00:00Z", json!({"status": "open"})),
        ticket("ticket_resolved", "2026-02-01T10:00:00Z", json!({})),
        ticket("ticket_reopened", "2026-02-06T10:00:00Z", json!({})),
        ticket("ticket_resolved", "2026-02-07T00:00:00Z", json!({})),
        ticket("ticket_replied", "2026-02-01T00:45:00Z", json!({"by": "agent"})),
    ];
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    let values = values(&replay);
    assert_eq!(values["support.resolution_hours_p50_91d"], 10.0);
    assert_eq!(values["support.resolution_hours_agent_p50_91d"], 5.0);
    assert_eq!(values["support.full_resolution_hours_p50_91d"], 144.0);
    assert_eq!(values["support.first_reply_minutes_p50_91d"], 45.0);
    assert_eq!(values["support.reopen_rate_91d"], 1.0);
    assert_eq!(values["support.fcr_91d"], 0.0, "reopened exactly 5 days after");
    assert_eq!(values["support.open"], 0);
}

#[test]
fn a_reopening_before_the_first_known_resolution_leaves_no_duration() {
    let records = [
        ticket("ticket_opened", "2026-02-01T00:00:00Z", json!({})),
        ticket("ticket_reopened", "2026-02-02T00:00:00Z", json!({})),
        ticket("ticket_resolved", "2026-02-03T00:00:00Z", json!({})),
    ];
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    assert_eq!(values(&replay).get("support.resolution_hours_p50_91d"), None);
    assert_eq!(values(&replay)["support.full_resolution_hours_p50_91d"], 48.0);
    assert_eq!(values(&replay)["support.reopen_rate_91d"], 1.0);
    assert_eq!(values(&replay)["support.resolved_28d"], 1);
}

#[test]
fn answers_have_a_position_on_their_scale() {
    let answer = |kind, at, fields| ("feedback", kind, at, fields);
    let records = [
        answer("nps_answered", "2026-02-01T00:00:00Z", json!({"score": 9})),
        answer("nps_answered", "2026-02-02T00:00:00Z", json!({"score": 7})),
        answer("nps_answered", "2026-02-03T00:00:00Z", json!({"score": "6"})),
        answer("nps_answered", "2026-02-04T00:00:00Z", json!({"score": 10})),
        answer("csat_answered", "2026-02-05T00:00:00Z", json!({"score": 4})),
        answer("csat_answered", "2026-02-05T00:00:00Z", json!({"score": 2, "scale": {"min": 1, "max": 7, "reversed": true}})),
        answer("csat_answered", "2026-02-05T00:00:00Z", json!({"score": "bad"})),
        answer("ces_answered", "2026-02-05T00:00:00Z", json!({"score": 6, "scale": {"min": 1, "max": 7}})),
    ];
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    assert_eq!(values(&replay)["feedback.nps_latest"], 10);
    assert_eq!(values(&replay)["feedback.nps_91d"], 25.0);
    assert_eq!(values(&replay)["feedback.csat_91d"], 2.0 / 3.0);
    assert_eq!(values(&replay)["feedback.ces_latest"], 5.0 / 6.0);
}

#[test]
fn a_window_longer_than_the_observed_span_is_absent() {
    let records = [
        ("accounts", "account_profile", "2026-02-01T00:00:00Z", json!({"seats": 4})),
        used("2026-02-23T00:00:00Z", "u1", 1),
        used("2026-02-25T00:00:00Z", "u1", 1),
    ];
    let mut files: Files = BTreeMap::new();
    for (stream, kind, at, fields) in &records {
        let body = with(json!({"type": kind, "account_id": "a", "occurred_at": at}), fields.clone());
        files.entry(stream).or_default().push(body.to_string().into_bytes());
    }
    let replay = replay(&files, &Settings::default(), instant("2026-03-03T00:00:00Z"), Extras::default());
    assert_eq!(values(&replay)["usage.wau"], 1);
    for absent in ["usage.mau", "breadth.seat_utilisation", "support.open", "revenue.cancel_scheduled"] {
        assert_eq!(values(&replay).get(absent), None, "{absent}");
    }
    assert_eq!(values(&replay)["account.tenure_days"], 30.0);
}

#[test]
fn a_merging_profile_leaves_the_fields_that_it_does_not_give() {
    let profile = |at, fields| ("accounts", "account_profile", at, fields);
    let records = [
        profile("2026-02-03T00:00:00Z", json!({"merge": true, "signed_up_at": "2026-01-26T00:00:00Z"})),
        profile("2026-02-02T00:00:00Z", json!({"seats": 4, "signed_up_at": "2026-02-01T00:00:00Z"})),
        profile("2026-02-01T00:00:00Z", json!({"merge": true, "seats": 100})),
        used("2026-02-24T00:00:00Z", "u1", 1),
    ];
    let replay = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    assert_eq!(values(&replay)["account.tenure_days"], 30.0);
    assert_eq!(values(&replay)["breadth.seat_utilisation"], 0.25);
}

#[test]
fn a_deleted_account_starts_from_scratch() {
    let records = [
        used("2026-02-01T00:00:00Z", "u1", 1),
        ("accounts", "account_profile", "2026-02-10T00:00:00Z", json!({"deleted": true})),
        used("2026-02-10T00:00:00Z", "u1", 1),
    ];
    let gone = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &records);
    assert!(!gone.accounts.contains_key("a"));
    let back = [records.as_slice(), &[used("2026-02-10T00:00:00.001Z", "u2", 5)]].concat();
    let back = replayed(&Settings::default(), "2026-02-25T00:00:00Z", &back);
    assert_eq!(values(&back)["usage.events_28d"], 5);
    assert_eq!(back.counts["usage"].applied, 4);
}
