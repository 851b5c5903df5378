//! Rows as plain JSON: what Debezium and Kafka Connect write in their own ways is rewritten, by the schema where there is one.
//!
//! Without a schema, numbers that can only be microseconds or nanoseconds are instants where a native field is one, and text that is JSON
//! is JSON where a native field is a list or an object. A row with nothing to rewrite is borrowed as it is.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigInt;
use serde_json::value::RawValue;

use super::envelope::Column;
use crate::event::adapter::inner;
use crate::event::adapter::object::List;
use crate::event::names::Names;
use crate::event::native::Unit;
use crate::event::scan::{self, Scanner};
use crate::event::{Code, Rejection, extended_json};

/// What stands for a value that the database did not send along, such as a large one that has not changed.
const UNAVAILABLE: &str = "__debezium_unavailable_value";
/// The same as bytes.
const UNAVAILABLE_BYTES: &str = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==";

/// What a native field holds that databases write in other ways.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Instant,
    /// A list or an object, which columns hold as text.
    Structure,
    /// True or false, which some databases hold as 1 or 0.
    Flag,
}

/// The native fields that hold such things.
static FIELDS: Names<Holds, 25> = Names::new([
    ("occurred_at", Holds::Instant),
    ("created_at", Holds::Instant),
    ("first_reply_at", Holds::Instant),
    ("first_resolved_at", Holds::Instant),
    ("resolved_at", Holds::Instant),
    ("reopened_at", Holds::Instant),
    ("closed_at", Holds::Instant),
    ("trial_end", Holds::Instant),
    ("current_period_start", Holds::Instant),
    ("current_period_end", Holds::Instant),
    ("cancel_at", Holds::Instant),
    ("canceled_at", Holds::Instant),
    ("started_at", Holds::Instant),
    ("term_end", Holds::Instant),
    ("signed_up_at", Holds::Instant),
    ("onboarded_at", Holds::Instant),
    ("items", Holds::Structure),
    ("discount", Holds::Structure),
    ("discounts", Holds::Structure),
    ("scale", Holds::Structure),
    ("entitled_features", Holds::Structure),
    ("aliases", Holds::Structure),
    ("cancel_at_period_end", Holds::Flag),
    ("public", Holds::Flag),
    ("deleted", Holds::Flag),
]);

/// Instants in seconds and milliseconds have fewer digits than this, finer ones have as many or more.
const DIGITS_FINE: usize = 15;

/// How a column is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Big-endian two's complement in Base64, over a power of ten.
    Decimal(u32),
    /// The same as an object with its own scale.
    VariableDecimal,
    /// Days since 1970.
    Days,
    /// So many of these make a second.
    Ticks(i128),
    /// JSON in text.
    Json,
}

impl Kind {
    fn of(column: &Column<'_>) -> Self {
        match column.name.plain() {
            Some("org.apache.kafka.connect.data.Decimal") => {
                let scale = column.parameters.get().and_then(|parameters| parameters.scale.given());
                scale.and_then(|scale| scale.trim_matches('"').parse().ok()).map_or(Self::Plain, Self::Decimal)
            }
            Some("io.debezium.data.VariableScaleDecimal") => Self::VariableDecimal,
            Some("io.debezium.time.Date" | "org.apache.kafka.connect.data.Date") => Self::Days,
            Some("io.debezium.time.Timestamp" | "org.apache.kafka.connect.data.Timestamp") => Self::Ticks(1_000),
            Some("io.debezium.time.MicroTimestamp") => Self::Ticks(1_000_000),
            Some("io.debezium.time.NanoTimestamp") => Self::Ticks(1_000_000_000),
            Some("io.debezium.data.Json") => Self::Json,
            _ => Self::Plain,
        }
    }

    /// Without a schema, by the native field.
    fn guessed(holds: Option<Holds>, json: &str) -> Self {
        match holds {
            Some(Holds::Structure) if json.starts_with('"') => Self::Json,
            Some(Holds::Instant) if json.len() >= DIGITS_FINE => match json.parse::<i128>() {
                Ok(100_000_000_000_000_000..) => Self::Ticks(1_000_000_000),
                Ok(100_000_000_000_000..) => Self::Ticks(1_000_000),
                _ => Self::Plain,
            },
            _ => Self::Plain,
        }
    }

