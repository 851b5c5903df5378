//! Decimal numbers parsed from text: amounts and instants must be exact, which floats are not.

use crate::money::Fixed;

/// A JSON number. Leading zeros are accepted because numbers may also come as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number<'a> {
    text: &'a str,
    negative: bool,
    /// Digits before the point.
    whole: &'a [u8],
    /// Digits after the point.
    fraction: &'a [u8],
    /// Power of ten, clamped to +-[`MAX_EXPONENT`], which is beyond every accepted range.
    exponent: i64,
}

const MAX_EXPONENT: i64 = 1 << 40;
/// Decimal places kept of an amount in minor units: twice what any price list uses.
const MAX_DECIMALS: u32 = 24;
/// Amounts have at most 28 digits, so that sums and products of a subscription's prices fit 128 bits.
const MANTISSA_LIMIT: i128 = 10_i128.pow(28);

/// A number rounded down to a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) value: i128,
    /// Whether the number was whole.
    pub(super) exact: bool,
}

impl<'a> Number<'a> {
    /// Parses all of `text`; `None` if it is not a number.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, rest) = digits(unsigned.as_bytes())?;
        let (fraction, rest) = match rest.strip_prefix(b".") {
            Some(rest) => digits(rest)?,
            None => (&[][..], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return None,
        };
        Some(Self { text, negative: unsigned.len() < text.len(), whole, fraction, exponent })
    }

    /// The number as written.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether it has a minus sign.
    pub(super) const fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether it is written with a decimal point.
    pub(super) fn has_point(&self) -> bool {
        self.text.contains('.')
    }

    /// The number times a power of ten, exactly; `None` if that takes more than 28 digits or [`MAX_DECIMALS`] decimals.
    pub(super) fn fixed(&self, power_of_ten: i64) -> Option<Fixed> {
        let digits = self.whole.iter().chain(self.fraction);
        let zeros = i64::try_from(digits.clone().rev().take_while(|digit| **digit == b'0').count()).ok()?;
        if zeros == i64::try_from(digits.count()).ok()? {
            return Some(Fixed::from(0));
        }
        let decimals = (i64::try_from(self.fraction.len()).ok()? - zeros - self.exponent - power_of_ten).max(0);
        let scale = u32::try_from(decimals).ok().filter(|scale| *scale <= MAX_DECIMALS)?;
        let mantissa = self.floor(power_of_ten + decimals)?.value;
        (mantissa.abs() < MANTISSA_LIMIT).then(|| Fixed::new(mantissa, scale))
    }

    /// The number as written, if it is only digits after an optional sign.
    pub(super) fn plain_integer(&self) -> Option<&'a str> {
        let signed = self.whole.len() + usize::from(self.negative) == self.text.len();
        let is_zero = self.whole.iter().all(|digit| *digit == b'0');
        signed.then_some(if is_zero { "0" } else { self.text })
    }

    /// The number times a power of ten, rounded down; `None` beyond `i128`.
    pub(super) fn floor(&self, power_of_ten: i64) -> Option<Floor> {
        let mut digits = self.whole.iter().chain(self.fraction).map(|digit| i128::from(digit - b'0'));
        // Number of digits before the point once it is moved.
        let places = i64::try_from(self.whole.len()).ok()? + self.exponent + power_of_ten;
        let mut magnitude = 0_i128;
        for _ in 0..places {
            match digits.next() {
                Some(digit) => magnitude = magnitude.checked_mul(10)?.checked_add(digit)?,
                None if magnitude == 0 => break,
                None => magnitude = magnitude.checked_mul(10)?,
            }
        }
        let exact = digits.all(|digit| digit == 0);
        let value = if self.negative { -magnitude - i128::from(!exact) } else { magnitude };
        Some(Floor { value, exact })
    }

    /// The nearest float; infinite if too large.
    pub(super) fn to_f64(self) -> f64 {
        self.text.parse().unwrap_or(f64::INFINITY)
    }
}

/// One or more digits, and the rest of the text.
fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (digits, rest) = digits(rest)?;
    let magnitude = digits.iter().fold(0, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(MAX_EXPONENT));
    rest.is_empty().then_some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor(text: &str, power_of_ten: i64) -> Option<(i128, bool)> {
        let cut = Number::parse(text).unwrap().floor(power_of_ten)?;
        Some((cut.value, cut.exact))
    }

    #[test]
    fn whole_numbers_are_exact_however_they_are_written() {
        for text in ["1000", "1000.0", "1e3", "1E+3", "10000e-1", "0.1e4", "01000"] {
            assert_eq!(floor(text, 0), Some((1000, true)), "{text}");
        }
        assert_eq!(floor("-0", 0), Some((0, true)));
        assert_eq!(floor("0e999999999999999999999", 0), Some((0, true)));
        assert_eq!(floor("9007199254740993", 0), Some((9_007_199_254_740_993, true)));
    }

    #[test]
    fn a_fraction_is_rounded_down() {
        assert_eq!(floor("1.999", 0), Some((1, false)));
        assert_eq!(floor("-1.001", 0), Some((-2, false)));
        assert_eq!(floor("1e-999999999999999999999", 0), Some((0, false)));
        assert_eq!(floor("1700000000.1229999999999", 3), Some((1_700_000_000_122, false)));
    }

    #[test]
    fn numbers_beyond_every_integer_are_none() {
        assert_eq!(floor("1e400", 0), None);
        assert_eq!(floor("1e999999999999999999999", 0), None);
        assert_eq!(floor(&"9".repeat(40), 0), None);
    }

    #[test]
    fn decimals_are_exact_down_to_24_of_them() {
        let fixed = |text: &str, power| Number::parse(text).unwrap().fixed(power);
        for (text, power, mantissa, scale) in [
            ("0.02675", 2, 2675, 3),
            ("-25.00", 2, -2500, 0),
            ("90", 2, 9000, 0),
            ("1.10e1", 0, 11, 0),
            ("0.005", 3, 5, 0),
            ("120e-3", 0, 12, 2),
            ("0.000000000000000000000001", 0, 1, 24),
            ("9223372036854775807", 0, i128::from(i64::MAX), 0),
        ] {
            assert_eq!(fixed(text, power), Some(Fixed::new(mantissa, scale)), "{text}");
        }
        assert_eq!(fixed("0.000", 2), Some(Fixed::from(0)));
        assert_eq!(fixed("0e999999999999999999999", 2), Some(Fixed::from(0)));
        for text in ["0.0000000000000000000000001", "1e400", "1e-999999999999999999999", "12345678901234567890123456789"] {
            assert_eq!(fixed(text, 0), None, "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_number() {
        for text in
            ["", "-", "+1", ".5", "5.", "1e", "1e+", "1 ", " 1", "0x10", "1_000", "1,5", "NaN", "Infinity", "--1", "1.2.3", "\u{661}"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn plain_integers_keep_their_digits() {
        let plain = |text| Number::parse(text).unwrap().plain_integer();
        assert_eq!(plain("12345678901234567890123456789012345678901"), Some("12345678901234567890123456789012345678901"));
        assert_eq!(plain("-7"), Some("-7"));
        assert_eq!(plain("-0"), Some("0"));
        assert_eq!(plain("7.0"), None);
        assert_eq!(plain("7e0"), None);
    }
}
