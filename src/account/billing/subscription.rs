//! One subscription: its snapshots, what it pays through time, and its phase at an instant.

use serde::{Deserialize, Serialize};

use super::packed::Packed;
use super::snapshot::Snapshot;
use crate::event::SubscriptionStatus;
use crate::money::{ChurnAt, Exact, Policy};
use crate::time::{DAY_MS, Timestamp};

/// Snapshots kept per subscription that changed neither MRR nor status.
pub(super) const MAX_UNCHANGED: usize = 64;
/// Snapshots kept per subscription that changed either: more than one a day for a year.
pub(super) const MAX_CHANGES: usize = 400;
/// Snapshots kept per subscription though an earlier one outranks them; beyond that, the oldest is dropped.
pub(super) const MAX_OUTRANKED: usize = 6;

/// A subscription with every snapshot that was ever in force.
///
/// The snapshot in force at t is the greatest one at or before t. A snapshot that is not greater than all earlier ones is therefore never
/// in force, and the remaining ones ascend both in time and in rank: each is in force until the next. This set does not depend on the order
/// or repetition in which snapshots arrive.
///
/// A deletion of the account that is read after records of its next life forgets the earlier snapshots. So those that only earlier ones
/// outrank are kept apart; where versions ascend with time, there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription<'a> {
    /// How many snapshots change MRR or status compared to the previous one.
    changes: usize,
    #[serde(borrow, with = "newest_first")]
    snapshots: Vec<Snapshot<'a>>,
    /// In order of time; of those at one instant, the greatest.
    #[serde(skip)]
    outranked: Vec<Snapshot<'a>>,
}

/// What became of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// A duplicate, or never in force whatever is forgotten.
    Unchanged,
    /// Kept.
    Kept,
    /// Kept, and another one was dropped because of a limit.
    Trimmed,
}

/// A change of price: from this instant, the subscription pays according to one of its snapshots, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PriceChange {
    pub at: Timestamp,
    pub pays: Option<Charge>,
}

/// What is paid: the prices of a snapshot, by index, less the discounts in force at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    pub snapshot: usize,
    pub discounts_of: Timestamp,
}

/// The phase of a subscription at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscriptionPhase {
    /// Its prices count; `dunning` while payment is overdue.
    Counted { dunning: bool },
    /// A running trial.
    Trialing,
    /// A trial that ended without a newer snapshot.
    Lapsed,
    /// Cancelled or expired.
    Ended,
    /// Does not count but has not ended: unpaid, paused, incomplete, or past its dunning period.
    Dormant,
}

impl<'a> Subscription<'a> {
    /// The snapshots that were ever in force, ascending; each is in force until the next.
    pub fn snapshots(&self) -> &[Snapshot<'a>] {
        &self.snapshots
    }

    /// Whether it can only be stored in version 2.
    pub fn needs_v2(&self) -> bool {
        self.snapshots.iter().any(Snapshot::needs_v2)
    }

    /// Adds a snapshot.
    pub fn insert(&mut self, snapshot: Snapshot<'a>) -> Inserted {
        let position = self.snapshots.partition_point(|known| known.occurred_at < snapshot.occurred_at);
        let at_once = self.snapshots.get(position).filter(|known| known.occurred_at == snapshot.occurred_at);
        if at_once.is_some_and(|known| *known >= snapshot || repeats(known.id, snapshot.id)) {
            return Inserted::Unchanged;
        }
        let before = position.checked_sub(1).and_then(|last| self.snapshots.get(last));
        if before.is_some_and(|known| *known > snapshot) {
            return self.set_aside(snapshot);
        }
        if let Ok(place) = self.outranked_at(snapshot.occurred_at) {
            if self.outranked.get(place).is_some_and(|known| repeats(known.id, snapshot.id)) {
                return Inserted::Unchanged;
            }
            self.outranked.remove(place);
        }
        let at = snapshot.occurred_at;
        let lower = self.snapshots.iter().skip(position).take_while(|known| **known < snapshot).count();
        let replaced: Vec<_> = self.snapshots.splice(position..position + lower, [snapshot]).collect();
        let later = replaced.into_iter().filter(|known| known.occurred_at > at);
        let dropped = later.map(|known| self.set_aside(known)).filter(|what| *what == Inserted::Trimmed).count() > 0;
        let mut inserted = if dropped { Inserted::Trimmed } else { Inserted::Kept };
        loop {
            self.changes = self.change_flags().filter(|changes| *changes).count();
            let Some(position) = self.over_limit() else { return inserted };
            self.snapshots.remove(position);
            inserted = Inserted::Trimmed;
        }
    }

