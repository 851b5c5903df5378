use MovementKind::{Churn, Contraction, Expansion, Fx, New, Opening, Reactivation};

use super::super::fixture::{MONTH, TestAccount, amount, day, item, monthly, no_discount, usd, with_status};
use super::*;
use crate::event::{Discount, SubscriptionSnapshot, SubscriptionStatus};
use crate::money::ChurnAt;
use crate::time::{HOUR_MS, MINUTE_MS};

const EVER: (Timestamp, Timestamp) = (Timestamp(i64::MIN + 1), Timestamp(i64::MAX));

fn in_currency(id: &str, minor: i64, currency: &str) -> SubscriptionSnapshot<'static> {
    SubscriptionSnapshot { subscription_id: id.to_owned().into(), items: vec![item(amount(minor, currency), MONTH)], ..monthly("", 0) }
}

#[test]
fn switching_subscriptions_within_the_window_is_not_churn_and_new() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(9), with_status("a", 5_000, SubscriptionStatus::Canceled));
    account.snapshot(day(9).plus(HOUR_MS), monthly("b", 8_000));
    assert_eq!(account.movements(EVER.0, EVER.1), [(day(1), New, 5_000), (day(9).plus(HOUR_MS), Expansion, 3_000)]);
}

#[test]
fn one_millisecond_beyond_the_window_it_is_churn_and_reactivation() {
    let mut account = TestAccount::default();
    let later = day(9).plus(HOUR_MS + 1);
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(9), with_status("a", 5_000, SubscriptionStatus::Canceled));
    account.snapshot(later, monthly("b", 8_000));
    assert_eq!(account.movements(EVER.0, EVER.1), [(day(1), New, 5_000), (day(9), Churn, 5_000), (later, Reactivation, 8_000)]);
}

#[test]
fn dropping_to_zero_and_back_within_the_window_is_not_a_movement() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(9), with_status("a", 5_000, SubscriptionStatus::Paused));
    account.snapshot(day(9).plus(5 * MINUTE_MS), monthly("a", 5_000));
    assert_eq!(account.movements(day(1), EVER.1), []);
}

#[test]
fn a_group_is_cut_at_the_boundaries_of_the_interval() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(9).plus(-1), monthly("a", 6_000));
    account.snapshot(day(9).plus(1), monthly("a", 8_000));
    assert_eq!(account.movements(day(1), EVER.1), [(day(9).plus(1), Expansion, 3_000)]);
    assert_eq!(account.movements(day(1), day(9)), [(day(9).plus(-1), Expansion, 1_000)]);
    assert_eq!(account.movements(day(9), EVER.1), [(day(9).plus(1), Expansion, 2_000)]);
}

#[test]
fn an_old_customer_seen_for_the_first_time_is_an_opening() {
    let seen = |began, status| {
        let mut account = TestAccount::default();
        account.snapshot(day(9), SubscriptionSnapshot { started_at: Some(began), ..with_status("a", 5_000, status) });
        account.snapshot(day(20), monthly("a", 5_000));
        account.movements(EVER.0, EVER.1)
    };
    let active = SubscriptionStatus::Active;
    assert_eq!(seen(day(8).plus(-1), active), [(day(9), Opening, 5_000)]);
    assert_eq!(seen(day(8), active), [(day(9), New, 5_000)]); // 24 h is not more than 24 h
    assert_eq!(seen(day(1), SubscriptionStatus::Trialing), [(day(20), New, 5_000)]); // its first record did not pay
}

#[test]
fn the_first_payment_is_when_mrr_was_first_above_zero() {
    let first = |at, mrr, was_customer| Some(FirstPayment { at, mrr, was_customer });
    let mut account = TestAccount::default();
    account.snapshot(day(1), with_status("a", 5_000, SubscriptionStatus::Trialing));
    assert_eq!(account.ledger().first_payment(day(9)), None);
    account.snapshot(day(2), monthly("a", 5_000));
    account.snapshot(day(3), with_status("a", 5_000, SubscriptionStatus::Canceled));
    account.snapshot(day(4), monthly("a", 9_000));
    assert_eq!(account.ledger().first_payment(day(2).plus(-1)), None);
    assert_eq!(account.ledger().first_payment(day(9)), first(day(2), 5_000, false));
    // Up and down within the hour is not a movement, but still the first payment.
    account.snapshot(day(1).plus(HOUR_MS), monthly("b", 300));
    account.snapshot(day(1).plus(2 * HOUR_MS), with_status("b", 300, SubscriptionStatus::Canceled));
    assert_eq!(account.ledger().first_payment(day(9)), first(day(1).plus(HOUR_MS), 300, false));
    let mut known = TestAccount::default();
    known.snapshot(day(9), SubscriptionSnapshot { started_at: Some(day(7)), ..monthly("a", 5_000) });
    assert_eq!(known.ledger().first_payment(day(9)), first(day(9), 5_000, true));
}

#[test]
fn a_late_snapshot_corrects_history() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(9), monthly("a", 8_000));
    account.snapshot(day(5), monthly("a", 7_000));
    assert_eq!(account.movements(day(1), EVER.1), [(day(5), Expansion, 2_000), (day(9), Expansion, 1_000)]);
}

