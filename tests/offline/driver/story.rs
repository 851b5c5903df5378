//! The records behind the stored changelogs of `tests/fixtures/state`: every section, every kind of fact, and several parts of
//! whatever can have several. Never change it: the stored bytes are what an earlier version wrote for exactly these records.

use churnwatch::engine::Outcome;
use churnwatch::event::Stream;
use churnwatch::time::{HOUR_MS, MINUTE_MS};
use serde_json::{Value, json};

use super::rig::Driver;
use super::{PUBLISH, at};

/// The last day of the story; the account lines are compared at its end.
pub const LAST_DAY: i64 = 100;

/// A complete model, so later changes of the default model have no effect.
pub const MODEL: &str = r#"
[model]
name = "story"
[[health.component]]
name = "mrr"
group = "revenue"
metric = "revenue.mrr"
curve = [[0, 0], [10000, 50], [1000000, 100]]
weight = 10
[[health.component]]
name = "activity"
group = "usage"
metric = "usage.events_28d"
curve = [[0, 0], [100, 100]]
weight = 10
[[profile]]
name = "default"
components = ["mrr", "activity"]
[risk]
horizon_days = 60
intercept = -0.5
coefficients = { activity = -0.7 }
levels = { medium = 0.15, high = 0.35, critical = 0.7 }
[bands]
green = 65
yellow = 35
worse = { points = 4, hours = 48 }
better = { points = 2, hours = 24 }
"#;

/// Feeds the whole story, with a round after each day.
pub fn feed(driver: &mut Driver) {
    for day in 0..=LAST_DAY {
        for (number, (stream, mut record)) in (0..).zip(records_of(day)) {
            let time = at(day).plus(8 * HOUR_MS + number * 100);
            if record.get("occurred_at").is_none() {
                record["occurred_at"] = json!(time.0);
            }
            if record.get("id").is_none() {
                record["id"] = json!(format!("{day}-{number}"));
            }
            let outcome = driver.feed(stream, &record, time);
            assert_eq!(outcome, Outcome::Applied, "{record}");
        }
        driver.round(at(day).plus(23 * HOUR_MS), &PUBLISH);
    }
}

fn records_of(day: i64) -> Vec<(Stream, Value)> {
    let mut records = Vec::new();
    quiet_account(day, &mut records);
    if day >= LAST_DAY - 2 {
        busy_account(day, &mut records);
    }
    if day == LAST_DAY - 5 {
        long_history(&mut records);
    }
    if day == LAST_DAY {
        lists_of_the_task(day, &mut records);
    }
    records
}

/// A little of everything, each section in one record.
#[expect(clippy::too_many_lines, reason = "a list of records, one after the other")]
fn quiet_account(day: i64, records: &mut Vec<(Stream, Value)>) {
    let acme = |kind: &str, fields: Value| {
        let mut record = json!({"type": kind, "account_id": "acme"});
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        record
    };
    if day % 3 == 0 {
        records.push((Stream::Usage, acme("feature_used", json!({"user_id": format!("u{}", day % 5), "feature": "report", "count": 3}))));
        records.push((
            Stream::Usage,
            acme("session_ended", json!({"user_id": "u1", "session_id": format!("s{day}"), "duration_seconds": 60})),
        ));
    }
    let subscription = |id: &str, status: &str, minor: i64, more: Value| {
        let mut fields = json!({"subscription_id": id, "status": status,
            "items": [{"amount_minor": minor, "currency": "USD", "interval": "month", "interval_count": 1, "quantity": 2}],
            "current_period_start": at(day).0, "current_period_end": at(day + 30).0});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        acme("subscription_changed", fields)
    };
    let ticket = |kind: &str, id: &str, fields: Value| {
        let mut record = acme(kind, json!({"ticket_id": id}));
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        record
    };
    match day {
        1 => records.push((
            Stream::Accounts,
            acme(
                "account_profile",
                json!({"name": "Acme", "segment": "smb", "plan": "pro", "csm": "dana", "region": "DE", "seats": 20,
                "signed_up_at": at(-40).0, "onboarded_at": at(-10).0, "entitled_features": ["export", "report"], "referred_by": "old"}),
            ),
        )),
        2 => records.push((
            Stream::Billing,
            subscription("s", "trialing", 5_000, json!({"trial_end": at(16).0, "started_at": at(2).0, "version": 1})),
        )),
        16 => records.push((
            Stream::Billing,
            subscription("s", "active", 5_000, json!({"version": 2, "term_end": at(381).0, "discount": {"percent_off": "12.5"}})),
        )),
        40 => {
            records.push((Stream::Billing, subscription("s", "active", 9_000, json!({"cancel_at_period_end": true, "reason": "price"}))));
            records.push((Stream::Billing, subscription("t", "past_due", 1_000, json!({}))));
            records.push((
                Stream::Billing,
                acme("invoice_payment_failed", json!({"invoice_id": "i1", "amount_minor": 900, "currency": "USD"})),
            ));
        }
        41 => records.push((Stream::Billing, acme("invoice_paid", json!({"invoice_id": "i2", "amount_minor": 9000, "currency": "USD"})))),
        50 => {
            records.push((
                Stream::Support,
                ticket("ticket_opened", "1", json!({"priority": "high", "category": "bug", "product": "app", "team": "first"})),
            ));
            records.push((Stream::Support, ticket("ticket_opened", "2", json!({}))));
            records.push((Stream::Support, ticket("ticket_opened", "3", json!({}))));
            records.push((Stream::Support, ticket("ticket_opened", "4", json!({}))));
        }
        51 => {
            records.push((Stream::Support, ticket("ticket_replied", "1", json!({"by": "agent", "public": true}))));
            records.push((Stream::Support, ticket("ticket_replied", "1", json!({"by": "requester"}))));
            records.push((Stream::Support, ticket("ticket_status_changed", "1", json!({"status": "pending"}))));
            records.push((Stream::Support, ticket("ticket_priority_changed", "2", json!({"priority": "urgent"}))));
            records.push((Stream::Support, ticket("ticket_assigned", "2", json!({"team": "second"}))));
            records.push((Stream::Support, ticket("ticket_merged", "3", json!({"into": "2"}))));
            records.push((Stream::Support, ticket("ticket_deleted", "4", json!({}))));
        }
        60 => {
            records.push((Stream::Support, ticket("ticket_resolved", "1", json!({}))));
            records.push((Stream::Support, ticket("ticket_reopened", "1", json!({"occurred_at": at(60).0 + 10 * HOUR_MS}))));
            records.push((Stream::Support, ticket("ticket_closed", "1", json!({"occurred_at": at(60).0 + 11 * HOUR_MS}))));
            records.push((Stream::Support, ticket("ticket_rated", "1", json!({"score": 5, "occurred_at": at(60).0 + 12 * HOUR_MS}))));
            let snapshot = json!({"status": "solved", "created_at": at(55).0, "first_reply_at": at(56).0, "first_resolved_at": at(57).0,
                "resolved_at": at(58).0, "reopened_at": at(57).0 + HOUR_MS, "closed_at": at(59).0, "score": 1});
            records.push((Stream::Support, ticket("ticket_snapshot", "5", snapshot)));
        }
        70 => {
            for (kind, fields) in [
                ("nps_answered", json!({"score": 9})),
                ("csat_answered", json!({"score": 4})),
                ("ces_answered", json!({"score": 5, "scale": {"min": 1, "max": 7}})),
                ("survey_sent", json!({"kind": "nps"})),
                ("referral_made", json!({})),
                ("advocacy_made", json!({"kind": "case_study"})),
                ("health_override_set", json!({"value": 80, "until": at(90).0, "reason": "renewal signed", "by": "dana"})),
                ("health_override_cleared", json!({"occurred_at": at(70).0 + 20 * HOUR_MS})),
            ] {
                records.push((Stream::Feedback, acme(kind, fields)));
            }
        }
        _ => {}
    }
}

