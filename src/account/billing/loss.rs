//! Why an account was lost: it cancelled, or it did not pay.

use super::ledger::Ledger;
use super::subscription::{Subscription, SubscriptionPhase};
use crate::event::SubscriptionStatus;
use crate::money::Policy;
use crate::time::Timestamp;

/// The reason that providers give when they stop collecting.
const PAYMENT_FAILED: &str = "payment_failed";

/// Why MRR went to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// The customer cancelled, paused or moved to a free plan.
    Voluntary,
    /// A payment failed for good.
    Involuntary,
}

impl LossKind {
    /// Both, in the order of outputs.
    pub const ALL: [Self; 2] = [Self::Voluntary, Self::Involuntary];

    /// The label in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Voluntary => "voluntary",
            Self::Involuntary => "involuntary",
        }
    }
}

impl Ledger<'_> {
    /// Why MRR went to 0 at an instant. If several subscriptions ended then, one that ended involuntarily decides.
    #[must_use]
    pub fn loss_kind(&self, at: Timestamp) -> LossKind {
        let involuntary = self.subscriptions.iter().any(|subscription| ended_involuntarily(subscription, at, self.policy));
        if involuntary { LossKind::Involuntary } else { LossKind::Voluntary }
    }
}

/// Whether a subscription stopped counting at an instant that the customer had not asked for by then.
fn ended_involuntarily(subscription: &Subscription<'_>, at: Timestamp, policy: &Policy) -> bool {
    let just_before = at.plus(-1);
    let counted = |t| matches!(subscription.phase(t, policy), Some(SubscriptionPhase::Counted { .. }));
    if !counted(just_before) || counted(at) {
        return false;
    }
    let (Some(before), Some(after)) = (subscription.at(just_before), subscription.at(at)) else { return false };
    let scheduled = [before, after].into_iter().filter_map(|snapshot| snapshot.scheduled_end(policy)).any(|end| end <= at);
    let unpaid =
        before.status == SubscriptionStatus::PastDue || after.status == SubscriptionStatus::Unpaid || after.reason == Some(PAYMENT_FAILED);
    unpaid && !scheduled
}

#[cfg(test)]
mod tests {
    use SubscriptionStatus::{Active, Canceled, PastDue, Paused, Unpaid};

    use super::super::fixture::{TestAccount, day, monthly, with_status};
    use super::LossKind::{Involuntary, Voluntary};
    use super::*;
    use crate::event::SubscriptionSnapshot;
    use crate::money::ChurnAt;

    /// The day and kind of the last loss by day 200, for a subscription with these snapshots.
    fn lost(states: &[(i64, SubscriptionSnapshot<'static>)]) -> (i64, LossKind) {
        let mut account = TestAccount::default();
        account.snapshot(day(0), monthly("a", 5_000));
        for (at, state) in states {
            account.snapshot(day(*at), state.clone());
        }
        last_loss(&account)
    }

    fn last_loss(account: &TestAccount) -> (i64, LossKind) {
        let ledger = account.ledger();
        let at = ledger.last_loss(day(200)).unwrap();
        (at.0 / crate::time::DAY_MS, ledger.loss_kind(at))
    }

    fn a(status: SubscriptionStatus) -> SubscriptionSnapshot<'static> {
        with_status("a", 5_000, status)
    }

    fn scheduled(status: SubscriptionStatus, end: i64) -> SubscriptionSnapshot<'static> {
        SubscriptionSnapshot { cancel_at_period_end: true, current_period_end: day(end), ..a(status) }
    }

    fn because(status: SubscriptionStatus, reason: &'static str) -> SubscriptionSnapshot<'static> {
        SubscriptionSnapshot { reason: Some(reason.into()), ..a(status) }
    }

    #[test]
    fn cancelling_or_pausing_is_voluntary_and_failing_to_pay_is_not() {
        assert_eq!(lost(&[(5, a(Canceled))]), (5, Voluntary));
        assert_eq!(lost(&[(5, a(Paused))]), (5, Voluntary));
        assert_eq!(lost(&[(5, a(PastDue))]), (35, Involuntary));
        assert_eq!(lost(&[(5, a(PastDue)), (9, a(Canceled))]), (9, Involuntary));
        assert_eq!(lost(&[(5, a(PastDue)), (9, a(Active)), (20, a(Canceled))]), (20, Voluntary));
        assert_eq!(lost(&[(5, a(Unpaid))]), (5, Involuntary));
        assert_eq!(lost(&[(5, because(Canceled, "payment_failed"))]), (5, Involuntary));
        assert_eq!(lost(&[(5, because(Canceled, "Payment_failed"))]), (5, Voluntary));
        assert_eq!(lost(&[(5, because(Active, "payment_failed")), (6, a(Canceled))]), (6, Voluntary));
    }

    #[test]
    fn an_end_at_or_after_the_scheduled_one_is_voluntary() {
        assert_eq!(lost(&[(5, scheduled(Active, 20))]), (20, Voluntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 34))]), (34, Voluntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 35))]), (35, Voluntary)); // dunning ends then too
        assert_eq!(lost(&[(5, scheduled(PastDue, 36))]), (35, Involuntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 20)), (20, a(Unpaid))]), (20, Voluntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 20)), (19, a(Unpaid))]), (19, Involuntary));
        assert_eq!(lost(&[(5, a(PastDue)), (9, scheduled(Canceled, 9))]), (9, Voluntary)); // the last snapshot decides
        assert_eq!(lost(&[(5, scheduled(PastDue, 20)), (9, a(PastDue))]), (35, Involuntary)); // the schedule was withdrawn
    }

    #[test]
    fn churn_counted_from_the_cancellation_is_voluntary_from_then() {
        let mut account = TestAccount::default();
        account.settings.money.churn_at = ChurnAt::Cancellation;
        account.snapshot(day(0), monthly("a", 5_000));
        account.snapshot(day(5), a(PastDue));
        account.snapshot(day(7), scheduled(PastDue, 90));
        assert_eq!(last_loss(&account), (7, Voluntary));
    }

    #[test]
    fn moving_to_a_free_plan_is_voluntary() {
        assert_eq!(lost(&[(5, a(PastDue)), (9, with_status("a", 0, PastDue))]), (9, Voluntary));
    }

    #[test]
    fn the_last_subscription_to_end_decides_or_of_several_an_unpaid_one() {
        let both = |second: i64, first: SubscriptionSnapshot<'static>| {
            let mut account = TestAccount::default();
            account.snapshot(day(0), monthly("a", 5_000));
            account.snapshot(day(0), monthly("b", 300));
            account.snapshot(day(9), SubscriptionSnapshot { subscription_id: "b".into(), ..first });
            account.snapshot(day(second), a(Canceled));
            last_loss(&account)
        };
        assert_eq!(both(20, a(Unpaid)), (20, Voluntary));
        assert_eq!(both(9, a(Unpaid)), (9, Involuntary));
        assert_eq!(both(9, a(Paused)), (9, Voluntary));
    }
}
