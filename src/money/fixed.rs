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

    /// The product with a count, saturating at 128 bits.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self::new(self.mantissa.saturating_mul(count as i128), self.scale)
    }

    /// The sum, saturating at 128 bits.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        let (one, two) = (self.mantissa_at(scale), other.mantissa_at(scale));
        Self::new(one.saturating_add(two), scale)
    }

    /// As a fraction.
    #[must_use]
    pub fn exact(self) -> Exact {
        Exact::whole(self.mantissa).times(1, 10_i128.saturating_pow(self.scale))
    }

    /// The mantissa at the same or a larger scale.
    const fn mantissa_at(self, scale: u32) -> i128 {
        self.mantissa.saturating_mul(10_i128.saturating_pow(scale - self.scale))
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
}
