//! Business hours: weekly open hours in a time zone, minus holidays, and how much of a time span was open.
//!
//! An instant is open when its local time falls within the open hours of its weekday and its date is not a holiday. Between two clock
//! changes, local time and UTC advance together, so open time within such a stretch is a subtraction; totals for the stretches before
//! it are precomputed. A span of years costs two binary searches, not a walk over its days.

use super::{DAY_MS, Date, MINUTE_MS, Timestamp, Zone};

const DAYS: usize = 7;
/// Days from the preceding Monday to 1970-01-01, a Thursday.
const THURSDAY: i64 = 3;

/// One opening of a day, in minutes since midnight; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenHours {
    from: u16,
    to: u16,
}

impl OpenHours {
    /// Parses `HH:MM-HH:MM`, from `00:00` up to `24:00`; `None` for anything else, or if the end is not after the start.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        (from < to).then_some(Self { from, to })
    }

    /// Whether the two have a minute in common.
    #[must_use]
    pub const fn overlap(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// How much of the opening has passed at a time of day (milliseconds since midnight).
    fn passed_ms(self, time_of_day: i64) -> i64 {
        let (from, to) = (i64::from(self.from) * MINUTE_MS, i64::from(self.to) * MINUTE_MS);
        (time_of_day.min(to) - from).max(0)
    }
}

/// Parses `HH:MM` as minutes since midnight.
fn minutes(text: &str) -> Option<u16> {
    let [h1, h2, b':', m1, m2] = *text.as_bytes() else { return None };
    let two = |a: u8, b: u8| (a.is_ascii_digit() && b.is_ascii_digit()).then(|| u16::from(a - b'0') * 10 + u16::from(b - b'0'));
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

/// The business hours of a support team.
#[derive(Clone, Debug)]
pub struct BusinessHours {
    week: Week,
    /// Ascending; the first has no lower bound.
    stretches: Vec<Stretch>,
}

/// Time between two clock changes.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    /// Milliseconds east of UTC.
    offset: i64,
    /// Added to [`Week::open_until`] of the local time, gives open time since an origin common to all stretches.
    base: i64,
}

impl BusinessHours {
    /// Non-overlapping openings per weekday, Monday first, and the dates that are closed.
    #[must_use]
    pub fn new(zone: &Zone, days: [Vec<OpenHours>; DAYS], holidays: impl IntoIterator<Item = Date>) -> Self {
        let week = Week::new(days, holidays);
        let first = Stretch { from: Timestamp::MIN, offset: zone.offset_at(Timestamp::MIN), base: 0 };
        let mut stretches = vec![first];
        let mut before = first;
        for (from, offset) in zone.changes() {
            let open_before = before.base + week.open_until(from.0 + before.offset);
            before = Stretch { from: *from, offset: *offset, base: open_before - week.open_until(from.0 + offset) };
            stretches.push(before);
        }
        Self { week, stretches }
    }

    /// Open milliseconds in a span; 0 if it ends before it starts.
    #[must_use]
    pub fn open_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        if to > from { self.open_until(to) - self.open_until(from) } else { 0 }
    }

    /// Open milliseconds from a fixed origin up to an instant.
    fn open_until(&self, at: Timestamp) -> i64 {
        let after = self.stretches.partition_point(|stretch| stretch.from <= at);
        let stretch = self.stretches.get(after.saturating_sub(1));
        stretch.map_or(0, |stretch| stretch.base + self.week.open_until(at.0 + stretch.offset))
    }
}

/// The open hours in local time, as if clocks never changed.
#[derive(Clone, Debug)]
struct Week {
    /// Monday first.
    days: [Day; DAYS],
    /// Open milliseconds per week.
    whole_ms: i64,
    /// Holidays, ascending, each with the open time lost to it and all earlier ones.
    holidays: Vec<(Date, i64)>,
}

#[derive(Clone, Debug)]
struct Day {
    hours: Vec<OpenHours>,
    /// Open milliseconds earlier in the week.
    before_ms: i64,
}

impl Day {
    fn passed_ms(&self, time_of_day: i64) -> i64 {
        self.hours.iter().map(|hours| hours.passed_ms(time_of_day)).sum()
    }
}

impl Week {
    fn new(days: [Vec<OpenHours>; DAYS], holidays: impl IntoIterator<Item = Date>) -> Self {
        let mut whole_ms = 0;
        let days = days.map(|hours| {
            let day = Day { hours, before_ms: whole_ms };
            whole_ms += day.passed_ms(DAY_MS);
            day
        });
        let mut week = Self { days, whole_ms, holidays: Vec::new() };
        let mut dates: Vec<Date> = holidays.into_iter().collect();
        dates.sort_unstable();
        dates.dedup();
        let mut closed_ms = 0;
        for date in dates {
            closed_ms += week.day(date.0.into()).map_or(0, |(day, _)| day.passed_ms(DAY_MS));
            week.holidays.push((date, closed_ms));
        }
        week
    }

