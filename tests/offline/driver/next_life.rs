//! Accounts that are deleted and return, with the deletion read at any moment.

use churnwatch::engine::{Input, Outcome, Store};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp, Zone};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::rig::Driver;
use super::{CATCH_UP, PUBLISH, at, parsed};

/// The deletion: noon of a day.
const DELETED: i64 = 50;

fn deleted() -> Timestamp {
    at(DELETED).plus(12 * HOUR_MS)
}

fn now() -> Timestamp {
    at(DELETED + 45)
}

fn deletion() -> (Stream, Value) {
    (Stream::Accounts, json!({"type": "account_profile", "account_id": "acme", "deleted": true, "occurred_at": deleted().0}))
}

/// Reads a record as from a file: a stream has been observed since its earliest event.
fn feed(driver: &mut Driver, (stream, record): &(Stream, Value)) {
    let bytes = serde_json::to_vec(record).unwrap();
    let input = Input {
        stream: *stream,
        key: None,
        value: Some(&bytes),
        headers: Headers::NONE,
        timestamp: None,
        format: &Format::Native,
        broker_timestamp: None,
    };
    let outcome = driver.task.process(&input, now());
    assert!(!matches!(outcome, Outcome::DeadLetter(_)), "{record}: {outcome:?}");
}

/// Record number `n` of a life, `minutes` from the deletion: before it in the first life, after it in the second. Uses and sessions keep a
/// day's distance, because their date tells the lives apart; the same tickets, subscriptions, invoices and users occur in both lives.
fn record(n: usize, life: i64, kind: u8, minutes: i64) -> (Stream, Value) {
    let direction = if life == 1 { -1 } else { 1 };
    let exact = deleted().plus(direction * (minutes * MINUTE_MS) + (life - 1));
    let apart = deleted().plus(direction * (minutes * MINUTE_MS + DAY_MS));
    let item = json!({"amount_minor": 100 * (minutes % 7), "currency": "USD", "interval": "month", "quantity": 2});
    let (stream, kind, when, fields) = match kind {
        0..=3 => (
            Stream::Usage,
            "feature_used",
            apart,
            json!({"user_id": format!("u{}", n % 3), "feature": format!("f{}", minutes % 4), "count": 3}),
        ),
        4 => (Stream::Usage, "session_ended", apart, json!({"user_id": "u1", "session_id": "s", "duration_seconds": minutes})),
        5 => (Stream::Usage, "feature_used", apart, json!({"feature": "api"})),
        6 => (Stream::Support, "ticket_opened", exact, json!({"ticket_id": n % 3, "priority": "high", "category": "login"})),
        7 => (Stream::Support, "ticket_resolved", exact, json!({"ticket_id": n % 3})),
        8 => (Stream::Support, "ticket_rated", exact, json!({"ticket_id": n % 3, "score": 4})),
        9 => (
            Stream::Support,
            "ticket_replied",
            exact,
            json!({"ticket_id": n % 3, "by": if minutes % 3 == 0 { "requester" } else { "agent" }}),
        ),
        10 => (Stream::Feedback, "nps_answered", exact, json!({"score": minutes % 11})),
        11 => (Stream::Feedback, "ces_answered", exact, json!({"score": 1 + minutes % 5})),
        12 => {
            (Stream::Feedback, "health_override_set", exact, json!({"value": 50, "until": exact.plus(DAY_MS).0, "reason": "r", "by": "b"}))
        }
        13 => (Stream::Feedback, "referral_made", exact, json!({})),
        14 => (Stream::Billing, "invoice_paid", exact, json!({"invoice_id": n % 4, "amount_minor": minutes, "currency": "USD"})),
        15 => (Stream::Billing, "invoice_payment_failed", exact, json!({"invoice_id": n % 4, "amount_minor": 1, "currency": "USD"})),
        16 | 17 => (
            Stream::Billing,
            "subscription_changed",
            exact,
            json!({"subscription_id": n % 2, "status": if minutes % 5 == 0 { "canceled" } else { "active" }, "items": [item],
                "version": minutes % 4, "current_period_start": exact.0, "current_period_end": exact.0 + 30 * DAY_MS}),
        ),
        _ => (Stream::Accounts, "account_profile", exact, json!({"name": format!("life {life}"), "seats": 1 + minutes % 9})),
    };
    let mut record = json!({"type": kind, "id": format!("{life}-{n}"), "account_id": "acme", "occurred_at": when.0});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    (stream, record)
}

