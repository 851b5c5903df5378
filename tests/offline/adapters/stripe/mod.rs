//! Stripe's events in all their versions.

mod discounts;
mod invoices;
mod payloads;
mod prices;
mod subscriptions;
mod tiers;

use churnwatch::engine::Outcome;
use churnwatch::event::{
    BillingEvent, Code, Decoded, Event, Format, Item, Stream, StripeOptions, SubscriptionSnapshot, SubscriptionStatus,
};
use churnwatch::metric::Metric;
use churnwatch::money::Fixed;
use churnwatch::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NOW, Topic, broken, decode, records, refusal};

const DAY: i64 = 86_400;
const START: i64 = NOW - 10 * DAY;
const END: i64 = NOW + 20 * DAY;

fn format() -> Format {
    Format::Stripe(StripeOptions::default())
}

/// An event about an object, a day before now.
fn event(kind: &str, object: &Value) -> Value {
    json!({"id": "evt_1NG8Du2eZvKYlo2CUI79vXWy", "object": "event", "api_version": "2025-03-31.basil", "created": NOW - DAY,
        "data": {"object": object}, "livemode": false, "pending_webhooks": 0,
        "request": {"id": null, "idempotency_key": null}, "type": kind})
}

/// A licensed price per month.
fn price(fields: Value) -> Value {
    let mut price = json!({"id": "price_1MoBy5LkdIwHu7ixZhnattbh", "object": "price", "active": true, "billing_scheme": "per_unit",
        "created": START, "currency": "usd", "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {},
        "nickname": null, "product": "prod_NZKdYqrwEYx6iK", "tax_behavior": "unspecified", "tiers_mode": null,
        "recurring": {"interval": "month", "interval_count": 1, "trial_period_days": null, "usage_type": "licensed"},
        "transform_quantity": null, "type": "recurring", "unit_amount": 1000, "unit_amount_decimal": "1000"});
    merge(&mut price, fields);
    price
}

fn item(price: Value, quantity: u64) -> Value {
    json!({"id": "si_NcLYdDxLHxlFo7", "object": "subscription_item", "created": START, "metadata": {}, "price": price,
        "quantity": quantity, "subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "tax_rates": [], "discounts": [],
        "current_period_start": START, "current_period_end": END})
}

/// A subscription in the form that it has since 2025-03-31.
fn subscription(items: &[Value], fields: Value) -> Value {
    let mut subscription = json!({"id": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "object": "subscription", "billing_cycle_anchor": START,
        "cancel_at": null, "cancel_at_period_end": false, "canceled_at": null,
        "cancellation_details": {"comment": null, "feedback": null, "reason": null}, "collection_method": "charge_automatically",
        "created": START, "currency": "usd", "customer": "cus_Na6dX7aXxi11N4", "discounts": [], "ended_at": null,
        "items": {"object": "list", "data": items, "has_more": false, "total_count": items.len(), "url": "/v1/subscription_items"},
        "latest_invoice": "in_1MowQWLkdIwHu7ixuzkSPfKd", "metadata": {}, "pause_collection": null, "start_date": START,
        "status": "active", "trial_end": null, "trial_start": null});
    merge(&mut subscription, fields);
    subscription
}

fn merge(into: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    into.as_object_mut().unwrap().extend(fields);
}

fn mrr_under(options: StripeOptions, subscription: &Value, days: i64) -> i64 {
    let mut topic = Topic::new(Stream::Billing, Format::Stripe(options));
    assert_eq!(topic.feed(&event("customer.subscription.updated", subscription)), Outcome::Applied, "{subscription}");
    topic.mrr("cus_Na6dX7aXxi11N4", days)
}

/// MRR in minor units now.
fn mrr(subscription: &Value) -> i64 {
    mrr_under(StripeOptions::default(), subscription, 0)
}

fn mrr_of(items: &[Value], fields: Value) -> i64 {
    mrr(&subscription(items, fields))
}

fn snapshot_of(subscription: &Value) -> SubscriptionSnapshot<'static> {
    let text = event("customer.subscription.updated", subscription).to_string().leak();
    match records(&format(), Stream::Billing, text).pop().unwrap().event {
        Event::Billing(BillingEvent::Subscription(snapshot)) => *snapshot,
        other => panic!("{other:?}"),
    }
}

fn refused(subscription: &Value) -> (Code, String) {
    refusal(&format(), Stream::Billing, &event("customer.subscription.updated", subscription).to_string())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1000)
}

fn tiered(mode: &str, tiers: Value) -> Value {
    price(json!({"billing_scheme": "tiered", "tiers_mode": mode, "tiers": tiers, "unit_amount": null, "unit_amount_decimal": null}))
}

/// Stripe's own example: 7.00 each for up to 5, 6.50 for 6 to 10, 6.00 beyond.
fn fonts() -> Value {
    json!([{"flat_amount": null, "flat_amount_decimal": null, "unit_amount": 700, "unit_amount_decimal": "700", "up_to": 5},
        {"flat_amount": null, "flat_amount_decimal": null, "unit_amount": 650, "unit_amount_decimal": "650", "up_to": 10},
        {"flat_amount": null, "flat_amount_decimal": null, "unit_amount": 600, "unit_amount_decimal": "600", "up_to": null}])
}

fn coupon(fields: Value) -> Value {
    let mut coupon = json!({"id": "Z4OV52SU", "object": "coupon", "amount_off": null, "created": START, "currency": null,
        "duration": "forever", "duration_in_months": null, "livemode": false, "max_redemptions": null, "metadata": {}, "name": null,
        "percent_off": null, "redeem_by": null, "times_redeemed": 0, "valid": true});
    merge(&mut coupon, fields);
    coupon
}

fn discount(id: &str, coupon: Value) -> Value {
    json!({"id": id, "object": "discount", "checkout_session": null, "coupon": coupon, "customer": "cus_Na6dX7aXxi11N4", "end": null,
        "invoice": null, "invoice_item": null, "promotion_code": null, "start": START, "subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs"})
}

/// 100.00 a month.
fn hundred() -> Value {
    item(price(json!({"unit_amount": 10_000, "unit_amount_decimal": "10000"})), 1)
}

fn invoice(fields: Value) -> Value {
    let mut invoice = json!({"id": "in_1MtHbELkdIwHu7ixl4OzzPMv", "object": "invoice", "amount_due": 9_900, "amount_paid": 9_900,
        "amount_remaining": 0, "currency": "usd", "customer": "cus_Na6dX7aXxi11N4", "metadata": {}, "status": "paid",
        "lines": {"object": "list", "data": [], "has_more": false}});
    merge(&mut invoice, fields);
    invoice
}
