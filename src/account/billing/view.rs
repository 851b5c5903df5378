//! A subscription at an instant, for people who look at an account.

use super::ledger::Ledger;
use super::subscription::{Subscription, SubscriptionPhase};
use crate::time::Timestamp;

/// A subscription at an instant t, under a money policy. All facts were known at t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionView<'a> {
    /// `paying`, `past_due`, `trial`, `lapsed_trial`, `ended`, or `dormant`: unpaid, paused, incomplete, or past its dunning period.
    pub state: &'static str,
    /// MRR in minor units of the reporting currency. Each is rounded, so their sum may differ from the account's by a few units.
    pub mrr: i64,
    /// Units of its licensed recurring items.
    pub seats: u64,
    /// When it started, or else when it was first seen.
    pub since: Timestamp,
    /// When the present term or trial ends; `None` once it has.
    pub term_end: Option<Timestamp>,
    /// When a cancellation takes effect, or took it.
    pub cancelled_at: Option<Timestamp>,
    /// The newest reason given.
    pub reason: Option<&'a str>,
}

impl Ledger<'_> {
    /// Every subscription first seen by t: those that pay most first, then by the time of their start.
    #[must_use]
    pub fn subscriptions_at(&self, t: Timestamp) -> Vec<SubscriptionView<'_>> {
        let mut views: Vec<_> = self.subscriptions.iter().filter_map(|subscription| self.view(subscription, t)).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.mrr), view.since));
        views
    }

    fn view<'s>(&self, subscription: &'s Subscription<'_>, t: Timestamp) -> Option<SubscriptionView<'s>> {
        let snapshot = subscription.at(t)?;
        let state = match subscription.phase(t, self.policy)? {
            SubscriptionPhase::Counted { dunning: false } => "paying",
            SubscriptionPhase::Counted { dunning: true } => "past_due",
            SubscriptionPhase::Trialing => "trial",
            SubscriptionPhase::Lapsed => "lapsed_trial",
            SubscriptionPhase::Ended => "ended",
            SubscriptionPhase::Dormant => "dormant",
        };
        let known = || subscription.snapshots().iter().take_while(|snapshot| snapshot.occurred_at <= t);
        let term_end = snapshot.trial_end.filter(|_| state == "trial").unwrap_or(snapshot.term().end);
        Some(SubscriptionView {
            state,
            mrr: subscription.mrr_at(t, self.policy).rounded(),
            seats: snapshot.quantity,
            since: snapshot.started_at.or(subscription.oldest_at())?,
            term_end: Some(term_end).filter(|end| *end > t && state != "ended"),
            cancelled_at: snapshot.cancelled_at(),
            reason: known().filter_map(|snapshot| snapshot.reason).last(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TestAccount, day, monthly, with_status};
    use crate::event::{SubscriptionSnapshot, SubscriptionStatus};

    #[test]
    fn each_subscription_tells_its_state_its_share_of_mrr_and_its_next_date() {
        let mut account = TestAccount::default();
        account.snapshot(day(1), monthly("a", 4_900));
        account
            .snapshot(day(2), SubscriptionSnapshot { started_at: Some(day(-40)), ..with_status("b", 9_900, SubscriptionStatus::PastDue) });
        account.snapshot(day(3), SubscriptionSnapshot { trial_end: Some(day(14)), ..with_status("c", 500, SubscriptionStatus::Trialing) });
        let cancelled = SubscriptionSnapshot { cancel_at_period_end: true, reason: Some("too expensive".into()), ..monthly("a", 4_900) };
        account.snapshot(day(5), cancelled);
        let ledger = account.ledger();
        let seen = |t| {
            ledger
                .subscriptions_at(t)
                .iter()
                .map(|view| (view.state, view.mrr, view.since, view.term_end, view.cancelled_at))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            seen(day(6)),
            [
                ("past_due", 9_900, day(-40), Some(day(30)), None),
                ("paying", 4_900, day(1), Some(day(30)), Some(day(30))),
                ("trial", 0, day(3), Some(day(14)), None),
            ]
        );
        assert_eq!(ledger.subscriptions_at(day(6))[1].reason, Some("too expensive"));
        assert_eq!((ledger.subscriptions_at(day(4))[1].reason, ledger.subscriptions_at(day(4))[1].cancelled_at), (None, None));
        assert_eq!(
            seen(day(40)),
            [("dormant", 0, day(-40), None, None), ("ended", 0, day(1), None, Some(day(30))), ("lapsed_trial", 0, day(3), None, None)]
        );
        assert!(seen(day(0)).is_empty());
    }
}
