//! One subscription: the snapshots that have been in force, what it pays through time, and its phase at an instant.

use serde::{Deserialize, Serialize};

use super::snapshot::Snapshot;
use crate::event::SubscriptionStatus;
use crate::money::{ChurnAt, Exact, Policy};
use crate::time::{DAY_MS, Timestamp};

/// Snapshots kept of a subscription that changed neither MRR nor status.
pub(super) const MAX_UNCHANGED: usize = 64;
/// Snapshots kept of a subscription that did: more than one a day for a year.
pub(super) const MAX_CHANGES: usize = 400;

/// A subscription with the snapshots that were ever in force.
///
/// The state at t is the greatest snapshot among those of t and before. So one that is not greater than every one before it never
/// holds, and what is left ascends both by time and in the order of snapshots: each holds until the next. That set is the same in
/// whatever order, and however often, snapshots arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription<'a> {
    /// How many snapshots change the course of the one before.
    changes: usize,
    #[serde(borrow, with = "newest_first")]
    snapshots: Vec<Snapshot<'a>>,
}

/// What became of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// Known, or never in force.
    Unchanged,
    /// Kept.
    Kept,
    /// Kept, and a limit made another one leave.
    Trimmed,
}

/// From an instant on a subscription pays what one of its snapshots says, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PriceChange {
    pub at: Timestamp,
    pub pays: Option<Charge>,
}

/// What is paid: the prices of a snapshot less the discounts in force at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    pub snapshot: usize,
    pub discounts_of: Timestamp,
}

/// What a subscription is at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscriptionPhase {
    /// Its prices count; `dunning` while payment is overdue.
    Counted { dunning: bool },
    /// A trial that runs.
    Trialing,
    /// A trial that ended without newer snapshot.
    Lapsed,
    /// Cancelled or expired.
    Ended,
    /// Counts nothing and is not over: unpaid, paused, incomplete, dunning that led to nothing.
    Dormant,
}

impl<'a> Subscription<'a> {
    /// Snapshots that were ever in force, ascending; each holds until the next.
    pub fn snapshots(&self) -> &[Snapshot<'a>] {
        &self.snapshots
    }

    /// Whether it holds what the first format of the state cannot.
    pub fn needs_v2(&self) -> bool {
        self.snapshots.iter().any(Snapshot::needs_v2)
    }

    /// Takes a snapshot in.
    pub fn insert(&mut self, snapshot: Snapshot<'a>) -> Inserted {
        let mut position = self.snapshots.partition_point(|known| known.occurred_at <= snapshot.occurred_at);
        if let Some(before) = position.checked_sub(1).and_then(|last| self.snapshots.get(last)) {
            let at_once = before.occurred_at == snapshot.occurred_at;
            if *before >= snapshot || (at_once && repeats(before.id, snapshot.id)) {
                return Inserted::Unchanged;
            }
            position -= usize::from(at_once);
        }
        let outranked = self.snapshots.iter().skip(position).take_while(|known| **known < snapshot).count();
        self.snapshots.splice(position..position + outranked, [snapshot]);
        let mut inserted = Inserted::Kept;
        loop {
            self.changes = self.change_flags().filter(|changes| *changes).count();
            let Some(position) = self.over_limit() else { return inserted };
            self.snapshots.remove(position);
            inserted = Inserted::Trimmed;
        }
    }

    /// Of each snapshot but the first, whether it changes the course of the one before.
    fn change_flags(&self) -> impl Iterator<Item = bool> {
        self.snapshots.iter().zip(self.snapshots.iter().skip(1)).map(|(before, after)| after.changes_mrr_or_status(before))
    }

    /// Which snapshot is to leave: the oldest of a kind whose limit is passed. The first one always stays: it says how the account
    /// was found.
    fn over_limit(&self) -> Option<usize> {
        let kind = passed_limit(self.snapshots.len(), self.changes)?;
        Some(self.change_flags().position(|changes| changes == kind)? + 1)
    }

