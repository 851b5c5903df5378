//! MRR of an account as a step function of time, right-continuous, in whole minor units; and the movements that its steps make.

use super::subscription::{Charge, PriceChange, Subscription};
use crate::metric::{MovementKind, MovementTotals};
use crate::money::{Currency, Exact, Policy};
use crate::time::Timestamp;

/// The greatest MRR that is reported, in minor units: twelve of it, an ARR, still fit 64 bits.
pub const MRR_MAX: i64 = i64::MAX / 16;

/// MRR through time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Ascending by time; each moves MRR. At the date of a new rate there may be two, the rate's first.
    steps: Vec<MrrStep>,
    /// The first instant at which MRR is above 0.
    first_paid_at: Option<Timestamp>,
    movement_window_ms: i64,
}

/// From an instant on, MRR is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MrrStep {
    at: Timestamp,
    mrr: i64,
    /// Whether a new rate made it.
    fx: bool,
    /// Whether a subscription pays now that paid already, and was old, when it was first seen.
    old_customer: bool,
}

/// One MRR movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The last of the changes that make it.
    pub at: Timestamp,
    /// What it is.
    pub kind: MovementKind,
    /// Minor units of the reporting currency; positive, but for `fx`, which has its sign.
    pub amount: i64,
}

/// The instant at which an account first paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstPayment {
    /// When MRR was first above 0.
    pub at: Timestamp,
    /// MRR there, minor units of the reporting currency.
    pub mrr: i64,
    /// Whether it paid already before it was first seen: the movement is *opening*.
    pub was_customer: bool,
}

impl Timeline {
    /// The timeline of an account's subscriptions.
    pub(super) fn new(subscriptions: &[Subscription<'_>], policy: &Policy) -> Self {
        let mut price_changes: Vec<(usize, PriceChange)> = Vec::new();
        for (index, subscription) in subscriptions.iter().enumerate() {
            price_changes.extend(subscription.price_changes(policy).into_iter().map(|change| (index, change)));
        }
        // Stable: the changes of each subscription are already in order.
        price_changes.sort_by_key(|(_, change)| change.at);
        let mut builder = TimelineBuilder::new(subscriptions, policy);
        let mut rate_dates = rate_dates(subscriptions, policy).into_iter().peekable();
        for together in price_changes.chunk_by(|(_, a), (_, b)| a.at == b.at) {
            let Some((_, PriceChange { at, .. })) = together.first() else { continue };
            while let Some(date) = rate_dates.next_if(|date| date <= at) {
                builder.reprice(date);
            }
            for (index, change) in together {
                builder.change(*index, change);
            }
            builder.step(*at, false);
        }
        rate_dates.for_each(|date| builder.reprice(date));
        let steps = builder.steps;
        let mut instants = steps.chunk_by(|a, b| a.at == b.at).filter_map(|steps| steps.last());
        let first_paid_at = instants.find(|step| step.mrr > 0).map(|step| step.at);
        Self { steps, first_paid_at, movement_window_ms: policy.movement_window_ms }
    }

    /// MRR at t, minor units of the reporting currency; 0 before the first subscription record.
    #[must_use]
    pub fn mrr_at(&self, t: Timestamp) -> i64 {
        self.until(t).last().map_or(0, |step| step.mrr)
    }

    /// Whether MRR was above 0 at t or before.
    #[must_use]
    pub fn has_paid_by(&self, t: Timestamp) -> bool {
        self.first_paid_at.is_some_and(|first| first <= t)
    }

    /// The first payment at t or before, as it is known at t.
    #[must_use]
    pub fn first_payment(&self, t: Timestamp) -> Option<FirstPayment> {
        let at = self.first_paid_at.filter(|first| *first <= t)?;
        let movement = self.movements(Timestamp::MIN, t).find(|movement| movement.at >= at);
        let was_customer = movement.is_some_and(|movement| movement.kind == MovementKind::Opening);
        Some(FirstPayment { at, mrr: self.mrr_at(at), was_customer })
    }

    /// The last change of MRR to 0 at t or before.
    #[must_use]
    pub fn last_loss(&self, t: Timestamp) -> Option<Timestamp> {
        self.until(t).iter().rev().find(|step| step.mrr == 0).map(|step| step.at)
    }

    /// The movements of (from, to], in order of time. Only changes inside it make them, so that with MRR at `from` they add up to MRR
    /// at `to`, whatever the two instants are.
    pub fn movements(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Movement> {
        let window = self.movement_window_ms;
        let earlier = self.until(from);
        let inside = self.until(to).get(earlier.len()..).unwrap_or_default();
        let mut before = self.mrr_at(from);
        let together = move |a: &MrrStep, b: &MrrStep| !a.fx && !b.fx && b.at.since(a.at) <= window;
        inside.chunk_by(together).filter_map(move |group| {
            let (first, after) = (group.first()?, group.last()?);
            let paid_before = self.first_paid_at.is_some_and(|paid| paid < first.at);
            let kind = kind(before, after, paid_before);
            let amount = if after.fx { after.mrr - before } else { (after.mrr - before).abs() };
            before = after.mrr;
            Some(Movement { at: after.at, kind: kind?, amount })
        })
    }

    /// Counts and sums of the movements of (from, to].
    #[must_use]
    pub fn movement_totals(&self, from: Timestamp, to: Timestamp) -> MovementTotals {
        let mut totals = MovementTotals::default();
        self.movements(from, to).for_each(|movement| totals.add(movement.kind, movement.amount));
        totals
    }

    fn until(&self, t: Timestamp) -> &[MrrStep] {
        self.steps.get(..self.steps.partition_point(|step| step.at <= t)).unwrap_or_default()
    }
}

/// The kind of a group of changes: by MRR just before and just after it.
fn kind(before: i64, after: &MrrStep, paid_before: bool) -> Option<MovementKind> {
    Some(match after.mrr {
        _ if after.fx => MovementKind::Fx,
        mrr if mrr == before => return None,
        _ if before == 0 && paid_before => MovementKind::Reactivation,
        _ if before == 0 && after.old_customer => MovementKind::Opening,
        _ if before == 0 => MovementKind::New,
        0 => MovementKind::Churn,
        mrr if mrr > before => MovementKind::Expansion,
        _ => MovementKind::Contraction,
    })
}

/// Dates at which a rate changes of any currency that the subscriptions are in, ascending.
fn rate_dates(subscriptions: &[Subscription<'_>], policy: &Policy) -> Vec<Timestamp> {
    let mut currencies: Vec<Currency> = Vec::new();
    for snapshot in subscriptions.iter().flat_map(Subscription::snapshots) {
        let off = snapshot.discounts.iter().filter_map(super::snapshot::Discount::currency);
        for currency in snapshot.prices.iter().map(|price| price.unit.currency).chain(off) {
            if currency != policy.rates.reporting() && !currencies.contains(&currency) {
                currencies.push(currency);
            }
        }
    }
    let mut dates: Vec<Timestamp> = currencies.iter().flat_map(|currency| policy.rates.changes_of(*currency)).collect();
    dates.sort_unstable();
    dates.dedup();
    dates
}

/// The sum over all subscriptions while time goes on.
struct TimelineBuilder<'w> {
    subscriptions: &'w [Subscription<'w>],
    policy: &'w Policy,
    /// By subscription.
    values: Vec<SubscriptionValue>,
    total: Exact,
    /// How many pay that paid already, and were old, when they were first seen.
    old_customers: usize,
    steps: Vec<MrrStep>,
}

/// What one subscription adds.
#[derive(Clone)]
struct SubscriptionValue {
    pays: Option<Charge>,
    value: Exact,
    seen: bool,
    old_customer: bool,
}

impl<'w> TimelineBuilder<'w> {
    fn new(subscriptions: &'w [Subscription<'w>], policy: &'w Policy) -> Self {
        let unseen = SubscriptionValue { pays: None, value: Exact::ZERO, seen: false, old_customer: false };
        let values = vec![unseen; subscriptions.len()];
        Self { subscriptions, policy, values, total: Exact::ZERO, old_customers: 0, steps: Vec::new() }
    }