/// Hundreds of users and of ids on each of three days.
fn busy_account(day: i64, records: &mut Vec<(Stream, Value)>) {
    for n in 0..400 {
        let user = (n * 7 + day * 131) % 700;
        records.push((
            Stream::Usage,
            json!({"type": "feature_used", "account_id": "busy", "user_id": format!("user-{user}"), "feature": format!("feature {}", n % 40)}),
        ));
    }
}

/// Enough subscriptions, tickets and answers that each takes several parts.
fn long_history(records: &mut Vec<(Stream, Value)>) {
    let long = |n: usize| format!("{n:x>256}");
    for n in 0..2_600 {
        records.push((
            Stream::Billing,
            json!({"type": "subscription_changed", "account_id": "large", "subscription_id": format!("s{}", n % 100), "status": "active",
                "items": [{"amount_minor": n, "currency": "USD", "interval": "month", "interval_count": 1, "quantity": 1}],
                "current_period_start": at(1).0 + n * MINUTE_MS, "current_period_end": at(31).0, "reason": long(usize::try_from(n).unwrap()),
                "occurred_at": at(1).0 + n * MINUTE_MS}),
        ));
    }
    for n in 0..600_usize {
        let ticket = json!({"type": "ticket_opened", "account_id": "large", "ticket_id": format!("t{n}"), "category": long(n % 7)});
        records.push((Stream::Support, ticket));
    }
    for n in 0..2_200_usize {
        records.push((Stream::Feedback, json!({"type": "nps_answered", "account_id": "large", "id": long(n), "score": n % 11})));
    }
}

/// Costs, records that wait for their time, and a deleted account.
fn lists_of_the_task(day: i64, records: &mut Vec<(Stream, Value)>) {
    records.push((Stream::Usage, json!({"type": "feature_used", "account_id": "gone", "user_id": "u", "feature": "f"})));
    records.push((
        Stream::Accounts,
        json!({"type": "account_profile", "account_id": "gone", "deleted": true, "occurred_at": at(day).0 + 9 * HOUR_MS}),
    ));
    for (category, segment) in [("acquisition", json!("smb")), ("retention", json!(null))] {
        records.push((
            Stream::Billing,
            json!({"type": "cost_recorded", "category": category, "amount_minor": 1_234, "currency": "USD", "segment": segment}),
        ));
    }
    for stream in [Stream::Usage, Stream::Support] {
        let later = at(day).0 + 30 * HOUR_MS;
        let record = if stream == Stream::Usage {
            json!({"type": "feature_used", "account_id": "acme", "user_id": "w", "feature": "later", "occurred_at": later})
        } else {
            json!({"type": "ticket_opened", "account_id": "acme", "ticket_id": "later", "occurred_at": later})
        };
        records.push((stream, record));
    }
}
