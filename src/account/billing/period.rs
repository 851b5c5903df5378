//! What a period (from, to] saw end: terms, renewed or not, and trials, converted or not.

use super::ledger::Ledger;
use super::subscription::Subscription;
use crate::event::SubscriptionStatus;
use crate::money::Policy;
use crate::time::{DAY_MS, Timestamp};

/// Terms that ended while they paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How many ended.
    pub ended: u64,
    /// How many of them paid on, 24 h later or at the end of the period.
    pub renewed: u64,
}

/// Terms that ended, by length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewals {
    /// Of at least [`super::LONG_TERM_DAYS`].
    pub long: Terms,
    /// Shorter ones.
    pub short: Terms,
}

/// Trials that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// How many ended or converted.
    pub ended: u64,
    /// How many of them converted: the first snapshot that is no longer trialing is active or past due.
    pub converted: u64,
}

impl Ledger<'_> {
    /// Terms that ended in (from, to], paying just before.
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

/// When each trial of a subscription was over by `to`, and whether it converted. A trial is an unbroken run of trialing snapshots.
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
        // A trial that is given up after it lapsed was over when it lapsed; one that converts late converts then.
        let lapsed = trial.lapses_at().filter(|_| !converted).map(|end| end.max(trial.occurred_at));
        ends.push((lapsed.map_or(snapshot.occurred_at, |end| end.min(snapshot.occurred_at)), converted));
    }
    let lapsed = trial.and_then(|trial| Some(trial.lapses_at()?.max(trial.occurred_at)));
    ends.extend(lapsed.filter(|end| *end <= to).map(|end| (end, false)));
    ends
}
