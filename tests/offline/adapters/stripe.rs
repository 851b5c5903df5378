//! Stripe's events in all their versions.

use churnwatch::engine::Outcome;
use churnwatch::event::{
    BillingEvent, Code, Decoded, Event, Format, Item, Stream, StripeOptions, SubscriptionSnapshot, SubscriptionStatus,
};
use churnwatch::metric::Metric;
use churnwatch::money::Fixed;
use churnwatch::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NOW, Topic};

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
    match super::records(&format(), Stream::Billing, text).pop().unwrap().event {
        Event::Billing(BillingEvent::Subscription(snapshot)) => *snapshot,
        other => panic!("{other:?}"),
    }
}

fn refused(subscription: &Value) -> (Code, String) {
    super::refusal(&format(), Stream::Billing, &event("customer.subscription.updated", subscription).to_string())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1000)
}

#[test]
fn a_subscription_of_the_new_api_has_its_period_on_the_items() {
    let snapshot = snapshot_of(&subscription(&[item(price(json!({})), 3)], json!({})));
    assert_eq!(snapshot.subscription_id, "sub_1MowQVLkdIwHu7ixeRlqHVzs");
    assert_eq!((snapshot.current_period_start, snapshot.current_period_end), (at(START), at(END)));
    assert_eq!((snapshot.started_at, snapshot.status), (Some(at(START)), SubscriptionStatus::Active));
    assert_eq!(mrr_of(&[item(price(json!({})), 3)], json!({})), 3_000); // 3 x 10.00
}

#[test]
fn a_subscription_of_the_old_api_has_it_itself() {
    let mut items = [item(price(json!({})), 1)];
    items[0].as_object_mut().unwrap().retain(|key, _| !key.starts_with("current_period"));
    let old = subscription(&items, json!({"current_period_start": START, "current_period_end": END, "discount": null}));
    let snapshot = snapshot_of(&old);
    assert_eq!((snapshot.current_period_start, snapshot.current_period_end), (at(START), at(END)));
    let nowhere = refused(&subscription(&items, json!({})));
    assert_eq!(nowhere, (Code::MissingField, "stripe: data.object.items.data[0].current_period_end is missing".to_owned()));
}

#[test]
fn of_mixed_intervals_the_latest_end_is_the_period() {
    let yearly = json!({"recurring": {"interval": "year", "interval_count": 1, "usage_type": "licensed"}, "unit_amount": 12_000,
        "unit_amount_decimal": "12000"});
    let mut year = item(price(yearly), 1);
    merge(&mut year, json!({"current_period_start": START - 100 * DAY, "current_period_end": END + 200 * DAY}));
    let mixed = subscription(&[item(price(json!({})), 1), year], json!({}));
    let snapshot = snapshot_of(&mixed);
    assert_eq!((snapshot.current_period_start, snapshot.current_period_end), (at(START - 100 * DAY), at(END + 200 * DAY)));
    assert_eq!(mrr(&mixed), 2_000); // 10.00 + 120.00 / 12
}

#[test]
fn intervals_are_normalised_to_a_month() {
    let mrr_per = |interval: &str, count: u32, amount: u64| {
        let recurring = json!({"interval": interval, "interval_count": count, "usage_type": "licensed"});
        let fields = json!({"recurring": recurring, "unit_amount": amount, "unit_amount_decimal": amount.to_string()});
        mrr_of(&[item(price(fields), 1)], json!({}))
    };
    assert_eq!(mrr_per("year", 1, 100_000), 8_333); // 1,000.00 / 12 = 83.33
    assert_eq!(mrr_per("month", 3, 10_000), 3_333); // 100.00 / 3 = 33.33
    assert_eq!(mrr_per("week", 1, 300), 1_300); // 3.00 x 52 / 12
    assert_eq!(mrr_per("day", 1, 100), 3_042); // 1.00 x 365 / 12 = 30.4167
}

