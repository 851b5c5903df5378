//! One value of a known field, and how to read it as what the contract says: each reader names the code when it cannot.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::decode::DecodeContext;
use super::field::Path;
use super::number::Number;
use crate::event::{Code, Rejection};
use crate::money::Currency;
use crate::time::Timestamp;

/// An array or a map of a payload holds this many values at most; more: `out_of_range`.
pub(super) const MAX_VALUES: usize = 1000;

/// Counts, quantities and seats end here.
pub(super) const MAX_COUNT: u64 = i64::MAX.unsigned_abs();

/// From here on a number that stands for an instant is in milliseconds, below in seconds.
const FIRST_MILLISECOND_NUMBER: i128 = 100_000_000_000;

/// A value, as its JSON text.
#[derive(Clone, Copy)]
pub(super) struct Value<'a, 'c> {
    pub(super) json: &'a str,
    pub(super) path: Path,
    /// Whether there is any escape in the record.
    pub(super) has_escapes: bool,
    pub(super) context: &'c DecodeContext,
}

impl<'a> Value<'a, '_> {
    /// Whether it is anything but null and empty text.
    pub(super) fn is_given(&self) -> bool {
        !matches!(self.json, "null" | "\"\"")
    }

    /// Text that is kept: of at most `limits.text_bytes` bytes.
    pub(super) fn text(&self) -> Result<Cow<'a, str>, Rejection> {
        let text = self.any_text()?;
        self.within_limit(text)
    }

    /// Text of any length, which nothing keeps.
    pub(super) fn any_text(&self) -> Result<Cow<'a, str>, Rejection> {
        self.unquoted()?.ok_or_else(|| self.wrong_type("is no text"))
    }

    /// An id: kept text, or a whole number, which is read as its digits.
    pub(super) fn id(&self) -> Result<Cow<'a, str>, Rejection> {
        if let Some(text) = self.unquoted()? {
            return self.within_limit(text);
        }
        let number = Number::parse(self.json).ok_or_else(|| self.wrong_type("is neither text nor a whole number"))?;
        match number.plain_integer() {
            Some(digits) => self.within_limit(Cow::Borrowed(digits)),
            None => Ok(Cow::Owned(self.integer(number)?.to_string())),
        }
    }

    /// One of a set of names, in any case.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Rejection> {
        let text = self.any_text()?;
        among(choices, &text).ok_or_else(|| self.out_of_range("is none of the known values"))
    }

    /// One of a set of names, in any case; `None` when it is anything else.
    pub(super) fn word<T: Copy>(&self, choices: &[(&str, T)]) -> Result<Option<T>, Rejection> {
        Ok(self.unquoted()?.and_then(|text| among(choices, &text)))
    }

    /// True or false.
    pub(super) fn flag(&self) -> Result<bool, Rejection> {
        match self.json {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong_type("is neither true nor false")),
        }
    }

    /// A whole number in a range, which may be written `6.0`, `6e0` or as text.
    pub(super) fn whole<T: TryFrom<i128> + PartialOrd>(self, range: RangeInclusive<T>) -> Result<T, Rejection> {
        let text = self.number_text()?;
        let whole = T::try_from(self.integer(self.number(&text)?)?).ok().filter(|whole| range.contains(whole));
        whole.ok_or_else(|| self.out_of_range("is outside its range"))
    }

    /// A finite number.
    pub(super) fn float(&self) -> Result<f64, Rejection> {
        let text = self.number_text()?;
        let float = self.number(&text)?.to_f64();
        if float.is_finite() { Ok(float) } else { Err(self.out_of_range("is not finite")) }
    }

    /// A percentage, 0..=100, exactly as written up to 28 decimal places.
    pub(super) fn percent(&self) -> Result<Decimal, Rejection> {
        let text = self.number_text()?;
        let number = self.number(&text)?.text();
        let percent = if number.contains(['e', 'E']) { Decimal::from_scientific(number) } else { Decimal::from_str(number) };
        let percent = percent.ok().filter(|percent| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(percent));
        percent.ok_or_else(|| self.out_of_range("is outside 0 to 100"))
    }

    /// Seconds, >= 0, as nanoseconds; finer digits are cut.
    pub(super) fn seconds(&self) -> Result<u64, Rejection> {
        let text = self.number_text()?;
        let nanoseconds = self.number(&text)?.floor(9).and_then(|cut| u64::try_from(cut.value).ok());
        nanoseconds.ok_or_else(|| self.out_of_range("is outside its range"))
    }

    /// An instant: RFC 3339 with offset, or epoch seconds below 10^11 and epoch milliseconds from there, as number or text. Finer
    /// digits than milliseconds are cut.
    pub(super) fn instant(&self) -> Result<Timestamp, Rejection> {
        let text = self.number_text()?;
        let Some(number) = Number::parse(&text) else {
            return Timestamp::parse_rfc3339(&text).ok_or_else(|| self.wrong_type("is no instant with offset"));
        };
        let floor = |power_of_ten| number.floor(power_of_ten).map(|cut| cut.value);
        let millis = floor(0).and_then(|value| if value < FIRST_MILLISECOND_NUMBER { floor(3) } else { Some(value) });
        let at = millis.and_then(|millis| i64::try_from(millis).ok()).map(Timestamp);
        at.filter(|at| (Timestamp::MIN..=Timestamp::MAX).contains(at)).ok_or_else(|| self.out_of_range("is outside the years 1 to 9999"))
    }

    /// A currency that has a rate.
    pub(super) fn currency(&self) -> Result<Currency, Rejection> {
        let currency = Currency::parse(&self.any_text()?).ok_or_else(|| self.out_of_range("is no three letters"))?;
        if self.context.rates.knows(currency) { Ok(currency) } else { Err(self.reject(Code::UnknownCurrency, "has no rate")) }
    }

    /// The elements of an array.
    pub(super) fn elements(&self) -> Result<Vec<Self>, Rejection> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.json).map_err(|_| self.wrong_type("is no array"))?;
        if elements.len() > MAX_VALUES {
            return Err(self.too_many());
        }
        let element = |(index, json): (usize, &'a RawValue)| Self { json: json.get(), path: self.path.element(index), ..*self };
        Ok(elements.into_iter().enumerate().map(element).collect())
    }

    /// The members of an object whose keys are data, ordered by key. Of a repeated key the last counts.
    pub(super) fn members(&self) -> Result<Vec<(Cow<'a, str>, Self)>, Rejection> {
        let members: BTreeMap<Key<'a>, &'a RawValue> = serde_json::from_str(self.json).map_err(|_| self.wrong_type("is no object"))?;
        if members.len() > MAX_VALUES {
            return Err(self.too_many());
        }
        let member = |(key, json): (Key<'a>, &'a RawValue)| Ok((self.within_limit(key.0)?, Self { json: json.get(), ..*self }));
        members.into_iter().map(member).collect()
    }

    /// Text without its quotes; `None` when it is no text.
    fn unquoted(&self) -> Result<Option<Cow<'a, str>>, Rejection> {
        let Some(text) = self.json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Ok(None);
        };
        if !self.has_escapes || memchr::memchr(b'\\', text.as_bytes()).is_none() {
            return Ok(Some(Cow::Borrowed(text)));
        }
        let unescaped = serde_json::from_str(self.json).map_err(|_| self.reject(Code::InvalidJson, "has an escape of no character"))?;
        Ok(Some(Cow::Owned(unescaped)))
    }

    fn within_limit(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Rejection> {
        if text.len() <= self.context.text_bytes { Ok(text) } else { Err(self.out_of_range("is longer than limits.text_bytes")) }
    }

    /// What of the value may be a number: its text, or the value itself.
    fn number_text(&self) -> Result<Cow<'a, str>, Rejection> {
        match (self.unquoted()?, self.json.as_bytes()) {
            (Some(text), _) => Ok(text),
            (None, [b'-' | b'0'..=b'9', ..]) => Ok(Cow::Borrowed(self.json)),
            _ => Err(self.wrong_type("is no number")),
        }
    }

    fn number<'t>(&self, text: &'t str) -> Result<Number<'t>, Rejection> {
        Number::parse(text).ok_or_else(|| self.wrong_type("is no number"))
    }

    fn integer(&self, number: Number<'_>) -> Result<i128, Rejection> {
        match number.floor(0) {
            Some(cut) if cut.exact => Ok(cut.value),
            Some(_) => Err(self.wrong_type("is no whole number")),
            None => Err(self.out_of_range("is outside its range")),
        }
    }

    #[cold]
    fn too_many(&self) -> Rejection {
        self.reject(Code::OutOfRange, &format!("has more than {MAX_VALUES} values"))
    }

    /// The rejection of a value of another type.
    #[cold]
    pub(super) fn wrong_type(&self, why: &str) -> Rejection {
        self.reject(Code::WrongType, why)
    }

    /// The rejection of a value outside its range or its set.
    #[cold]
    pub(super) fn out_of_range(&self, why: &str) -> Rejection {
        self.reject(Code::OutOfRange, why)
    }

    fn reject(&self, code: Code, why: &str) -> Rejection {
        Rejection::new(code, format!("{} {why}", self.path))
    }
}

