//! The reporting time zone: which date an instant falls on, and when a date or month begins.

use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;

use super::{DAY_MS, Timestamp};

/// A date of the reporting zone, in days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Date(pub i32);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.civil())
    }
}

impl Date {
    /// 1900-01-01: earlier dates are placeholders, not facts.
    pub const Y1900: Self = Self(-25_567);
    /// 2000-01-01.
    pub const Y2000: Self = Self(10_957);

    /// The date `days` before this one.
    #[must_use]
    pub const fn minus(self, days: i32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// This date and those before it, so many in all, oldest first.
    pub fn and_before(self, count: usize) -> impl Iterator<Item = Self> {
        (0..i32::try_from(count).unwrap_or(i32::MAX)).rev().map(move |back| self.minus(back))
    }

    /// Parses `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let date: civil::Date = text.parse().ok()?;
        Some(Self::from_civil(date))
    }

    fn from_civil(date: civil::Date) -> Self {
        let epoch = civil::date(1970, 1, 1);
        Self(date.since(epoch).map_or(0, |span| span.get_days()))
    }

    /// Year and month, from 1 to 12.
    #[must_use]
    pub fn year_and_month(self) -> (i16, i8) {
        let civil = self.civil();
        (civil.year(), civil.month())
    }

    fn civil(self) -> civil::Date {
        civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(self.0)).unwrap_or(civil::Date::MAX)
    }

    /// The first date of this date's month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self::from_civil(self.civil().first_of_month())
    }

    /// The first date of the month after this date's.
    #[must_use]
    pub fn first_of_next_month(self) -> Self {
        Self(Self::from_civil(self.civil().last_of_month()).0 + 1)
    }
}

/// The reporting time zone. Every event needs a date, so the offset changes are unrolled into a short table.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    /// Offset before the first change, ms east of UTC.
    first_offset: i64,
    /// When each offset (ms east of UTC) takes effect, ascending.
    changes: Vec<(Timestamp, i64)>,
}

/// Offset changes are unrolled up to this year; later instants keep the last offset.
const LAST_YEAR: i16 = 2100;

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), first_offset: 0, changes: Vec::new() }
    }

    /// Looks up an IANA name.
    ///
    /// # Errors
    /// If the name is not in the time zone database.
    pub fn named(name: &str) -> Result<Self, String> {
        let zone = TimeZone::get(name).map_err(|_| format!("{name:?} is not a time zone of the IANA database"))?;
        let from = civil::date(1900, 1, 1).to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?.timestamp();
        let until = civil::date(LAST_YEAR, 1, 1).to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?.timestamp();
        let first_offset = i64::from(zone.to_offset(from).seconds()) * 1000;
        let changes = zone
            .following(from)
            .take_while(|change| change.timestamp() < until)
            .map(|change| (Timestamp(change.timestamp().as_millisecond()), i64::from(change.offset().seconds()) * 1000))
            .collect();
        Ok(Self { name: name.to_owned(), first_offset, changes })
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The offset east of UTC in force at an instant, in milliseconds.
    #[must_use]
    pub fn offset_at(&self, at: Timestamp) -> i64 {
        match self.changes.partition_point(|(from, _)| *from <= at).checked_sub(1).and_then(|i| self.changes.get(i)) {
            Some((_, offset)) => *offset,
            None => self.first_offset,
        }
    }

    /// When each offset (ms east of UTC) takes effect, ascending; before that, the offset at [`Timestamp::MIN`] applies.
    pub(super) fn changes(&self) -> &[(Timestamp, i64)] {
        &self.changes
    }

    /// The date of an instant in this zone.
    #[must_use]
    pub fn date_of(&self, at: Timestamp) -> Date {
        let days = (at.0 + self.offset_at(at)).div_euclid(DAY_MS);
        Date(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// The first instant of a date: midnight or, if a clock change skips midnight, the first instant after it.
    #[must_use]
    pub fn start_of(&self, date: Date) -> Timestamp {
        let midnight = i64::from(date.0) * DAY_MS;
        // Try the offsets on both sides, and the change itself.
        let before = self.offset_at(Timestamp(midnight - DAY_MS));
        let after = self.offset_at(Timestamp(midnight + DAY_MS));
        let candidates = [midnight - before, midnight - after];
        let changes = self.changes.iter().map(|(from, _)| from.0).filter(|from| (from - midnight).abs() <= DAY_MS);
        let first = candidates
            .into_iter()
            .chain(changes)
            .filter(|at| self.date_of(Timestamp(*at)) >= date)
            .filter(|at| self.date_of(Timestamp(at - 1)) < date);
        Timestamp(first.min().unwrap_or(midnight - before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn dates_follow_daylight_saving() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.date_of(at("2026-03-28T22:59:59.999Z")), Date::parse("2026-03-28").unwrap());
        assert_eq!(berlin.date_of(at("2026-03-28T23:00:00Z")), Date::parse("2026-03-29").unwrap());
        assert_eq!(berlin.start_of(Date::parse("2026-03-30").unwrap()), at("2026-03-29T22:00:00Z"));
        assert_eq!(berlin.start_of(Date::parse("2026-10-26").unwrap()), at("2026-10-25T23:00:00Z"));
    }

    #[test]
    fn a_date_without_midnight_begins_at_its_first_instant() {
        // Midnight of 2018-11-04 was skipped in Sao Paulo: clocks went from 00:00 to 01:00.
        let zone = Zone::named("America/Sao_Paulo").unwrap();
        assert_eq!(zone.start_of(Date::parse("2018-11-04").unwrap()), at("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn months_begin_on_their_first_date() {
        let date = Date::parse("2024-02-29").unwrap();
        assert_eq!(date.first_of_month(), Date::parse("2024-02-01").unwrap());
        assert_eq!(date.first_of_next_month(), Date::parse("2024-03-01").unwrap());
    }
}
