//! Exact signed decimals, for fractions of a minor unit and percentages.

use serde::{Deserialize, Serialize};

use super::Exact;

/// `mantissa / 10^scale`, normalised without trailing zeros so that equal numbers compare equal. `Ord` is total but not numeric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fixed {
    mantissa: i128,
    scale: u32,
}

impl Fixed {
    /// `mantissa / 10^scale`.
    #[must_use]
    pub const fn new(mut mantissa: i128, mut scale: u32) -> Self {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// The numerator over `10^scale`.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Number of decimal places.
    #[must_use]
    pub const fn scale(self) -> u32 {
        self.scale
    }

    /// Whether it is below 0.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The product with a count. Beyond 128 bits the last decimals are cut; without decimals it saturates.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        let count = i128::from(count);
        self.first_that_fits(|cut| cut.mantissa.checked_mul(count)).unwrap_or_else(|| Self::new(self.whole().saturating_mul(count), 0))
    }

    /// The sum. Beyond 128 bits the last decimals are cut; without decimals it saturates.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (coarse, fine) = if self.scale < other.scale { (self, other) } else { (other, self) };
        let sum = |fine: Self| coarse.cut_to(fine.scale).mantissa_at(fine.scale)?.checked_add(fine.mantissa);
        fine.first_that_fits(sum).unwrap_or_else(|| Self::new(fine.whole().saturating_add(coarse.whole()), 0))
    }

    /// The result of `compute` with as many decimals of this number as fit; `None` if not even the whole number does.
    fn first_that_fits(self, compute: impl Fn(Self) -> Option<i128>) -> Option<Self> {
        (0..=self.scale).rev().find_map(|scale| Some(Self::new(compute(self.cut_to(scale))?, scale)))
    }

    /// This number with at most this many decimals, without normalising it.
    const fn cut_to(self, scale: u32) -> Self {
        let cut = self.scale.saturating_sub(scale);
        Self { mantissa: self.mantissa / 10_i128.saturating_pow(cut), scale: self.scale - cut }
    }

    const fn whole(self) -> i128 {
        self.cut_to(0).mantissa
    }

    /// As a fraction.
    #[must_use]
    pub fn exact(self) -> Exact {
        Exact::whole(self.mantissa).times(1, 10_i128.saturating_pow(self.scale))
    }

    /// The mantissa at the same or a larger scale; `None` beyond 128 bits.
    fn mantissa_at(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }
}

impl From<i64> for Fixed {
    fn from(whole: i64) -> Self {
        Self { mantissa: whole.into(), scale: 0 }
    }
}

impl From<rust_decimal::Decimal> for Fixed {
    fn from(decimal: rust_decimal::Decimal) -> Self {
        Self::new(decimal.mantissa(), decimal.scale())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_values() {
        assert_eq!(Fixed::new(1500, 3), Fixed::new(15, 1));
        assert_eq!(Fixed::new(0, 9), Fixed::from(0));
    }

    #[test]
    fn sums_and_products_lose_nothing() {
        let sum = Fixed::new(2675, 3).times(100).plus(Fixed::from(-200)).plus(Fixed::new(-1, 1));
        assert_eq!(sum, Fixed::new(674, 1));
        assert_eq!(sum.exact().rounded(), 67);
    }

    #[test]
    fn beyond_128_bits_decimals_are_cut_before_anything_saturates() {
        let fine = Fixed::new(12_345_678_901_234_567_890_123_456_789, 24);
        assert_eq!(fine.times(100_000_000_000_000).exact().rounded(), 1_234_567_890_123_456_789);
        let sum = Fixed::from(i64::MAX).times(u64::MAX).plus(fine);
        assert_eq!(sum.exact().minus(&Fixed::from(i64::MAX).times(u64::MAX).exact()).rounded(), 12_345);
        assert_eq!(Fixed::new(i128::MAX, 0).times(2), Fixed::new(i128::MAX, 0));
    }
}
