//! The value of a known field, and a reader for every type that fields can have. A failing reader decides the code.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::field::Path;
use super::number::Number;
use super::reading::Reading;
use crate::event::scan;
use crate::event::{Code, Rejection};
use crate::money::{Currency, Fixed};
use crate::time::{DAY_MS, Timestamp};

/// Maximum number of values in an array or map; beyond: `out_of_range`.
pub(in crate::event) const MAX_VALUES: usize = 1000;

/// Maximum of counts, quantities and seats.
pub(in crate::event) const MAX_COUNT: u64 = i64::MAX.unsigned_abs();

/// Instants given as numbers are in milliseconds from here on, below in seconds.
pub(super) const FIRST_MILLISECOND_NUMBER: i128 = 100_000_000_000;
/// Milliseconds from here on would be beyond the year 5138, so these are microseconds.
const FIRST_MICROSECOND_NUMBER: i128 = 100_000_000_000_000;
/// And from here on nanoseconds.
const FIRST_NANOSECOND_NUMBER: i128 = 100_000_000_000_000_000;

/// The likely unit of a number too large to be milliseconds.
pub(in crate::event) const fn unit_too_fine(number: i128) -> Option<&'static str> {
    match number {
        FIRST_NANOSECOND_NUMBER.. => Some("nanoseconds"),
        FIRST_MICROSECOND_NUMBER.. => Some("microseconds"),
        _ => None,
    }
}

/// Whether a number of milliseconds is more likely one of seconds: those from 2001 on are milliseconds of January 1970.
pub(in crate::event) fn looks_like_seconds(millis: i64) -> bool {
    (FIRST_LIKELY_SECOND..FIRST_MILLISECOND_NUMBER).contains(&i128::from(millis))
}

/// 2001-09-09, in seconds.
const FIRST_LIKELY_SECOND: i128 = 1_000_000_000;

/// How a whole number that is an instant counts time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) enum Unit {
    /// As native events do: in seconds, or in milliseconds if it is large.
    Usual,
    Days,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// The instant; `None` unless it is one from 1970 on that native events could write in seconds.
    pub(in crate::event) fn instant(self, json: &str) -> Option<Timestamp> {
        let number = json.parse::<i64>().ok().filter(|number| *number >= 0)?;
        let millis = match self {
            Self::Usual => return None,
            Self::Days => number.checked_mul(DAY_MS)?,
            Self::Milliseconds => number,
            Self::Microseconds => number / 1_000,
            Self::Nanoseconds => number / 1_000_000,
        };
        (i128::from(millis) < FIRST_MILLISECOND_NUMBER * 1_000).then_some(Timestamp(millis))
    }
}

/// The JSON text of a value.
#[derive(Clone, Copy)]
pub(in crate::event) struct Value<'a, 'c> {
    pub(in crate::event) json: &'a str,
    /// How it counts time, if it is an instant.
    pub(in crate::event) unit: Unit,
    pub(in crate::event) path: Path<'c>,
    /// Whether the record contains any escape.
    pub(in crate::event) has_escapes: bool,
    pub(in crate::event) reading: &'c Reading<'c>,
}

impl<'a, 'c> Value<'a, 'c> {
    /// Whether it is neither null nor empty text.
    #[inline]
    pub(in crate::event) fn is_given(&self) -> bool {
        !matches!(self.json, "null" | "\"\"")
    }

    /// The JSON text of a field at this path, which may hold anything.
    #[inline]
    pub(in crate::event) fn foreign(json: &'a str, path: &'c str, reading: &'c Reading<'c>) -> Self {
        Self { json, unit: Unit::Usual, path: Path::Foreign(path), has_escapes: reading.has_escapes.get(), reading }
    }

