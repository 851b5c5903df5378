//! The billing of an account, decoded once: its subscriptions and its MRR through time. All figures come from here.

use super::Billing;
use super::invoices::PaymentFailures;
use super::settled::PaidInvoices;
use super::subscription::Subscription;
use super::timeline::{FirstPayment, Movement, Timeline};
use crate::metric::{Metric, Metrics, MovementTotals, Value};
use crate::money::Policy;
use crate::time::{DAY_MS, Timestamp};

/// The billing of an account under a money policy. Its figures at an instant depend only on records up to that instant.
#[derive(Debug)]
pub struct Ledger<'a> {
    state: &'a Billing,
    pub(super) policy: &'a Policy,
    /// By hash of their ids.
    pub(super) subscriptions: Vec<Subscription<'a>>,
    timeline: Timeline,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(state: &'a Billing, policy: &'a Policy) -> Self {
        let subscriptions: Vec<Subscription<'a>> = state.subscriptions.iter().map(|(_, subscription)| subscription).collect();
        let timeline = Timeline::new(&subscriptions, policy);
        Self { state, policy, subscriptions, timeline }
    }

    /// MRR at t in minor units of the reporting currency; 0 before the first subscription record.
    #[must_use]
    pub fn mrr_at(&self, t: Timestamp) -> i64 {
        self.timeline.mrr_at(t)
    }

    /// Whether MRR was above 0 at or before t.
    #[must_use]
    pub fn has_paid_by(&self, t: Timestamp) -> bool {
        self.timeline.has_paid_by(t)
    }

    /// The first payment at or before t, as known at t.
    #[must_use]
    pub fn first_payment(&self, t: Timestamp) -> Option<FirstPayment> {
        self.timeline.first_payment(t)
    }

    /// The last change of MRR to 0 at or before t: when an account that is lost at t was lost.
    #[must_use]
    pub fn last_loss(&self, t: Timestamp) -> Option<Timestamp> {
        self.timeline.last_loss(t)
    }

    /// The MRR movements of (from, to], in order of time.
    pub fn movements(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Movement> {
        self.timeline.movements(from, to)
    }

    /// Counts and sums of the movements of (from, to].
    #[must_use]
    pub fn movement_totals(&self, from: Timestamp, to: Timestamp) -> MovementTotals {
        self.timeline.movement_totals(from, to)
    }

    /// Invoices with a failed payment that are unpaid at t, and the paid ones.
    #[must_use]
    pub fn invoices(&self, t: Timestamp) -> (PaymentFailures, PaidInvoices) {
        self.state.invoices.at(t, self.policy)
    }

    /// Sets the `revenue.*` metrics at t: those about MRR from the first subscription record, those about invoices from the first billing
    /// record, and always whether a cancellation is scheduled.
    pub fn measure(&self, t: Timestamp, out: &mut Metrics) {
        out.whole(Metric::CancelScheduled, i64::from(self.is_cancel_scheduled(t)));
        if self.state.first_subscription_at().is_some_and(|first| first <= t) {
            self.measure_mrr(t, out);
            if let Some(end) = self.next_term_end(t) {
                out.real(Metric::DaysToRenewal, days(end.since(t)), None);
            }
        }
        if self.state.first_record_at().is_some_and(|first| first <= t) {
            self.measure_invoices(t, out);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio of amounts is a float")]
    fn measure_mrr(&self, t: Timestamp, out: &mut Metrics) {
        let mrr = self.mrr_at(t);
        out.whole(Metric::Mrr, mrr);
        out.whole(Metric::Arr, 12 * mrr);
        for (metric, days) in [(Metric::MrrDelta28d, 28), (Metric::MrrDelta91d, 91), (Metric::MrrDelta364d, 364)] {
            out.whole(metric, mrr - self.mrr_at(t.minus_days(days)));
        }
        let base = self.mrr_at(t.minus_days(91));
        if base > 0 {
            out.real(Metric::MrrGrowth91d, mrr as f64 / base as f64, None);
        }
        out.set(Metric::Movements28d, Value::Movements(Box::new(self.movement_totals(t.minus_days(28), t))), None);
    }

    fn measure_invoices(&self, t: Timestamp, out: &mut Metrics) {
        let (failures, paid) = self.invoices(t);
        out.whole(Metric::PaymentFailuresOpen, failures.open);
        if let Some(oldest) = failures.oldest {
            out.real(Metric::DaysPastDue, days(t.since(oldest)), None);
        }
        out.whole(Metric::LifetimeValue, paid.sum);
    }
}

#[expect(clippy::cast_precision_loss, reason = "durations are unrounded floats")]
fn days(millis: i64) -> f64 {
    millis as f64 / DAY_MS as f64
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::fixture::{TestAccount, YEAR, day, item, monthly, usd, with_status};
    use super::*;
    use crate::event::{SubscriptionSnapshot, SubscriptionStatus};

    /// 49.00 a month from day 100, 99.00 from day 400, plus 1,000.00 a year from day 450.
    fn growing() -> TestAccount {
        let mut account = TestAccount::default();
        account.snapshot(day(100), monthly("a", 4900));
        account.snapshot(day(400), monthly("a", 9900));
        account.snapshot(day(450), SubscriptionSnapshot { items: vec![item(usd(100_000), YEAR)], ..monthly("b", 0) });
        account
    }

    #[test]
    fn mrr_is_the_sum_of_subscriptions_and_arr_twelve_times_that() {
        // 9,900 + 100,000 / 12 = 18,233.33
        assert_eq!(growing().whole(day(460), Metric::Mrr), Some(18_233));
        assert_eq!(growing().whole(day(460), Metric::Arr), Some(218_796));
    }

    #[test]
    fn mrr_is_rounded_once_and_not_for_each_subscription() {
        let mut account = TestAccount::default();
        for id in ["a", "b", "c"] {
            account.snapshot(day(1), SubscriptionSnapshot { items: vec![item(usd(4), YEAR)], ..monthly(id, 0) });
        }
        assert_eq!(account.whole(day(2), Metric::Mrr), Some(1));
    }

    #[test]
    fn deltas_and_growth_compare_with_exact_windows() {
        let account = growing();
        let t = day(460);
        assert_eq!(account.whole(t, Metric::MrrDelta28d), Some(18_233 - 9_900));
        assert_eq!(account.whole(t, Metric::MrrDelta91d), Some(18_233 - 4_900));
        assert_eq!(account.whole(t, Metric::MrrDelta364d), Some(18_233)); // nothing before day 100
        assert_eq!(account.real(t, Metric::MrrGrowth91d), Some(18_233.0 / 4_900.0));
        assert_eq!(account.whole(day(491), Metric::MrrDelta91d), Some(18_233 - 9_900)); // MRR at day 400 is that from day 400 on
        assert_eq!(account.whole(day(491).plus(-1), Metric::MrrDelta91d), Some(18_233 - 4_900));
        assert_eq!(account.real(day(150), Metric::MrrGrowth91d), None); // there was none 91 days before
    }

    #[test]
    fn movements_of_28_days_include_every_kind() {
        let mut account = TestAccount::default();
        account.snapshot(day(10), monthly("a", 5_000));
        account.snapshot(day(12), monthly("a", 7_000));
        account.snapshot(day(14), monthly("a", 6_500));
        account.snapshot(day(16), with_status("a", 6_500, SubscriptionStatus::Canceled));
        account.snapshot(day(18), monthly("a", 1_000));
        let totals = |t| match &account.measure(t).get(Metric::Movements28d).unwrap().value {
            Value::Movements(totals) => totals.0,
            other => panic!("{other:?}"),
        };
        // opening, new, expansion, contraction, churn, reactivation, fx
        assert_eq!(totals(day(20)), [(0, 0), (1, 5_000), (1, 2_000), (1, 500), (1, 6_500), (1, 1_000), (0, 0)]);
        assert_eq!(totals(day(38)), [(0, 0), (0, 0), (1, 2_000), (1, 500), (1, 6_500), (1, 1_000), (0, 0)]);
        assert_eq!(totals(day(46)), [(0, 0); 7]);
    }

    #[test]
    fn a_failed_payment_is_open_until_paid_and_ages_from_its_first_failure() {
        let mut account = TestAccount::default();
        account.failed(day(10), "in_1");
        account.failed(day(13), "in_1");
        let t = day(14).plus(12 * 3_600_000);
        assert_eq!(account.whole(t, Metric::PaymentFailuresOpen), Some(1));
        assert_eq!(account.real(t, Metric::DaysPastDue), Some(4.5));
        account.paid(day(15), "in_1", "evt", usd(4_900));
        assert_eq!(account.whole(day(16), Metric::PaymentFailuresOpen), Some(0));
        assert_eq!(account.real(day(16), Metric::DaysPastDue), None);
        assert_eq!(account.whole(day(16), Metric::LifetimeValue), Some(4_900));
    }

    #[test]
    fn a_scheduled_cancellation_shows_until_the_period_ends() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), monthly("a", 4_900));
        account.snapshot(day(10), SubscriptionSnapshot { cancel_at_period_end: true, ..monthly("a", 4_900) });
        let scheduled = |t| account.whole(t, Metric::CancelScheduled);
        assert_eq!(
            [scheduled(day(9)), scheduled(day(10)), scheduled(day(30).plus(-1)), scheduled(day(30))],
            [Some(0), Some(1), Some(1), Some(0)]
        );
        assert_eq!([account.mrr(day(30).plus(-1)), account.mrr(day(30))], [4_900, 0]);
    }

    #[test]
    fn days_to_renewal_count_to_the_next_term_end() {
        let mut account = TestAccount::default();
        account.snapshot(day(0), monthly("a", 4_900));
        account.snapshot(day(0), SubscriptionSnapshot { term_end: Some(day(365)), ..monthly("b", 4_900) });
        let renewal = |t| account.real(t, Metric::DaysToRenewal);
        assert_eq!(renewal(day(10)), Some(20.0));
        assert_eq!(renewal(day(30)), Some(335.0));
        assert_eq!(renewal(day(365)), None);
    }

    #[test]
    fn mrr_is_present_from_the_first_subscription_record_and_invoices_from_the_first_billing_record() {
        let mut account = TestAccount::default();
        account.paid(day(5), "in_1", "evt", usd(100));
        account.snapshot(day(7), with_status("a", 4_900, SubscriptionStatus::Incomplete));
        let measured =
            |t| (account.whole(t, Metric::Mrr), account.whole(t, Metric::LifetimeValue), account.whole(t, Metric::CancelScheduled));
        assert_eq!(measured(day(4)), (None, None, Some(0)));
        assert_eq!(measured(day(5)), (None, Some(100), Some(0)));
        assert_eq!(measured(day(7)), (Some(0), Some(100), Some(0)));
        assert_eq!(account.whole(day(7), Metric::MrrDelta364d), Some(0));
    }

    #[test]
    fn records_after_t_have_no_effect() {
        let mut account = TestAccount::default();
        account.snapshot(day(10), monthly("a", 4_900));
        let then = account.measure(day(15));
        account.snapshot(day(20), monthly("a", 100));
        account.snapshot(day(20), monthly("b", 100));
        account.failed(day(20), "in_1");
        account.paid(day(20), "in_2", "evt", usd(1));
        assert_eq!(account.measure(day(15)), then);
    }

    #[test]
    fn the_newest_reason_of_any_subscription_is_reported() {
        let mut account = TestAccount::default();
        let because = |id, reason| SubscriptionSnapshot { reason: Some(Cow::Borrowed(reason)), ..monthly(id, 100) };
        account.snapshot(day(3), because("a", "price"));
        account.snapshot(day(4), monthly("a", 100));
        account.snapshot(day(2), because("b", "support"));
        let ledger = account.ledger();
        assert_eq!(
            [ledger.newest_reason(day(1)), ledger.newest_reason(day(2)), ledger.newest_reason(day(9))],
            [None, Some("support"), Some("price")]
        );
    }
}
