//! Money: exact from event to gauge. No float is made of it before a ratio is asked for.

mod currency;
mod rates;

pub use currency::{Amount, Currency, Interval, IntervalUnit};
pub use rates::{RateTable, Rates};

/// What of a discount moves MRR (`money.discounts`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Discounts {
    /// Every discount while it is in force.
    #[default]
    All,
    /// Only those without an end.
    Forever,
    /// None.
    None,
}

/// When a scheduled cancellation is churn (`money.churn_at`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChurnAt {
    /// At the end of the period that it is scheduled for.
    #[default]
    PeriodEnd,
    /// At the snapshot that schedules it.
    Cancellation,
}

/// How money is read (`[money]`).
#[derive(Clone, Debug)]
pub struct Policy {
    /// Rates to the reporting currency, by date.
    pub rates: Rates,
    /// What of a discount moves MRR.
    pub discounts: Discounts,
    /// When a scheduled cancellation is churn.
    pub churn_at: ChurnAt,
    /// Dunning ends this long after the first snapshot of an unbroken `past_due` run.
    pub dunning_days: i64,
    /// Changes at most this long after the one before form one group of movements, ms.
    pub movement_window_ms: i64,
}
