//! The period of KPIs: the trailing 28 days, or a calendar month in the reporting zone.

use crate::time::{Date, Timestamp, Zone};

/// Days of the trailing period.
pub(super) const TRAILING_DAYS: i32 = 28;

/// A period (from, to], with the corresponding dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Start, exclusive.
    pub from: Timestamp,
    /// End, inclusive: the instant of evaluation.
    pub to: Timestamp,
    /// Start of the previous period, exclusive.
    pub before: Timestamp,
    /// The date before the first one.
    pub from_date: Date,
    /// Its last date.
    pub to_date: Date,
    /// Whether it is a calendar month.
    pub is_month: bool,
}

impl Period {
    /// The 28 x 24 h up to `t`, and the 28 dates up to that of `t`.
    #[must_use]
    pub fn trailing(t: Timestamp, zone: &Zone) -> Self {
        let days = i64::from(TRAILING_DAYS);
        let to_date = zone.date_of(t);
        Self {
            from: t.minus_days(days),
            to: t,
            before: t.minus_days(2 * days),
            from_date: to_date.minus(TRAILING_DAYS),
            to_date,
            is_month: false,
        }
    }

    /// The calendar month of a date, up to the last millisecond before the next month.
    #[must_use]
    pub fn month_of(date: Date, zone: &Zone) -> Self {
        let (first, next) = (date.first_of_month(), date.first_of_next_month());
        let just_before = |date: Date| zone.start_of(date).plus(-1);
        Self {
            from: just_before(first),
            to: just_before(next),
            before: just_before(first.minus(1).first_of_month()),
            from_date: first.minus(1),
            to_date: next.minus(1),
            is_month: true,
        }
    }

    /// Every complete month at `t`, starting with the month of `begins`.
    pub fn complete_months(begins: Timestamp, t: Timestamp, zone: &Zone) -> impl Iterator<Item = Self> {
        let first = Self::month_of(zone.date_of(begins), zone);
        let following = move |month: &Self| Some(Self::month_of(Date(month.to_date.0 + 1), zone));
        std::iter::successors(Some(first), following).take_while(move |month| month.to <= t)
    }

    /// Number of dates.
    #[must_use]
    pub const fn days(&self) -> i32 {
        self.to_date.0 - self.from_date.0
    }

    /// Whether an instant is in the period.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        at > self.from && at <= self.to
    }

    /// `month` or `trailing`. Needed because at the end of February both can have the same ends.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        if self.is_month { "month" } else { "trailing" }
    }

    /// Both ends for display: a month is shown as its first instant and that of the next.
    #[must_use]
    pub fn shown(&self) -> (Timestamp, Timestamp) {
        if self.is_month { (self.from.plus(1), self.to.plus(1)) } else { (self.from, self.to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_trailing_period_is_28_days_and_28_dates() {
        let period = Period::trailing(at("2026-03-01T12:00:00Z"), &Zone::utc());
        assert_eq!(period.shown(), (at("2026-02-01T12:00:00Z"), at("2026-03-01T12:00:00Z")));
        assert_eq!((period.from_date, period.days()), (Date::parse("2026-02-01").unwrap(), 28));
        assert!(!period.holds(period.from) && period.holds(period.to));
    }

    #[test]
    fn a_month_begins_and_ends_with_its_dates_in_the_reporting_zone() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let march = Period::month_of(Date::parse("2026-03-17").unwrap(), &berlin);
        assert_eq!(march.shown(), (at("2026-02-28T23:00:00Z"), at("2026-03-31T22:00:00Z")));
        assert!(march.holds(at("2026-02-28T23:00:00Z")) && march.holds(at("2026-03-31T21:59:59.999Z")));
        assert!(!march.holds(at("2026-02-28T22:59:59.999Z")) && !march.holds(at("2026-03-31T22:00:00Z")));
        assert_eq!((march.days(), march.before), (31, at("2026-01-31T22:59:59.999Z")));
    }

    #[test]
    fn a_month_is_complete_at_its_last_millisecond() {
        let months = |t: &str| -> Vec<Timestamp> {
            Period::complete_months(at("2025-12-31T23:00:00Z"), at(t), &Zone::utc()).map(|month| month.shown().0).collect()
        };
        assert_eq!(months("2025-12-31T23:59:59.998Z"), []);
        assert_eq!(months("2025-12-31T23:59:59.999Z"), [at("2025-12-01T00:00:00Z")]);
        assert_eq!(months("2026-02-28T00:00:00Z"), [at("2025-12-01T00:00:00Z"), at("2026-01-01T00:00:00Z")]);
    }
}
