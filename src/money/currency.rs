//! Currencies with their minor units, and billing intervals.

use std::fmt;

use super::Fixed;

/// An ISO 4217 code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");

    /// Reads three letters in any case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphabetic).then(|| Self(code.map(|letter| letter.to_ascii_uppercase())))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits of the minor unit (ISO 4217): JPY 0, USD 2, KWD 3.
    #[must_use]
    pub const fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV"
            | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Amount {
    /// Minor units; fractions of one are exact.
    pub minor: Fixed,
    /// The currency.
    pub currency: Currency,
}

/// A billing interval: `count` units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// The unit.
    pub unit: IntervalUnit,
    /// How many units, >= 1.
    pub count: u32,
}

impl Interval {
    /// The factor, as numerator and denominator, from an amount per interval to one per month: a year has 365 days, 52 weeks, 12 months.
    #[must_use]
    pub fn per_month(self) -> (i128, i128) {
        let count = i128::from(self.count.max(1));
        match self.unit {
            IntervalUnit::Day => (365, 12 * count),
            IntervalUnit::Week => (52, 12 * count),
            IntervalUnit::Month => (1, count),
            IntervalUnit::Quarter => (1, 3 * count),
            IntervalUnit::Year => (1, 12 * count),
        }
    }
}

/// Unit of a billing interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum IntervalUnit {
    /// 365/12 to a month.
    Day,
    /// 52/12 to a month.
    Week,
    /// One month.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Exact;

    #[test]
    fn an_amount_is_normalised_to_a_month() {
        let monthly = |unit, count, minor: i128| {
            let (numerator, denominator) = Interval { unit, count }.per_month();
            Exact::whole(minor).times(numerator, denominator).rounded()
        };
        assert_eq!(monthly(IntervalUnit::Day, 1, 100), 3042); // 100 x 365/12 = 3041.67
        assert_eq!(monthly(IntervalUnit::Day, 30, 3000), 3042);
        assert_eq!(monthly(IntervalUnit::Week, 1, 300), 1300);
        assert_eq!(monthly(IntervalUnit::Week, 2, 300), 650);
        assert_eq!(monthly(IntervalUnit::Month, 1, 4900), 4900);
        assert_eq!(monthly(IntervalUnit::Month, 6, 6000), 1000);
        assert_eq!(monthly(IntervalUnit::Quarter, 1, 30_000), 10_000);
        assert_eq!(monthly(IntervalUnit::Year, 1, 120_000), 10_000);
        assert_eq!(monthly(IntervalUnit::Year, 2, 120_000), 5_000);
    }

    #[test]
    fn codes_are_case_insensitive_and_know_their_minor_units() {
        assert_eq!(Currency::parse("eur").map(Currency::exponent), Some(2));
        assert_eq!(Currency::parse("JPY").map(Currency::exponent), Some(0));
        assert_eq!(Currency::parse("kwd").map(Currency::exponent), Some(3));
        assert_eq!(Currency::parse("EURO"), None);
        assert_eq!(Currency::parse("E1R"), None);
    }
}
