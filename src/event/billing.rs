//! Billing: subscription snapshots, invoices, and the company's own costs.

use std::borrow::Cow;

use crate::money::{Amount, Currency, Fixed, Interval};
use crate::time::Timestamp;

/// A billing event of an account.
#[derive(Clone, Debug, PartialEq)]
pub enum BillingEvent<'a> {
    /// `subscription_changed`: a snapshot of the subscription.
    Subscription(Box<SubscriptionSnapshot<'a>>),
    /// `invoice_paid`.
    InvoicePaid(Invoice<'a>),
    /// `invoice_payment_failed`.
    InvoicePaymentFailed(Invoice<'a>),
}

/// An invoice that was paid or whose payment failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoice<'a> {
    /// Unique within the account.
    pub invoice_id: Cow<'a, str>,
    /// Amount, >= 0.
    pub amount: Amount,
}

/// The full state of a subscription at the event's time.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionSnapshot<'a> {
    /// Unique within the account.
    pub subscription_id: Cow<'a, str>,
    /// Whether it counts towards MRR depends on this.
    pub status: SubscriptionStatus,
    /// The priced items.
    pub items: Vec<Item>,
    /// Discounts on the recurring total, in the order in which their percentages compound.
    pub discounts: Vec<Discount>,
    /// When the trial ends or ended.
    pub trial_end: Option<Timestamp>,
    /// Start of the current billing period.
    pub current_period_start: Timestamp,
    /// End of the current billing period.
    pub current_period_end: Timestamp,
    /// Whether it ends with the current period; default false.
    pub cancel_at_period_end: bool,
    /// When a scheduled cancellation takes effect, if not at the end of the period.
    pub cancel_at: Option<Timestamp>,
    /// When cancellation happened or was requested; does not affect MRR.
    pub canceled_at: Option<Timestamp>,
    /// When the subscription began.
    pub started_at: Option<Timestamp>,
    /// End of the contract term if it differs from the billing period.
    pub term_end: Option<Timestamp>,
    /// Reason given for a cancellation.
    pub reason: Option<Cow<'a, str>>,
    /// Takes precedence over event time in ordering snapshots; absent counts as -1.
    pub version: Option<i64>,
}

/// Status of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum SubscriptionStatus {
    /// Paying; counts towards MRR.
    Active,
    /// In dunning; counts until dunning ends.
    PastDue,
    /// On trial; no MRR.
    Trialing,
    /// Collection abandoned; no MRR.
    Unpaid,
    /// Paused; no MRR.
    Paused,
    /// Ended; no MRR.
    Canceled,
    /// First payment outstanding; no MRR.
    Incomplete,
    /// Expired; no MRR.
    Expired,
    /// First payment never arrived; no MRR. As it never started, its end is not churn.
    IncompleteExpired,
}

/// One item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Item {
    /// Price per unit and interval; negative for a credit.
    pub amount: Amount,
    /// `None`: a one-off, which does not count towards MRR.
    pub interval: Option<Interval>,
    /// Units, >= 0; default 1.
    pub quantity: u64,
    /// Metered usage does not count towards MRR.
    pub metered: bool,
}

impl Item {
    /// The interval if the item counts towards MRR, that is, if it is recurring and not metered.
    #[must_use]
    pub fn counted_interval(&self) -> Option<Interval> {
        self.interval.filter(|_| !self.metered)
    }

    /// The first item that counts towards MRR and is not a credit, with its interval.
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
    /// Amount off per interval, in minor units, >= 0.
    pub amount_off_minor: Option<Fixed>,
    /// Currency of the amount; default: the first recurring item's ([`Item::first_recurring`]).
    pub currency: Option<Currency>,
    /// Interval of the amount; default: the first recurring item's.
    pub interval: Option<Interval>,
    /// In force while `t < ends_at`; `None`: indefinitely.
    pub ends_at: Option<Timestamp>,
}

/// `cost_recorded`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost<'a> {
    /// Acquisition or retention.
    pub category: CostCategory,
    /// Amount, >= 0.
    pub amount: Amount,
    /// Segment it was spent on, if one is named.
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