#[test]
fn fractions_of_a_cent_are_exact() {
    let fine = price(json!({"unit_amount": null, "unit_amount_decimal": "0.05"}));
    assert_eq!(mrr_of(&[item(fine, 12_345)], json!({})), 617); // 12,345 x 0.05 cents = 617.25 cents
}

#[test]
fn numbers_may_be_text_and_words_in_any_case() {
    let dirty = price(json!({"unit_amount": "1999", "unit_amount_decimal": null, "billing_scheme": "PER_UNIT", "currency": "USD",
        "recurring": {"interval": "Month", "interval_count": "1", "usage_type": "LICENSED"}}));
    let mut item = item(dirty, 1);
    item["quantity"] = json!("2");
    let fields = json!({"status": "Active", "cancel_at": "", "start_date": START.to_string()});
    assert_eq!(mrr_of(&[item], fields), 3_998);
    let text = format!("\u{feff}{}", event("customer.subscription.created", &subscription(&[hundred()], json!({}))));
    assert_eq!(super::records(&format(), Stream::Billing, &text).len(), 1);
}

#[test]
fn a_price_without_minor_unit_or_with_three_decimals_is_in_the_units_of_its_currency() {
    let in_currency = |currency: &str, amount: u64| {
        let fields = json!({"currency": currency, "unit_amount": amount, "unit_amount_decimal": amount.to_string()});
        let snapshot = snapshot_of(&subscription(&[item(price(fields), 1)], json!({"currency": currency})));
        snapshot.items[0].amount.minor
    };
    assert_eq!(in_currency("jpy", 5_000), Fixed::from(5_000)); // 5,000 yen
    assert_eq!(in_currency("kwd", 12_340), Fixed::from(12_340)); // 12.340 dinar, in fils
    assert_eq!(in_currency("isk", 150_000), Fixed::from(1_500)); // 1,500.00 as Stripe writes it; the króna has no minor unit
    assert_eq!(in_currency("ugx", 500_050), Fixed::new(50_005, 1)); // 5,000.50 shillings
    assert_eq!(in_currency("mga", 2_000), Fixed::from(200_000)); // 2,000 ariary
}

