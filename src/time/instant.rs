//! Instants: whole milliseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use super::{DAY_MS, MINUTE_MS};

/// An instant in epoch milliseconds; finer input is truncated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the earliest instant that is accepted.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// 1900-01-01T00:00:00Z: earlier instants are placeholders, not facts.
    pub const Y1900: Self = Self(-2_208_988_800_000);
    /// 9999-12-31T23:59:59.999Z, the latest instant that is accepted.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This instant moved by a number of milliseconds, clamped to the valid range.
    #[must_use]
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// `days` x 24 h before this instant.
    #[must_use]
    pub fn minus_days(self, days: i64) -> Self {
        self.plus(-days.saturating_mul(DAY_MS))
    }

    /// Milliseconds from `earlier` to this instant; negative if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether this instant is in the exact window `(t - days x 24 h, t]`.
    #[must_use]
    pub fn in_window(self, t: Self, days: i64) -> bool {
        self <= t && self.0 > t.0 - days * DAY_MS
    }

    /// Parses RFC 3339 with an offset; `None` for anything else and outside the years 1 to 9999. A local time in year 1 that falls
    /// before it in UTC is clamped to [`Timestamp::MIN`].
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Self::parse_usual(text).or_else(|| parse_any(text))
    }

    /// The same for the shape that nearly all programs write, `YYYY-MM-DDTHH:MM:SS[.digits]` with `Z` or `+HH:MM`; `None` for any other.
    #[must_use]
    pub fn parse_usual(text: &str) -> Option<Self> {
        parse_plain(text.as_bytes())
    }
}

/// Without the cost of the general parser, whose range also ends two days before the end of 9999.
fn parse_plain(text: &[u8]) -> Option<Timestamp> {
    let (head, tail) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2] = *<&[u8; 19]>::try_from(head).ok()?
    else {
        return None;
    };
    let two = |a: u8, b: u8| (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'));
    let (year, month, day) = (two(y1, y2)? * 100 + two(y3, y4)?, two(mo1, mo2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(mi1, mi2)?, two(s1, s2)?);
    if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (millis, zone) = fraction(tail)?;
    let offset_minutes = match *zone {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            let east = if hours > 23 || minutes > 59 { None } else { Some(hours * 60 + minutes) }?;
            if sign == b'-' { -east } else { east }
        }
        _ => return None,
    };
    let minutes = days_from_civil(year, month, day) * 1440 + hour * 60 + minute - offset_minutes;
    let at = Timestamp(minutes * MINUTE_MS + second * 1000 + millis).max(Timestamp::MIN);
    (at <= Timestamp::MAX).then_some(at)
}

/// An optional fraction of a second, truncated to milliseconds, and the rest of the text.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else { return Some((0, text)) };
    let (digits, rest) = rest.split_at_checked(rest.iter().position(|byte| !byte.is_ascii_digit())?)?;
    let millis = (0..3).fold(0, |sum, i| sum * 10 + digits.get(i).map_or(0, |digit| i64::from(digit - b'0')));
    if digits.is_empty() { None } else { Some((millis, rest)) }
}

/// Other shapes of RFC 3339 and ISO 8601. The general parser accepts offsets up to 25:59; RFC 3339 stops at 23:59.
fn parse_any(text: &str) -> Option<Timestamp> {
    let offset = jiff::fmt::temporal::Pieces::parse(text).ok()?.to_numeric_offset();
    if offset.is_some_and(|offset| i64::from(offset.seconds()).abs() * 1000 >= DAY_MS) {
        return None;
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    let at = Timestamp(instant.as_nanosecond().div_euclid(1_000_000).try_into().ok()?);
    (Timestamp::MIN..=Timestamp::MAX).contains(&at).then_some(at)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01 (Hinnant, as above).
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; milliseconds only if they are not 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MS));
        let millis = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match millis % 1000 {
            0 => f.write_str("Z"),
            fraction => write!(f, ".{fraction:03}Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_path_and_the_general_parser_agree() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999Z",
            "2026-11-23T09:30:00.123456789Z",
            "1969-12-31T23:59:59.5Z",
            "0001-01-01T00:00:00Z",
            "9999-12-30T21:59:59.999Z",
            "2000-03-01T00:00:00.1Z",
            "2000-03-01T00:00:00.1+05:45",
            "2000-03-01T00:00:00-23:59",
        ] {
            assert_eq!(parse_plain(text.as_bytes()), parse_any(text), "{text}");
            assert!(parse_plain(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_displayed_is_read_back() {
        for millis in [0, -1, 951_868_799_999, Timestamp::MIN.0, Timestamp::MAX.0, 1_709_208_000_000] {
            assert_eq!(Timestamp::parse_rfc3339(&Timestamp(millis).to_string()), Some(Timestamp(millis)));
        }
    }

    #[test]
    fn offsets_are_applied_and_finer_digits_are_cut() {
        assert_eq!(Timestamp::parse_rfc3339("1970-01-01T01:00:00.0019+01:00"), Some(Timestamp(1)));
        assert_eq!(Timestamp::parse_rfc3339("1969-12-31T23:59:59.9999Z"), Some(Timestamp(-1)));
    }

    #[test]
    fn the_last_instants_of_the_year_9999_are_read_with_any_offset() {
        assert_eq!(Timestamp::parse_rfc3339("9999-12-31T23:59:59.999+00:00"), Some(Timestamp::MAX));
        assert_eq!(Timestamp::parse_rfc3339("9999-12-31T23:59:59-00:01"), None);
        assert_eq!(Timestamp::parse_rfc3339("0001-01-01T00:00:00+00:01"), Some(Timestamp::MIN));
    }

    #[test]
    fn any_number_of_digits_may_follow_the_point() {
        assert_eq!(Timestamp::parse_rfc3339("1970-01-01T00:00:00.123456789012345Z"), Some(Timestamp(123)));
        assert_eq!(Timestamp::parse_rfc3339("1970-01-01T00:00:00.Z"), None);
    }

    #[test]
    fn a_date_without_offset_and_impossible_dates_are_refused() {
        for text in ["2026-01-01", "2026-01-01T00:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "", "Z", "2026-01-01T24:00:00Z"] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn an_offset_of_a_day_or_more_is_refused_however_it_is_written() {
        for text in ["1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00-24:00", "19700101T000000+2400", "1970-01-01 00:00:00+25"] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
        let zone = "1970-01-01T00:00:00Z[America/Port-au-Prince]";
        assert_eq!(Timestamp::parse_rfc3339(zone), Some(Timestamp(0)), "a zone's name has no offset in it");
        assert_eq!(Timestamp::parse_rfc3339("+001970-01-31T00:00:00Z"), Timestamp::parse_rfc3339("1970-01-31T00:00:00Z"));
        for text in ["1970-01-01T23:59:00+23:59", "19700101T235900+2359", "1970-01-01T01:00:00+01:00[America/Port-au-Prince]"] {
            assert_eq!(Timestamp::parse_rfc3339(text), Some(Timestamp(0)), "{text}");
        }
    }
}
