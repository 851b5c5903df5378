//! Instants as written: RFC 3339 with an offset, or epoch seconds or milliseconds as a number or numeric text.

use jiff::civil::Date;
use serde_json::Value;

use super::fields::Code;

/// Numbers below this are seconds, others milliseconds.
const MILLISECONDS_FROM: i128 = 100_000_000_000;

/// Numbers from here on are microseconds or nanoseconds.
const TOO_FINE_FROM: i128 = 100_000_000_000_000;

/// 1900-01-01T00:00:00Z.
pub const BELIEVED_FROM: i64 = -2_208_988_800_000;

/// The instant of a value in whole milliseconds.
pub fn parse(value: &Value) -> Result<i64, Code> {
    let (text, is_text) = match value {
        Value::Number(number) => (number.to_string(), false),
        Value::String(text) => (text.clone(), true),
        _ => return Err("wrong_type"),
    };
    match from_number(&text) {
        Some(at) if at >= TOO_FINE_FROM => Err("out_of_range"),
        Some(at) => i64::try_from(at).map_err(|_| "out_of_range"),
        None if is_text => from_rfc3339(&text).ok_or("wrong_type"),
        None => Err("wrong_type"),
    }
}

/// Seconds or milliseconds written as a decimal number; further digits are dropped.
fn from_number(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    if whole >= MILLISECONDS_FROM {
        return Some(whole);
    }
    Some(whole * 1000 + thousandths(fraction))
}

/// The first three digits after a point, as thousandths.
fn thousandths(fraction: &str) -> i128 {
    format!("{fraction:0<3}")[..3].parse().unwrap()
}

fn from_rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let date: Date = (date.len() == 10).then(|| date.parse().ok())??;
    let split = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = rest.split_at(split);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = two_digit_fields(clock)?;
    let offset_minutes = match offset {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes, _] = two_digit_fields(&format!("{}:00", &offset[1..]))?;
            (hours * 60 + minutes) * if offset.starts_with('-') { -1 } else { 1 }
        }
    };
    let valid = hour < 24 && minute < 60 && second < 60 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let days = i64::from((date - Date::constant(1970, 1, 1)).get_days());
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    valid.then(|| seconds * 1000 + i64::try_from(thousandths(fraction)).unwrap())
}

fn two_digit_fields(text: &str) -> Option<[i64; 3]> {
    let fields: Vec<i64> = text.split(':').map(|part| (part.len() == 2).then(|| part.parse().ok())?).collect::<Option<_>>()?;
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn an_instant_reads_the_same_in_every_form() {
        let at = Ok(1_772_357_400_123);
        assert_eq!(parse(&json!("2026-03-01T09:30:00.123Z")), at);
        assert_eq!(parse(&json!("2026-03-01T15:15:00.123999+05:45")), at);
        assert_eq!(parse(&json!("2026-03-01T06:30:00.123-03:00")), at);
        assert_eq!(parse(&json!(1_772_357_400_123_i64)), at);
        assert_eq!(parse(&json!("1772357400.1239")), at);
        assert_eq!(parse(&json!(1_772_357_400.123)), at);
    }

    #[test]
    fn numbers_are_seconds_below_ten_to_the_eleven() {
        assert_eq!(parse(&json!(99_999_999_999_i64)), Ok(99_999_999_999_000));
        assert_eq!(parse(&json!(100_000_000_000_i64)), Ok(100_000_000_000));
        assert_eq!(parse(&json!(99_999_999_999_999_i64)), Ok(99_999_999_999_999));
        assert_eq!(parse(&json!(100_000_000_000_000_i64)), Err("out_of_range"));
        assert_eq!(parse(&json!("1700000000000000000")), Err("out_of_range"));
    }

    #[test]
    fn a_time_without_offset_is_not_an_instant() {
        for text in ["2026-03-01T09:30:00", "2026-03-01", "yesterday", "2026-13-01T00:00:00Z"] {
            assert_eq!(parse(&json!(text)), Err("wrong_type"), "{text}");
        }
    }
}
