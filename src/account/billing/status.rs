//! The billing status of an account at an instant, for its stage, its next renewal and its seats.

use super::ledger::Ledger;
use super::snapshot::{Snapshot, Term};
use super::subscription::{Subscription, SubscriptionPhase};
use crate::event::SubscriptionStatus;
use crate::time::{DAY_MS, Timestamp};

/// Terms at least this long, in days, count as renewals; shorter ones are counted separately.
pub const LONG_TERM_DAYS: i64 = 180;

/// The billing status, as `account.stage` needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// MRR in minor units of the reporting currency.
    pub mrr: i64,
    /// Whether it has churned: MRR is 0, no subscription counts or is trialing, and the account has paid before or has an ended
    /// subscription or a lapsed trial.
    pub churned: bool,
    /// Whether a counted subscription is overdue.
    pub in_dunning: bool,
    /// Whether a trial is running.
    pub trialing: bool,
    /// The next end after t of a term of at least [`LONG_TERM_DAYS`] of a counted subscription. Trials have nothing to renew.
    pub long_term_ends_at: Option<Timestamp>,
}

impl Status {
    /// Whether a long term ends within this many days.
    #[must_use]
    pub fn is_renewing(&self, t: Timestamp, days: i64) -> bool {
        self.long_term_ends_at.is_some_and(|end| end.since(t) <= days.saturating_mul(DAY_MS))
    }
}

impl Term {
    /// Whether it is at least [`LONG_TERM_DAYS`] long.
    pub fn is_long(self) -> bool {
        self.end.since(self.start) >= LONG_TERM_DAYS * DAY_MS
    }
}