    /// Keeps a snapshot that an earlier one outranks.
    fn set_aside(&mut self, snapshot: Snapshot<'a>) -> Inserted {
        match self.outranked_at(snapshot.occurred_at) {
            Ok(place) => match self.outranked.get_mut(place) {
                Some(known) if *known < snapshot && !repeats(known.id, snapshot.id) => *known = snapshot,
                _ => return Inserted::Unchanged,
            },
            Err(place) => self.outranked.insert(place, snapshot),
        }
        if self.outranked.len() <= MAX_OUTRANKED {
            return Inserted::Kept;
        }
        self.outranked.remove(0);
        Inserted::Trimmed
    }

    fn outranked_at(&self, instant: Timestamp) -> Result<usize, usize> {
        self.outranked.binary_search_by_key(&instant, |snapshot| snapshot.occurred_at)
    }

    /// For each snapshot but the first, whether it changes MRR or status compared to the previous one.
    fn change_flags(&self) -> impl Iterator<Item = bool> {
        self.snapshots.iter().zip(self.snapshots.iter().skip(1)).map(|(before, after)| after.changes_mrr_or_status(before))
    }

    /// The position of the snapshot to drop: the oldest of the kind whose limit is exceeded. The first snapshot always stays: it shows what
    /// the account was like when it was first seen.
    fn over_limit(&self) -> Option<usize> {
        let kind = passed_limit(self.snapshots.len(), self.changes)?;
        Some(self.change_flags().position(|changes| changes == kind)? + 1)
    }

    /// The subscription without its snapshots up to an instant; `None` if none is left.
    pub fn after(mut self, instant: Timestamp) -> Option<Self> {
        self.snapshots.retain(|snapshot| snapshot.occurred_at > instant);
        self.changes = self.change_flags().filter(|changes| *changes).count();
        for snapshot in std::mem::take(&mut self.outranked).into_iter().filter(|snapshot| snapshot.occurred_at > instant) {
            self.insert(snapshot);
        }
        (!self.snapshots.is_empty()).then_some(self)
    }

    /// The time of its oldest snapshot.
    pub fn oldest_at(&self) -> Option<Timestamp> {
        self.snapshots.first().map(|snapshot| snapshot.occurred_at)
    }

    /// The time of its newest snapshot.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.snapshots.last().map(|snapshot| snapshot.occurred_at)
    }

    /// The position of the snapshot in force at t.
    pub fn position_at(&self, t: Timestamp) -> Option<usize> {
        self.snapshots.partition_point(|snapshot| snapshot.occurred_at <= t).checked_sub(1)
    }

    /// The snapshot in force at t.
    pub fn at(&self, t: Timestamp) -> Option<&Snapshot<'a>> {
        self.snapshots.get(self.position_at(t)?)
    }

    /// All price changes, those made by snapshots and those that time alone makes.
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

    /// MRR at t in minor units of the reporting currency, unrounded.
    pub fn mrr_at(&self, t: Timestamp, policy: &Policy) -> Exact {
        let pays = self.price_changes(policy).into_iter().take_while(|change| change.at <= t).last().and_then(|change| change.pays);
        pays.map_or(Exact::ZERO, |charge| self.value(charge, policy, t))
    }

    /// The value of a charge, at the rates of an instant.
    pub fn value(&self, charge: Charge, policy: &Policy, at: Timestamp) -> Exact {
        self.snapshots.get(charge.snapshot).map_or(Exact::ZERO, |snapshot| snapshot.mrr(charge.discounts_of, policy, at))
    }

    /// Its phase at t; `None` before its first snapshot.
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

    /// The time of the first snapshot in the unbroken `past_due` run that contains a position.
    fn past_due_since(&self, position: usize) -> Timestamp {
        let held = self.snapshots.iter().take(position + 1);
        held.fold(None, past_due_run).unwrap_or(Timestamp::MIN)
    }

    /// Whether it already existed when it was first seen: it started more than 24 h before its first snapshot.
    pub fn began_before_first_seen(&self) -> bool {
        let first = self.snapshots.first();
        first.is_some_and(|first| first.started_at.is_some_and(|began| first.occurred_at.since(began) > DAY_MS))
    }
}