    /// How a native field that is an instant would count time.
    const fn unit(self) -> Option<Unit> {
        match self {
            Self::Days => Some(Unit::Days),
            Self::Ticks(1_000) => Some(Unit::Milliseconds),
            Self::Ticks(1_000_000) => Some(Unit::Microseconds),
            Self::Ticks(1_000_000_000) => Some(Unit::Nanoseconds),
            _ => None,
        }
    }
}

/// The columns of a row whose schema says that they are not plain JSON.
pub(super) struct Columns<'a>(Vec<(&'a [u8], Kind)>);

impl<'a> Columns<'a> {
    /// Those of a schema.
    pub(super) fn of(columns: &List<Column<'a>>) -> Self {
        let kinds = columns.given().filter_map(|column| Some((column.field.plain()?.as_bytes(), Kind::of(column))));
        Self(kinds.filter(|(_, kind)| *kind != Kind::Plain).collect())
    }

    fn kind(&self, name: &[u8], holds: Option<Holds>, json: &str) -> Kind {
        // The last of repeated names wins, as everywhere.
        let kind = self.0.iter().rev().find(|(column, _)| *column == name).map(|(_, kind)| *kind);
        kind.unwrap_or_else(|| Kind::guessed(holds, json))
    }

    /// A value as that of a native field, and how it counts time if it is an instant; `None` if the row must be rewritten to be read.
    pub(super) fn in_place(&self, name: &[u8], json: &'a str) -> Option<(&'a str, Unit)> {
        if is_unavailable(json) {
            return Some(("null", Unit::Usual));
        }
        if self.0.is_empty() && is_plain(json) {
            return Some((json, Unit::Usual));
        }
        let holds = FIELDS.get(name);
        match self.kind(name, holds, json) {
            _ if json == "null" => Some((json, Unit::Usual)),
            Kind::Plain => Some((flag(holds, json).unwrap_or(json), Unit::Usual)),
            kind if holds == Some(Holds::Instant) => {
                let unit = kind.unit().filter(|unit| unit.instant(json).is_some())?;
                Some((json, unit))
            }
            _ => None,
        }
    }

    /// The row as plain JSON.
    ///
    /// # Errors
    /// If it is no object, or a value does not fit its schema.
    pub(super) fn plain(&self, text: &'a str) -> Result<Cow<'a, str>, Rejection> {
        if text.starts_with('"') {
            return document(text).map(Cow::Owned).ok_or_else(|| wrong("after", "is not an object"));
        }
        // The row so far with its values rewritten, and how much of the text is in it.
        let (mut plain, mut copied, mut refused) = (String::new(), 0, None);
        let mut scanner = Scanner::new(text);
        let parsed = scanner.object(scanner.start(), |scanner, name, start| {
            let (json, end) = scanner.value(start)?;
            match self.column(name, json) {
                Ok(Cow::Borrowed(_)) => {}
                Ok(Cow::Owned(value)) => {
                    plain.push_str(text.get(copied..start)?);
                    plain.push_str(&value);
                    copied = end;
                }
                Err(rejection) => refused = refused.take().or(Some(rejection)),
            }
            Some(end)
        });
        match (parsed, refused) {
            (None, _) => Err(wrong("after", "is not an object")),
            (Some(_), Some(rejection)) => Err(rejection),
            (Some(_), None) if copied == 0 => Ok(Cow::Borrowed(text)),
            (Some(_), None) => Ok(Cow::Owned(plain + text.get(copied..).unwrap_or_default())),
        }
    }

    /// A value as plain JSON; borrowed if it is already.
    fn column<'j>(&self, name: &[u8], json: &'j str) -> Result<Cow<'j, str>, Rejection> {
        if is_unavailable(json) {
            return Ok(Cow::Owned("null".to_owned()));
        }
        if json == "null" {
            return Ok(Cow::Borrowed(json));
        }
        let holds = FIELDS.get(name);
        let plain = match self.kind(name, holds, json) {
            Kind::Plain => match flag(holds, json) {
                Some(flag) => Some(flag.to_owned()),
                None => return Ok(Cow::Borrowed(json)),
            },
            // The modes `string` and `double` write decimals as they are.
            Kind::Decimal(scale) => match scan::content(json) {
                Some(bytes) => decimal(bytes, scale).map(|text| format!("\"{text}\"")),
                None => return Ok(Cow::Borrowed(json)),
            },
            Kind::VariableDecimal => variable_decimal(json).map(|text| format!("\"{text}\"")),
            Kind::Days => json.parse::<i64>().ok().map(|days| days.saturating_mul(86_400).to_string()),
            Kind::Ticks(per_second) => json.parse::<i128>().ok().map(|ticks| seconds(ticks, per_second)),
            Kind::Json => match unquoted(json) {
                // A column that holds JSON may hold plain text where a native field is a name.
                Some(text) if serde_json::from_str::<&RawValue>(&text).is_ok() => Some(text),
                _ => return Ok(Cow::Borrowed(json)),
            },
        };
        plain.map(Cow::Owned).ok_or_else(|| wrong(&format!("after.{}", printable(name)), "does not fit its schema"))
    }
}

