//! Exchange rates by date.

use rust_decimal::Decimal;

use super::Currency;
use crate::time::Timestamp;

/// One `[[money.rates]]` table: units of the reporting currency for one unit of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTable {
    /// Midnight of `valid_from` in the reporting zone.
    pub valid_from: Timestamp,
    /// Rates, > 0.
    pub rates: Vec<(Currency, Decimal)>,
}

/// All rates to one reporting currency.
#[derive(Clone, Debug)]
pub struct Rates {
    reporting: Currency,
    /// Ascending by `valid_from`.
    tables: Vec<RateTable>,
}

impl Rates {
    /// Rates to `reporting`; tables in any order.
    #[must_use]
    pub fn new(reporting: Currency, mut tables: Vec<RateTable>) -> Self {
        tables.sort_by_key(|table| table.valid_from);
        Self { reporting, tables }
    }

    /// The reporting currency.
    #[must_use]
    pub const fn reporting(&self) -> Currency {
        self.reporting
    }

    /// Whether any table has a rate of this currency, or it is the reporting currency.
    #[must_use]
    pub fn knows(&self, currency: Currency) -> bool {
        currency == self.reporting || self.of(currency).next().is_some()
    }

    /// Units of the reporting currency for one unit of `currency` at an instant. A currency that a table leaves out keeps its
    /// older rate; before its first table it has that one. `None` for a currency without any rate.
    #[must_use]
    pub fn at(&self, currency: Currency, at: Timestamp) -> Option<Decimal> {
        if currency == self.reporting {
            return Some(Decimal::ONE);
        }
        let in_force = self.of(currency).take_while(|(from, _)| *from <= at).last();
        in_force.or_else(|| self.of(currency).next()).map(|(_, rate)| rate)
    }

    /// Instants at which the rate of a currency may change, ascending.
    pub fn changes_of(&self, currency: Currency) -> impl Iterator<Item = Timestamp> + '_ {
        self.of(currency).skip(1).map(|(from, _)| from)
    }

    fn of(&self, currency: Currency) -> impl Iterator<Item = (Timestamp, Decimal)> + '_ {
        self.tables
            .iter()
            .filter_map(move |table| table.rates.iter().find(|(known, _)| *known == currency).map(|(_, rate)| (table.valid_from, *rate)))
    }
}
