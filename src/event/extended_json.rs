//! `MongoDB`'s extended JSON: what JSON has no notation for is an object with one member, such as `{"$date": 1772357400123}`.
//!
//! The canonical, the relaxed and the older strict form are read; connectors write all three. What has no equal in JSON stays as it is:
//! binary data, patterns, code.

use std::borrow::Cow;

use super::scan::{self, Key, Scan, Scanner};
use crate::time::Timestamp;

/// What the only member of such an object holds.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    Date,
    Timestamp,
    Undefined,
}

impl Form {
    /// By the key of the member.
    fn of(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"$oid" | b"$uuid" | b"$symbol" | b"$numberDecimal" => Self::Text,
            b"$numberLong" | b"$numberInt" | b"$numberDouble" => Self::Number,
            b"$date" => Self::Date,
            b"$timestamp" => Self::Timestamp,
            b"$undefined" => Self::Undefined,
            _ => return None,
        })
    }
}

/// The plain JSON of a value that is written as an object of its own; `None` if it is not.
pub(super) fn unwrapped(json: &str) -> Option<Cow<'_, str>> {
    if !json.starts_with('{') {
        return None;
    }
    let (key, value) = scan::whole::<OnlyMember<'_>>(json)?.0?;
    match Form::of(key)? {
        Form::Text => scan::content(value).map(|_| Cow::Borrowed(value)),
        Form::Number => number(value),
        Form::Date => date(value),
        Form::Timestamp => scan::member(value, "t").map(Cow::Borrowed),
        Form::Undefined => Some(Cow::Borrowed("null")),
    }
}

/// Whether a key is that of such an object.
pub(super) fn is_wrapper(key: &str) -> bool {
    Form::of(key.as_bytes()).is_some()
}

/// A document with every value in it as plain JSON; `None` if it is no JSON.
pub(super) fn plain(document: &str) -> Option<Cow<'_, str>> {
    let mut plain = Plain { text: document, written: String::new(), copied: 0 };
    let mut scanner = Scanner::new(document);
    let start = scanner.start();
    let end = plain.value(&mut scanner, start)?;
    if !scanner.is_end(end) {
        return None;
    }
    if plain.copied == 0 {
        return Some(Cow::Borrowed(document));
    }
    plain.written.push_str(document.get(plain.copied..)?);
    Some(Cow::Owned(plain.written))
}

/// The object that a value is, if it has one member, whose key has no escapes.
#[derive(Default)]
struct OnlyMember<'a>(Option<(&'a [u8], &'a str)>);

impl<'a> Scan<'a> for OnlyMember<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        let mut members = 0;
        scanner.members(at, |scanner, key, at| {
            let (value, end) = scanner.value(at)?;
            members += 1;
            self.0 = match key {
                Key::Plain(key) if members == 1 => Some((key, value)),
                Key::Plain(_) | Key::Unescaped(_) => None,
            };
            Some(end)
        })
    }
}

/// A document while it is rewritten.
struct Plain<'a> {
    text: &'a str,
    /// The document so far, and how much of the text is in it.
    written: String,
    copied: usize,
}

impl<'a> Plain<'a> {
    /// Rewrites the value at a place. Returns the place after it.
    fn value(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        match scanner.peek(at)? {
            b'[' => scanner.list(at, |scanner, at| self.value(scanner, at)),
            b'{' => {
                let end = scanner.skip(at)?;
                let Some(value) = unwrapped(self.text.get(at..end)?) else {
                    return scanner.members(at, |scanner, _, at| self.value(scanner, at));
                };
                self.written.push_str(self.text.get(self.copied..at)?);
                self.written.push_str(&value);
                self.copied = end;
                Some(end)
            }
            _ => scanner.skip(at),
        }
    }
}

/// A number that is written as text; what JSON has no number for, such as infinity, stays text.
fn number(json: &str) -> Option<Cow<'_, str>> {
    let digits = scan::content(json)?;
    let is_number = digits.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && scan::whole::<&str>(digits).is_some();
    Some(Cow::Borrowed(if is_number { digits } else { json }))
}