fn life(number: i64) -> impl Strategy<Value = Vec<(Stream, Value)>> {
    let records = prop::collection::vec((0..20_u8, 0..40 * 24 * 60_i64), 0..30);
    records.prop_map(move |records| (0..).zip(records).map(|(n, (kind, minutes))| record(n, number, kind, minutes)).collect())
}

/// The first record of the second life: its instant stays known whatever follows.
fn comes_back() -> (Stream, Value) {
    let fields = json!({"type": "ticket_opened", "id": "back", "account_id": "acme", "ticket_id": "back", "occurred_at": deleted().0 + 1});
    (Stream::Support, fields)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_deletion_leaves_the_next_life_alone_in_any_order_of_arrival(
        first in life(1),
        mut second in life(2),
        keys in prop::collection::vec(any::<u32>(), 70),
    ) {
        second.push(comes_back());
        let records: Vec<_> = first.into_iter().chain(second).collect();
        let mut in_order = Driver::new();
        feed(&mut in_order, &deletion());
        for record in &records {
            feed(&mut in_order, record);
        }
        in_order.round(now(), &PUBLISH);

        let mut keyed: Vec<_> = records.into_iter().chain([deletion()]).zip(keys).collect();
        keyed.sort_by_key(|(_, key)| *key);
        let mut driver = Driver::new();
        for (n, (record, _)) in keyed.iter().enumerate() {
            feed(&mut driver, record);
            if n % 7 == 0 {
                driver.round(now(), &CATCH_UP);
                driver = driver.restart();
            }
        }
        driver.round(now(), &PUBLISH);
        prop_assert_eq!(driver.report(now()), in_order.report(now()));
        prop_assert_eq!(driver.restart().report(now()), in_order.report(now()));
    }
}

#[test]
fn uses_of_the_date_of_the_deletion_are_told_apart_by_the_hour() {
    let mut driver = Driver::new();
    let used = |id: &str, minutes: i64, count: i64| {
        (
            Stream::Usage,
            json!({"type": "feature_used", "id": id, "account_id": "acme", "user_id": id, "feature": "f", "count": count,
            "occurred_at": deleted().0 + minutes * MINUTE_MS}),
        )
    };
    for record in [used("a", -120, 1), used("b", -1, 10), used("c", 1, 100), used("d", 120, 1_000)] {
        feed(&mut driver, &record);
    }
    feed(&mut driver, &deletion());
    driver.round(now(), &PUBLISH);
    let date = Zone::utc().date_of(deleted());
    let (use_count, users) = driver
        .task
        .store()
        .read("acme", |slot| (slot.account.usage().use_within(date.minus(1), date), slot.account.usage().users_on_dates(date, 1)))
        .unwrap();
    assert_eq!((use_count, users), ((1_100, 1), 2));
}

#[test]
fn the_next_life_is_published_from_its_first_change_on_after_the_tombstone() {
    let mut driver = Driver::new();
    let opened = |id: &str, when: Timestamp| {
        (Stream::Support, json!({"type": "ticket_opened", "id": id, "account_id": "acme", "ticket_id": id, "occurred_at": when.0}))
    };
    feed(&mut driver, &opened("old", deleted()));
    feed(&mut driver, &opened("new", deleted().plus(1)));
    assert_eq!(parsed(&driver.round(now(), &PUBLISH)[0])["sequence"], 1);
    feed(&mut driver, &deletion());
    let [tombstone, change] = &driver.round(now(), &PUBLISH)[..] else { panic!("a tombstone and a change") };
    assert_eq!((tombstone.value.as_ref(), &parsed(change)["sequence"], &parsed(change)["cause"]), (None, &json!(1), &json!("initial")));
    assert_eq!(parsed(change)["account_id"], "acme");
    let mut again = driver.restart();
    assert!(again.round(now().plus(1), &PUBLISH).is_empty(), "what was published survives a restart");
}
