//! `[money]`: the reporting currency, exchange rates, and how money is read.

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::config::field;
use crate::config::validate::Report;
use crate::money::{self, ChurnAt, Currency, Discounts, Policy, Rates};
use crate::time::{Date, MINUTE_MS, Zone};

/// `[money]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Money {
    /// The currency of every amount in the output.
    #[serde(deserialize_with = "field::currency")]
    pub reporting_currency: Currency,
    /// Which discounts reduce MRR.
    pub discounts: Discounts,
    /// When a scheduled cancellation counts as churn.
    pub churn_at: ChurnAt,
    /// Dunning ends this long after the first snapshot in an unbroken run of `past_due`, days.
    #[serde(deserialize_with = "field::between::<0, 3_650, _, _>")]
    pub dunning_days: i64,
    /// Changes that follow each other within this time are one movement, minutes.
    #[serde(deserialize_with = "field::between::<0, 10_080, _, _>")]
    pub movement_window_minutes: i64,
    /// Exchange rates by date.
    pub rates: Vec<RateTable>,
}

impl Default for Money {
    fn default() -> Self {
        Self {
            reporting_currency: Currency::USD,
            discounts: Discounts::All,
            churn_at: ChurnAt::PeriodEnd,
            dunning_days: 30,
            movement_window_minutes: 60,
            rates: Vec::new(),
        }
    }
}

/// One `[[money.rates]]` table: units of the reporting currency per unit of each currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTable {
    /// The first date, in the reporting zone, from which it applies.
    pub valid_from: Date,
    /// Rates, > 0, by currency.
    pub rates: Vec<(Currency, Decimal)>,
}

/// Most tables of rates: one per day for ten years.
const TABLES_MAX: usize = 3_660;

impl Money {
    /// The policy of the pure half. A table applies from midnight of its date in `zone`.
    #[must_use]
    pub fn policy(&self, zone: &Zone) -> Policy {
        let table = |table: &RateTable| money::RateTable { valid_from: zone.start_of(table.valid_from), rates: table.rates.clone() };
        Policy {
            rates: Rates::new(self.reporting_currency, self.rates.iter().map(table).collect()),
            discounts: self.discounts,
            churn_at: self.churn_at,
            dunning_days: self.dunning_days,
            movement_window_ms: self.movement_window_minutes * MINUTE_MS,
        }
    }

    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        if self.rates.len() > TABLES_MAX {
            report.problem("money.rates", format!("has {} tables: at most {TABLES_MAX}", self.rates.len()));
        }
        for (index, table) in self.rates.iter().enumerate() {
            if self.rates.iter().take(index).any(|earlier| earlier.valid_from == table.valid_from) {
                report.problem(&format!("money.rates[{index}].valid_from"), "another table has the same date");
            }
            if table.rates.is_empty() && report.is_complete(&format!("money.rates[{index}]")) {
                report.problem(&format!("money.rates[{index}]"), "has no rate: add a line for each currency, as in EUR = \"1.08\"");
            }
            let reporting = table.rates.iter().find(|(currency, _)| *currency == self.reporting_currency);
            if let Some((currency, rate)) = reporting
                && *rate != Decimal::ONE
            {
                let key = format!("money.rates[{index}].{}", currency.code());
                report.problem(&key, "is the reporting currency, whose rate is always 1");
            }
        }
    }
}

const VALID_FROM: &str = "valid_from";

impl<'de> Deserialize<'de> for RateTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = RateTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of rates")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RateTable, A::Error> {
                let mut valid_from = None;
                let mut rates: Vec<(Currency, Decimal)> = Vec::new();
                while let Some(key) = entries.next_key()? {
                    match key {
                        Key::ValidFrom => valid_from = Some(entries.next_value::<ValidFrom>()?.0),
                        Key::Rate(currency) => rates.push((currency, entries.next_value::<Rate>()?.0)),
                    }
                }
                Ok(RateTable { valid_from: valid_from.ok_or_else(|| A::Error::missing_field(VALID_FROM))?, rates })
            }
        }
        deserializer.deserialize_map(Table)
    }
}

/// A key of a table of rates.
enum Key {
    ValidFrom,
    Rate(Currency),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        match Currency::parse(&key) {
            _ if key == VALID_FROM => Ok(Self::ValidFrom),
            // Upper case only, so that a table cannot contain a currency twice.
            Some(currency) if currency.code() == key => Ok(Self::Rate(currency)),
            _ => Err(D::Error::custom("must be valid_from or a currency code: three capital letters, as in EUR")),
        }
    }
}

#[derive(Deserialize)]
struct ValidFrom(#[serde(deserialize_with = "field::date")] Date);

/// An exact rate, parsed from the text of a string or number.
struct Rate(Decimal);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = field::as_written(deserializer)?;
        let rate = Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok();
        let rate = rate.filter(|rate| *rate > Decimal::ZERO).map(|rate| Self(rate.normalize()));
        rate.ok_or_else(|| D::Error::custom(format!("`{text}` is not a valid rate: must be a decimal number above 0, as in \"1.08\"")))
    }
}