    /// The weekday of a date (days since 1970-01-01), and the whole weeks before its Monday.
    fn day(&self, date: i64) -> Option<(&Day, i64)> {
        let days = date + THURSDAY;
        let day = self.days.get(usize::try_from(days.rem_euclid(7)).ok()?)?;
        Some((day, days.div_euclid(7)))
    }

    /// Open milliseconds up to a local time, counted from the Monday of the week of 1970-01-01.
    fn open_until(&self, local_ms: i64) -> i64 {
        let (date, time_of_day) = (local_ms.div_euclid(DAY_MS), local_ms.rem_euclid(DAY_MS));
        let Some((day, weeks)) = self.day(date) else { return 0 };
        let holidays = self.holidays.partition_point(|(holiday, _)| i64::from(holiday.0) < date);
        let closed_ms = holidays.checked_sub(1).and_then(|last| self.holidays.get(last)).map_or(0, |(_, closed_ms)| *closed_ms);
        let is_holiday = self.holidays.get(holidays).is_some_and(|(holiday, _)| i64::from(holiday.0) == date);
        let today_ms = if is_holiday { 0 } else { day.passed_ms(time_of_day) };
        weeks * self.whole_ms + day.before_ms + today_ms - closed_ms
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date as CivilDate, Weekday};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::time::HOUR_MS;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn hours(text: &str) -> Vec<OpenHours> {
        text.split_whitespace().map(|hours| OpenHours::parse(hours).unwrap()).collect()
    }

    fn desk(zone: &str, days: [&str; DAYS], holidays: &[&str]) -> BusinessHours {
        let holidays = holidays.iter().map(|date| Date::parse(date).unwrap());
        BusinessHours::new(&Zone::named(zone).unwrap(), days.map(hours), holidays)
    }

    fn open_minutes(desk: &BusinessHours, from: &str, to: &str) -> i64 {
        desk.open_ms(at(from), at(to)) / MINUTE_MS
    }

    const OFFICE: &str = "09:00-17:00";

    #[test]
    fn hours_range_from_midnight_to_midnight() {
        assert_eq!(OpenHours::parse("09:00-12:30"), Some(OpenHours { from: 540, to: 750 }));
        assert_eq!(OpenHours::parse("00:00-24:00"), Some(OpenHours { from: 0, to: 1440 }));
        for text in ["", "09:00", "9:00-17:00", "09:00-24:01", "09:60-10:00", "17:00-09:00", "09:00-09:00", "09:00 - 17:00", "0９:00-10:00"]
        {
            assert_eq!(OpenHours::parse(text), None, "{text}");
        }
        let overlap = |one: &str, other: &str| OpenHours::parse(one).unwrap().overlap(OpenHours::parse(other).unwrap());
        assert!(overlap("09:00-12:00", "11:59-13:00") && overlap("09:00-12:00", "10:00-11:00"));
        assert!(!overlap("09:00-12:00", "12:00-13:00"));
    }

    #[test]
    fn breaks_weekends_and_holidays_are_closed() {
        let day = "09:00-12:30 13:30-18:00";
        let desk = desk("America/Sao_Paulo", [day, day, day, day, "09:00-12:30", "", ""], &["2025-04-18", "2025-04-21"]);
        // Thursday 17:00 to Tuesday 14:00 local: 1 h, Friday and Monday are holidays, 3.5 h + 0.5 h.
        assert_eq!(open_minutes(&desk, "2025-04-17T20:00:00Z", "2025-04-22T17:00:00Z"), 300);
        assert_eq!(open_minutes(&desk, "2025-04-25T16:00:00Z", "2025-04-27T12:00:00Z"), 0);
        assert_eq!(open_minutes(&desk, "2025-04-22T17:00:00Z", "2025-04-17T20:00:00Z"), 0);
    }

    #[test]
    fn a_skipped_hour_is_not_open_and_a_repeated_hour_is_open_twice() {
        let london = desk("Europe/London", ["", "", "", "", "", "", "00:00-08:00"], &[]);
        assert_eq!(open_minutes(&london, "2025-03-29T12:00:00Z", "2025-03-31T12:00:00Z"), 420);
        assert_eq!(open_minutes(&london, "2025-03-30T00:00:00Z", "2025-03-30T02:30:00Z"), 150);
        assert_eq!(open_minutes(&london, "2025-10-25T12:00:00Z", "2025-10-27T12:00:00Z"), 540);
    }