/// A date: text, or milliseconds in either notation of numbers. These become text too, since small ones would pass for seconds.
fn date(json: &str) -> Option<Cow<'_, str>> {
    if scan::content(json).is_some() {
        return Some(Cow::Borrowed(json));
    }
    let millis = unwrapped(json).unwrap_or(Cow::Borrowed(json));
    let at = Timestamp(millis.parse().ok()?);
    (Timestamp::MIN..=Timestamp::MAX).contains(&at).then(|| Cow::Owned(format!("\"{at}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_value_is_plain_json() {
        for (extended, expected) in [
            (r#"{"$date":1772357400123}"#, r#""2026-03-01T09:30:00.123Z""#),
            (r#"{ "$date" : {"$numberLong" : "1772357400123"} }"#, r#""2026-03-01T09:30:00.123Z""#),
            (r#"{"$date":"2026-03-01T09:30:00.123Z"}"#, r#""2026-03-01T09:30:00.123Z""#),
            (r#"{"$date":86400000}"#, r#""1970-01-02T00:00:00Z""#),
            (r#"{"$date":{"$numberLong":"-1"}}"#, r#""1969-12-31T23:59:59.999Z""#),
            (r#"{"$numberLong":"9007199254740993"}"#, "9007199254740993"),
            (r#"{"$numberInt":"-7"}"#, "-7"),
            (r#"{"$numberDouble":"0.5"}"#, "0.5"),
            (r#"{"$numberDouble":"NaN"}"#, r#""NaN""#),
            (r#"{"$numberDecimal":"49.00"}"#, r#""49.00""#),
            (r#"{"$oid":"64b7f0c2"}"#, r#""64b7f0c2""#),
            (r#"{"$uuid":"1b4e28ba-2fa1-11d2-883f-0016d3cca427"}"#, r#""1b4e28ba-2fa1-11d2-883f-0016d3cca427""#),
            (r#"{"$timestamp":{"t":1772357400,"i":3}}"#, "1772357400"),
            (r#"{"$undefined":true}"#, "null"),
        ] {
            assert_eq!(unwrapped(extended).as_deref(), Some(expected), "{extended}");
            assert_eq!(plain(extended).as_deref(), Some(expected), "{extended}");
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for json in [
            r#"{"$binary":{"base64":"AA==","subType":"00"}}"#,
            r#"{"$date":true}"#,
            r#"{"$date":1,"$x":2}"#,
            r#"{"date":1}"#,
            r#"{"$oid":1}"#,
            r#"{"$date":1e400}"#,
            r#"{"$date":99999999999999999}"#,
            r#"{"$numberLong":7}"#,
            "{}",
            "[]",
            "1",
            r#""{\"$date\":1}""#,
            "null",
        ] {
            assert_eq!(unwrapped(json), None, "{json}");
            assert_eq!(plain(json).as_deref(), Some(json));
        }
        for json in ["", "{", r#"{"a":{"$date":1}"#, "[1,]"] {
            assert_eq!(plain(json), None, "{json}");
        }
    }

    #[test]
    fn values_are_found_wherever_they_are() {
        let document = r#"{"_id":{"$oid":"5f"}, "a":[{"n":{"$numberInt":"1"}},{"$numberLong":"2"},"x\n"],"at":{"$date":1772357400123}}"#;
        let expected = r#"{"_id":"5f", "a":[{"n":1},2,"x\n"],"at":"2026-03-01T09:30:00.123Z"}"#;
        assert_eq!(plain(document).as_deref(), Some(expected));
    }

    proptest::proptest! {
        #[test]
        fn what_becomes_of_json_is_json(text in r#"([\[\]{},:"1-]|"\$date"|"\$numberLong"|"\$oid"|"\$timestamp"|\{"t":1\}|"-?[0-9]{0,3}"){0,16}"#) {
            let valid = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            let plain = plain(&text);
            proptest::prop_assert_eq!(plain.is_some(), valid);
            proptest::prop_assert!(plain.is_none_or(|plain| serde_json::from_str::<serde_json::Value>(&plain).is_ok()));
        }
    }
}
