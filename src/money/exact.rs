//! Exact fractions: an account's MRR is summed exactly and rounded once.
//!
//! Almost every sum fits two 128-bit integers and needs no allocation; the rest falls back to big rationals.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

/// An exact fraction of minor units.
#[derive(Clone, Debug)]
pub struct Exact(Form);

#[derive(Clone, Debug)]
enum Form {
    /// Numerator and denominator, not reduced; the denominator is > 0.
    Small(i128, i128),
    Big(BigRational),
}

impl Exact {
    /// Zero.
    pub const ZERO: Self = Self(Form::Small(0, 1));

    /// A whole number.
    #[must_use]
    pub const fn whole(number: i128) -> Self {
        Self(Form::Small(number, 1))
    }

    /// This fraction times `numerator / denominator`; `denominator` > 0.
    #[must_use]
    pub fn times(&self, numerator: i128, denominator: i128) -> Self {
        if numerator == denominator {
            return self.clone();
        }
        if let Form::Small(n, d) = self.0
            && let (Some(n), Some(d)) = (n.checked_mul(numerator), d.checked_mul(denominator))
        {
            return Self(Form::Small(n, d));
        }
        Self(Form::Big(self.big() * BigRational::new(numerator.into(), denominator.into())))
    }

    /// The sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        if let (Form::Small(n1, d1), Form::Small(n2, d2)) = (&self.0, &other.0)
            && let Some((n, d)) = sum_of_small((*n1, *d1), (*n2, *d2))
        {
            return Self(Form::Small(n, d));
        }
        Self(Form::Big(self.big() + other.big()))
    }

    /// The difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.times(-1, 1))
    }

    /// Whether it is above zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        match &self.0 {
            Form::Small(n, _) => *n > 0,
            Form::Big(big) => big.is_positive(),
        }
    }

    /// The nearest whole number, half to even; held at the ends of the range.
    #[must_use]
    pub fn rounded(&self) -> i64 {
        let nearest = match &self.0 {
            Form::Small(n, 1) => Some(*n),
            Form::Small(n, d) => Some(round_small(*n, *d)),
            Form::Big(big) => round_big(big).to_i128(),
        };
        let limit = if self.is_positive() { i64::MAX } else { i64::MIN };
        nearest.and_then(|whole| i64::try_from(whole).ok()).unwrap_or(limit)
    }

    fn big(&self) -> BigRational {
        match &self.0 {
            Form::Small(n, d) => BigRational::new((*n).into(), (*d).into()),
            Form::Big(big) => big.clone(),
        }
    }
}

/// The sum over the least common denominator, which keeps it from growing with every addition; `None` when it does not fit.
fn sum_of_small((n1, d1): (i128, i128), (n2, d2): (i128, i128)) -> Option<(i128, i128)> {
    if d1 == d2 {
        return Some((n1.checked_add(n2)?, d1));
    }
    if n1 == 0 {
        return Some((n2, d2));
    }
    if n2 == 0 {
        return Some((n1, d1));
    }
    let shared = greatest_common_divisor(d1, d2);
    let (scale1, scale2) = (d2 / shared, d1 / shared);
    let numerator = n1.checked_mul(scale1)?.checked_add(n2.checked_mul(scale2)?)?;
    Some((numerator, d1.checked_mul(scale1)?))
}

/// Of two positive numbers, by Euclid; in 64 bits where both fit, since 128-bit division is slow.
fn greatest_common_divisor(mut a: i128, mut b: i128) -> i128 {
    if let (Ok(mut a), Ok(mut b)) = (u64::try_from(a), u64::try_from(b)) {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        return i128::from(a);
    }
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn round_small(numerator: i128, denominator: i128) -> i128 {
    let (floor, rest) = match (i64::try_from(numerator), i64::try_from(denominator)) {
        (Ok(n), Ok(d)) => (i128::from(n.div_euclid(d)), i128::from(n.rem_euclid(d))),
        _ => (numerator.div_euclid(denominator), numerator.rem_euclid(denominator)),
    };
    let above = denominator - rest;
    let up = rest > above || (rest == above && floor % 2 != 0);
    floor + i128::from(up)
}

fn round_big(big: &BigRational) -> BigInt {
    let floor = big.floor().to_integer();
    let rest = big - big.floor();
    let above = BigRational::from_integer(1.into()) - &rest;
    let odd = !(&floor % BigInt::from(2)).is_zero();
    if rest > above || (rest == above && odd) { floor + 1 } else { floor }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (numerator, denominator, expected) in [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (7, 3, 2), (8, 3, 3)] {
            assert_eq!(Exact::whole(numerator).times(1, denominator).rounded(), expected, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn three_thirds_are_one() {
        let third = Exact::whole(1).times(1, 3);
        assert_eq!(third.plus(&third).plus(&third).minus(&Exact::whole(1)).rounded(), 0);
        assert!(!third.plus(&third).plus(&third).minus(&Exact::whole(1)).is_positive());
    }

    #[test]
    fn values_beyond_128_bits_are_still_exact() {
        let huge = Exact::whole(i128::MAX).times(i128::MAX, 3).times(1, i128::MAX).times(3, i128::MAX);
        assert_eq!(huge.rounded(), 1);
        assert_eq!(huge.plus(&Exact::whole(1).times(1, 2)).rounded(), 2);
        assert_eq!(Exact::whole(i128::MAX).times(2, 1).rounded(), i64::MAX);
        assert_eq!(Exact::whole(i128::MAX).times(-2, 1).rounded(), i64::MIN);
    }

    proptest! {
        #[test]
        fn the_small_form_agrees_with_big_rationals(
            terms in prop::collection::vec((-1_000_000_000_i128..1_000_000_000, 1_i128..100_000), 1..8),
        ) {
            let exact = terms.iter().fold(Exact::ZERO, |sum, (n, d)| sum.plus(&Exact::whole(*n).times(1, *d)));
            let big = terms.iter().fold(BigRational::zero(), |sum, (n, d)| sum + BigRational::new((*n).into(), (*d).into()));
            prop_assert_eq!(exact.rounded(), round_big(&big).to_i64().unwrap());
            prop_assert_eq!(exact.is_positive(), big.is_positive());
        }
    }
}
