//! Rows as plain JSON: what Debezium and Kafka Connect write in their own ways is rewritten, by the schema where there is one.
//!
//! Without a schema, numbers that can only be microseconds or nanoseconds are instants where a native field is one, and text that is JSON
//! is JSON where a native field is a list or an object. A row with nothing to rewrite is borrowed as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigInt;
use serde_json::value::RawValue;

use super::envelope::Column;
use crate::event::adapter::inner;
use crate::event::adapter::object::{Json, List, Nested};
use crate::event::adapter::payload::missing;
use crate::event::scan::{self, Scanner};
use crate::event::{Code, Rejection};

/// What stands for a value that the database did not send along, such as a large one that has not changed.
const UNAVAILABLE: &str = "__debezium_unavailable_value";
/// The same as bytes.
const UNAVAILABLE_BYTES: &str = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==";

/// Native fields that are instants.
const INSTANTS: [&str; 16] = [
    "occurred_at",
    "created_at",
    "first_reply_at",
    "first_resolved_at",
    "resolved_at",
    "reopened_at",
    "closed_at",
    "trial_end",
    "current_period_start",
    "current_period_end",
    "cancel_at",
    "canceled_at",
    "started_at",
    "term_end",
    "signed_up_at",
    "onboarded_at",
];
/// Native fields that are lists or objects, which columns hold as text.
const STRUCTURES: [&str; 6] = ["items", "discount", "discounts", "scale", "entitled_features", "aliases"];
/// Native fields that are true or false, which some databases hold as 1 or 0.
const FLAGS: [&str; 3] = ["cancel_at_period_end", "public", "deleted"];

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
    fn guessed(name: &str, json: &str) -> Self {
        if STRUCTURES.contains(&name) && json.starts_with('"') {
            return Self::Json;
        }
        match json.parse::<i128>() {
            Ok(number) if INSTANTS.contains(&name) && number >= 100_000_000_000_000_000 => Self::Ticks(1_000_000_000),
            Ok(number) if INSTANTS.contains(&name) && number >= 100_000_000_000_000 => Self::Ticks(1_000_000),
            _ => Self::Plain,
        }
    }
}

/// The row as plain JSON.
///
/// # Errors
/// If it is missing or no object, or a value does not fit its schema.
pub(super) fn plain<'a>(row: Json<'a>, schema: Json<'a>) -> Result<Cow<'a, str>, Rejection> {
    let text = row.given().ok_or_else(|| missing("after"))?;
    // MongoDB's documents are JSON in text.
    if text.starts_with('"') {
        return unquoted(text).filter(|text| inner::is_object(text)).map(Cow::Owned).ok_or_else(|| wrong("after", "is not an object"));
    }
    let kinds = kinds(schema);
    // The row so far with its values rewritten, and how much of the text is in it.
    let (mut plain, mut copied, mut refused) = (String::new(), 0, None);
    let mut scanner = Scanner::new(text);
    let parsed = scanner.object(|scanner, name| {
        let start = scanner.position();
        let json = scanner.value()?;
        let kind = kinds.get(name).copied().unwrap_or(Kind::Plain);
        let kind = if kind == Kind::Plain { Kind::guessed(name, json) } else { kind };
        match column(name, json, kind) {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(value)) => {
                plain.push_str(text.get(copied..start)?);
                plain.push_str(&value);
                copied = scanner.position();
            }
            Err(rejection) => refused = refused.take().or(Some(rejection)),
        }
        Some(())
    });
    match (parsed, refused) {
        (None, _) => Err(wrong("after", "is not an object")),
        (Some(()), Some(rejection)) => Err(rejection),
        (Some(()), None) if copied == 0 => Ok(Cow::Borrowed(text)),
        (Some(()), None) => Ok(Cow::Owned(plain + text.get(copied..).unwrap_or_default())),
    }
}

fn kinds(schema: Json<'_>) -> BTreeMap<&str, Kind> {
    let columns = schema.given().and_then(scan::whole::<List<Column<'_>>>);
    let columns = columns.and_then(|columns| match columns.0 {
        Nested::Given(columns) => Some(columns),
        _ => None,
    });
    columns
        .into_iter()
        .flatten()
        .filter_map(|column| match column {
            Nested::Given(column) => Some((column.field.plain()?, Kind::of(&column))),
            _ => None,
        })
        .filter(|(_, kind)| *kind != Kind::Plain)
        .collect()
}

/// A value as plain JSON; borrowed if it is already.
fn column<'a>(name: &str, json: &'a str, kind: Kind) -> Result<Cow<'a, str>, Rejection> {
    // Most values are too short to be searched.
    if json.len() > UNAVAILABLE.len() && (json.contains(UNAVAILABLE) || json.contains(UNAVAILABLE_BYTES)) {
        return Ok(Cow::Owned("null".to_owned()));
    }
    if json == "null" {
        return Ok(Cow::Borrowed(json));
    }
    let plain = match kind {
        Kind::Plain if FLAGS.contains(&name) && matches!(json, "0" | "1") => Some(if json == "1" { "true" } else { "false" }.to_owned()),
        Kind::Plain => return Ok(Cow::Borrowed(json)),
        // The modes `string` and `double` write decimals as they are.
        Kind::Decimal(scale) => match json.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
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

/// Column names are part of the schema, not of the data; those that are not plain words are left out of messages.
fn printable(name: &str) -> &str {
    let is_word = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_word { name } else { "?" }
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

fn unquoted(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

fn wrong(path: &str, why: &str) -> Rejection {
    Rejection::new(Code::WrongType, format!("{path} {why}"))
}