#[test]
fn a_higher_version_wins_from_its_time_on_whatever_follows() {
    let version = |minor, version| SubscriptionSnapshot { version, ..monthly("a", minor) };
    let mut account = TestAccount::default();
    account.snapshot(day(1), version(5_000, Some(1)));
    account.snapshot(day(5), version(7_000, Some(3)));
    account.snapshot(day(9), version(8_000, Some(2)));
    account.snapshot(day(10), version(9_000, None));
    assert_eq!([account.mrr(day(4)), account.mrr(day(5)), account.mrr(day(11))], [5_000, 7_000, 7_000]);
}

#[test]
fn dunning_ends_thirty_days_after_the_first_snapshot_of_the_run() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(10), with_status("a", 5_000, SubscriptionStatus::PastDue));
    account.snapshot(day(35), with_status("a", 5_000, SubscriptionStatus::PastDue));
    assert_eq!([account.mrr(day(40).plus(-1)), account.mrr(day(40))], [5_000, 0]);
    account.snapshot(day(20), monthly("a", 5_000)); // arrives late: it was active in between, so the run starts at day 35
    assert_eq!([account.mrr(day(40)), account.mrr(day(65).plus(-1)), account.mrr(day(65))], [5_000, 5_000, 0]);
}

#[test]
fn a_discount_ends_by_itself() {
    let discount = Discount { percent_off: Some(20.into()), ends_at: Some(day(15)), ..no_discount() };
    let mut account = TestAccount::default();
    account.snapshot(day(1), SubscriptionSnapshot { discounts: vec![discount], ..monthly("a", 5_000) });
    assert_eq!(account.movements(EVER.0, EVER.1), [(day(1), New, 4_000), (day(15), Expansion, 1_000)]);
}

#[test]
fn a_cancellation_reported_after_the_period_end_counts_from_its_snapshot() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    assert_eq!(account.mrr(day(40)), 5_000); // a period end with nothing scheduled changes nothing
    account.snapshot(day(40), SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("a", 5_000) });
    assert_eq!([account.mrr(day(40).plus(-1)), account.mrr(day(40))], [5_000, 0]);
}

#[test]
fn churn_may_be_counted_from_the_cancellation() {
    let mut account = TestAccount::default();
    account.settings.money.churn_at = ChurnAt::Cancellation;
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(10), SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("a", 5_000) });
    assert_eq!(account.movements(day(1), EVER.1), [(day(10), Churn, 5_000)]);
}

#[test]
fn a_new_rate_applies_to_the_mrr_just_before_it_and_joins_no_group() {
    let mut account = TestAccount::with_rates(&[(0, "EUR", "1.10"), (10, "EUR", "1.20")]);
    account.snapshot(day(1), in_currency("a", 10_000, "EUR"));
    account.snapshot(day(10).plus(-MINUTE_MS), in_currency("a", 5_000, "EUR"));
    account.snapshot(day(10), in_currency("a", 20_000, "EUR"));
    let expected = [(day(10).plus(-MINUTE_MS), Contraction, 5_500), (day(10), Fx, 500), (day(10), Expansion, 18_000)];
    assert_eq!(account.movements(day(1), EVER.1), expected);
    assert_eq!(account.mrr(day(10)), 24_000);
}

#[test]
fn a_lower_rate_is_a_negative_fx_movement() {
    let mut account = TestAccount::with_rates(&[(0, "EUR", "1.10"), (10, "EUR", "1.00")]);
    account.snapshot(day(1), in_currency("a", 10_000, "EUR"));
    account.snapshot(day(1), monthly("b", 300));
    assert_eq!(account.movements(day(1), EVER.1), [(day(10), Fx, -1_000)]);
}

#[test]
fn a_change_of_currency_is_expansion_or_contraction() {
    let mut account = TestAccount::with_rates(&[(0, "JPY", "0.0070")]);
    account.snapshot(day(1), monthly("a", 7_500));
    account.snapshot(day(2), in_currency("a", 10_000, "JPY"));
    assert_eq!(account.movements(day(1), EVER.1), [(day(2), Contraction, 500)]);
}

#[test]
fn a_loss_is_the_last_change_to_zero() {
    let mut account = TestAccount::default();
    account.snapshot(day(1), monthly("a", 5_000));
    account.snapshot(day(5), with_status("a", 0, SubscriptionStatus::Canceled));
    account.snapshot(day(7), monthly("a", 5_000));
    account.snapshot(day(9), with_status("a", 0, SubscriptionStatus::Canceled));
    let ledger = account.ledger();
    assert_eq!([ledger.last_loss(day(4)), ledger.last_loss(day(8)), ledger.last_loss(day(9))], [None, Some(day(5)), Some(day(9))]);
}

#[test]
fn mrr_is_capped_at_the_greatest_reportable_value() {
    let mut account = TestAccount::default();
    let mut huge = item(usd(i64::MAX), MONTH);
    huge.quantity = u64::MAX;
    account.snapshot(day(1), SubscriptionSnapshot { items: vec![huge.clone(), huge], ..monthly("a", 0) });
    assert_eq!(account.mrr(day(1)), MRR_MAX);
    assert_eq!(account.whole(day(1), crate::metric::Metric::Arr), Some(12 * MRR_MAX));
}
