//! One item of a subscription: what it costs in all, per interval.

use super::amount::negative;
use crate::event::Item;
use crate::event::adapter::object::Json;
use crate::money::{Amount, Currency, Fixed, Interval};

/// An item with what its discounts need.
pub(super) struct Line<'a> {
    /// What all units cost per interval.
    pub(super) cost: Cost,
    pub(super) currency: Currency,
    pub(super) interval: Option<Interval>,
    pub(super) quantity: u64,
    pub(super) metered: bool,
    /// The id of the product.
    pub(super) product: Json<'a>,
    /// Its own discounts.
    pub(super) discounts: Json<'a>,
}

/// How an item is priced.
#[derive(Clone, Copy)]
pub(super) enum Cost {
    /// So much for each unit.
    PerUnit(Fixed),
    /// So much for all of them.
    InAll(Fixed),
}

impl Line<'_> {
    /// What all units cost per interval.
    pub(super) fn total(&self) -> Fixed {
        match self.cost {
            Cost::PerUnit(unit) => unit.times(self.quantity),
            Cost::InAll(total) => total,
        }
    }

    /// Whether it counts towards MRR.
    pub(super) const fn counts(&self) -> bool {
        self.interval.is_some() && !self.metered
    }

    /// The native items: one, with the quantity as seats. A total that does not divide by the quantity takes a second one, a credit for
    /// what the first one, rounded up, is too much; credits have no seats.
    pub(super) fn items(&self) -> impl Iterator<Item = Item> {
        let item = |minor, quantity| Item {
            amount: Amount { minor, currency: self.currency },
            interval: self.interval,
            quantity,
            metered: self.metered,
        };
        let (first, credit) = match self.cost {
            Cost::PerUnit(unit) => (item(unit, self.quantity), None),
            Cost::InAll(total) => match Split::of(total, self.quantity) {
                Split::None => (item(total, 1), None),
                Split::Even(unit) => (item(unit, self.quantity), None),
                Split::Uneven { unit, surplus } => (item(unit, self.quantity), Some(item(negative(surplus), 1))),
            },
        };
        std::iter::once(first).chain(credit)
    }
}

/// A total divided by a quantity.
enum Split {
    /// There is nothing to divide by.
    None,
    Even(Fixed),
    Uneven {
        unit: Fixed,
        surplus: Fixed,
    },
}

impl Split {
    fn of(total: Fixed, quantity: u64) -> Self {
        /// An even amount per unit has at most this many decimals more than the total.
        const MORE_DECIMALS: u32 = 6;
        let units = i128::from(quantity);
        if units == 0 {
            return if total == Fixed::from(0) { Self::Even(total) } else { Self::None };
        }
        let at = |more: u32| Some((total.mantissa().checked_mul(10_i128.checked_pow(more)?)?, total.scale() + more));
        let even = (0..=MORE_DECIMALS).filter_map(at).find(|(mantissa, _)| mantissa % units == 0);
        if let Some((mantissa, scale)) = even {
            return Self::Even(Fixed::new(mantissa / units, scale));
        }
        let whole = total.mantissa() / 10_i128.saturating_pow(total.scale());
        let unit = Fixed::new(whole / units + 1, 0);
        Self::Uneven { unit, surplus: unit.times(quantity).plus(negative(total)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(cost: Cost, quantity: u64) -> Line<'static> {
        let (product, discounts) = (Json::default(), Json::default());
        Line { cost, currency: Currency::USD, interval: None, quantity, metered: false, product, discounts }
    }

    proptest! {
        #[test]
        fn items_cost_the_total_and_have_the_seats(mantissa in 0_i128..1_000_000_000_000, scale in 0_u32..=12, quantity in 1_u64..5_000) {
            let total = Fixed::new(mantissa, scale);
            let items: Vec<Item> = line(Cost::InAll(total), quantity).items().collect();
            let sum = items.iter().fold(Fixed::from(0), |sum, item| sum.plus(item.amount.minor.times(item.quantity)));
            prop_assert_eq!(sum, total);
            let seats: u64 = items.iter().filter(|item| !item.amount.minor.is_negative()).map(|item| item.quantity).sum();
            prop_assert_eq!(seats, quantity);
        }
    }

    #[test]
    fn a_total_for_no_units_is_one_item() {
        let items: Vec<Item> = line(Cost::InAll(Fixed::from(900)), 0).items().collect();
        assert_eq!(items.iter().map(|item| (item.amount.minor, item.quantity)).collect::<Vec<_>>(), [(Fixed::from(900), 1)]);
        let nothing: Vec<Item> = line(Cost::InAll(Fixed::from(0)), 0).items().collect();
        assert_eq!(nothing.first().map(|item| item.quantity), Some(0));
    }
}
