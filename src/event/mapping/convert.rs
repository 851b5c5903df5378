//! Units and notations of other systems: to the native one, by rewriting the text of a number rather than by arithmetic where possible.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::tree::scalar_text;
use crate::time::{Timestamp, Zone};

/// How a value is written.
#[derive(Clone, Debug)]
pub enum Convert {
    /// As in a native event.
    None,
    /// An instant.
    Instant {
        /// The unit of numbers; `None`: seconds or milliseconds, by their size.
        unit: Option<TimeUnit>,
        /// The zone of text without an offset.
        zone: Option<Zone>,
        /// How text is written, in the notation of strftime; `None`: RFC 3339 or ISO 8601.
        format: Option<String>,
    },
    /// A number of this unit to seconds.
    Duration(TimeUnit),
    /// An ISO 8601 duration to seconds.
    IsoDuration,
    /// The unit of an ISO 8601 duration, such as `month` of `P3M`.
    IsoInterval,
    /// The number of an ISO 8601 duration, such as 3 of `P3M`.
    IsoIntervalCount,
    /// A number times ten to this power.
    PowerOfTen(i64),
    /// Text; a number becomes its digits, since the teams and products of help desks have numbers.
    Text,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days of 24 hours; of instants, days since 1970-01-01.
    Days,
}

impl TimeUnit {
    /// Seconds as a factor and a power of ten.
    const fn seconds(self) -> (i128, i64) {
        match self {
            Self::Nanoseconds => (1, -9),
            Self::Microseconds => (1, -6),
            Self::Milliseconds => (1, -3),
            Self::Seconds => (1, 0),
            Self::Minutes => (60, 0),
            Self::Hours => (3_600, 0),
            Self::Days => (86_400, 0),
        }
    }
}

impl Convert {
    /// The end of the message about a value that is not written like this.
    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::None | Self::Text | Self::Duration(_) | Self::PowerOfTen(_) => "is not a number",
            Self::Instant { format: Some(_), .. } => {
                "is not an instant of the format that the mapping gives; without an offset it needs a zone"
            }
            Self::Instant { .. } => "is not an instant; without an offset it needs a zone",
            Self::IsoDuration => "is not an ISO 8601 duration of weeks, days, hours, minutes and seconds",
            Self::IsoInterval | Self::IsoIntervalCount => "is not an ISO 8601 duration of years, months, weeks or days alone",
        }
    }
}

/// The native JSON text of a scalar's JSON text; `None` if it is not written that way.
pub(super) fn converted<'j>(json: &'j str, convert: &Convert) -> Option<Cow<'j, str>> {
    match convert {
        Convert::PowerOfTen(power) => scaled(json, 1, *power).map(Cow::Owned),
        Convert::Duration(unit) => {
            let (factor, power) = unit.seconds();
            scaled(json, factor, power).map(Cow::Owned)
        }
        Convert::Instant { unit, zone, format } => instant(json, *unit, zone.as_ref(), format.as_deref()),
        Convert::Text if json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Some(Cow::Owned(format!("\"{json}\""))),
        Convert::None | Convert::Text => Some(Cow::Borrowed(json)),
        Convert::IsoDuration => iso_duration(&scalar_text(json)?).map(Cow::Owned),
        Convert::IsoInterval => iso_interval(&scalar_text(json)?).map(|(_, unit)| Cow::Owned(format!("\"{unit}\""))),
        Convert::IsoIntervalCount => iso_interval(&scalar_text(json)?).map(|(count, _)| Cow::Owned(count.to_string())),
    }
}

