//! The billing of an account, read once: its subscriptions decoded and its MRR through time. Every figure is asked of it.

use super::State;
use super::invoices::{self, PaidInvoices, PaymentFailures};
use super::subscription::Subscription;
use super::timeline::{Movement, Timeline};
use crate::metric::{Metric, Metrics, MovementTotals, Value};
use crate::money::Policy;
use crate::time::{DAY_MS, Timestamp};

/// An account's billing under a policy. What it says of an instant depends on the records of that instant and before alone.
#[derive(Debug)]
pub struct Ledger<'a> {
    state: &'a State,
    pub(super) policy: &'a Policy,
    /// By hash of their ids.
    pub(super) subscriptions: Vec<Subscription<'a>>,
    timeline: Timeline,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(state: &'a State, policy: &'a Policy) -> Self {
        let subscriptions: Vec<Subscription<'a>> = state.subscriptions().collect();
        let timeline = Timeline::new(&subscriptions, policy);
        Self { state, policy, subscriptions, timeline }
    }

    /// MRR at t in minor units of the reporting currency; 0 before the first subscription record.
    #[must_use]
    pub fn mrr_at(&self, t: Timestamp) -> i64 {
        self.timeline.mrr_at(t)
    }

    /// Whether MRR was above 0 at t or before.
    #[must_use]
    pub fn has_paid_by(&self, t: Timestamp) -> bool {
        self.timeline.has_paid_by(t)
    }

    /// The last change of MRR to 0 at t or before: the loss of an account that is lost at t.
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

    /// Invoices with a failed attempt and no payment at t, and the paid ones.
    #[must_use]
    pub fn invoices(&self, t: Timestamp) -> (PaymentFailures, PaidInvoices) {
        invoices::at(&self.state.invoices, t, self.policy)
    }

    /// Sets the `revenue.*` metrics at t: those of money from the first subscription record on, those of invoices from the first
    /// billing record on.
    pub fn measure(&self, t: Timestamp, out: &mut Metrics) {
        if self.state.first_subscription_at().is_some_and(|first| first <= t) {
            self.measure_mrr(t, out);
            self.measure_terms(t, out);
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
        out.set(Metric::Movements28d, Value::Movements(self.movement_totals(t.minus_days(28), t)), None);
    }

    fn measure_terms(&self, t: Timestamp, out: &mut Metrics) {
        out.whole(Metric::CancelScheduled, i64::from(self.is_cancel_scheduled(t)));
        if let Some(end) = self.next_term_end(t) {
            out.real(Metric::DaysToRenewal, days(end.since(t)), None);
        }
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
