//! An account's billing: MRR over time, movements, invoices.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::Zero as _;
use serde_json::{Value, json};

use super::account::Account;
use super::fields::half_even;
use super::input::Record;
use super::metric::Metrics;
use super::money::convert_one;
use super::subscription::Subscription;
use super::zone::{DAY, HOUR};

const KINDS: [&str; 7] = ["opening", "new", "expansion", "contraction", "churn", "reactivation", "fx"];
const MINUTE: i64 = HOUR / 60;

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// One of the kinds.
    pub kind: &'static str,
    /// Its date.
    pub at: i64,
    /// Positive, except for `fx`.
    pub sum: i64,
}

impl Movement {
    /// Its signed effect on MRR.
    pub fn signed(&self) -> i64 {
        if ["contraction", "churn"].contains(&self.kind) { -self.sum } else { self.sum }
    }
}

#[derive(Clone, Copy)]
struct Change {
    at: i64,
    before: i64,
    after: i64,
    fx: bool,
}

impl Account<'_> {
    fn mrr_at_rates(&self, t: i64, rates_at: i64) -> i64 {
        let each = self.subscriptions.iter().map(|subscription| subscription.mrr(t, rates_at, self.settings));
        half_even(&each.fold(BigRational::zero(), |sum, mrr| sum + mrr))
    }

    /// MRR at an instant.
    pub fn mrr(&self, t: i64) -> i64 {
        self.mrr_at_rates(t, t)
    }

    fn rate_dates(&self) -> Vec<i64> {
        self.settings.rates.iter().map(|(from, _)| self.settings.zone.start(*from)).collect()
    }

    /// Instants at or before t at which MRR may change, in order.
    fn borders(&self) -> Vec<i64> {
        let mut borders: Vec<i64> = self.subscriptions.iter().flat_map(|subscription| subscription.borders(self.settings)).collect();
        borders.extend(self.rate_dates());
        borders.retain(|at| *at <= self.t);
        borders.sort_unstable();
        borders.dedup();
        borders
    }

    /// Whether MRR was above 0 at any instant before `t`.
    pub fn paid_before(&self, t: i64) -> bool {
        self.borders().into_iter().any(|at| at < t && self.mrr(at) > 0)
    }

    /// The first instant at which MRR is above 0.
    pub fn first_paid(&self) -> Option<i64> {
        self.borders().into_iter().find(|at| self.mrr(*at) > 0)
    }

    /// The last change of MRR to 0.
    pub fn lost_at(&self) -> Option<i64> {
        self.changes().into_iter().filter(|change| change.after == 0).map(|change| change.at).next_back()
    }

    /// Whether a loss at `at` was involuntary.
    pub fn lost_unpaid(&self, at: i64) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.ended_unpaid(at, self.settings))
    }

    /// The newest churn reason given in a snapshot that was ever in force.
    pub fn churn_reason(&self) -> Option<String> {
        let snapshots = self.subscriptions.iter().flat_map(|subscription| {
            subscription.snapshots.iter().filter(|snapshot| subscription.state(snapshot.at).is_some_and(|state| state.id == snapshot.id))
        });
        let with_reason = snapshots.filter(|snapshot| snapshot.reason.is_some());
        with_reason.max_by_key(|snapshot| (snapshot.at, &snapshot.id))?.reason.clone()
    }

    /// Every change of MRR up to t; a new exchange rate is a separate change, before all others of its instant.
    fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let rate_dates = self.rate_dates();
        for at in self.borders() {
            let before = self.mrr(at - 1);
            let revalued = if rate_dates.contains(&at) { self.mrr_at_rates(at - 1, at) } else { before };
            changes.push(Change { at, before, after: revalued, fx: true });
            changes.push(Change { at, before: revalued, after: self.mrr(at), fx: false });
        }
        changes.retain(|change| change.before != change.after);
        changes
    }

    /// The movements of (a, b].
    pub fn movements(&self, a: i64, b: i64) -> Vec<Movement> {
        let mut movements = Vec::new();
        let mut group: Option<(Change, Change)> = None;
        for change in self.changes().into_iter().filter(|change| a < change.at && change.at <= b) {
            let window = self.settings.movement_window_minutes * MINUTE;
            let joins = |last: Change| !change.fx && change.at - last.at <= window;
            group = match group {
                Some((first, last)) if joins(last) => Some((first, change)),
                ended => {
                    movements.extend(ended.and_then(|(first, last)| self.classify(first, last)));
                    if change.fx {
                        movements.push(Movement { kind: "fx", at: change.at, sum: change.after - change.before });
                        None
                    } else {
                        Some((change, change))
                    }
                }
            };
        }
        movements.extend(group.and_then(|(first, last)| self.classify(first, last)));
        movements
    }

    fn classify(&self, first: Change, last: Change) -> Option<Movement> {
        let (before, after) = (first.before, last.after);
        let kind = match (self.paid_before(first.at), before, after) {
            (_, before, after) if before == after => return None,
            (false, _, _) if self.opens(last.at) => "opening",
            (false, _, _) => "new",
            (true, 0, _) => "reactivation",
            (true, _, 0) => "churn",
            _ if after > before => "expansion",
            _ => "contraction",
        };
        Some(Movement { kind, at: last.at, sum: (after - before).abs() })
    }

    /// Whether a subscription that pays at `t` was already paying in its first record, more than 24 h after its start.
    fn opens(&self, t: i64) -> bool {
        let pays = |subscription: &Subscription, at| !subscription.mrr(at, at, self.settings).is_zero();
        self.subscriptions.iter().filter(|subscription| pays(subscription, t)).any(|subscription| {
            let first = subscription.snapshots.iter().map(|snapshot| snapshot.at).min().unwrap();
            let started = subscription.state(first).and_then(|state| state.started_at);
            pays(subscription, first) && started.is_some_and(|started| started < first - DAY)
        })
    }

    /// All revenue metrics.
    pub fn billing(&self, out: &mut Metrics) {
        let scheduled =
            self.subscriptions.iter().any(|subscription| subscription.state(self.t).is_some_and(|state| state.is_to_be_cancelled(self.t)));
        out.whole("revenue.cancel_scheduled", i64::from(scheduled));
        if !self.kind("subscription_changed").is_empty() {
            self.billing_mrr(out);
        }
        if !self.of("billing").is_empty() {
            self.billing_invoices(out);
        }
    }

    fn billing_mrr(&self, out: &mut Metrics) {
        let t = self.t;
        let mrr = self.mrr(t);
        out.whole("revenue.mrr", mrr);
        out.whole("revenue.arr", 12 * mrr);
        for (name, days) in [("revenue.mrr_delta_28d", 28), ("revenue.mrr_delta_91d", 91), ("revenue.mrr_delta_364d", 364)] {
            out.whole(name, mrr - self.mrr(t - days * DAY));
        }
        out.ratio("revenue.mrr_growth_91d", mrr as f64, self.mrr(t - 91 * DAY) as f64);
        out.values.insert("revenue.movements_28d", self.movements_table(t - 28 * DAY, t));
        let terms = self.subscriptions.iter().filter(|subscription| subscription.is_live(t, self.settings));
        let ends = terms.filter_map(|subscription| subscription.state(t).map(|state| state.term().1));
        let nearest = ends.filter(|end| *end > t).min();
        out.float("revenue.days_to_renewal", nearest.map(|end| (end - t) as f64 / DAY as f64));
    }

    fn movements_table(&self, a: i64, b: i64) -> Value {
        let movements = self.movements(a, b);
        let entry = |kind| {
            let of_kind: Vec<&Movement> = movements.iter().filter(|movement| movement.kind == kind).collect();
            json!({ "count": of_kind.len(), "sum": of_kind.iter().map(|movement| movement.sum).sum::<i64>() })
        };
        KINDS.iter().map(|kind| ((*kind).to_owned(), entry(*kind))).collect()
    }

    /// The newest payment of each invoice, in the reporting currency.
    pub fn paid_invoices(&self) -> BTreeMap<String, i64> {
        let mut paid = BTreeMap::new();
        let mut records = self.kind("invoice_paid");
        records.sort_by_key(|record| (record.at, &record.id));
        for record in records {
            let body = record.fields();
            let amount = super::check::minor_amount(body);
            let currency = body.text("currency").unwrap().unwrap().to_ascii_uppercase();
            paid.insert(invoice(record), convert_one(self.settings, &amount, &currency, record.at));
        }
        paid
    }

    fn billing_invoices(&self, out: &mut Metrics) {
        let paid = self.paid_invoices();
        out.whole("revenue.lifetime_value", paid.values().sum());
        let mut failed: BTreeMap<String, i64> = BTreeMap::new();
        for record in self.kind("invoice_payment_failed") {
            let first = failed.entry(invoice(record)).or_insert(record.at);
            *first = record.at.min(*first);
        }
        failed.retain(|id, _| !paid.contains_key(id));
        out.count("revenue.payment_failures_open", failed.len());
        let oldest = failed.values().min();
        out.float("revenue.days_past_due", oldest.map(|at| (self.t - at) as f64 / DAY as f64));
    }
}

fn invoice(record: &Record) -> String {
    record.fields().id("invoice_id").unwrap().unwrap()
}
