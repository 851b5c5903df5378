//! What ended in a period (from, to]: terms, renewed or not, and trials, converted or not.

use super::ledger::Ledger;
use super::subscription::Subscription;
use crate::event::SubscriptionStatus;
use crate::money::Policy;
use crate::time::{DAY_MS, Timestamp};

/// Terms that ended while they were paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How many ended.
    pub ended: u64,
    /// How many of them were still paid 24 h later, or at the end of the period.
    pub renewed: u64,
}

/// Terms that ended, by length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewals {
    /// At least [`super::LONG_TERM_DAYS`] long.
    pub long: Terms,
    /// Shorter ones.
    pub short: Terms,
}

/// Trials that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// How many ended or converted.
    pub ended: u64,
    /// How many of them converted: the first snapshot after the trial is active or past due.
    pub converted: u64,
}

impl Ledger<'_> {
    /// Terms that ended in (from, to] and were paid until just before their end.
    #[must_use]
    pub fn renewals(&self, from: Timestamp, to: Timestamp) -> Renewals {
        let mut renewals = Renewals::default();
        for subscription in &self.subscriptions {
            add_renewals(subscription, (from, to), self.policy, &mut renewals);
        }
        renewals
    }

    /// Trials that ended or converted in (from, to], as known at `to`.
    #[must_use]
    pub fn trials(&self, from: Timestamp, to: Timestamp) -> Trials {
        let mut trials = Trials::default();
        for (ended_at, converted) in self.subscriptions.iter().flat_map(|subscription| trial_ends(subscription, to)) {
            if from < ended_at && ended_at <= to {
                trials.ended += 1;
                trials.converted += u64::from(converted);
            }
        }
        trials
    }
}

fn add_renewals(subscription: &Subscription<'_>, (from, to): (Timestamp, Timestamp), policy: &Policy, renewals: &mut Renewals) {
    for (position, snapshot) in subscription.snapshots().iter().enumerate() {
        let term = snapshot.term();
        let just_before = Timestamp(term.end.0 - 1);
        let ended = from < term.end && term.end <= to && subscription.position_at(just_before) == Some(position);
        if !ended || !subscription.mrr_at(just_before, policy).is_positive() {
            continue;
        }
        let terms = if term.is_long() { &mut renewals.long } else { &mut renewals.short };
        terms.ended += 1;
        terms.renewed += u64::from(subscription.mrr_at(to.min(term.end.plus(DAY_MS)), policy).is_positive());
    }
}