/// The kind of snapshots that exceeds its limit: `Some(true)` for those that change MRR or status, `Some(false)` for the others.
pub(super) const fn passed_limit(snapshots: usize, changes: usize) -> Option<bool> {
    if changes > MAX_CHANGES {
        Some(true)
    } else if snapshots - 1 - changes > MAX_UNCHANGED {
        Some(false)
    } else {
        None
    }
}

/// Packed snapshots start with the newest, so one more can be put in front without decoding the others: see [`super::append`].
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

impl<'a> Packed<'a> for Subscription<'a> {
    type Outranked = Snapshot<'a>;

    fn outranked(&self) -> &[Snapshot<'a>] {
        &self.outranked
    }

    fn set_outranked(&mut self, outranked: Vec<Snapshot<'a>>) {
        self.outranked = outranked;
    }
}

/// Whether a fact at the same instant is a duplicate: an id identifies one event, whatever else it contains. Facts without ids cannot be
/// distinguished; their content decides their order.
pub(super) fn repeats(known_id: &str, id: &str) -> bool {
    !id.is_empty() && known_id == id
}

/// The start of the unbroken `past_due` run after one more snapshot.
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

    /// MRR after several snapshots at one instant, by id and amount.
    fn mrr_after(facts: &[(&str, i64)]) -> i64 {
        let mut account = TestAccount::default();
        for (id, minor) in facts {
            account.apply(day(1), Some(id), &BillingEvent::Subscription(Box::new(monthly("a", *minor))));
        }
        account.mrr(day(1))
    }

    #[test]
    fn of_two_at_one_instant_the_greater_id_is_in_force() {
        assert_eq!(mrr_after(&[("evt_9", 1), ("evt_8", 2)]), 1);
        assert_eq!(mrr_after(&[("evt_8", 2), ("evt_9", 1)]), 1);
    }

    #[test]
    fn a_duplicate_event_changes_nothing_whatever_it_contains() {
        assert_eq!(mrr_after(&[("evt_1", 1), ("evt_1", 2)]), 1);
        assert_eq!(mrr_after(&[("evt_1", 2), ("evt_1", 1)]), 2);
    }

    #[test]
    fn without_ids_the_content_decides_and_not_the_order_of_arrival() {
        assert_eq!(mrr_after(&[("", 1), ("", 2)]), mrr_after(&[("", 2), ("", 1)]));
    }

    #[test]
    fn beyond_the_limit_the_oldest_snapshot_without_a_change_is_dropped() {
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
    fn the_first_snapshot_is_never_dropped() {
        let mut account = TestAccount::default();
        for number in 0..500 {
            account.snapshot(day(number), monthly("a", 100 + number));
        }
        let days = kept(&account);
        assert_eq!(days.len(), 1 + MAX_CHANGES);
        assert_eq!(days[..2], [(day(0), 100), (day(100), 200)]);
    }

    #[test]
    fn beyond_the_limit_the_longest_idle_subscription_is_dropped() {
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
