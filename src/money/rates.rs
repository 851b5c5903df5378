//! Exchange rates by date.

use rust_decimal::Decimal;

use super::{Currency, Exact};
use crate::time::Timestamp;

/// One `[[money.rates]]` table: the price of one unit of each currency in the reporting currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTable {
    /// Midnight of `valid_from` in the reporting zone.
    pub valid_from: Timestamp,
    /// Rates, > 0.
    pub rates: Vec<(Currency, Decimal)>,
}

/// Minor units of the reporting currency per minor unit of another, as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    numerator: i128,
    denominator: i128,
}

impl Rate {
    const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// Converts a rate between major units to one between minor units: yen have no decimals, dinars three.
    fn new(from: Currency, to: Currency, units: Decimal) -> Self {
        let units = units.normalize();
        let ten_to = |exponent: u32| 10_i128.saturating_pow(exponent);
        Self {
            numerator: units.mantissa().saturating_mul(ten_to(to.exponent())),
            denominator: ten_to(units.scale()).saturating_mul(ten_to(from.exponent())),
        }
    }

    /// Converts minor units to those of the reporting currency.
    #[must_use]
    pub fn apply(self, amount: &Exact) -> Exact {
        amount.times(self.numerator, self.denominator)
    }
}

/// All rates to one reporting currency.
#[derive(Clone, Debug)]
pub struct Rates {
    reporting: Currency,
    /// Rates of each currency with the instant that each takes effect, ascending, without repeats. No list is empty.
    by_currency: Vec<(Currency, Vec<(Timestamp, Rate)>)>,
}

impl Rates {
    /// Rates to `reporting`. Tables come in any order; of two with the same date the later one wins. A rate for the reporting currency
    /// itself is ignored.
    #[must_use]
    pub fn new(reporting: Currency, mut tables: Vec<RateTable>) -> Self {
        tables.sort_by_key(|table| table.valid_from);
        let mut by_currency: Vec<(Currency, Vec<(Timestamp, Rate)>)> = Vec::new();
        for table in tables {
            for (currency, units) in table.rates {
                if currency != reporting {
                    add(&mut by_currency, currency, table.valid_from, Rate::new(currency, reporting, units));
                }
            }
        }
        for (_, rates) in &mut by_currency {
            rates.dedup_by_key(|(_, rate)| *rate);
        }
        Self { reporting, by_currency }
    }

    /// The reporting currency.
    #[must_use]
    pub const fn reporting(&self) -> Currency {
        self.reporting
    }

    /// Whether this is the reporting currency or any table has a rate for it.
    #[must_use]
    pub fn knows(&self, currency: Currency) -> bool {
        currency == self.reporting || !self.of(currency).is_empty()
    }

    /// The rate of a currency at an instant. A currency missing from a table keeps its earlier rate; before its first rate, that one
    /// applies. `None` if the currency has no rate.
    #[must_use]
    pub fn at(&self, currency: Currency, at: Timestamp) -> Option<Rate> {
        if currency == self.reporting {
            return Some(Rate::ONE);
        }
        let rates = self.of(currency);
        let in_force = rates.partition_point(|(from, _)| *from <= at).saturating_sub(1);
        rates.get(in_force).map(|(_, rate)| *rate)
    }

    /// When the rate of a currency changes, ascending.
    pub fn changes_of(&self, currency: Currency) -> impl Iterator<Item = Timestamp> + '_ {
        self.of(currency).iter().skip(1).map(|(from, _)| *from)
    }

    fn of(&self, currency: Currency) -> &[(Timestamp, Rate)] {
        self.by_currency.iter().find(|(known, _)| *known == currency).map_or(&[], |(_, rates)| rates)
    }
}

/// Appends a rate; tables are ascending, and a second rate for the same instant replaces the first.
fn add(by_currency: &mut Vec<(Currency, Vec<(Timestamp, Rate)>)>, currency: Currency, from: Timestamp, rate: Rate) {
    let Some((_, rates)) = by_currency.iter_mut().find(|(known, _)| *known == currency) else {
        by_currency.push((currency, vec![(from, rate)]));
        return;
    };
    match rates.last_mut() {
        Some(last) if last.0 == from => last.1 = rate,
        _ => rates.push((from, rate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(from: i64, rates: &[(&str, &str)]) -> RateTable {
        let rates = rates.iter().map(|(currency, rate)| (Currency::parse(currency).unwrap(), rate.parse().unwrap()));
        RateTable { valid_from: Timestamp(from), rates: rates.collect() }
    }

    #[test]
    fn an_unchanged_or_missing_rate_is_not_a_change() {
        let eur = Currency::parse("EUR").unwrap();
        let tables = vec![
            table(10, &[("EUR", "1.1")]),
            table(20, &[("EUR", "1.10"), ("GBP", "1.3")]),
            table(30, &[("GBP", "1.4")]),
            table(40, &[("EUR", "1.2"), ("USD", "7")]),
        ];
        let rates = Rates::new(Currency::USD, tables);
        assert_eq!(rates.changes_of(eur).collect::<Vec<_>>(), [Timestamp(40)]);
        assert_eq!(rates.at(eur, Timestamp(0)), rates.at(eur, Timestamp(39)));
        assert_eq!(rates.at(Currency::USD, Timestamp(50)), Some(Rate::ONE));
        assert!(rates.knows(eur) && rates.knows(Currency::USD) && !rates.knows(Currency::parse("CHF").unwrap()));
    }

    #[test]
    fn the_later_of_two_tables_with_the_same_date_wins() {
        let rates = Rates::new(Currency::USD, vec![table(10, &[("EUR", "1.1")]), table(10, &[("EUR", "1.2")])]);
        let eur = Currency::parse("EUR").unwrap();
        let hundred = rates.at(eur, Timestamp(10)).unwrap().apply(&Exact::whole(100));
        assert_eq!(hundred.rounded(), 120);
        assert_eq!(rates.changes_of(eur).count(), 0);
    }
}
