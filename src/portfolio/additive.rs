//! Sums whose terms can be added in any order and removed again.

use crate::account::feedback::{Nps, Opinions, Ratings};
use crate::account::support::Durations;

/// Whether a term is added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Added.
    Plus,
    /// Removed: it was added before.
    Minus,
}

/// A sum, 0 by default. Terms can be added in any order; removing one undoes its addition exactly.
pub(super) trait Additive: Default {
    /// Adds or removes another sum.
    fn merge(&mut self, other: &Self, sign: Sign);

    /// Adds another sum.
    fn add(&mut self, other: &Self) {
        self.merge(other, Sign::Plus);
    }
}

/// A sum that can return to 0, at which point its entry is dropped.
pub(super) trait Summand: Additive {
    /// Whether every term has been removed.
    fn is_zero(&self) -> bool;
}

impl Summand for u64 {
    fn is_zero(&self) -> bool {
        *self == 0
    }
}

impl Summand for Durations {
    fn is_zero(&self) -> bool {
        self.count() == 0
    }
}

/// Integers wrap, so that a term may be removed before it is added.
macro_rules! additive_numbers {
    ($($number:ty),*) => { $(impl Additive for $number {
        fn merge(&mut self, other: &Self, sign: Sign) {
            *self = match sign {
                Sign::Plus => self.wrapping_add(*other),
                Sign::Minus => self.wrapping_sub(*other),
            };
        }
    })* };
}

additive_numbers!(u64, u128, i128);

/// Implements [`Additive`] field by field. A forgotten field is a compile error.
macro_rules! additive {
    ($sums:ident { $($field:ident),* }) => {
        impl $crate::portfolio::additive::Additive for $sums {
            fn merge(&mut self, other: &Self, sign: $crate::portfolio::additive::Sign) {
                let Self { $($field),* } = self;
                $($crate::portfolio::additive::Additive::merge($field, &other.$field, sign);)*
            }
        }
    };
}
pub(super) use additive;

impl<V: Additive, const N: usize> Additive for [V; N]
where
    Self: Default,
{
    fn merge(&mut self, other: &Self, sign: Sign) {
        self.iter_mut().zip(other).for_each(|(own, other)| own.merge(other, sign));
    }
}

impl Additive for Durations {
    fn merge(&mut self, other: &Self, sign: Sign) {
        match sign {
            Sign::Plus => self.merge(other),
            Sign::Minus => self.remove_all(other),
        }
    }
}

additive!(Nps { promoters, passives, detractors });

additive!(Opinions { answers, positive, negative });

additive!(Ratings { rated, satisfied, highly_satisfied, dissatisfied });

/// `some` out of `all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Ratio {
    pub some: u64,
    pub all: u64,
}

additive!(Ratio { some, all });

/// Real numbers are summed as whole trillionths, because float sums depend on their order.
const TRILLIONTHS: f64 = 1e12;

/// A real number in trillionths.
#[expect(clippy::cast_possible_truncation, reason = "the values summed are far inside the range")]
pub(super) fn trillionths(value: f64) -> i128 {
    (value * TRILLIONTHS).round() as i128
}

/// A sum of trillionths as a real number.
pub(super) fn from_trillionths(sum: i128) -> f64 {
    sum as f64 / TRILLIONTHS
}
