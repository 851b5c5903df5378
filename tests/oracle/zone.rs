//! Dates and midnights of the reporting time zone, including quiet days.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::settings::Settings;

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;
/// Milliseconds of 24 hours.
pub const DAY: i64 = 24 * HOUR;

/// A time zone by its name.
#[derive(Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of an IANA name.
    pub fn named(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap())
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap()
    }

    /// The date of an instant.
    pub fn date(&self, at: i64) -> Date {
        Timestamp::from_millisecond(at).unwrap().to_zoned(self.0.clone()).date()
    }

    /// The first instant of a date.
    pub fn start(&self, date: Date) -> i64 {
        date.to_zoned(self.0.clone()).unwrap().timestamp().as_millisecond()
    }

    /// The first instant of the calendar month `back` months before the one of `at`, and that of the month after it.
    pub fn month(&self, at: i64, back: i64) -> (i64, i64) {
        let first = self.date(at).first_of_month().checked_sub(back.months()).unwrap();
        (self.start(first), self.start(first.checked_add(1.month()).unwrap()))
    }
}

/// Days from `from` to `to`.
pub fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

/// `date` minus some days.
pub fn back(date: Date, days: i64) -> Date {
    date.checked_sub(days.days()).unwrap()
}

/// Whether a date is quiet for an account of `region`.
pub fn is_quiet(settings: &Settings, region: Option<&str>, date: Date) -> bool {
    settings.quiet.iter().any(|(from, to, regions)| {
        (*from..=*to).contains(&date) && (regions.is_empty() || region.is_some_and(|region| regions.contains(&region)))
    })
}

/// `count` dates that are not quiet, newest first from `newest`.
pub fn loud_dates(settings: &Settings, region: Option<&str>, newest: Date, count: usize) -> Vec<Date> {
    let mut dates = Vec::new();
    let mut date = newest;
    while dates.len() < count {
        if !is_quiet(settings, region, date) {
            dates.push(date);
        }
        date = back(date, 1);
    }
    dates
}

/// Milliseconds of (from, to] on quiet dates.
pub fn quiet_between(settings: &Settings, region: Option<&str>, from: i64, to: i64) -> i64 {
    if settings.quiet.is_empty() {
        return 0;
    }
    let zone = &settings.zone;
    let (mut date, last) = (zone.date(from), zone.date(to));
    let mut sum = 0;
    while date <= last {
        let next = date.tomorrow().unwrap();
        if is_quiet(settings, region, date) {
            sum += (zone.start(next).min(to) - zone.start(date).max(from)).max(0);
        }
        date = next;
    }
    sum
}
