//! Billing: whole current subscriptions, invoices, and the company's own costs.

use std::borrow::Cow;

use crate::money::{Amount, Currency, Fixed, Interval};
use crate::time::Timestamp;

/// A billing event of an account.
#[derive(Clone, Debug, PartialEq)]
pub enum BillingEvent<'a> {
    /// `subscription_changed`: the whole current subscription.
    Subscription(Box<SubscriptionSnapshot<'a>>),
    /// `invoice_paid`.
    InvoicePaid(Invoice<'a>),
    /// `invoice_payment_failed`.
    InvoicePaymentFailed(Invoice<'a>),
}

/// An invoice that was paid, or that an attempt failed to collect.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoice<'a> {
    /// Identity of the invoice within its account.
    pub invoice_id: Cow<'a, str>,
    /// Amount, >= 0.
    pub amount: Amount,
}

/// The state of a subscription as a whole, at the event's time.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionSnapshot<'a> {
    /// Identity of the subscription within its account.
    pub subscription_id: Cow<'a, str>,
    /// Status.
    pub status: SubscriptionStatus,
    /// What is sold.
    pub items: Vec<Item>,
    /// Discounts on the recurring total, in the order in which their percentages compound.
    pub discounts: Vec<Discount>,
    /// When the trial ends or ended.
    pub trial_end: Option<Timestamp>,
    /// Begin of the current billing period.
    pub current_period_start: Timestamp,
    /// End of the current billing period.
    pub current_period_end: Timestamp,
    /// Whether it ends with the current period; default false.
    pub cancel_at_period_end: bool,
    /// When it ends by a scheduled cancellation, where that is not the end of the period.
    pub cancel_at: Option<Timestamp>,
    /// When it was, or was asked to be, cancelled; never moves MRR.
    pub canceled_at: Option<Timestamp>,
    /// When the subscription began.
    pub started_at: Option<Timestamp>,
    /// End of the contract term where that is not the period.
    pub term_end: Option<Timestamp>,
    /// Given reason of a cancellation.
    pub reason: Option<Cow<'a, str>>,
    /// Orders snapshots before their time does; absent counts as -1.
    pub version: Option<i64>,
}

/// Status of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum SubscriptionStatus {
    /// Paying; counted.
    Active,
    /// In dunning; counted until dunning ends.
    PastDue,
    /// On trial; 0.
    Trialing,
    /// Given up collecting; 0.
    Unpaid,
    /// Paused; 0.
    Paused,
    /// Ended; 0.
    Canceled,
    /// Never begun; 0.
    Incomplete,
    /// Ran out; 0.
    Expired,
    /// Never begun, and given up; 0. It never was a subscription, so none has ended.
    IncompleteExpired,
}

/// One item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Item {
    /// Price of one unit for one interval; a credit is below 0.
    pub amount: Amount,
    /// `None`: one-off, which counts 0.
    pub interval: Option<Interval>,
    /// Units, >= 0; default 1.
    pub quantity: u64,
    /// Metered usage counts 0.
    pub metered: bool,
}

impl Item {
    /// The interval of an item that counts: recurring and licensed.
    #[must_use]
    pub fn counted_interval(&self) -> Option<Interval> {
        self.interval.filter(|_| !self.metered)
    }

    /// Of these items the first that counts and is not a credit, with its interval.
    #[must_use]
    pub fn first_recurring(items: &[Self]) -> Option<(&Self, Interval)> {
        items.iter().filter(|item| !item.amount.minor.is_negative()).find_map(|item| Some((item, item.counted_interval()?)))
    }
}

/// A discount on the recurring total: the percentage first, then the amount.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Discount {
    /// Percent off, 0..=100, exactly as written.
    pub percent_off: Option<rust_decimal::Decimal>,
    /// Amount off for each interval, in minor units, >= 0.
    pub amount_off_minor: Option<Fixed>,
    /// Currency of the amount; default: the first recurring item's ([`Item::first_recurring`]).
    pub currency: Option<Currency>,
    /// Interval of the amount; default: the first recurring item's.
    pub interval: Option<Interval>,
    /// In force while `t < ends_at`; `None`: without end.
    pub ends_at: Option<Timestamp>,
}

/// `cost_recorded`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost<'a> {
    /// What it was spent on.
    pub category: CostCategory,
    /// Amount, >= 0.
    pub amount: Amount,
    /// Segment it was spent on, where one is named.
    pub segment: Option<Cow<'a, str>>,
}

/// What a cost was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum CostCategory {
    /// Winning accounts.
    Acquisition,
    /// Keeping accounts.
    Retention,
}
