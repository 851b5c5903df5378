//! What can be added up in any order, and taken away again.

use crate::account::feedback::{Nps, Opinions, Ratings};
use crate::account::support::Durations;

/// Whether something is added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Added.
    Plus,
    /// Taken away: it was added before.
    Minus,
}

/// A sum that starts at nothing, to which others are added in any order. What was added can be taken away and leaves no trace.
pub(super) trait Additive: Default {
    /// Adds all of another, or takes it away.
    fn merge(&mut self, other: &Self, sign: Sign);

    /// Adds all of another.
    fn add(&mut self, other: &Self) {
        self.merge(other, Sign::Plus);
    }
}

/// A sum that may come back to nothing, and then needs no place.
pub(super) trait Summand: Additive {
    /// Whether nothing is left of what was added.
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

/// Whole numbers wrap, so that what is added after it was taken away comes to the same.
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

/// A struct is added field by field. Every field has to be named: one that is forgotten does not compile.
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

/// Some of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Ratio {
    pub some: u64,
    pub all: u64,
}

additive!(Ratio { some, all });

/// Real numbers are summed in whole trillionths, so that their order leaves no trace.
const TRILLIONTHS: f64 = 1e12;

/// A real number in trillionths.
#[expect(clippy::cast_possible_truncation, reason = "what is summed is far inside the range")]
pub(super) fn trillionths(value: f64) -> i128 {
    (value * TRILLIONTHS).round() as i128
}

/// A sum of trillionths as a real number.
pub(super) fn from_trillionths(sum: i128) -> f64 {
    sum as f64 / TRILLIONTHS
}