    /// A subscription pays something else from now on.
    fn change(&mut self, index: usize, change: &PriceChange) {
        let (Some(current), Some(subscription)) = (self.values.get_mut(index), self.subscriptions.get(index)) else { return };
        let value = change.pays.map_or(Exact::ZERO, |charge| subscription.value(charge, self.policy, change.at));
        if !current.seen {
            current.seen = true;
            current.old_customer = value.is_positive() && subscription.began_before_first_seen();
        }
        if current.old_customer {
            self.old_customers -= usize::from(current.value.is_positive());
            self.old_customers += usize::from(value.is_positive());
        }
        self.total = self.total.minus(&current.value).plus(&value);
        current.pays = change.pays;
        current.value = value;
    }

    /// A new rate, applied to the state just before it.
    fn reprice(&mut self, at: Timestamp) {
        for index in 0..self.values.len() {
            if let Some(pays) = self.values.get(index).and_then(|current| current.pays) {
                self.change(index, &PriceChange { at, pays: Some(pays) });
            }
        }
        self.step(at, true);
    }

    /// Notes a step where the rounded sum is another than before.
    fn step(&mut self, at: Timestamp, fx: bool) {
        let mrr = self.total.rounded().clamp(0, MRR_MAX);
        if mrr != self.steps.last().map_or(0, |step| step.mrr) {
            self.steps.push(MrrStep { at, mrr, fx, old_customer: self.old_customers > 0 });
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn a_plan_switch_between_subscriptions_is_no_churn_and_new() {
        let mut account = TestAccount::default();
        account.snapshot(day(1), monthly("a", 5_000));
        account.snapshot(day(9), with_status("a", 5_000, SubscriptionStatus::Canceled));
        account.snapshot(day(9).plus(HOUR_MS), monthly("b", 8_000));
        assert_eq!(account.movements(EVER.0, EVER.1), [(day(1), New, 5_000), (day(9).plus(HOUR_MS), Expansion, 3_000)]);
    }

    #[test]
    fn one_millisecond_beyond_the_window_it_is() {
        let mut account = TestAccount::default();
        let later = day(9).plus(HOUR_MS + 1);
        account.snapshot(day(1), monthly("a", 5_000));
        account.snapshot(day(9), with_status("a", 5_000, SubscriptionStatus::Canceled));
        account.snapshot(later, monthly("b", 8_000));
        assert_eq!(account.movements(EVER.0, EVER.1), [(day(1), New, 5_000), (day(9), Churn, 5_000), (later, Reactivation, 8_000)]);
    }

    #[test]
    fn down_to_nothing_and_back_within_the_window_is_no_movement() {
        let mut account = TestAccount::default();
        account.snapshot(day(1), monthly("a", 5_000));
        account.snapshot(day(9), with_status("a", 5_000, SubscriptionStatus::Paused));
        account.snapshot(day(9).plus(5 * MINUTE_MS), monthly("a", 5_000));
        assert_eq!(account.movements(day(1), EVER.1), []);
    }

    #[test]
    fn a_group_is_cut_at_the_borders_of_the_interval() {
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
    fn the_first_payment_is_where_mrr_was_first_above_nothing() {
        let first = |at, mrr, was_customer| Some(FirstPayment { at, mrr, was_customer });
        let mut account = TestAccount::default();
        account.snapshot(day(1), with_status("a", 5_000, SubscriptionStatus::Trialing));
        assert_eq!(account.ledger().first_payment(day(9)), None);
        account.snapshot(day(2), monthly("a", 5_000));
        account.snapshot(day(3), with_status("a", 5_000, SubscriptionStatus::Canceled));
        account.snapshot(day(4), monthly("a", 9_000));
        assert_eq!(account.ledger().first_payment(day(2).plus(-1)), None);
        assert_eq!(account.ledger().first_payment(day(9)), first(day(2), 5_000, false));
        // Up and down within the hour is no movement, and still the first payment.
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
    fn a_higher_version_wins_from_its_time_on_whatever_comes_after() {
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
        account.snapshot(day(20), monthly("a", 5_000)); // read late: it was active between, so the run begins at day 35
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
    fn a_cancellation_that_is_told_after_the_period_end_counts_from_its_snapshot() {
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
    fn a_new_rate_moves_what_is_paid_just_before_it_and_is_in_no_group() {
        let mut account = TestAccount::with_rates(&[(0, "EUR", "1.10"), (10, "EUR", "1.20")]);
        account.snapshot(day(1), in_currency("a", 10_000, "EUR"));
        account.snapshot(day(10).plus(-MINUTE_MS), in_currency("a", 5_000, "EUR"));
        account.snapshot(day(10), in_currency("a", 20_000, "EUR"));
        let expected = [(day(10).plus(-MINUTE_MS), Contraction, 5_500), (day(10), Fx, 500), (day(10), Expansion, 18_000)];
        assert_eq!(account.movements(day(1), EVER.1), expected);
        assert_eq!(account.mrr(day(10)), 24_000);
    }

    #[test]
    fn a_lower_rate_is_a_negative_movement() {
        let mut account = TestAccount::with_rates(&[(0, "EUR", "1.10"), (10, "EUR", "1.00")]);
        account.snapshot(day(1), in_currency("a", 10_000, "EUR"));
        account.snapshot(day(1), monthly("b", 300));
        assert_eq!(account.movements(day(1), EVER.1), [(day(10), Fx, -1_000)]);
    }

    #[test]
    fn another_currency_is_expansion_or_contraction() {
        let mut account = TestAccount::with_rates(&[(0, "JPY", "0.0070")]);
        account.snapshot(day(1), monthly("a", 7_500));
        account.snapshot(day(2), in_currency("a", 10_000, "JPY"));
        assert_eq!(account.movements(day(1), EVER.1), [(day(2), Contraction, 500)]);
    }

    #[test]
    fn a_loss_is_the_last_change_to_nothing() {
        let mut account = TestAccount::default();
        account.snapshot(day(1), monthly("a", 5_000));
        account.snapshot(day(5), with_status("a", 0, SubscriptionStatus::Canceled));
        account.snapshot(day(7), monthly("a", 5_000));
        account.snapshot(day(9), with_status("a", 0, SubscriptionStatus::Canceled));
        let ledger = account.ledger();
        assert_eq!([ledger.last_loss(day(4)), ledger.last_loss(day(8)), ledger.last_loss(day(9))], [None, Some(day(5)), Some(day(9))]);
    }

    #[test]
    fn what_no_gauge_can_hold_is_held_at_the_limit() {
        let mut account = TestAccount::default();
        let mut huge = item(usd(i64::MAX), MONTH);
        huge.quantity = u64::MAX;
        account.snapshot(day(1), SubscriptionSnapshot { items: vec![huge.clone(), huge], ..monthly("a", 0) });
        assert_eq!(account.mrr(day(1)), MRR_MAX);
        assert_eq!(account.whole(day(1), crate::metric::Metric::Arr), Some(12 * MRR_MAX));
    }
}