#[test]
fn a_legacy_plan_is_read_where_there_is_no_price() {
    let plan = json!({"id": "gold", "object": "plan", "amount": 2_500, "amount_decimal": "2500", "billing_scheme": "per_unit",
        "currency": "usd", "interval": "month", "interval_count": 1, "usage_type": "licensed", "tiers_mode": null});
    let mut legacy = item(json!(null), 2);
    legacy["plan"] = plan.clone();
    assert_eq!(mrr_of(&[legacy], json!({})), 5_000);
    // Before items, a subscription had a plan and a quantity of its own.
    let mut oldest = subscription(&[], json!({"plan": plan, "quantity": 4, "current_period_start": START, "current_period_end": END}));
    oldest.as_object_mut().unwrap().remove("items");
    assert_eq!(mrr(&oldest), 10_000);
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

#[test]
fn tiers_that_are_in_the_event_are_computed() {
    let mrr_at = |mode: &str, quantity| mrr_of(&[item(tiered(mode, fonts()), quantity)], json!({}));
    for (quantity, volume, graduated) in [(1, 700, 700), (5, 3_500, 3_500), (6, 3_900, 4_150), (20, 12_000, 12_750), (25, 15_000, 15_750)] {
        assert_eq!(mrr_at("volume", quantity), volume, "{quantity}");
        assert_eq!(mrr_at("graduated", quantity), graduated, "{quantity}");
    }
}

#[test]
fn tiers_may_have_flat_amounts_and_fractions() {
    let tiers = json!([{"flat_amount": 1_000, "flat_amount_decimal": "1000", "unit_amount": 0, "unit_amount_decimal": "0", "up_to": 10},
        {"flat_amount": 500, "flat_amount_decimal": "500.5", "unit_amount": null, "unit_amount_decimal": "33.3", "up_to": "inf"}]);
    let mrr_at = |mode: &str, quantity| mrr_of(&[item(tiered(mode, tiers.clone()), quantity)], json!({}));
    assert_eq!(mrr_at("graduated", 0), 1_000);
    assert_eq!(mrr_at("graduated", 7), 1_000);
    assert_eq!(mrr_at("graduated", 13), 1_600); // 10.00 + 5.005 + 3 x 0.333 = 16.004
    assert_eq!(mrr_at("volume", 13), 933); // 5.005 + 13 x 0.333 = 9.334
}

#[test]
fn the_quantity_stays_the_number_of_seats_whatever_it_costs() {
    let snapshot = snapshot_of(&subscription(&[item(tiered("graduated", fonts()), 7)], json!({})));
    let seats = |items: &[Item]| items.iter().filter(|item| !item.amount.minor.is_negative()).map(|item| item.quantity).sum::<u64>();
    assert_eq!(seats(&snapshot.items), 7);
    assert_eq!(mrr_of(&[item(tiered("graduated", fonts()), 7)], json!({})), 4_800); // 5 x 7.00 + 2 x 6.50
}

#[test]
fn a_tiered_price_without_tiers_is_refused_by_name() {
    let without = subscription(&[item(price(json!({})), 1), item(tiered("graduated", json!(null)), 3)], json!({}));
    let (code, reason) = refused(&without);
    assert_eq!(code, Code::MissingField);
    assert!(reason.starts_with("stripe: data.object.items.data[1].price.tiers is missing, and the price is tiered"), "{reason}");
    let amounts = [("price_1MoBy5LkdIwHu7ixZhnattbh".to_owned(), 450)].into();
    let fallback = StripeOptions { tiered_unit_amounts: amounts, ..StripeOptions::default() };
    assert_eq!(mrr_under(fallback, &without, 0), 1_000 + 3 * 450);
    let unpriced = json!([{"flat_amount": null, "unit_amount": null, "up_to": null}]);
    let reason = refused(&subscription(&[item(tiered("volume", unpriced), 3)], json!({}))).1;
    assert_eq!(reason, "stripe: data.object.items.data[0].price.tiers[0].unit_amount is missing");
    let short = json!([{"unit_amount": 5, "up_to": 2}]);
    assert_eq!(refused(&subscription(&[item(tiered("volume", short), 3)], json!({}))).0, Code::OutOfRange);
}

#[test]
fn a_list_of_items_that_goes_on_is_refused_by_name() {
    let mut long = subscription(&[item(price(json!({})), 1)], json!({}));
    long["items"]["has_more"] = json!(true);
    let (code, reason) = refused(&long);
    assert_eq!(code, Code::OutOfRange);
    assert!(reason.starts_with("stripe: data.object.items.has_more is true"), "{reason}");
    // Once it has ended, what its items cost makes no difference.
    merge(&mut long, json!({"status": "canceled", "ended_at": NOW - DAY}));
    assert_eq!(mrr(&long), 0);
}

#[test]
fn a_subscription_without_any_item_is_refused_unless_it_has_ended() {
    let refused = |fields: Value| {
        let rejection = Topic::new(Stream::Billing, format()).feed(&event("customer.subscription.updated", &subscription(&[], fields)));
        match rejection {
            Outcome::DeadLetter(rejection) => rejection.to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(refused(json!({})), "missing_field: stripe: data.object.items.data[0] is missing");
    let ended = json!({"status": "canceled", "current_period_start": START, "current_period_end": END});
    assert_eq!(refused(ended), "Applied");
}

#[test]
fn metered_prices_count_nothing_with_or_without_amounts() {
    let recurring = json!({"interval": "month", "interval_count": 1, "usage_type": "metered", "meter": "mtr_1"});
    let mut metered = item(tiered("graduated", json!(null)), 1);
    metered["price"]["recurring"] = recurring;
    metered.as_object_mut().unwrap().remove("quantity");
    assert_eq!(mrr_of(&[metered, item(price(json!({})), 1)], json!({})), 1_000);
}

#[test]
fn quantities_are_sold_in_packages() {
    let packages = |round: &str| price(json!({"transform_quantity": {"divide_by": 10, "round": round}}));
    assert_eq!(mrr_of(&[item(packages("up"), 25)], json!({})), 3_000);
    assert_eq!(mrr_of(&[item(packages("down"), 25)], json!({})), 2_000);
    let seats: u64 =
        snapshot_of(&subscription(&[item(packages("up"), 25)], json!({}))).items.iter().map(|item| item.quantity).max().unwrap();
    assert_eq!(seats, 25);
}

#[test]
fn a_price_in_several_currencies_counts_in_that_of_the_subscription() {
    let options = json!({"eur": {"unit_amount": 900, "unit_amount_decimal": "900"}, "usd": {"unit_amount": 1_000}});
    let several = subscription(&[item(price(json!({"currency_options": options})), 2)], json!({"currency": "eur"}));
    let snapshot = snapshot_of(&several);
    assert_eq!((snapshot.items[0].amount.currency.code(), snapshot.items[0].amount.minor), ("EUR", Fixed::from(900)));
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

#[test]
fn one_discount_of_the_old_api_is_an_object() {
    let single = discount("di_1", coupon(json!({"percent_off": 25.5})));
    assert_eq!(mrr_of(&[hundred()], json!({"discount": single})), 7_450);
    // From 2024 on the list names it, too: it is the same one.
    assert_eq!(mrr_of(&[hundred()], json!({"discount": single, "discounts": ["di_1"]})), 7_450);
    assert_eq!(mrr_of(&[hundred()], json!({"discount": single, "discounts": [single]})), 7_450);
    let amount = discount("di_2", coupon(json!({"amount_off": 1_500, "currency": "usd"})));
    assert_eq!(mrr_of(&[hundred()], json!({"discount": amount})), 8_500);
}

#[test]
fn percentages_compound_and_amounts_come_last() {
    let half = discount("di_1", coupon(json!({"percent_off": 50})));
    let tenth = discount("di_2", coupon(json!({"percent_off": "10"})));
    let five = discount("di_3", coupon(json!({"amount_off": 500, "currency": "usd"})));
    assert_eq!(mrr_of(&[hundred()], json!({"discounts": [half, five, tenth]})), 4_000); // 100.00 x 0.5 x 0.9 - 5.00
}

#[test]
fn since_2025_09_30_the_coupon_is_in_the_source() {
    let mut expanded = discount("di_1", json!(null));
    expanded.as_object_mut().unwrap().remove("coupon");
    expanded["source"] = json!({"type": "coupon", "coupon": coupon(json!({"percent_off": 20.0}))});
    assert_eq!(mrr_of(&[hundred()], json!({"discounts": [expanded]})), 8_000);
    expanded["source"]["coupon"] = json!("Z4OV52SU");
    assert_eq!(mrr_of(&[hundred()], json!({"discounts": [expanded]})), 10_000, "only its id is known");
}

#[test]
fn discounts_of_which_only_the_id_is_known_are_ignored_and_metered_or_refused() {
    let bare = subscription(&[hundred()], json!({"discounts": ["di_1", "di_2"]}));
    assert_eq!(mrr(&bare), 10_000);
    let text = event("customer.subscription.updated", &bare).to_string();
    assert!(super::records(&format(), Stream::Billing, &text)[0].unexpanded_discount);
    let options: StripeOptions = serde_json::from_value(json!({"unexpanded_discounts": "refuse"})).unwrap();
    let (code, reason) = super::refusal(&Format::Stripe(options), Stream::Billing, &text);
    assert_eq!(code, Code::MissingField);
    assert!(reason.starts_with("stripe: data.object.discounts[0].coupon is missing: the event holds only an id"), "{reason}");
}

#[test]
fn a_coupon_ends_as_its_duration_says() {
    let once = subscription(&[hundred()], json!({"discounts": [discount("di_1", coupon(json!({"percent_off": 10, "duration": "once"})))]}));
    assert_eq!(mrr(&once), 9_000);
    assert_eq!(mrr_under(StripeOptions::default(), &once, 21), 10_000, "it ends with the period, in 20 days");
    let mut repeating = discount("di_1", coupon(json!({"percent_off": 10, "duration": "repeating", "duration_in_months": 3})));
    repeating["end"] = json!(NOW + 60 * DAY);
    let repeating = subscription(&[hundred()], json!({"discounts": [repeating]}));
    assert_eq!(mrr_under(StripeOptions::default(), &repeating, 59), 9_000);
    assert_eq!(mrr_under(StripeOptions::default(), &repeating, 61), 10_000);
    let forever = subscription(&[hundred()], json!({"discounts": [discount("di_1", coupon(json!({"percent_off": 10})))]}));
    assert_eq!(mrr_under(StripeOptions::default(), &forever, 300), 9_000);
}

#[test]
fn a_discount_on_an_item_leaves_the_others_alone() {
    let mut cheap = hundred();
    cheap["discounts"] = json!([discount("di_1", coupon(json!({"percent_off": 30})))]);
    let plain = item(price(json!({})), 1);
    assert_eq!(mrr_of(&[cheap.clone(), plain.clone()], json!({})), 8_000); // 100.00 x 0.7 + 10.00
    let half = json!({"discounts": [discount("di_2", coupon(json!({"percent_off": 50})))]});
    assert_eq!(mrr_of(&[cheap, plain.clone()], half), 4_000); // (100.00 x 0.7 + 10.00) x 0.5
    let mut free = plain;
    free["discounts"] = json!([discount("di_1", coupon(json!({"amount_off": 99_900, "currency": "usd"})))]);
    assert_eq!(mrr_of(&[hundred(), free], json!({})), 10_000, "an item costs at least nothing");
}

#[test]
fn a_coupon_for_some_products_leaves_the_others_alone() {
    let restricted = coupon(json!({"percent_off": 50, "applies_to": {"products": ["prod_other"]}}));
    let other = item(price(json!({"product": "prod_other", "unit_amount": 4_000, "unit_amount_decimal": "4000"})), 1);
    let fields = json!({"discounts": [discount("di_1", restricted)]});
    assert_eq!(mrr_of(&[hundred(), other], fields), 12_000); // 100.00 + 40.00 x 0.5
}

#[test]
fn a_paused_collection_reads_as_paused() {
    let paused = subscription(&[hundred()], json!({"pause_collection": {"behavior": "void", "resumes_at": null}}));
    assert_eq!(snapshot_of(&paused).status, SubscriptionStatus::Paused);
    assert_eq!(mrr(&paused), 0);
    let mut canceled = paused;
    canceled["status"] = json!("canceled");
    assert_eq!(snapshot_of(&canceled).status, SubscriptionStatus::Canceled);
}

#[test]
fn a_cancellation_at_the_end_of_the_period_is_told_from_one_at_another_time() {
    let of = |fields| {
        let snapshot = snapshot_of(&subscription(&[hundred()], fields));
        (snapshot.cancel_at_period_end, snapshot.cancel_at)
    };
    assert_eq!(of(json!({"cancel_at_period_end": true, "cancel_at": END})), (true, None));
    assert_eq!(of(json!({"cancel_at": END})), (true, None));
    assert_eq!(of(json!({"cancel_at": END - DAY})), (false, Some(at(END - DAY))));
    assert_eq!(of(json!({})), (false, None));
    let details = json!({"comment": null, "feedback": "too_expensive", "reason": "cancellation_requested"});
    let snapshot = snapshot_of(&subscription(&[hundred()], json!({"cancellation_details": details})));
    assert_eq!(snapshot.reason.as_deref(), Some("cancellation_requested"));
}

#[test]
fn of_two_events_in_one_second_the_later_status_wins_in_any_order() {
    let mut created = event("customer.subscription.created", &subscription(&[hundred()], json!({"status": "incomplete"})));
    created["id"] = json!("evt_z");
    let updated = event("customer.subscription.updated", &subscription(&[hundred()], json!({})));
    let mut deleted = event("customer.subscription.deleted", &subscription(&[hundred()], json!({"status": "canceled"})));
    deleted["id"] = json!("evt_0");
    for order in [[&created, &updated], [&updated, &created]] {
        let mut topic = Topic::new(Stream::Billing, format());
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        assert_eq!(topic.mrr("cus_Na6dX7aXxi11N4", 0), 10_000);
    }
    for order in [[&updated, &deleted, &created], [&deleted, &created, &updated]] {
        let mut topic = Topic::new(Stream::Billing, format());
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        assert_eq!(topic.mrr("cus_Na6dX7aXxi11N4", 0), 0);
    }
    let mut larger = event("customer.subscription.updated", &subscription(&[item(price(json!({})), 7)], json!({})));
    larger["id"] = json!("evt_2");
    for order in [[&updated, &larger], [&larger, &updated]] {
        let mut topic = Topic::new(Stream::Billing, format());
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        assert_eq!(topic.mrr("cus_Na6dX7aXxi11N4", 0), 7_000, "evt_2 comes after evt_1");
    }
}

#[test]
fn the_account_is_in_the_metadata_or_known_by_the_customer() {
    let account = |options: StripeOptions, fields| {
        let text = event("customer.subscription.updated", &subscription(&[hundred()], fields)).to_string().leak();
        let record = super::records(&Format::Stripe(options), Stream::Billing, text).pop().unwrap();
        (record.account_system.map(|system| system.to_string()), record.account.unwrap().to_string())
    };
    let alias = |id: &str| (Some("stripe".to_owned()), id.to_owned());
    assert_eq!(account(StripeOptions::default(), json!({})), alias("cus_Na6dX7aXxi11N4"));
    assert_eq!(account(StripeOptions::default(), json!({"customer": {"id": "cus_9", "object": "customer"}})), alias("cus_9"));
    let business = json!({"customer": null, "customer_account": "acct_1"});
    assert_eq!(account(StripeOptions::default(), business), alias("acct_1"));
    let metadata = json!({"metadata": {"account_id": 42, "tenant": "acme"}});
    assert_eq!(account(StripeOptions::default(), metadata.clone()), (None, "42".to_owned()));
    let tenant = StripeOptions { account_metadata: "tenant".to_owned(), ..StripeOptions::default() };
    assert_eq!(account(tenant, metadata), (None, "acme".to_owned()));
    let nobody = refused(&subscription(&[hundred()], json!({"customer": null})));
    assert_eq!(nobody, (Code::MissingField, "stripe: data.object.customer is missing".to_owned()));
}

fn invoice(fields: Value) -> Value {
    let mut invoice = json!({"id": "in_1MtHbELkdIwHu7ixl4OzzPMv", "object": "invoice", "amount_due": 9_900, "amount_paid": 9_900,
        "amount_remaining": 0, "currency": "usd", "customer": "cus_Na6dX7aXxi11N4", "metadata": {}, "status": "paid",
        "lines": {"object": "list", "data": [], "has_more": false}});
    merge(&mut invoice, fields);
    invoice
}

#[test]
fn paid_invoices_add_up_once_each() {
    let mut topic = Topic::new(Stream::Billing, format());
    topic.feed(&event("customer.subscription.created", &subscription(&[hundred()], json!({}))));
    for kind in ["invoice.paid", "invoice.payment_succeeded"] {
        let mut paid = event(kind, &invoice(json!({})));
        paid["id"] = json!(kind);
        assert_eq!(topic.feed(&paid), Outcome::Applied);
    }
    topic.feed(&event("invoice.paid", &invoice(json!({"id": "in_2", "amount_paid": "100"}))));
    assert_eq!(topic.metric("cus_Na6dX7aXxi11N4", Metric::LifetimeValue, 0), Some(10_000));
    topic.feed(&event("invoice.payment_failed", &invoice(json!({"id": "in_3", "amount_paid": 0, "status": "open"}))));
    assert_eq!(topic.metric("cus_Na6dX7aXxi11N4", Metric::PaymentFailuresOpen, 0), Some(1));
}

#[test]
fn an_invoice_belongs_to_the_account_of_its_subscription() {
    let details = json!({"metadata": {"account_id": "acme"}, "subscription": "sub_1"});
    for fields in [
        json!({"subscription_details": details}),
        json!({"parent": {"type": "subscription_details", "quote_details": null, "subscription_details": details}}),
        json!({"metadata": {"account_id": "acme"}, "parent": null}),
    ] {
        let text = event("invoice.paid", &invoice(fields)).to_string();
        let record = super::records(&format(), Stream::Billing, &text).remove(0);
        assert_eq!((record.account.as_deref(), record.account_system), (Some("acme"), None));
    }
}

#[test]
fn other_events_are_ignored_and_other_payloads_named() {
    let ignored = |payload: &Value| super::decode(&format(), Stream::Billing, &payload.to_string()) == Ok(Decoded::Ignored);
    for kind in ["charge.succeeded", "invoice.upcoming", "invoice.finalized", "customer.updated", "invoiceitem.created", "v1.unknown"] {
        assert!(ignored(&event(kind, &json!({"id": 7, "items": 5, "discounts": "?", "status": []}))), "{kind}");
    }
    let thin = |kind: &str| {
        json!({"id": "evt_1", "object": "v2.core.event", "type": kind, "created": "2026-03-01T00:00:00.000Z",
        "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"}})
    };
    assert!(ignored(&thin("v1.billing.meter.error_report_triggered")));
    let reason = super::refusal(&format(), Stream::Billing, &thin("v1.customer.subscription.updated").to_string()).1;
    assert!(reason.starts_with("stripe: data.object is missing: thin events hold ids only"), "{reason}");
    let foreign = |payload: Value| super::refusal(&format(), Stream::Billing, &payload.to_string());
    let chargebee = json!({"id": "ev_1", "event_type": "subscription_created", "content": {}});
    assert_eq!(foreign(chargebee), (Code::MissingField, "stripe: type is missing".to_owned()));
    let native = json!({"type": "subscription_changed", "account_id": "a"});
    assert_eq!(foreign(native), (Code::MissingField, "stripe: data.object is missing".to_owned()));
    let half = json!({"id": "evt_1", "type": "customer.subscription.updated", "created": NOW, "data": {"object": {"customer": "cus_1"}}});
    assert_eq!(foreign(half), (Code::MissingField, "stripe: data.object.id is missing".to_owned()));
    let untimed = json!({"id": "evt_1", "type": "customer.subscription.updated", "data": {"object": {"customer": "cus_1"}}});
    assert_eq!(foreign(untimed), (Code::MissingField, "stripe: created is missing".to_owned()));
}

#[test]
fn what_is_wrong_names_its_place() {
    let items = |items: Value| refused(&subscription(&[], json!({"items": items})));
    assert_eq!(items(json!("?")), (Code::WrongType, "stripe: data.object.items is not an object".to_owned()));
    assert_eq!(items(json!({"data": 5})), (Code::WrongType, "stripe: data.object.items.data is not a list".to_owned()));
    assert_eq!(items(json!({"data": [5]})), (Code::WrongType, "stripe: data.object.items.data[0] is not an object".to_owned()));
    let mut bad = item(price(json!({"unit_amount_decimal": "ten"})), 1);
    let second = |bad: &Value| refused(&subscription(&[hundred(), bad.clone()], json!({})));
    assert_eq!(second(&bad), (Code::WrongType, "stripe: data.object.items.data[1].price.unit_amount is not a number".to_owned()));
    bad["price"] = json!("price_1");
    assert_eq!(second(&bad), (Code::WrongType, "stripe: data.object.items.data[1].price is not an object".to_owned()));
    let status = refused(&subscription(&[hundred()], json!({"status": "dormant"})));
    assert_eq!(status.0, Code::OutOfRange);
    assert!(status.1.starts_with("stripe: data.object.status is not one of active, past_due"), "{}", status.1);
    let unknown = refused(&subscription(&[item(price(json!({"currency": "gbp"})), 1)], json!({"currency": "gbp"})));
    assert_eq!(unknown.0, Code::UnknownCurrency);
}

/// Every resource of Stripe's own fixtures, as the object of an event of every kind that is read.
#[test]
fn every_published_resource_is_read_or_refused_by_name() {
    let fixtures: Value = serde_json::from_str(include_str!("../../fixtures/stripe/fixtures3.json")).unwrap();
    for (name, resource) in fixtures["resources"].as_object().unwrap() {
        let other = event(&format!("{name}.updated"), resource).to_string();
        if !name.starts_with("invoice.") {
            assert_eq!(super::decode(&format(), Stream::Billing, &other), Ok(Decoded::Ignored), "{name}");
        }
        for kind in ["customer.subscription.updated", "invoice.paid"] {
            let text = event(kind, resource).to_string();
            match super::decode(&format(), Stream::Billing, &text) {
                Ok(decoded) => assert_eq!(decoded.records().len(), 1, "{name}"),
                Err(rejection) => assert!(rejection.reason.starts_with("stripe: "), "{name}: {rejection}"),
            }
        }
    }
    let paused = event("customer.subscription.updated", &fixtures["resources"]["subscription"]).to_string();
    let Event::Billing(BillingEvent::Subscription(snapshot)) = &super::records(&format(), Stream::Billing, &paused)[0].event else {
        panic!("a subscription")
    };
    assert_eq!((snapshot.status, snapshot.items[0].amount.minor), (SubscriptionStatus::Paused, Fixed::from(0)));
    assert_eq!(snapshot.current_period_start, at(1_896_570_518));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let raw = crate::event_fixtures::line(Stream::Billing, &bytes);
        drop(format().decode(&raw, &crate::event_fixtures::context(&crate::event_fixtures::rates())));
    }

    /// A valid event in which one value is replaced by anything.
    #[test]
    fn no_value_in_the_wrong_place_panics(place in any::<prop::sample::Index>(), value in prop_oneof![
        Just("null"), Just("[]"), Just("{}"), Just("\"\""), Just("\"x\""), Just("-1"), Just("1e400"), Just("99999999999999999999999"),
        Just("[[]]"), Just("[{}]"), Just("true"), Just("0.000000000000000000000000001"),
    ]) {
        let single = discount("di_1", coupon(json!({"percent_off": 25.5})));
        let whole = subscription(&[item(tiered("volume", fonts()), 7)], json!({"discount": single, "discounts": [single, "di_2"]}));
        let text = event("customer.subscription.updated", &whole).to_string();
        drop(super::decode(&format(), Stream::Billing, &super::broken(&text, place, value)));
    }

    /// Tiers, packages and discounts never lose a fraction: the cost is compared with a computation in whole ten-thousandths.
    #[test]
    fn graduated_tiers_are_exact(quantity in 0_u64..400, ends in (1_u64..50, 1_u64..50), units in prop::array::uniform3(0_u64..90_000), flat in 0_u64..5_000) {
        let ends = [ends.0, ends.0 + ends.1];
        let decimal = |ten_thousandths: u64| format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000);
        let tiers = json!([{"flat_amount": flat, "unit_amount_decimal": decimal(units[0]), "up_to": ends[0]},
            {"unit_amount_decimal": decimal(units[1]), "up_to": ends[1]}, {"unit_amount_decimal": decimal(units[2]), "up_to": null}]);
        let snapshot = snapshot_of(&subscription(&[item(tiered("graduated", tiers), quantity)], json!({})));
        let sum = snapshot.items.iter().fold(Fixed::from(0), |sum, item| sum.plus(item.amount.minor.times(item.quantity)));
        let in_tiers = [quantity.min(ends[0]), quantity.clamp(ends[0], ends[1]) - ends[0], quantity.max(ends[1]) - ends[1]];
        let expected: u64 = in_tiers.iter().zip(units).map(|(count, unit)| count * unit).sum::<u64>() + flat * 10_000;
        prop_assert_eq!(sum, Fixed::new(expected.into(), 4));
    }
}
