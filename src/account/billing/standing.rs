//! Where an account stands at an instant by its subscriptions: what its stage, its renewals to come and its seats are made of.

use super::ledger::Ledger;
use super::snapshot::{Snapshot, Term};
use super::subscription::{Phase, Subscription};
use crate::event::SubscriptionStatus;
use crate::time::{DAY_MS, Timestamp};

/// Terms at least this long, in days, are renewed; shorter ones are counted apart.
pub const LONG_TERM_DAYS: i64 = 180;

/// What `account.stage` needs of billing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// MRR in minor units of the reporting currency.
    pub mrr: i64,
    /// Whether it is churned: MRR 0, nothing trialing or counted, and it has paid before or has an ended subscription or lapsed trial.
    pub churned: bool,
    /// Whether a counted subscription is overdue.
    pub in_dunning: bool,
    /// Whether a trial runs.
    pub trialing: bool,
    /// The nearest end after t of a term of at least [`LONG_TERM_DAYS`] of a counted or trialing subscription.
    pub long_term_ends_at: Option<Timestamp>,
}

impl Standing {
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
    /// Where the account stands at t.
    #[must_use]
    pub fn standing(&self, t: Timestamp) -> Standing {
        let mut standing = Standing { mrr: self.mrr_at(t), ..Standing::default() };
        let mut counted = false;
        let mut was_customer = self.has_paid_by(t);
        for phase in self.subscriptions.iter().filter_map(|subscription| subscription.phase(t, self.policy)) {
            match phase {
                Phase::Counted { dunning } => {
                    counted = true;
                    standing.in_dunning |= dunning;
                }
                Phase::Trialing => standing.trialing = true,
                Phase::Lapsed | Phase::Ended => was_customer = true,
                Phase::Dormant => {}
            }
        }
        standing.churned = was_customer && standing.mrr == 0 && !counted && !standing.trialing;
        standing.long_term_ends_at = self.running_terms(t).filter(|term| term.is_long()).map(|term| term.end).min();
        standing
    }

    /// Seats by subscription: the units of licensed recurring items of those whose status is active, past due or trialing, and that
    /// neither a scheduled cancellation nor the end of a trial has ended; 0 where there are none.
    #[must_use]
    pub fn licensed_quantity(&self, t: Timestamp) -> u64 {
        let seated = self.in_force(t).filter(|snapshot| match snapshot.status {
            SubscriptionStatus::Active | SubscriptionStatus::PastDue => !snapshot.has_ended_at(t),
            SubscriptionStatus::Trialing => snapshot.lapses_at().is_none_or(|end| end > t),
            _ => false,
        });
        seated.fold(0, |sum, snapshot| sum.saturating_add(snapshot.quantity))
    }

    /// Whether a snapshot in force says that it ends with a period that is not over.
    #[must_use]
    pub fn is_cancel_scheduled(&self, t: Timestamp) -> bool {
        self.in_force(t).any(|snapshot| snapshot.cancel_at_period_end && t < snapshot.period_end)
    }

    /// The nearest term end after t of a counted or trialing subscription.
    #[must_use]
    pub fn next_term_end(&self, t: Timestamp) -> Option<Timestamp> {
        self.running_terms(t).map(|term| term.end).min()
    }

    /// The newest reason that a snapshot of t or before gives, by time and id.
    #[must_use]
    pub fn newest_reason(&self, t: Timestamp) -> Option<&str> {
        let snapshots = self.subscriptions.iter().flat_map(Subscription::snapshots);
        let given = snapshots.filter(|snapshot| snapshot.occurred_at <= t).filter_map(|s| Some((s.occurred_at, s.id, s.reason?)));
        given.max().map(|(_, _, reason)| reason)
    }

    fn in_force(&self, t: Timestamp) -> impl Iterator<Item = &Snapshot<'_>> {
        self.subscriptions.iter().filter_map(move |subscription| subscription.at(t))
    }

    /// Terms of counted and trialing subscriptions that end after t.
    fn running_terms(&self, t: Timestamp) -> impl Iterator<Item = Term> {
        let running = self
            .subscriptions
            .iter()
            .filter(move |subscription| matches!(subscription.phase(t, self.policy), Some(Phase::Counted { .. } | Phase::Trialing)));
        running.filter_map(move |subscription| subscription.at(t)).map(Snapshot::term).filter(move |term| term.end > t)
    }
}