    /// The time of its newest snapshot.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.snapshots.last().map(|snapshot| snapshot.occurred_at)
    }

    /// The state at t: the position of the snapshot in force.
    pub fn position_at(&self, t: Timestamp) -> Option<usize> {
        self.snapshots.partition_point(|snapshot| snapshot.occurred_at <= t).checked_sub(1)
    }

    /// The state at t.
    pub fn at(&self, t: Timestamp) -> Option<&Snapshot<'a>> {
        self.snapshots.get(self.position_at(t)?)
    }

    /// What it pays through time: snapshots, and what time alone changes.
    pub fn price_changes(&self, policy: &Policy) -> Vec<PriceChange> {
        let mut price_changes = Vec::with_capacity(self.snapshots.len() + 2);
        let mut past_due_since = None;
        let ends = self.snapshots.iter().skip(1).map(|next| Some(next.occurred_at)).chain([None]);
        for ((position, snapshot), end) in self.snapshots.iter().enumerate().zip(ends) {
            past_due_since = past_due_run(past_due_since, snapshot);
            let holds = |at: &Timestamp| *at > snapshot.occurred_at && end.is_none_or(|end| *at < end);
            let stop = snapshot.stops_at(past_due_since, policy);
            let from = |at| PriceChange { at, pays: Some(Charge { snapshot: position, discounts_of: at }) };
            if stop.is_some_and(|stop| stop <= snapshot.occurred_at) {
                price_changes.push(PriceChange { at: snapshot.occurred_at, pays: None });
                continue;
            }
            price_changes.push(from(snapshot.occurred_at));
            let ends = snapshot.discount_ends(policy).into_iter();
            price_changes.extend(ends.filter(|at| holds(at) && stop.is_none_or(|stop| *at < stop)).map(from));
            price_changes.extend(stop.filter(holds).map(|at| PriceChange { at, pays: None }));
        }
        price_changes
    }

    /// MRR at t in minor units of the reporting currency, not rounded.
    pub fn mrr_at(&self, t: Timestamp, policy: &Policy) -> Exact {
        let pays = self.price_changes(policy).into_iter().take_while(|change| change.at <= t).last().and_then(|change| change.pays);
        pays.map_or(Exact::ZERO, |charge| self.value(charge, policy, t))
    }

    /// What is paid, at the rates of an instant.
    pub fn value(&self, charge: Charge, policy: &Policy, at: Timestamp) -> Exact {
        self.snapshots.get(charge.snapshot).map_or(Exact::ZERO, |snapshot| snapshot.mrr(charge.discounts_of, policy, at))
    }

    /// What it is at t; `None` before its first snapshot.
    pub fn phase(&self, t: Timestamp, policy: &Policy) -> Option<SubscriptionPhase> {
        let position = self.position_at(t)?;
        let snapshot = self.snapshots.get(position)?;
        let phase = match snapshot.status {
            SubscriptionStatus::IncompleteExpired => SubscriptionPhase::Dormant,
            _ if snapshot.has_ended_at(t) => SubscriptionPhase::Ended,
            SubscriptionStatus::Canceled | SubscriptionStatus::Expired => SubscriptionPhase::Ended,
            SubscriptionStatus::Trialing if snapshot.lapses_at().is_some_and(|end| end <= t) => SubscriptionPhase::Lapsed,
            SubscriptionStatus::Trialing => SubscriptionPhase::Trialing,
            SubscriptionStatus::Unpaid | SubscriptionStatus::Paused | SubscriptionStatus::Incomplete => SubscriptionPhase::Dormant,
            _ if snapshot.cancelled_at().is_some() && policy.churn_at == ChurnAt::Cancellation => SubscriptionPhase::Ended,
            SubscriptionStatus::Active => SubscriptionPhase::Counted { dunning: false },
            SubscriptionStatus::PastDue if policy.dunning_end(self.past_due_since(position)) > t => {
                SubscriptionPhase::Counted { dunning: true }
            }
            SubscriptionStatus::PastDue => SubscriptionPhase::Dormant,
        };
        Some(phase)
    }

    /// The first snapshot of the unbroken `past_due` run that holds the snapshot at a position.
    fn past_due_since(&self, position: usize) -> Timestamp {
        let held = self.snapshots.iter().take(position + 1);
        held.fold(None, past_due_run).unwrap_or(Timestamp::MIN)
    }

    /// Whether it was old when it was first seen: begun more than 24 h before its first snapshot.
    pub fn began_before_first_seen(&self) -> bool {
        let first = self.snapshots.first();
        first.is_some_and(|first| first.started_at.is_some_and(|began| first.occurred_at.since(began) > DAY_MS))
    }
}

/// The kind of snapshots that there are too many of: those that change the course, or those that do not.
pub(super) const fn passed_limit(snapshots: usize, changes: usize) -> Option<bool> {
    if changes > MAX_CHANGES {
        Some(true)
    } else if snapshots - 1 - changes > MAX_UNCHANGED {
        Some(false)
    } else {
        None
    }
}

/// Packed snapshots begin with the newest, before which one more is put without a look at the others: see [`super::append`].
mod newest_first {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Snapshot;