fn among<T: Copy>(choices: &[(&str, T)], text: &str) -> Option<T> {
    choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, choice)| *choice)
}

/// A key that is data, borrowed where JSON allows it.
#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::super::testing::{json, record, refusal};
    use crate::event::{Code, Stream};

    /// The account, read from a value of `account_id`.
    fn id(json_value: &str) -> String {
        let text = json("account_profile", &format!(r#""account_id":{json_value}"#));
        record(Stream::Accounts, &text).account.unwrap().into_owned()
    }

    fn refused_id(json_value: &str) -> Code {
        refusal(Stream::Accounts, &json("account_profile", &format!(r#""account_id":{json_value}"#))).0
    }

    fn instant(json_value: &str) -> i64 {
        let text = format!(r#"{{"type":"account_profile","occurred_at":{json_value}}}"#);
        record(Stream::Accounts, &text).occurred_at.0
    }

    fn refused_instant(json_value: &str) -> Code {
        refusal(Stream::Accounts, &format!(r#"{{"type":"account_profile","occurred_at":{json_value}}}"#)).0
    }

    #[test]
    fn an_id_that_is_a_number_is_read_as_its_digits() {
        for (value, expected) in [
            ("360001", "360001"),
            ("-7", "-7"),
            ("-0", "0"),
            ("7.0", "7"),
            ("7e2", "700"),
            ("1234567890123456", "1234567890123456"),
            (r#""007""#, "007"),
            (r#""7.0""#, "7.0"),
        ] {
            assert_eq!(id(value), expected, "{value}");
        }
        assert_eq!(refused_id("7.5"), Code::WrongType);
        assert_eq!(refused_id("12345678901234567"), Code::OutOfRange);
        assert_eq!(refused_id("1e400"), Code::OutOfRange);
        for value in ["true", "[]", "{}"] {
            assert_eq!(refused_id(value), Code::WrongType, "{value}");
        }
    }

    #[test]
    fn escapes_are_read_before_the_length_is_judged() {
        assert_eq!(id(r#""\u0061\n\"\\\ud83d\ude00""#), "a\n\"\\\u{1f600}");
        assert_eq!(id(r#""\u0061\u0061\u0061\u0061""#), "aaaa");
        assert_eq!(id(r#""1234567890123456""#).len(), 16);
        assert_eq!(refused_id(r#""12345678901234567""#), Code::OutOfRange);
        assert_eq!(refused_id("\"\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}x\""), Code::OutOfRange);
    }

    #[test]
    fn numbers_below_10_to_the_11_are_seconds_and_from_there_milliseconds() {
        for (value, expected) in [
            ("0", 0),
            ("1700000000", 1_700_000_000_000),
            ("\"1700000000\"", 1_700_000_000_000),
            ("1700000000.1239999", 1_700_000_000_123),
            ("99999999999", 99_999_999_999_000),
            ("99999999999.9999", 99_999_999_999_999),
            ("100000000000", 100_000_000_000),
            ("1e11", 100_000_000_000),
            ("\"1700000000123\"", 1_700_000_000_123),
            ("1700000000123.9", 1_700_000_000_123),
            ("1700000000.0e0", 1_700_000_000_000),
            ("-1.5", -1500),
            ("-0.0001", -1),
            ("253402300799999", 253_402_300_799_999),
            ("-62135596800", -62_135_596_800_000),
        ] {
            assert_eq!(instant(value), expected, "{value}");
        }
    }

    #[test]
    fn numbers_outside_the_years_1_to_9999_are_out_of_range() {
        for value in ["253402300800000", "-62135596801", "-100000000000", "1700000000000000000", "1e400", "\"1e400\""] {
            assert_eq!(refused_instant(value), Code::OutOfRange, "{value}");
        }
    }

    #[test]
    fn text_is_rfc_3339_with_an_offset() {
        assert_eq!(instant("\"1970-01-01T00:00:01.0019999Z\""), 1001);
        assert_eq!(instant("\"1970-01-01T01:00:00+01:00\""), 0);
        for value in ["\"1970-01-01\"", "\"1970-01-01T00:00:00\"", "\"soon\"", "\"NaN\"", "\"0000-01-01T00:00:00Z\"", "true", "{}", "[1]"] {
            assert_eq!(refused_instant(value), Code::WrongType, "{value}");
        }
    }
}