/// A number, or text with one, times a factor and a power of ten, exactly.
fn scaled(json: &str, factor: i128, power: i64) -> Option<String> {
    let text = scalar_text(json)?;
    let text = text.trim();
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let is_number =
        digits.bytes().any(|byte| byte.is_ascii_digit()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
    if !is_number {
        return None;
    }
    let exponent = exponent.checked_add(power)?;
    // Quoted, as text may have leading zeros that a JSON number may not.
    if factor == 1 {
        return Some(format!("\"{digits}e{exponent}\""));
    }
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let whole: i128 = digits.replacen('.', "", 1).parse().ok()?;
    let exponent = exponent.checked_sub(i64::try_from(decimals).ok()?)?;
    Some(format!("\"{}e{exponent}\"", whole.checked_mul(factor)?))
}

/// Text is read as text and numbers as numbers, since producers change from one to the other.
fn instant<'j>(json: &'j str, unit: Option<TimeUnit>, zone: Option<&Zone>, format: Option<&str>) -> Option<Cow<'j, str>> {
    let text = scalar_text(json)?;
    if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) && text.parse::<f64>().is_ok() {
        if format.is_some() && json.starts_with('"') {
            return at_text(format_instant(&text, zone, format?)?);
        }
        let Some(unit) = unit else { return Some(Cow::Borrowed(json)) };
        let (factor, power) = unit.seconds();
        return scaled(json, factor, power).map(Cow::Owned);
    }
    if let Some(at) = Timestamp::parse_rfc3339(&text) {
        return at_text(at);
    }
    match format {
        Some(format) => at_text(format_instant(&text, zone, format)?),
        None => at_text(local(text.trim().parse().ok()?, zone?)?),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the end of every chain above")]
fn at_text<'j>(at: Timestamp) -> Option<Cow<'j, str>> {
    Some(Cow::Owned(format!("\"{at}\"")))
}

/// Parses text by a format; without an offset in it, the zone decides.
fn format_instant(text: &str, zone: Option<&Zone>, format: &str) -> Option<Timestamp> {
    let parsed = BrokenDownTime::parse(format, text).ok()?;
    if let Ok(at) = parsed.to_timestamp() {
        return Some(Timestamp(at.as_millisecond()));
    }
    let local_time = parsed.to_datetime().ok().or_else(|| Some(parsed.to_date().ok()?.at(0, 0, 0, 0)));
    local(local_time?, zone?)
}

/// The instant at which clocks of a zone show a time; of two, the later, and one that clocks skip reads as if they had not changed yet.
fn local(time: DateTime, zone: &Zone) -> Option<Timestamp> {
    let shown = time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
    let first = Timestamp(shown.checked_sub(zone.offset_at(Timestamp(shown)))?);
    let at = shown.checked_sub(zone.offset_at(first))?;
    Some(Timestamp(at))
}

/// Whether a format of times can be parsed at all.
///
/// # Errors
/// Why not.
pub fn check_format(format: &str) -> Result<(), String> {
    let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let written = jiff::fmt::strtime::format(format, &sample).map_err(|error| format!("is not a format of times: {error}"))?;
    BrokenDownTime::parse(format, &written).map(drop).map_err(|error| format!("is not a format of times: {error}"))
}

/// The parts of an ISO 8601 duration: digits and unit, `t` for the mark before units of time.
fn iso_parts(text: &str) -> Option<Vec<(&str, char)>> {
    let mut rest = text.strip_prefix(['P', 'p'])?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (digits, after) = rest.split_at_checked(end)?;
        let unit = after.chars().next()?.to_ascii_lowercase();
        if digits.is_empty() != (unit == 't') {
            return None;
        }
        parts.push((digits, unit));
        rest = after.get(unit.len_utf8()..)?;
    }
    (!parts.is_empty()).then_some(parts)
}

