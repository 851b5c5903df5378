//! Windows that skip quiet days.

use super::{MAX_WINDOW_HOURS, date_of_hour};
use crate::settings::Settings;
use crate::time::{Date, HOUR_MS, Timestamp};

/// How far back a window may reach across quiet days, in dates.
const MAX_REACH_DATES: i32 = 91 + 366;

/// The quiet days in an account's region.
pub(super) struct QuietDays<'a> {
    settings: &'a Settings,
    region: Option<&'a str>,
}

impl<'a> QuietDays<'a> {
    pub(super) const fn new(settings: &'a Settings, region: Option<&'a str>) -> Self {
        Self { settings, region }
    }

    pub(super) fn is_quiet(&self, date: Date) -> bool {
        self.settings.calendar.is_quiet(date, self.region)
    }

    /// The start of a window of `count` dates up to `end` that are not quiet: the window is `(result, end]` without its quiet dates.
    pub(super) fn window_start(&self, end: Date, count: i32) -> Date {
        if self.settings.calendar.is_empty() {
            return end.minus(count);
        }
        let mut left = count;
        let mut date = end;
        while left > 0 && date > end.minus(MAX_REACH_DATES) {
            left -= i32::from(!self.is_quiet(date));
            date = date.minus(1);
        }
        date
    }

    /// The start of a window of 168 hour buckets up to `newest` that are not quiet.
    pub(super) fn hours_start(&self, newest: i64) -> i64 {
        if self.settings.calendar.is_empty() {
            return newest - i64::from(MAX_WINDOW_HOURS);
        }
        let mut left = MAX_WINDOW_HOURS;
        let mut hour = newest;
        while left > 0 && hour > newest - i64::from(MAX_WINDOW_HOURS + 24 * 366) {
            left -= i32::from(!self.is_quiet_bucket(hour));
            hour -= 1;
        }
        hour
    }

    /// Whether the bucket that ends at an hour is quiet: the date just before its end decides.
    fn is_quiet_bucket(&self, hour: i64) -> bool {
        self.is_quiet(self.settings.zone.date_of(Timestamp(hour * HOUR_MS - 1)))
    }

    /// Whether the events of an hour index (see `hour_index`) are in a quiet bucket or on a quiet date.
    pub(super) fn is_quiet_hour(&self, index: i32) -> bool {
        if self.settings.calendar.is_empty() {
            return false;
        }
        self.is_quiet_bucket(i64::from(index.div_euclid(2))) || self.is_quiet(date_of_hour(index, self.settings))
    }

    /// Milliseconds of `(from, to]` outside quiet dates.
    pub(super) fn busy_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        let whole = to.since(from).max(0);
        if self.settings.calendar.is_empty() {
            return whole;
        }
        let zone = &self.settings.zone;
        let (first, last) = (zone.date_of(from), zone.date_of(to));
        let quiet: i64 = (first.0..=last.0)
            .map(Date)
            .filter(|date| self.is_quiet(*date))
            .map(|date| zone.start_of(Date(date.0 + 1)).min(to).since(zone.start_of(date).max(from)).max(0))
            .sum();
        whole - quiet
    }
}
