//! Money: exact from event to gauge. Only ratios are floats.

mod currency;
mod exact;
mod fixed;
mod rates;

pub use currency::{Amount, Currency, Interval, IntervalUnit};
pub use exact::Exact;
pub use fixed::Fixed;
pub use rates::{Rate, RateTable, Rates};

use crate::time::{DAY_MS, Timestamp};

/// Which discounts lower MRR (`money.discounts`).
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

/// When a scheduled cancellation counts as churn (`money.churn_at`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChurnAt {
    /// When the subscription ends.
    #[default]
    PeriodEnd,
    /// When the cancellation is scheduled.
    Cancellation,
}

/// How MRR is derived from billing events (`[money]`).
#[derive(Clone, Debug)]
pub struct Policy {
    /// Rates to the reporting currency, by date.
    pub rates: Rates,
    /// Which discounts lower MRR.
    pub discounts: Discounts,
    /// When a scheduled cancellation counts as churn.
    pub churn_at: ChurnAt,
    /// Dunning ends this long after the first of consecutive `past_due` snapshots.
    pub dunning_days: i64,
    /// Changes no further apart than this are grouped into one movement, ms.
    pub movement_window_ms: i64,
}

impl Policy {
    /// An amount in whole minor units of the reporting currency, at the rate in force at `at`, rounded half to even. For invoices and
    /// costs, which are rounded individually. `None` if the currency has no rate.
    #[must_use]
    pub fn convert(&self, amount: Amount, at: Timestamp) -> Option<i64> {
        Some(self.rates.at(amount.currency, at)?.apply(&amount.minor.exact()).rounded())
    }

    /// When dunning ends if it began at this instant.
    #[must_use]
    pub fn dunning_end(&self, began: Timestamp) -> Timestamp {
        began.plus(self.dunning_days.saturating_mul(DAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn policy(reporting: &str, rates: &[(i64, &str, &str)]) -> Policy {
        let tables = rates.iter().map(|(from, currency, rate)| RateTable {
            valid_from: Timestamp(*from),
            rates: vec![(Currency::parse(currency).unwrap(), rate.parse::<Decimal>().unwrap())],
        });
        let rates = Rates::new(Currency::parse(reporting).unwrap(), tables.collect());
        Policy { rates, discounts: Discounts::All, churn_at: ChurnAt::PeriodEnd, dunning_days: 30, movement_window_ms: 0 }
    }

    fn amount(minor: i64, currency: &str) -> Amount {
        Amount { minor: minor.into(), currency: Currency::parse(currency).unwrap() }
    }

    #[test]
    fn minor_units_of_every_size_are_converted() {
        let to_usd = policy("USD", &[(0, "JPY", "0.0067"), (0, "KWD", "3.25"), (0, "EUR", "1.08")]);
        assert_eq!(to_usd.convert(amount(1_000, "JPY"), Timestamp(0)), Some(670)); // 1,000 yen = 6.70 dollars
        assert_eq!(to_usd.convert(amount(1_000, "KWD"), Timestamp(0)), Some(325)); // 1 dinar = 3.25 dollars
        assert_eq!(to_usd.convert(amount(999, "EUR"), Timestamp(0)), Some(1079)); // 10.7892 dollars
        assert_eq!(to_usd.convert(amount(5, "USD"), Timestamp(0)), Some(5));
        assert_eq!(to_usd.convert(amount(5, "CHF"), Timestamp(0)), None);
        let to_yen = policy("JPY", &[(0, "USD", "150")]);
        assert_eq!(to_yen.convert(amount(101, "USD"), Timestamp(0)), Some(152)); // 151.5 goes to the even neighbour
        assert_eq!(to_yen.convert(amount(103, "USD"), Timestamp(0)), Some(154)); // 154.5 too
    }

    #[test]
    fn the_rate_in_force_at_the_instant_is_used() {
        let policy = policy("USD", &[(200, "EUR", "1.20"), (100, "EUR", "1.10"), (150, "GBP", "1.3")]);
        for (at, expected) in [(0, 110), (100, 110), (199, 110), (200, 120), (900, 120)] {
            assert_eq!(policy.convert(amount(100, "EUR"), Timestamp(at)), Some(expected), "at {at}");
        }
    }
}