/// Seconds, as JSON text. Years and months have no fixed length.
fn iso_duration(text: &str) -> Option<String> {
    let (mut in_time, mut nanoseconds) = (false, 0_i128);
    for (digits, unit) in iso_parts(text)? {
        let factor = match (unit, in_time) {
            ('t', false) => {
                in_time = true;
                continue;
            }
            ('w', false) => 604_800,
            ('d', false) => 86_400,
            ('h', true) => 3_600,
            ('m', true) => 60,
            ('s', true) => 1,
            _ => return None,
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        let amount = format!("{whole}{fraction}").parse::<i128>().ok()?;
        nanoseconds = nanoseconds.checked_add(amount.checked_mul(factor)?)?;
    }
    Some(format!("\"{nanoseconds}e-9\""))
}

/// Number and unit of a duration that has only one.
fn iso_interval(text: &str) -> Option<(u32, &'static str)> {
    let parts = iso_parts(text)?;
    let [(digits, unit)] = parts.as_slice() else { return None };
    let name = match unit {
        'd' => "day",
        'w' => "week",
        'm' => "month",
        'y' => "year",
        _ => return None,
    };
    Some((digits.parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(json: &str, convert: &Convert) -> Option<String> {
        converted(json, convert).map(Cow::into_owned)
    }

    #[test]
    fn numbers_are_scaled_exactly() {
        let cents = Convert::PowerOfTen(-2);
        assert_eq!(native("4900", &cents).unwrap(), "\"4900e-2\"");
        assert_eq!(native("\"0049.5\"", &cents).unwrap(), "\"0049.5e-2\"");
        assert_eq!(native("1e3", &cents).unwrap(), "\"1e1\"");
        assert_eq!(native("\"abc\"", &cents), None);
        assert_eq!(native("true", &cents), None);
        assert_eq!(native("1.5", &Convert::Duration(TimeUnit::Minutes)).unwrap(), "\"900e-1\"");
        assert_eq!(native("1e9223372036854775807", &Convert::PowerOfTen(6)), None);
    }

    #[test]
    fn instants_have_units_zones_and_formats() {
        let at = |unit, zone: Option<&str>, format: Option<&str>| Convert::Instant {
            unit,
            zone: zone.map(|name| Zone::named(name).unwrap()),
            format: format.map(str::to_owned),
        };
        let utc = at(None, Some("UTC"), None);
        assert_eq!(native("\"2020-02-12 18:11:51.286000\"", &utc).unwrap(), "\"2020-02-12T18:11:51.286Z\"");
        assert_eq!(native("\"2020-02-12\"", &utc).unwrap(), "\"2020-02-12T00:00:00Z\"");
        assert_eq!(native("\"2024-07-01T08:30:00.000+0200\"", &at(None, None, None)).unwrap(), "\"2024-07-01T06:30:00Z\"");
        assert_eq!(native("\"2024-07-01T08:30:00\"", &at(None, None, None)), None);
        let berlin = at(None, Some("Europe/Berlin"), Some("%d.%m.%Y %H:%M"));
        assert_eq!(native("\"01.07.2024 08:30\"", &berlin).unwrap(), "\"2024-07-01T06:30:00Z\"");
        assert_eq!(native("\"01.12.2024 08:30\"", &berlin).unwrap(), "\"2024-12-01T07:30:00Z\"");
        assert_eq!(native("\"20240701\"", &at(None, Some("UTC"), Some("%Y%m%d"))).unwrap(), "\"2024-07-01T00:00:00Z\"");
        assert_eq!(native("1700000000123456", &at(Some(TimeUnit::Microseconds), None, None)).unwrap(), "\"1700000000123456e-6\"");
        assert_eq!(native("19675", &at(Some(TimeUnit::Days), None, None)).unwrap(), "\"1699920000e0\"");
        assert_eq!(native("\"2023-11-14T22:13:20Z\"", &at(Some(TimeUnit::Seconds), None, None)).unwrap(), "\"2023-11-14T22:13:20Z\"");
    }

    #[test]
    fn iso_durations_are_seconds_or_an_interval() {
        assert_eq!(native("\"PT1H30M0.5S\"", &Convert::IsoDuration).unwrap(), "\"5400500000000e-9\"");
        assert_eq!(native("\"P1DT1S\"", &Convert::IsoDuration).unwrap(), "\"86401000000000e-9\"");
        for text in ["\"P1M\"", "\"P\"", "\"1H\"", "\"PT\u{e9}\"", "\"P1\"", "\"PTH\"", "3"] {
            assert_eq!(native(text, &Convert::IsoDuration), None, "{text}");
        }
        assert_eq!(native("\"P3M\"", &Convert::IsoInterval).unwrap(), "\"month\"");
        assert_eq!(native("\"P3M\"", &Convert::IsoIntervalCount).unwrap(), "3");
        assert_eq!(native("\"P1Y6M\"", &Convert::IsoInterval), None);
    }

    #[test]
    fn formats_are_checked() {
        assert!(check_format("%Y-%m-%d %H:%M:%S").is_ok());
        assert!(check_format("%!").is_err());
        assert!(check_format("%").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_scalar_panics(text in "\\PC{0,20}", number in "-?[0-9.eE+-]{0,24}") {
            let zone = Some(Zone::named("Europe/Berlin").unwrap());
            let conversions = [
                Convert::None, Convert::IsoDuration, Convert::IsoInterval, Convert::IsoIntervalCount,
                Convert::PowerOfTen(-2), Convert::Duration(TimeUnit::Days),
                Convert::Instant { unit: Some(TimeUnit::Days), zone: zone.clone(), format: None },
                Convert::Instant { unit: None, zone, format: Some("%Y-%m-%d %H".to_owned()) },
            ];
            for convert in &conversions {
                converted(&serde_json::Value::from(text.as_str()).to_string(), convert);
                converted(&number, convert);
                converted(&format!("\"P{number}D\""), convert);
            }
        }
    }
}
