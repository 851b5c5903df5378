//! Prices: intervals, fractions, plans, metered use, packages, currencies, and lists of items.

use super::*;

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
    assert_eq!(records(&format(), Stream::Billing, &text).len(), 1);
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
