//! Why an account was lost: the customer left, or the money did not come.

use super::ledger::Ledger;
use super::subscription::{Subscription, SubscriptionPhase};
use crate::event::SubscriptionStatus;
use crate::money::Policy;
use crate::time::Timestamp;

/// The reason by which a provider says that it gave up collecting.
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
    /// Why MRR went to 0 at an instant. Of several subscriptions that ended there, one that ended involuntarily decides.
    #[must_use]
    pub fn loss_kind(&self, at: Timestamp) -> LossKind {
        let involuntary = self.subscriptions.iter().any(|subscription| ended_involuntarily(subscription, at, self.policy));
        if involuntary { LossKind::Involuntary } else { LossKind::Voluntary }
    }
}

/// Whether a subscription stopped counting at an instant without the customer having asked for it by then.
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

    /// The kind of the last loss by day 200 of an account whose subscription takes these states.
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
    fn who_cancels_or_pauses_leaves_and_who_cannot_be_charged_does_not() {
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
    fn an_end_at_or_after_the_scheduled_one_is_the_customers() {
        assert_eq!(lost(&[(5, scheduled(Active, 20))]), (20, Voluntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 34))]), (34, Voluntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 35))]), (35, Voluntary)); // dunning ends then too
        assert_eq!(lost(&[(5, scheduled(PastDue, 36))]), (35, Involuntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 20)), (20, a(Unpaid))]), (20, Voluntary));
        assert_eq!(lost(&[(5, scheduled(PastDue, 20)), (19, a(Unpaid))]), (19, Involuntary));
        assert_eq!(lost(&[(5, a(PastDue)), (9, scheduled(Canceled, 9))]), (9, Voluntary)); // as the last snapshot says
        assert_eq!(lost(&[(5, scheduled(PastDue, 20)), (9, a(PastDue))]), (35, Involuntary)); // the schedule was withdrawn
    }

    #[test]
    fn what_counts_from_the_cancellation_on_is_the_customers_from_there() {
        let mut account = TestAccount::default();
        account.settings.money.churn_at = ChurnAt::Cancellation;
        account.snapshot(day(0), monthly("a", 5_000));
        account.snapshot(day(5), a(PastDue));
        account.snapshot(day(7), scheduled(PastDue, 90));
        assert_eq!(last_loss(&account), (7, Voluntary));
    }

    #[test]
    fn an_account_that_pays_nothing_for_what_it_still_has_left_by_itself() {
        assert_eq!(lost(&[(5, a(PastDue)), (9, with_status("a", 0, PastDue))]), (9, Voluntary));
    }

    #[test]
    fn the_subscription_that_ends_last_decides_and_of_several_one_that_was_not_paid() {
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
