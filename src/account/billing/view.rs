//! A subscription at an instant, for people who look at an account.

use super::ledger::Ledger;
use super::subscription::{Subscription, SubscriptionPhase};
use crate::time::Timestamp;

/// A subscription at an instant t, under a money policy. All facts were known at t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionView<'a> {
    /// `paying`, `past_due`, `trial`, `lapsed_trial`, `ended`, or `dormant` (unpaid, paused, incomplete, or past its dunning period).
    pub state: &'static str,
    /// MRR in minor units of the reporting currency. Each is rounded, so their sum may differ from the account's by a few units.
    pub mrr: i64,
    /// Units of its licensed recurring items.
    pub seats: u64,
    /// When it started, or else when it was first seen.
    pub since: Timestamp,
    /// When the present term or trial ends; `None` once it has.
    pub term_end: Option<Timestamp>,
    /// When it ended, or when a scheduled cancellation ends it.
    pub ends_at: Option<Timestamp>,
    /// The reason given for its end or its cancellation.
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
        let phase = subscription.phase(t, self.policy)?;
        let (has_ended, is_trial) = (phase == SubscriptionPhase::Ended, phase == SubscriptionPhase::Trialing);
        let term_end = snapshot.trial_end.filter(|_| is_trial).unwrap_or(snapshot.term().end);
        // A snapshot that says so itself may still carry a cancellation that was scheduled for later.
        let said_at = snapshot.occurred_at;
        let ends_at = if has_ended {
            Some(snapshot.cancelled_at().map_or(said_at, |due| if due <= t { due } else { said_at }))
        } else {
            snapshot.cancelled_at()
        };
        let known = subscription.snapshots().iter().take_while(|snapshot| snapshot.occurred_at <= t);
        Some(SubscriptionView {
            state: name(phase),
            mrr: subscription.mrr_at(t, self.policy).rounded(),
            seats: snapshot.quantity,
            since: snapshot.started_at.or(subscription.oldest_at())?,
            term_end: Some(term_end).filter(|end| *end > t && !has_ended),
            ends_at,
            // One that was given before a cancellation was withdrawn explains nothing.
            reason: if has_ended {
                known.filter_map(|snapshot| snapshot.reason).last()
            } else {
                snapshot.reason.filter(|_| ends_at.is_some())
            },
        })
    }
}

const fn name(phase: SubscriptionPhase) -> &'static str {
    match phase {
        SubscriptionPhase::Counted { dunning: false } => "paying",
        SubscriptionPhase::Counted { dunning: true } => "past_due",
        SubscriptionPhase::Trialing => "trial",
        SubscriptionPhase::Lapsed => "lapsed_trial",
        SubscriptionPhase::Ended => "ended",
        SubscriptionPhase::Dormant => "dormant",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TestAccount, day, monthly, with_status};
    use crate::event::{SubscriptionSnapshot, SubscriptionStatus};

    #[test]
    fn each_subscription_has_its_state_its_share_of_mrr_and_its_next_date() {
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
                .map(|view| (view.state, view.mrr, view.since, view.term_end, view.ends_at))
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
        assert_eq!((ledger.subscriptions_at(day(4))[1].reason, ledger.subscriptions_at(day(4))[1].ends_at), (None, None));
        assert_eq!(
            seen(day(40)),
            [("dormant", 0, day(-40), None, None), ("ended", 0, day(1), None, Some(day(30))), ("lapsed_trial", 0, day(3), None, None)]
        );
        assert!(seen(day(0)).is_empty());
    }

    #[test]
    fn a_withdrawn_cancellation_leaves_neither_date_nor_reason_and_an_ended_one_has_the_day_it_ended() {
        let mut account = TestAccount::default();
        let because = |snapshot| SubscriptionSnapshot { reason: Some("price".into()), ..snapshot };
        account.snapshot(day(1), because(SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("a", 4_900) }));
        account.snapshot(day(2), monthly("a", 4_900));
        let at = |account: &TestAccount, t| {
            let ledger = account.ledger();
            let view = ledger.subscriptions_at(t)[0];
            (view.state, view.ends_at, view.reason.map(str::to_owned))
        };
        assert_eq!(at(&account, day(3)), ("paying", None, None));
        account.snapshot(day(5), because(with_status("a", 4_900, SubscriptionStatus::Canceled)));
        assert_eq!(at(&account, day(6)), ("ended", Some(day(5)), Some("price".to_owned())));
        account
            .snapshot(day(7), SubscriptionSnapshot { cancel_at_period_end: true, ..with_status("a", 4_900, SubscriptionStatus::Canceled) });
        assert_eq!(at(&account, day(8)).1, Some(day(7)), "not the end of the period, which is still to come");
    }
}
