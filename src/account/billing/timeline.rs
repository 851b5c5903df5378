//! MRR of an account as a step function of time, right-continuous, in whole minor units; and the movements that its steps make.

use super::subscription::{Paying, Subscription, Turn};
use crate::metric::{MovementKind, MovementTotals};
use crate::money::{Currency, Exact, Policy};
use crate::time::Timestamp;

/// The greatest MRR that is told, in minor units: twelve of it, an ARR, still fit 64 bits.
pub const MRR_MAX: i64 = i64::MAX / 16;

/// MRR through time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Ascending by time; each moves MRR. At the date of a new rate there may be two, the rate's first.
    steps: Vec<Step>,
    movement_window_ms: i64,
}

/// From an instant on, MRR is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
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

impl Timeline {
    /// The timeline of an account's subscriptions.
    pub(super) fn new(subscriptions: &[Subscription<'_>], policy: &Policy) -> Self {
        let mut turns: Vec<(usize, Turn)> = Vec::new();
        for (index, subscription) in subscriptions.iter().enumerate() {
            turns.extend(subscription.turns(policy).into_iter().map(|turn| (index, turn)));
        }
        // Stable: turns of one subscription are ascending already.
        turns.sort_by_key(|(_, turn)| turn.at);
        let mut walk = Walk::new(subscriptions, policy);
        let mut rate_dates = rate_dates(subscriptions, policy).into_iter().peekable();
        for together in turns.chunk_by(|(_, a), (_, b)| a.at == b.at) {
            let Some((_, Turn { at, .. })) = together.first() else { continue };
            while let Some(date) = rate_dates.next_if(|date| date <= at) {
                walk.reprice(date);
            }
            for (index, turn) in together {
                walk.turn(*index, turn);
            }
            walk.step(*at, false);
        }
        rate_dates.for_each(|date| walk.reprice(date));
        Self { steps: walk.steps, movement_window_ms: policy.movement_window_ms }
    }

    /// MRR at t, minor units of the reporting currency; 0 before the first subscription record.
    #[must_use]
    pub fn mrr_at(&self, t: Timestamp) -> i64 {
        self.until(t).last().map_or(0, |step| step.mrr)
    }

    /// Whether MRR was above 0 at t or before.
    #[must_use]
    pub fn has_paid_by(&self, t: Timestamp) -> bool {
        // The first step leads away from 0.
        !self.until(t).is_empty()
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
        let mut paid_before = !earlier.is_empty();
        let mut before = self.mrr_at(from);
        let together = move |a: &Step, b: &Step| !a.fx && !b.fx && b.at.since(a.at) <= window;
        inside.chunk_by(together).filter_map(move |group| {
            let after = group.last()?;
            let kind = kind(before, after, paid_before);
            let amount = if after.fx { after.mrr - before } else { (after.mrr - before).abs() };
            (before, paid_before) = (after.mrr, true);
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

    fn until(&self, t: Timestamp) -> &[Step] {
        self.steps.get(..self.steps.partition_point(|step| step.at <= t)).unwrap_or_default()
    }
}

/// The kind of a group of changes: by MRR just before and just after it.
fn kind(before: i64, after: &Step, paid_before: bool) -> Option<MovementKind> {
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
        let discount = snapshot.discount.as_ref().and_then(super::snapshot::Discount::currency);
        for currency in snapshot.prices.iter().map(|price| price.currency).chain(discount) {
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
struct Walk<'w> {
    subscriptions: &'w [Subscription<'w>],
    policy: &'w Policy,
    /// By subscription.
    shares: Vec<Share>,
    total: Exact,
    /// How many pay that paid already, and were old, when they were first seen.
    old_customers: usize,
    steps: Vec<Step>,
}

/// What one subscription adds.
#[derive(Clone)]
struct Share {
    pays: Option<Paying>,
    value: Exact,
    seen: bool,
    old_customer: bool,
}

impl<'w> Walk<'w> {
    fn new(subscriptions: &'w [Subscription<'w>], policy: &'w Policy) -> Self {
        let unseen = Share { pays: None, value: Exact::ZERO, seen: false, old_customer: false };
        let shares = vec![unseen; subscriptions.len()];
        Self { subscriptions, policy, shares, total: Exact::ZERO, old_customers: 0, steps: Vec::new() }
    }

    /// A subscription pays something else from now on.
    fn turn(&mut self, index: usize, turn: &Turn) {
        let (Some(share), Some(subscription)) = (self.shares.get_mut(index), self.subscriptions.get(index)) else { return };
        let value = turn.pays.map_or(Exact::ZERO, |paying| subscription.value(paying, self.policy, turn.at));
        if !share.seen {
            share.seen = true;
            share.old_customer = value.is_positive() && subscription.began_before_first_seen();
        }
        if share.old_customer {
            self.old_customers -= usize::from(share.value.is_positive());
            self.old_customers += usize::from(value.is_positive());
        }
        self.total = self.total.minus(&share.value).plus(&value);
        share.pays = turn.pays;
        share.value = value;
    }

    /// A new rate, applied to the state just before it.
    fn reprice(&mut self, at: Timestamp) {
        for index in 0..self.shares.len() {
            if let Some(pays) = self.shares.get(index).and_then(|share| share.pays) {
                self.turn(index, &Turn { at, pays: Some(pays) });
            }
        }
        self.step(at, true);
    }

    /// Notes a step where the rounded sum is another than before.
    fn step(&mut self, at: Timestamp, fx: bool) {
        let mrr = self.total.rounded().clamp(0, MRR_MAX);
        if mrr != self.steps.last().map_or(0, |step| step.mrr) {
            self.steps.push(Step { at, mrr, fx, old_customer: self.old_customers > 0 });
        }
    }
}
