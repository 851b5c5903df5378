//! MRR of an account as a right-continuous step function of time, in whole minor units, and the movements between its steps.

use super::subscription::{Charge, PriceChange, Subscription};
use crate::metric::{MovementKind, MovementTotals};
use crate::money::{Currency, Exact, Policy};
use crate::time::Timestamp;

/// The greatest MRR reported, in minor units: twelve times that, an ARR, still fits into 64 bits.
pub const MRR_MAX: i64 = i64::MAX / 16;

/// MRR through time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// In order of time; each changes MRR. At the date of a new rate there may be two, the one of the rate first.
    steps: Vec<MrrStep>,
    /// The first instant at which MRR is above 0.
    first_paid_at: Option<Timestamp>,
    movement_window_ms: i64,
}

/// A new value of MRR, from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MrrStep {
    at: Timestamp,
    mrr: i64,
    /// Whether a new exchange rate caused it.
    fx: bool,
    /// Whether a subscription that already existed and paid when it was first seen pays now.
    old_customer: bool,
}

/// One MRR movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The time of the last change in it.
    pub at: Timestamp,
    /// The kind of movement.
    pub kind: MovementKind,
    /// Minor units of the reporting currency; always positive, except that `fx` is signed.
    pub amount: i64,
}

/// The instant at which an account first paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstPayment {
    /// When MRR was first above 0.
    pub at: Timestamp,
    /// MRR there, minor units of the reporting currency.
    pub mrr: i64,
    /// Whether it already paid before it was first seen: the movement is *opening*.
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

    /// Whether MRR was above 0 at or before t.
    #[must_use]
    pub fn has_paid_by(&self, t: Timestamp) -> bool {
        self.first_paid_at.is_some_and(|first| first <= t)
    }

    /// The first payment at or before t, as known at t.
    #[must_use]
    pub fn first_payment(&self, t: Timestamp) -> Option<FirstPayment> {
        let at = self.first_paid_at.filter(|first| *first <= t)?;
        let movement = self.movements(Timestamp::MIN, t).find(|movement| movement.at >= at);
        let was_customer = movement.is_some_and(|movement| movement.kind == MovementKind::Opening);
        Some(FirstPayment { at, mrr: self.mrr_at(at), was_customer })
    }

    /// The last change of MRR to 0 at or before t.
    #[must_use]
    pub fn last_loss(&self, t: Timestamp) -> Option<Timestamp> {
        self.until(t).iter().rev().find(|step| step.mrr == 0).map(|step| step.at)
    }

    /// The movements of (from, to], in order of time. Only changes inside the interval count, so for any two instants MRR at `from` plus
    /// the movements equals MRR at `to`.
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

/// The kind of a group of changes, from MRR just before and just after it.
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

/// Dates at which the rate of any currency used by the subscriptions changes, ascending.
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

/// Sums all subscriptions while moving through time.
struct TimelineBuilder<'w> {
    subscriptions: &'w [Subscription<'w>],
    policy: &'w Policy,
    /// By subscription.
    values: Vec<SubscriptionValue>,
    total: Exact,
    /// How many of the paying subscriptions already existed and paid when they were first seen.
    old_customers: usize,
    steps: Vec<MrrStep>,
}

/// The current contribution of one subscription.
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

    /// Applies a price change of a subscription.
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

    /// Applies a new rate to the prices just before it.
    fn reprice(&mut self, at: Timestamp) {
        for index in 0..self.values.len() {
            if let Some(pays) = self.values.get(index).and_then(|current| current.pays) {
                self.change(index, &PriceChange { at, pays: Some(pays) });
            }
        }
        self.step(at, true);
    }

    /// Adds a step if the rounded sum has changed.
    fn step(&mut self, at: Timestamp, fx: bool) {
        let mrr = self.total.rounded().clamp(0, MRR_MAX);
        if mrr != self.steps.last().map_or(0, |step| step.mrr) {
            self.steps.push(MrrStep { at, mrr, fx, old_customer: self.old_customers > 0 });
        }
    }
}

#[cfg(test)]
mod tests;