    /// The JSON text as it stands.
    pub(in crate::event) const fn raw(&self) -> &'a str {
        self.json
    }

    /// Text to be stored, truncated at `limits.text_bytes`: a long name must not cost the event.
    #[inline]
    pub(in crate::event) fn text(&self) -> Result<Cow<'a, str>, Rejection> {
        match self.plain_text() {
            Some(text) if text.len() <= self.reading.context.text_bytes => Ok(Cow::Borrowed(text)),
            _ => self.other_text(),
        }
    }

    // What is not plain is read out of line here and below: if both ways met in one function, the usual one would be written to memory and
    // read again in larger pieces, for which the processor waits longer than reading takes.
    #[inline(never)]
    fn other_text(&self) -> Result<Cow<'a, str>, Rejection> {
        self.other_text_of_any_length().map(|text| self.cut(text))
    }

    /// Text of any length that is not stored.
    #[inline]
    pub(in crate::event) fn any_text(&self) -> Result<Cow<'a, str>, Rejection> {
        match self.plain_text() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.other_text_of_any_length(),
        }
    }

    #[inline(never)]
    fn other_text_of_any_length(&self) -> Result<Cow<'a, str>, Rejection> {
        self.unquoted()?.ok_or_else(|| self.wrong_type("is not text"))
    }

    /// An id: text, or a whole number read as its digits. Never truncated, since two ids could become one.
    #[inline]
    pub(in crate::event) fn id(&self) -> Result<Cow<'a, str>, Rejection> {
        match self.plain_text() {
            Some(text) if text.len() <= self.reading.context.id_bytes => Ok(Cow::Borrowed(text)),
            _ => self.other_id(),
        }
    }

    #[inline(never)]
    fn other_id(&self) -> Result<Cow<'a, str>, Rejection> {
        self.text_or_digits().and_then(|id| self.within_limit(id))
    }

    /// An id that is only stored, not matched; truncated at `limits.text_bytes` like other text.
    pub(in crate::event) fn reference(&self) -> Result<Cow<'a, str>, Rejection> {
        self.text_or_digits().map(|text| self.cut(text))
    }

    fn text_or_digits(&self) -> Result<Cow<'a, str>, Rejection> {
        if let Some(text) = self.unquoted()? {
            return Ok(text);
        }
        let number = Number::parse(self.json).ok_or_else(|| self.wrong_type("is neither text nor a whole number"))?;
        match number.plain_integer() {
            Some(digits) => Ok(Cow::Borrowed(digits)),
            None => Ok(Cow::Owned(self.integer(number)?.to_string())),
        }
    }

    /// One of a set of names, in any case.
    pub(in crate::event) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Rejection> {
        let text = self.any_text()?;
        among(choices, &text).ok_or_else(|| self.not_one_of(choices))
    }

    /// One of a set of names, case-insensitive; `None` for anything else.
    pub(in crate::event) fn word<T: Copy>(&self, choices: &[(&str, T)]) -> Result<Option<T>, Rejection> {
        Ok(self.unquoted()?.and_then(|text| among(choices, &text)))
    }

    /// True or false.
    pub(in crate::event) fn flag(&self) -> Result<bool, Rejection> {
        match self.json {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong_type("is neither true nor false")),
        }
    }

    /// A whole number in a range; `6.0`, `6e0` and text are accepted.
    pub(in crate::event) fn whole<T: TryFrom<i128> + PartialOrd>(self, range: RangeInclusive<T>) -> Result<T, Rejection> {
        let plain = plain_number(self.json).map(i128::from).and_then(|number| T::try_from(number).ok());
        if let Some(whole) = plain.filter(|whole| range.contains(whole)) {
            return Ok(whole);
        }
        let text = self.number_text()?;
        let whole = T::try_from(self.integer(self.number(&text)?)?).ok().filter(|whole| range.contains(whole));
        whole.ok_or_else(|| self.out_of_range("is outside its range"))
    }

    /// An amount in whole minor units. Decimals get their own rejection: "49.00" surely means 49 major units, not 49 cents.
    pub(in crate::event) fn minor_units(&self) -> Result<i64, Rejection> {
        let text = self.number_text()?;
        let number = self.number(&text)?;
        let whole = number.floor(0);
        if whole.is_some_and(|cut| !cut.exact) || (number.has_point() && self.json.starts_with('"')) {
            return Err(self.out_of_range("has decimals: minor units are whole; for major units such as 49.00 use amount or amount_off"));
        }
        whole.and_then(|cut| i64::try_from(cut.value).ok()).ok_or_else(|| self.out_of_range("is outside its range"))
    }

    /// An amount in major units, converted exactly to minor units of a currency with this many decimals.
    pub(in crate::event) fn decimal(&self, decimals: u32) -> Result<Fixed, Rejection> {
        let text = self.number_text()?;
        self.number(&text)?.fixed(decimals.into()).ok_or_else(|| self.out_of_range("has more than 28 digits"))
    }

    /// A finite number.
    pub(in crate::event) fn float(&self) -> Result<f64, Rejection> {
        let text = self.number_text()?;
        let float = self.number(&text)?.to_f64();
        if float.is_finite() { Ok(float) } else { Err(self.out_of_range("is not finite")) }
    }

    /// A percentage, 0..=100, exactly as written up to 28 decimal places.
    pub(in crate::event) fn percent(&self) -> Result<Decimal, Rejection> {
        let text = self.number_text()?;
        let number = self.number(&text)?.text();
        let percent = if number.contains(['e', 'E']) { Decimal::from_scientific(number) } else { Decimal::from_str(number) };
        let percent = percent.ok().filter(|percent| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(percent));
        percent.ok_or_else(|| self.out_of_range("is outside 0 to 100"))
    }

    /// Seconds, >= 0, truncated to nanoseconds.
    pub(in crate::event) fn seconds(&self) -> Result<u64, Rejection> {
        let text = self.number_text()?;
        let nanoseconds = self.number(&text)?.floor(9).and_then(|cut| u64::try_from(cut.value).ok());
        nanoseconds.ok_or_else(|| self.out_of_range("is outside its range"))
    }

    /// An instant: RFC 3339 with offset, or a number (or numeric text) of epoch seconds below 10^11 and epoch milliseconds from there.
    /// Truncated to milliseconds. Anything before year 1 is clamped to it, since later checks reject both.
    pub(in crate::event) fn instant(&self) -> Result<Timestamp, Rejection> {
        let plain = if self.unit == Unit::Usual { plain_instant(self.json) } else { self.unit.instant(self.json) };
        if let Some(at) = plain.or_else(|| self.plain_text().and_then(Timestamp::parse_usual)) {
            return Ok(at);
        }
        let text = self.number_text()?;
        let Some(number) = Number::parse(&text) else {
            return Timestamp::parse_rfc3339(&text).ok_or_else(|| self.wrong_type("is not an instant with offset"));
        };
        let beyond = if number.is_negative() { i128::MIN } else { i128::MAX };
        let floor = |power_of_ten| number.floor(power_of_ten).map_or(beyond, |cut| cut.value);
        let whole = floor(0);
        if let Some(unit) = unit_too_fine(whole) {
            return Err(self.out_of_range(&format!("looks like {unit}: use seconds, milliseconds or RFC 3339")));
        }
        let millis = if whole < FIRST_MILLISECOND_NUMBER { floor(3) } else { whole };
        Ok(Timestamp(i64::try_from(millis).unwrap_or(i64::MIN)).max(Timestamp::MIN))
    }

    /// A currency with a rate.
    pub(in crate::event) fn currency(&self) -> Result<Currency, Rejection> {
        let currency = Currency::parse(&self.any_text()?).ok_or_else(|| self.out_of_range("is not three letters"))?;
        let is_known = self.reading.context.rates.as_ref().is_none_or(|rates| rates.knows(currency));
        if is_known { Ok(currency) } else { Err(self.reject(Code::UnknownCurrency, "has no rate")) }
    }

    /// The elements of an array.
    pub(in crate::event) fn elements(&self) -> Result<Vec<Self>, Rejection> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.json).map_err(|_| self.wrong_type("is not an array"))?;
        if elements.len() > MAX_VALUES {
            return Err(self.too_many());
        }
        let element = |(index, json): (usize, &'a RawValue)| Self { json: json.get(), path: self.path.element(index), ..*self };
        Ok(elements.into_iter().enumerate().map(element).collect())
    }

    /// The members of an object whose keys are data, ordered by key. The last of repeated keys wins.
    pub(in crate::event) fn members(&self) -> Result<Vec<(Cow<'a, str>, Self)>, Rejection> {
        let members: BTreeMap<Key<'a>, &'a RawValue> = serde_json::from_str(self.json).map_err(|_| self.wrong_type("is not an object"))?;
        if members.len() > MAX_VALUES {
            return Err(self.too_many());
        }
        let member = |(key, json): (Key<'a>, &'a RawValue)| Ok((self.within_limit(key.0)?, Self { json: json.get(), ..*self }));
        members.into_iter().map(member).collect()
    }

    /// Text in a record without escapes, as nearly all text is: what reading it takes is inlined.
    #[inline]
    fn plain_text(&self) -> Option<&'a str> {
        if self.has_escapes { None } else { scan::content(self.json) }
    }

    /// Text without its quotes; `None` if it is not text.
    fn unquoted(&self) -> Result<Option<Cow<'a, str>>, Rejection> {
        let Some(text) = scan::content(self.json) else { return Ok(None) };
        if !self.has_escapes || memchr::memchr(b'\\', text.as_bytes()).is_none() {
            return Ok(Some(Cow::Borrowed(text)));
        }
        let unescaped = serde_json::from_str(self.json).map_err(|_| self.reject(Code::InvalidJson, "has an invalid escape"))?;
        Ok(Some(Cow::Owned(unescaped)))
    }

    fn within_limit(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Rejection> {
        if text.len() <= self.reading.context.id_bytes { Ok(text) } else { Err(self.out_of_range("is longer than limits.text_bytes")) }
    }

    /// Truncates at `limits.text_bytes`, to whole characters.
    fn cut(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        let limit = self.reading.context.text_bytes;
        if text.len() <= limit {
            return text;
        }
        self.reading.cut_text.set(true);
        let end = text.floor_char_boundary(limit);
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or(text)),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        }
    }

    /// The text that may be a number: the content of a string, or the value itself.
    fn number_text(&self) -> Result<Cow<'a, str>, Rejection> {
        match (self.unquoted()?, self.json.as_bytes()) {
            (Some(text), _) => Ok(text),
            (None, [b'-' | b'0'..=b'9', ..]) => Ok(Cow::Borrowed(self.json)),
            _ => Err(self.wrong_type("is not a number")),
        }
    }

    fn number<'t>(&self, text: &'t str) -> Result<Number<'t>, Rejection> {
        Number::parse(text).ok_or_else(|| self.wrong_type("is not a number"))
    }

    fn integer(&self, number: Number<'_>) -> Result<i128, Rejection> {
        match number.floor(0) {
            Some(cut) if cut.exact => Ok(cut.value),
            Some(_) => Err(self.wrong_type("is not a whole number")),
            None => Err(self.out_of_range("is outside its range")),
        }
    }

    #[cold]
    fn too_many(&self) -> Rejection {
        self.reject(Code::OutOfRange, &format!("has more than {MAX_VALUES} values"))
    }

    #[cold]
    fn not_one_of<T>(&self, choices: &[(&str, T)]) -> Rejection {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.out_of_range(&format!("is not one of {}", names.join(", ")))
    }

    /// The rejection of a value of the wrong type.
    #[cold]
    pub(in crate::event) fn wrong_type(&self, why: &str) -> Rejection {
        self.reject(Code::WrongType, why)
    }

    /// The rejection of a value outside its range or set.
    #[cold]
    pub(in crate::event) fn out_of_range(&self, why: &str) -> Rejection {
        self.reject(Code::OutOfRange, why)
    }

    fn reject(&self, code: Code, why: &str) -> Rejection {
        Rejection::new(code, format!("{} {why}", self.path))
    }
}

/// An instant written as a whole number of seconds or milliseconds, as nearly all numbers are.
fn plain_instant(json: &str) -> Option<Timestamp> {
    let number = plain_number(json).filter(|_| json.len() <= 14)?;
    Some(Timestamp(if i128::from(number) < FIRST_MILLISECOND_NUMBER { number * 1000 } else { number }))
}

/// A number written with digits only, up to 18 of them and the first of them not 0.
fn plain_number(json: &str) -> Option<i64> {
    if json.len() > 18 || !matches!(json.as_bytes(), [b'1'..=b'9', ..]) {
        return None;
    }
    json.bytes().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

fn among<T: Copy>(choices: &[(&str, T)], text: &str) -> Option<T> {
    choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, choice)| *choice)
}

/// A key that is data, borrowed where JSON allows it.
#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
