//! The monthly value of prices and coupons as Stripe returns them (`fixtures/stripe/README.md`), converted to native events.

use std::sync::Arc;

use churnwatch::engine::{Input, Outcome, PlainStore, Store, Task};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::metric::Metric;
use churnwatch::metric::View;
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, Timestamp};
use serde_json::{Value, json};

const T: Timestamp = Timestamp(1_775_001_600_000);

fn resource(pointer: &str) -> Value {
    let resources: Value = serde_json::from_str(include_str!("../fixtures/stripe/resources.json")).unwrap();
    resources.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).clone()
}

/// A price with a quantity as an item of the native format; a one-off price has no interval.
fn item(price: &Value, quantity: u64) -> Value {
    assert_eq!(price["billing_scheme"], "per_unit");
    assert_eq!(price["unit_amount"].to_string(), price["unit_amount_decimal"].as_str().unwrap());
    let recurring = if price["type"] == "recurring" { &price["recurring"] } else { &Value::Null };
    json!({"amount_minor": price["unit_amount"], "currency": price["currency"], "interval": recurring["interval"],
        "interval_count": recurring["interval_count"], "usage_type": recurring["usage_type"], "quantity": quantity})
}

/// A permanent coupon as a discount of the native format; any other would need an end.
fn discount(coupon: &Value) -> Value {
    assert_eq!(coupon["duration"], "forever");
    json!({"percent_off": coupon["percent_off"], "amount_off_minor": coupon["amount_off"], "currency": coupon["currency"]})
}

/// MRR in minor units of a subscription of these items.
fn mrr(items: &[Value], discount: Option<Value>) -> i64 {
    let begin = T.0 - DAY_MS;
    let mut record = json!({"id": "1", "type": "subscription_changed", "account_id": "a", "occurred_at": begin, "subscription_id": "s",
        "status": "active", "items": items, "current_period_start": begin, "current_period_end": begin + 30 * DAY_MS});
    if let Some(discount) = discount {
        record["discount"] = discount;
    }
    let settings = Arc::new(Settings::default());
    let mut task = Task::new(Arc::clone(&settings), PlainStore::default());
    let bytes = record.to_string().into_bytes();
    let input = Input {
        stream: Stream::Billing,
        key: None,
        value: Some(&bytes),
        headers: Headers::NONE,
        timestamp: None,
        format: &Format::Native,
        broker_timestamp: Some(T),
    };
    assert_eq!(task.process(&input, T), Outcome::Applied);
    let metrics = task.store().read("a", |slot| slot.account.measure(&View::complete(T), &settings)).unwrap();
    metrics.whole_number(Metric::Mrr).unwrap()
}

#[test]
fn a_monthly_price_counts_by_its_quantity() {
    let price = resource("/price");
    assert_eq!(mrr(&[item(&price, 1)], None), 2_000);
    let once = resource("/item/price");
    assert_eq!(once["type"], "one_time");
    assert_eq!(mrr(&[item(&price, 3), item(&once, 2)], None), 6_000, "one-off payments are not recurring revenue");
    assert_eq!(item(&resource("/subscription_item/price"), 1), item(&price, 1), "a subscription's item carries its price");
}

#[test]
fn other_intervals_are_normalised_and_metered_prices_do_not_count() {
    let with = |name: &str, value: Value| {
        let mut price = resource("/price");
        price["recurring"][name] = value;
        mrr(&[item(&price, 1)], None)
    };
    let months = [
        with("interval", json!("year")),
        with("interval_count", json!(3)),
        with("interval", json!("week")),
        with("interval", json!("day")),
    ];
    assert_eq!(months, [167, 667, 8_667, 60_833]);
    assert_eq!(with("usage_type", json!("metered")), 0);
}

#[test]
fn a_permanent_coupon_takes_off_its_percentage() {
    let coupon = resource("/coupon");
    assert_eq!(coupon["percent_off"], json!(25.5));
    assert_eq!(mrr(&[item(&resource("/price"), 1)], Some(discount(&coupon))), 1_490);
}
