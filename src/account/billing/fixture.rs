//! Test accounts: an account is written as a list of facts with their days.

use std::borrow::Cow;

use super::{Billing, Ledger};
use crate::account::{ApplyContext, Limit, LimitMeter};
use crate::event::{BillingEvent, Discount, Invoice, Item, SubscriptionSnapshot, SubscriptionStatus};
use crate::metric::View;
use crate::metric::{Metric, Metrics, MovementKind, Value};
use crate::money::{Amount, Currency, Interval, IntervalUnit, RateTable, Rates};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

pub(super) const MONTH: Interval = Interval { unit: IntervalUnit::Month, count: 1 };
pub(super) const YEAR: Interval = Interval { unit: IntervalUnit::Year, count: 1 };

/// Midnight of a day since 1970-01-01.
pub(super) fn day(number: i64) -> Timestamp {
    Timestamp(number * DAY_MS)
}

pub(super) fn usd(minor: i64) -> Amount {
    Amount { minor: minor.into(), currency: Currency::USD }
}

pub(super) fn amount(minor: i64, currency: &str) -> Amount {
    Amount { minor: minor.into(), currency: Currency::parse(currency).unwrap() }
}

pub(super) fn item(amount: Amount, interval: Interval) -> Item {
    Item { amount, interval: Some(interval), quantity: 1, metered: false }
}

/// An active monthly subscription in US cents, with a period of 30 days from day 0.
pub(super) fn monthly(id: &str, minor: i64) -> SubscriptionSnapshot<'_> {
    SubscriptionSnapshot {
        subscription_id: Cow::Borrowed(id),
        status: SubscriptionStatus::Active,
        items: vec![item(usd(minor), MONTH)],
        discounts: Vec::new(),
        trial_end: None,
        current_period_start: day(0),
        current_period_end: day(30),
        cancel_at_period_end: false,
        cancel_at: None,
        canceled_at: None,
        started_at: None,
        term_end: None,
        reason: None,
        version: None,
    }
}

/// The same with another status.
pub(super) fn with_status(id: &str, minor: i64, status: SubscriptionStatus) -> SubscriptionSnapshot<'_> {
    SubscriptionSnapshot { status, ..monthly(id, minor) }
}

pub(super) fn no_discount() -> Discount {
    Discount { percent_off: None, amount_off_minor: None, currency: None, interval: None, ends_at: None }
}

/// An account and the settings it is read with.
#[derive(Clone, Default)]
pub(super) struct TestAccount {
    pub state: Billing,
    pub settings: Settings,
    pub limits: LimitMeter,
}

impl TestAccount {
    /// An account with US dollars as reporting currency, and rates valid from the given days.
    pub fn with_rates(rates: &[(i64, &str, &str)]) -> Self {
        let mut account = Self::default();
        let tables = rates.iter().map(|(from, currency, rate)| RateTable {
            valid_from: day(*from),
            rates: vec![(Currency::parse(currency).unwrap(), rate.parse().unwrap())],
        });
        account.settings.money.rates = Rates::new(Currency::USD, tables.collect());
        account
    }

    pub fn apply(&mut self, at: Timestamp, id: Option<&str>, event: &BillingEvent<'_>) {
        let mut ctx = ApplyContext { at, id, settings: &self.settings, limits: &mut self.limits };
        self.state.apply(event, &mut ctx);
    }

    pub fn snapshot(&mut self, at: Timestamp, snapshot: SubscriptionSnapshot<'_>) {
        self.apply(at, None, &BillingEvent::Subscription(Box::new(snapshot)));
    }

    pub fn paid(&mut self, at: Timestamp, invoice_id: &str, id: &str, amount: Amount) {
        self.apply(at, Some(id), &BillingEvent::InvoicePaid(Invoice { invoice_id: Cow::Borrowed(invoice_id), amount }));
    }

    pub fn failed(&mut self, at: Timestamp, invoice_id: &str) {
        let invoice = Invoice { invoice_id: Cow::Borrowed(invoice_id), amount: usd(100) };
        self.apply(at, None, &BillingEvent::InvoicePaymentFailed(invoice));
    }

    pub fn ledger(&self) -> Ledger<'_> {
        self.state.ledger(&self.settings.money)
    }

    pub fn mrr(&self, t: Timestamp) -> i64 {
        self.ledger().mrr_at(t)
    }

    /// The movements of (from, to] as (time, kind, amount).
    pub fn movements(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, MovementKind, i64)> {
        self.ledger().movements(from, to).map(|movement| (movement.at, movement.kind, movement.amount)).collect()
    }

    pub fn measure(&self, t: Timestamp) -> Metrics {
        let mut metrics = Metrics::default();
        self.state.measure(&View::complete(t), &self.settings, &mut metrics);
        metrics
    }

    /// A whole number among the metrics at t.
    pub fn whole(&self, t: Timestamp, metric: Metric) -> Option<i64> {
        self.measure(t).whole_number(metric)
    }

    /// A real number among the metrics at t.
    pub fn real(&self, t: Timestamp, metric: Metric) -> Option<f64> {
        match self.measure(t).get(metric)?.value {
            Value::Real(real) => Some(real),
            _ => None,
        }
    }

    pub fn reached(&self, limit: Limit) -> u64 {
        self.limits.iter().find(|(known, _)| *known == limit).unwrap().1
    }
}