/// Whether a value without a schema is what it looks like, whatever its field holds: neither JSON in text, nor a flag or a fine instant as a
/// number. Most values are, and need no look at the field.
fn is_plain(json: &str) -> bool {
    match json.as_bytes() {
        // No JSON begins with other letters than those of true, false and null.
        [b'"', b't' | b'f' | b'n', ..] | [b'0' | b'1'] => false,
        [b'"', first, ..] => first.is_ascii_alphabetic(),
        [b'-' | b'0'..=b'9', ..] => json.len() < DIGITS_FINE,
        _ => false,
    }
}

/// A flag that is written as a number.
fn flag(holds: Option<Holds>, json: &str) -> Option<&'static str> {
    match json {
        "0" if holds == Some(Holds::Flag) => Some("false"),
        "1" if holds == Some(Holds::Flag) => Some("true"),
        _ => None,
    }
}

/// Whether a value stands for one that the database did not send along. Most values are too short to be searched.
fn is_unavailable(json: &str) -> bool {
    let begins = |at: usize| json.get(at..).is_some_and(|rest| rest.starts_with(UNAVAILABLE) || rest.starts_with(UNAVAILABLE_BYTES));
    json.len() > UNAVAILABLE.len() && memchr::memchr2_iter(b'_', b'X', json.as_bytes()).any(begins)
}

/// Column names are part of the schema, not of the data; those that are not plain words are left out of messages.
fn printable(name: &[u8]) -> &str {
    let is_word = name.len() <= 64 && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    std::str::from_utf8(name).ok().filter(|_| is_word).unwrap_or("?")
}

fn decimal(base64: &str, scale: u32) -> Option<String> {
    /// No decimal of any database has more digits behind the point.
    const MAX_SCALE: u32 = 1_000;
    let bytes = BASE64_STANDARD.decode(base64).ok().filter(|_| scale <= MAX_SCALE)?;
    let unscaled = BigInt::from_signed_bytes_be(&bytes);
    let negative = unscaled.sign() == num_bigint::Sign::Minus;
    let scale = usize::try_from(scale).ok()?;
    let digits = format!("{:0>width$}", unscaled.magnitude().to_string(), width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale)?;
    let point = if scale > 0 { "." } else { "" };
    Some(format!("{}{whole}{point}{fraction}", if negative { "-" } else { "" }))
}

fn variable_decimal(json: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Variable<'a> {
        scale: u32,
        #[serde(borrow)]
        value: Cow<'a, str>,
    }
    let variable: Variable<'_> = serde_json::from_str(json).ok()?;
    decimal(&variable.value, variable.scale)
}

/// A number of seconds with its fraction.
fn seconds(ticks: i128, per_second: i128) -> String {
    let (whole, rest) = (ticks.div_euclid(per_second), ticks.rem_euclid(per_second));
    let digits = per_second.ilog10() as usize;
    // Before 1970 the fraction counts upwards from the whole, which a decimal cannot say; instants are cut to milliseconds anyway.
    if rest == 0 || whole < 0 { whole.to_string() } else { format!("{whole}.{rest:0digits$}") }
}

/// A document of `MongoDB`, which is extended JSON in text, as plain JSON; `None` if the text holds something else.
pub(super) fn document(json: &str) -> Option<String> {
    let written = unquoted(json).filter(|text| inner::is_object(text.trim_ascii_start()))?;
    let plain = extended_json::plain(&written)?;
    Some(plain.into_owned())
}

/// The content of text.
pub(super) fn unquoted(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

fn wrong(path: &str, why: &str) -> Rejection {
    Rejection::new(Code::WrongType, format!("{path} {why}"))
}