impl Ledger<'_> {
    /// The billing status at t.
    #[must_use]
    pub fn status(&self, t: Timestamp) -> Status {
        let mut status = Status { mrr: self.mrr_at(t), ..Status::default() };
        let mut counted = false;
        let mut was_customer = self.has_paid_by(t);
        for phase in self.subscriptions.iter().filter_map(|subscription| subscription.phase(t, self.policy)) {
            match phase {
                SubscriptionPhase::Counted { dunning } => {
                    counted = true;
                    status.in_dunning |= dunning;
                }
                SubscriptionPhase::Trialing => status.trialing = true,
                SubscriptionPhase::Lapsed | SubscriptionPhase::Ended => was_customer = true,
                SubscriptionPhase::Dormant => {}
            }
        }
        status.churned = was_customer && status.mrr == 0 && !counted && !status.trialing;
        let counted_terms = self.running_terms(t, |phase| matches!(phase, SubscriptionPhase::Counted { .. }));
        status.long_term_ends_at = counted_terms.filter(|term| term.is_long()).map(|term| term.end).min();
        status
    }

    /// Licensed seats: units of the licensed recurring items of subscriptions that are active, past due or trialing; 0 if there are none.
    #[must_use]
    pub fn licensed_quantity(&self, t: Timestamp) -> u64 {
        let in_use = [SubscriptionStatus::Active, SubscriptionStatus::PastDue, SubscriptionStatus::Trialing];
        let seated = self.in_force(t).filter(|snapshot| in_use.contains(&snapshot.status));
        seated.fold(0, |sum, snapshot| sum.saturating_add(snapshot.quantity))
    }

    /// Whether a snapshot in force schedules a cancellation after t.
    #[must_use]
    pub fn is_cancel_scheduled(&self, t: Timestamp) -> bool {
        self.in_force(t).any(|snapshot| snapshot.cancelled_at().is_some_and(|end| t < end))
    }

    /// The next term end after t of a counted or trialing subscription.
    #[must_use]
    pub fn next_term_end(&self, t: Timestamp) -> Option<Timestamp> {
        self.running_terms(t, |phase| matches!(phase, SubscriptionPhase::Counted { .. } | SubscriptionPhase::Trialing))
            .map(|term| term.end)
            .min()
    }

    /// The newest reason given by a snapshot at or before t, by time and id.
    #[must_use]
    pub fn newest_reason(&self, t: Timestamp) -> Option<&str> {
        let snapshots = self.subscriptions.iter().flat_map(Subscription::snapshots);
        let given = snapshots.filter(|snapshot| snapshot.occurred_at <= t).filter_map(|s| Some((s.occurred_at, s.id, s.reason?)));
        given.max().map(|(_, _, reason)| reason)
    }

    fn in_force(&self, t: Timestamp) -> impl Iterator<Item = &Snapshot<'_>> {
        self.subscriptions.iter().filter_map(move |subscription| subscription.at(t))
    }

    /// Terms that end after t, of the subscriptions in the wanted phases.
    fn running_terms(&self, t: Timestamp, wanted: fn(SubscriptionPhase) -> bool) -> impl Iterator<Item = Term> {
        let running = self.subscriptions.iter().filter(move |subscription| subscription.phase(t, self.policy).is_some_and(wanted));
        running.filter_map(move |subscription| subscription.at(t)).map(Snapshot::term).filter(move |term| term.end > t)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TestAccount, day, monthly, with_status};
    use super::*;
    use crate::event::SubscriptionSnapshot;
    use crate::money::ChurnAt;

    fn status(t: Timestamp, at: Timestamp, snapshot: SubscriptionSnapshot<'_>) -> Status {
        let mut account = TestAccount::default();
        account.snapshot(at, snapshot);
        account.ledger().status(t)
    }

    fn trial(ends: i64) -> SubscriptionSnapshot<'static> {
        SubscriptionSnapshot { trial_end: Some(day(ends)), ..with_status("a", 4_900, SubscriptionStatus::Trialing) }
    }

    #[test]
    fn an_account_has_churned_when_all_its_subscriptions_have_ended() {
        assert!(status(day(9), day(1), with_status("a", 4_900, SubscriptionStatus::Canceled)).churned);
        assert!(status(day(9), day(1), with_status("a", 4_900, SubscriptionStatus::Expired)).churned);
        assert!(status(day(14), day(1), trial(14)).churned);
        assert!(!status(day(14).plus(-1), day(1), trial(14)).churned);
        assert!(status(day(30), day(1), SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("a", 4_900) }).churned);
        assert!(!status(day(9), day(1), with_status("a", 4_900, SubscriptionStatus::Incomplete)).churned);
        assert!(!status(day(9), day(1), monthly("a", 0)).churned); // a free plan counts
        assert!(status(day(40), day(1), with_status("a", 4_900, SubscriptionStatus::PastDue)).churned); // has paid
    }

    #[test]
    fn a_trial_next_to_an_ended_subscription_is_not_churn() {
        let mut account = TestAccount::default();
        account.snapshot(day(1), with_status("b", 4_900, SubscriptionStatus::Canceled));
        account.snapshot(day(1), trial(14));
        let status = account.ledger().status(day(5));
        assert!(!status.churned && status.trialing && status.mrr == 0);
    }

    #[test]
    fn dunning_lasts_until_it_ends() {
        let at = |t| status(t, day(1), with_status("a", 4_900, SubscriptionStatus::PastDue)).in_dunning;
        assert_eq!([at(day(1)), at(day(31).plus(-1)), at(day(31))], [true, true, false]);
    }

    #[test]
    fn a_long_term_that_ends_soon_is_renewing() {
        let yearly = |days| SubscriptionSnapshot { current_period_end: day(days), ..monthly("a", 4_900) };
        assert!(status(day(100), day(0), yearly(190)).is_renewing(day(100), 90));
        assert!(!status(day(100).plus(-1), day(0), yearly(190)).is_renewing(day(100).plus(-1), 90));
        assert!(!status(day(100), day(0), yearly(179)).is_renewing(day(100), 90)); // too short a term
        let by_contract = SubscriptionSnapshot { started_at: Some(day(-200)), term_end: Some(day(60)), ..monthly("a", 4_900) };
        assert_eq!(status(day(5), day(0), by_contract).long_term_ends_at, Some(day(60)));
    }

    #[test]
    fn the_term_of_a_trial_ends_but_is_never_renewed() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), SubscriptionSnapshot { current_period_end: day(40), ..monthly("a", 4_900) });
        let yearly = SubscriptionSnapshot { current_period_end: day(231), trial_end: Some(day(231)), ..trial(231) };
        account.snapshot(day(0), SubscriptionSnapshot { subscription_id: "addon".into(), ..yearly });
        let ledger = account.ledger();
        assert_eq!(ledger.status(day(200)).long_term_ends_at, None);
        assert_eq!(ledger.next_term_end(day(200)), Some(day(231)));
    }

    #[test]
    fn a_cancelled_subscription_stops_counting_at_its_cancellation_if_that_is_churn() {
        let mut account = TestAccount::default();
        account.settings.money.churn_at = ChurnAt::Cancellation;
        account.snapshot(day(1), SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("a", 4_900) });
        let ledger = account.ledger();
        assert!(ledger.status(day(2)).churned);
        assert_eq!(ledger.next_term_end(day(2)), None);
        assert!(ledger.is_cancel_scheduled(day(2)) && !ledger.is_cancel_scheduled(day(30)));
    }

    #[test]
    fn seats_are_units_of_licensed_recurring_items_in_use() {
        let mut account = TestAccount::default();
        let mut seats = monthly("a", 900);
        let mut more = seats.items[0].clone();
        seats.items[0].quantity = 12;
        more.quantity = 100;
        seats.items.push(crate::event::Item { metered: true, ..more.clone() });
        seats.items.push(crate::event::Item { interval: None, ..more });
        account.snapshot(day(1), seats);
        account.snapshot(day(1), SubscriptionSnapshot { subscription_id: "t".into(), ..trial(14) });
        account.snapshot(day(1), with_status("p", 900, SubscriptionStatus::PastDue));
        account.snapshot(day(1), with_status("x", 900, SubscriptionStatus::Paused));
        account.snapshot(day(1), SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("c", 900) });
        let at = |t| account.ledger().licensed_quantity(t);
        assert_eq!([at(day(0)), at(day(1)), at(day(30))], [0, 15, 15]);
    }
}
