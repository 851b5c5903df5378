//! Tiered prices.

use super::*;

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