    #[test]
    fn a_date_skipped_by_the_zone_is_not_open() {
        // Samoa went from Thursday, 29 December 2011 to Saturday, 31 December.
        let apia = desk("Pacific/Apia", [OFFICE; DAYS], &[]);
        assert_eq!(open_minutes(&apia, "2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z"), 1440);
    }

    #[test]
    fn a_year_of_office_hours_is_open_on_its_weekdays() {
        let desk = desk("UTC", [OFFICE, OFFICE, OFFICE, OFFICE, OFFICE, "", ""], &["2025-12-25", "2025-12-27"]);
        // 2025 has 261 weekdays; the 25th is a Thursday, the 27th a Saturday.
        assert_eq!(open_minutes(&desk, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), 124_800);
        assert_eq!(open_minutes(&desk, "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"), 2400);
    }

    /// Zones, each with an instant of an unusual clock change.
    const PLACES: [(&str, &str); 12] = [
        ("Australia/Lord_Howe", "2025-10-04T15:30:00Z"),
        ("Australia/Lord_Howe", "2025-04-05T15:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T12:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("Europe/London", "2025-10-26T01:00:00Z"),
        ("America/New_York", "2025-03-09T07:00:00Z"),
        ("Antarctica/Troll", "2025-03-30T01:00:00Z"),
        ("Asia/Pyongyang", "2018-05-04T15:00:00Z"),
        ("Africa/Monrovia", "1972-01-07T00:00:00Z"),
        ("Africa/Casablanca", "2025-02-23T02:00:00Z"),
        ("Asia/Kathmandu", "1985-12-31T18:30:00Z"),
    ];

    /// Step of the slow count: fine enough for every offset above.
    const STEP_MS: i64 = 30_000;

    /// Open time counted in half-minute steps, with local times straight from the time zone database.
    fn counted(zone: &str, days: &[Vec<OpenHours>; DAYS], holidays: &[Date], from: i64, to: i64) -> i64 {
        let zone = TimeZone::get(zone).unwrap();
        let is_open = |instant: i64| {
            let local = zone.to_datetime(jiff::Timestamp::from_millisecond(instant).unwrap());
            let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
            let day = usize::try_from(local.weekday().since(Weekday::Monday)).unwrap();
            let is_holiday = holidays
                .iter()
                .any(|holiday| CivilDate::new(1970, 1, 1).unwrap().checked_add(jiff::Span::new().days(holiday.0)).unwrap() == local.date());
            !is_holiday && days[day].iter().any(|hours| (hours.from..hours.to).contains(&minute))
        };
        let (mut open, mut step) = (0, from);
        while step < to {
            let next = (step.div_euclid(STEP_MS) + 1) * STEP_MS;
            open += if is_open(step) { next.min(to) - step } else { 0 };
            step = next;
        }
        open
    }

    fn day() -> impl Strategy<Value = Vec<OpenHours>> {
        let open = ["", "09:00-17:00", "00:00-24:00", "09:00-12:30 13:30-18:00", "00:00-02:15 02:45-03:00", "01:30-02:00", "23:00-24:00"];
        select(open.to_vec()).prop_map(hours)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn open_time_matches_a_count_in_half_minutes(
            (zone, change) in select(PLACES.to_vec()),
            days in prop::array::uniform7(day()),
            days_off in prop::collection::vec(-4..5_i32, 0..3),
            before in 0..4 * DAY_MS,
            span in prop_oneof![0..3 * HOUR_MS, 0..5 * DAY_MS],
        ) {
            let change = at(change).0;
            let holidays: Vec<Date> =
                days_off.iter().map(|days| Date(i32::try_from(change.div_euclid(DAY_MS)).unwrap() + days)).collect();
            let desk = BusinessHours::new(&Zone::named(zone).unwrap(), days.clone(), holidays.clone());
            let (from, to) = (change - before, change - before + span);
            prop_assert_eq!(desk.open_ms(Timestamp(from), Timestamp(to)), counted(zone, &days, &holidays, from, to));
        }

        #[test]
        fn adjacent_spans_add_up(
            days in prop::array::uniform7(day()),
            mut instants in prop::array::uniform3(-3_000_000_000_000..5_000_000_000_000_i64),
        ) {
            instants.sort_unstable();
            let [a, b, c] = instants.map(Timestamp);
            let desk = BusinessHours::new(&Zone::named("Europe/Dublin").unwrap(), days, [Date(20_000), Date(20_001)]);
            prop_assert_eq!(desk.open_ms(a, b) + desk.open_ms(b, c), desk.open_ms(a, c));
            prop_assert!((0..=c.since(a)).contains(&desk.open_ms(a, c)));
        }
    }
}
