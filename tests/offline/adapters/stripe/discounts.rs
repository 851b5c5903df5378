//! Discounts of every form.

use super::*;

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
    assert!(records(&format(), Stream::Billing, &text)[0].unexpanded_discount);
    let options: StripeOptions = serde_json::from_value(json!({"unexpanded_discounts": "refuse"})).unwrap();
    let (code, reason) = refusal(&Format::Stripe(options), Stream::Billing, &text);
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