/// When each trial of a subscription ended by `to`, and whether it converted. A trial is an unbroken run of trialing snapshots.
fn trial_ends(subscription: &Subscription<'_>, to: Timestamp) -> Vec<(Timestamp, bool)> {
    let known = subscription.snapshots().iter().take_while(|snapshot| snapshot.occurred_at <= to);
    let mut ends = Vec::new();
    let mut trial = None;
    for snapshot in known {
        if snapshot.status == SubscriptionStatus::Trialing {
            trial = Some(snapshot);
            continue;
        }
        let Some(trial) = trial.take() else { continue };
        let converted = matches!(snapshot.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue);
        // A trial that was abandoned after it lapsed ended when it lapsed; one that converts late ends when it converts.
        let lapsed = trial.lapses_at().filter(|_| !converted).map(|end| end.max(trial.occurred_at));
        ends.push((lapsed.map_or(snapshot.occurred_at, |end| end.min(snapshot.occurred_at)), converted));
    }
    let lapsed = trial.and_then(|trial| Some(trial.lapses_at()?.max(trial.occurred_at)));
    ends.extend(lapsed.filter(|end| *end <= to).map(|end| (end, false)));
    ends
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TestAccount, day, monthly, with_status};
    use super::*;
    use crate::event::SubscriptionSnapshot;
    use crate::time::HOUR_MS;

    fn term(start: i64, end: i64) -> SubscriptionSnapshot<'static> {
        SubscriptionSnapshot { current_period_start: day(start), current_period_end: day(end), ..monthly("a", 4_900) }
    }

    fn trialing(ends: i64) -> SubscriptionSnapshot<'static> {
        SubscriptionSnapshot { trial_end: Some(day(ends)), ..with_status("a", 4_900, SubscriptionStatus::Trialing) }
    }

    #[test]
    fn a_term_is_renewed_when_its_subscription_pays_a_day_later() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), term(0, 365));
        account.snapshot(day(365).plus(HOUR_MS), term(365, 730));
        let renewals = |from, to| account.ledger().renewals(from, to);
        let renewed = Terms { ended: 1, renewed: 1 };
        assert_eq!(renewals(day(360), day(380)), Renewals { long: renewed, short: Terms::default() });
        assert_eq!(renewals(day(364), day(365)).long, renewed);
        assert_eq!(renewals(day(365), day(400)), Renewals::default());
    }

    #[test]
    fn a_term_that_is_cancelled_ends_without_renewal() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), SubscriptionSnapshot { cancel_at_period_end: true, ..term(0, 180) });
        assert_eq!(account.ledger().renewals(day(170), day(190)).long, Terms { ended: 1, renewed: 0 });
        account.snapshot(day(180).plus(HOUR_MS), term(180, 360));
        assert_eq!(account.ledger().renewals(day(170), day(190)).long, Terms { ended: 1, renewed: 1 });
        assert_eq!(account.ledger().renewals(day(170), day(180)).long, Terms { ended: 1, renewed: 0 }); // not yet known at day 180
    }

    #[test]
    fn terms_that_were_replaced_or_unpaid_before_their_end_do_not_count() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), term(0, 30));
        account.snapshot(day(20), term(20, 50));
        account.snapshot(day(40), SubscriptionSnapshot { status: SubscriptionStatus::Unpaid, ..term(20, 50) });
        assert_eq!(account.ledger().renewals(day(0), day(100)), Renewals::default());
    }

    #[test]
    fn a_contract_is_a_term_from_the_start_of_the_subscription() {
        let mut account = TestAccount::default();
        let contract = SubscriptionSnapshot { started_at: Some(day(-150)), term_end: Some(day(40)), ..term(0, 30) };
        account.snapshot(day(0), contract);
        let renewals = account.ledger().renewals(day(0), day(100));
        assert_eq!(renewals, Renewals { long: Terms { ended: 1, renewed: 1 }, short: Terms::default() });
        account.snapshot(day(1), SubscriptionSnapshot { started_at: None, term_end: Some(day(40)), ..term(0, 30) });
        let renewals = account.ledger().renewals(day(0), day(100));
        assert_eq!(renewals, Renewals { long: Terms::default(), short: Terms { ended: 1, renewed: 1 } });
    }

    #[test]
    fn a_trial_converts_with_the_first_snapshot_that_pays() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), trialing(14));
        account.snapshot(day(14), monthly("a", 4_900));
        account.snapshot(day(0), SubscriptionSnapshot { subscription_id: "b".into(), ..trialing(14) });
        account.snapshot(day(3), with_status("b", 4_900, SubscriptionStatus::Canceled));
        account.snapshot(day(0), SubscriptionSnapshot { subscription_id: "c".into(), ..trialing(14) });
        let trials = |from, to| account.ledger().trials(from, to);
        assert_eq!(trials(day(0), day(28)), Trials { ended: 3, converted: 1 });
        assert_eq!(trials(day(0), day(3)), Trials { ended: 1, converted: 0 });
        assert_eq!(trials(day(3), day(14).plus(-1)), Trials::default());
    }

    #[test]
    fn a_late_conversion_counts_when_it_happens() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), trialing(14));
        account.snapshot(day(15), monthly("a", 4_900));
        let trials = |from, to| account.ledger().trials(from, to);
        assert_eq!(trials(day(0), day(14)), Trials { ended: 1, converted: 0 }); // as known then
        assert_eq!(trials(day(14), day(28)), Trials { ended: 1, converted: 1 });
        assert_eq!(trials(day(0), day(28)), Trials { ended: 1, converted: 1 });
    }

    #[test]
    fn a_trial_abandoned_after_it_lapsed_ended_when_it_lapsed() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), trialing(14));
        account.snapshot(day(20), with_status("a", 4_900, SubscriptionStatus::Canceled));
        assert_eq!(account.ledger().trials(day(0), day(14)), Trials { ended: 1, converted: 0 });
        assert_eq!(account.ledger().trials(day(14), day(28)), Trials::default());
    }
}