    pub(super) fn serialize<S: Serializer>(snapshots: &[Snapshot<'_>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(snapshots.iter().rev())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Snapshot<'de>>, D::Error> {
        let mut snapshots = Vec::deserialize(deserializer)?;
        snapshots.reverse();
        Ok(snapshots)
    }
}

/// Whether a fact of the same instant is one that is known already: one id names one event, whatever else it holds. Without ids
/// facts cannot be distinguished, and their content orders them.
pub(super) fn repeats(known_id: &str, id: &str) -> bool {
    !id.is_empty() && known_id == id
}

/// The begin of the unbroken `past_due` run after one more snapshot.
fn past_due_run(since: Option<Timestamp>, snapshot: &Snapshot<'_>) -> Option<Timestamp> {
    match snapshot.status {
        SubscriptionStatus::PastDue => since.or(Some(snapshot.occurred_at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TestAccount, day, monthly, usd};
    use super::*;
    use crate::account::Limit;
    use crate::event::{BillingEvent, SubscriptionSnapshot};

    fn kept(account: &TestAccount) -> Vec<(Timestamp, i128)> {
        let ledger = account.ledger();
        let snapshots = ledger.subscriptions.iter().flat_map(Subscription::snapshots);
        snapshots.map(|snapshot| (snapshot.occurred_at, snapshot.prices[0].amount)).collect()
    }

    #[test]
    fn a_snapshot_that_is_never_in_force_is_not_kept() {
        let version = |minor, version| SubscriptionSnapshot { version: Some(version), ..monthly("a", minor) };
        let mut account = TestAccount::default();
        account.snapshot(day(9), version(2, 2));
        account.snapshot(day(5), version(3, 3));
        account.snapshot(day(7), version(1, 1));
        account.snapshot(day(1), version(1, 1));
        assert_eq!(kept(&account), [(day(1), 1), (day(5), 3)]);
    }

    /// MRR after snapshots of one instant, by id and amount.
    fn told_at_once(facts: &[(&str, i64)]) -> i64 {
        let mut account = TestAccount::default();
        for (id, minor) in facts {
            account.apply(day(1), Some(id), &BillingEvent::Subscription(Box::new(monthly("a", *minor))));
        }
        account.mrr(day(1))
    }

    #[test]
    fn of_two_at_one_instant_the_greater_id_holds() {
        assert_eq!(told_at_once(&[("evt_9", 1), ("evt_8", 2)]), 1);
        assert_eq!(told_at_once(&[("evt_8", 2), ("evt_9", 1)]), 1);
    }

    #[test]
    fn an_event_told_again_changes_nothing_whatever_it_holds() {
        assert_eq!(told_at_once(&[("evt_1", 1), ("evt_1", 2)]), 1);
        assert_eq!(told_at_once(&[("evt_1", 2), ("evt_1", 1)]), 2);
    }

    #[test]
    fn without_ids_the_content_decides_and_not_the_order() {
        assert_eq!(told_at_once(&[("", 1), ("", 2)]), told_at_once(&[("", 2), ("", 1)]));
    }

    #[test]
    fn beyond_the_limit_the_oldest_that_changed_nothing_leaves() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), monthly("a", 100));
        account.snapshot(day(1), monthly("a", 200));
        for number in 0..100 {
            account.snapshot(day(2 + number), SubscriptionSnapshot { current_period_end: day(40 + number), ..monthly("a", 200) });
        }
        let days = kept(&account);
        assert_eq!(days.len(), 2 + MAX_UNCHANGED);
        assert_eq!(days[..3], [(day(0), 100), (day(1), 200), (day(2 + 100 - 64), 200)]);
        assert_eq!(account.reached(Limit::Snapshots), 100 - 64);
    }

    #[test]
    fn of_those_that_changed_mrr_the_first_stays() {
        let mut account = TestAccount::default();
        for number in 0..500 {
            account.snapshot(day(number), monthly("a", 100 + number));
        }
        let days = kept(&account);
        assert_eq!(days.len(), 1 + MAX_CHANGES);
        assert_eq!(days[..2], [(day(0), 100), (day(100), 200)]);
    }

    #[test]
    fn of_too_many_subscriptions_the_longest_idle_leaves() {
        let mut account = TestAccount::default();
        account.settings.limits.subscriptions = 2;
        account.snapshot(day(3), monthly("a", 1));
        account.snapshot(day(1), monthly("b", 10));
        account.snapshot(day(2), monthly("c", 100));
        account.snapshot(day(0), monthly("d", 1_000));
        assert_eq!(account.mrr(day(4)), 101);
        assert_eq!(account.reached(Limit::Subscriptions), 2);
        assert_eq!(account.state.first_subscription_at(), Some(day(0)));
        account.paid(day(1), "in", "evt", usd(1));
        assert_eq!(account.state.first_record_at(), Some(day(0)));
    }
}
