//! The unit of a stored amount: minor units of a currency, or decimal fractions of them.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::{Currency, Fixed};

/// A currency, and the number of decimals of its minor unit. Encoded as the three letters of the currency, preceded by the number of
/// decimals if there are any. No number of decimals is a letter, and whole minor units are encoded as in version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Denomination {
    pub currency: Currency,
    decimals: u8,
}

impl Denomination {
    /// The unit of an amount, and the amount in that unit.
    pub fn of(minor: Fixed, currency: Currency) -> (Self, i128) {
        let decimals = u8::try_from(minor.scale()).unwrap_or(u8::MAX);
        (Self { currency, decimals }, minor.mantissa())
    }

    /// Whether it counts fractions of a minor unit.
    pub const fn has_decimals(self) -> bool {
        self.decimals > 0
    }

    /// Converts `count` of this unit to minor units.
    pub fn minor(self, count: i128) -> Fixed {
        Fixed::new(count, self.decimals.into())
    }
}

impl Serialize for Denomination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let letters = self.currency.code().as_bytes();
        let decimals = (self.decimals > 0).then_some(self.decimals);
        let mut bytes = serializer.serialize_tuple(letters.len() + usize::from(decimals.is_some()))?;
        for byte in decimals.iter().chain(letters) {
            bytes.serialize_element(byte)?;
        }
        bytes.end()
    }
}

impl<'de> Deserialize<'de> for Denomination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(4, Letters)
    }
}

struct Letters;

impl<'de> Visitor<'de> for Letters {
    type Value = Denomination;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a currency code, optionally preceded by a number of decimals")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Denomination, A::Error> {
        let mut next = || bytes.next_element::<u8>()?.ok_or_else(|| A::Error::custom("truncated currency code"));
        let first = next()?;
        let decimals = if first.is_ascii_alphabetic() { 0 } else { first };
        let letters = [if decimals == 0 { first } else { next()? }, next()?, next()?];
        let currency = std::str::from_utf8(&letters).ok().and_then(Currency::parse);
        Ok(Denomination { currency: currency.ok_or_else(|| A::Error::custom("not a currency"))?, decimals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_minor_units_are_written_as_the_currency_alone() {
        let (whole, count) = Denomination::of(Fixed::from(7), Currency::USD);
        assert_eq!((postcard::to_stdvec(&whole).unwrap(), count), (b"USD".to_vec(), 7));
        assert_eq!(postcard::to_stdvec(&Currency::USD).unwrap(), b"USD");
    }

    #[test]
    fn a_denomination_is_read_back_without_reading_further() {
        for minor in [Fixed::from(-3), Fixed::new(25, 2), Fixed::new(-1, 24)] {
            let (denomination, count) = Denomination::of(minor, Currency::USD);
            let bytes = postcard::to_stdvec(&(denomination, 65_u8)).unwrap();
            let (read, rest): (Denomination, _) = postcard::take_from_bytes(&bytes).unwrap();
            assert_eq!((read, read.minor(count), rest), (denomination, minor, &[65][..]));
        }
        assert!(postcard::from_bytes::<Denomination>(b"U$D").is_err());
        assert!(postcard::from_bytes::<Denomination>(&[2, b'U', b'S']).is_err());
    }
}
