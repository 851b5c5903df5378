//! The active dates of an account's whole life.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::settings::StateVersion;

#[test]
fn the_rhythm_of_a_whole_life_outlasts_every_window() {
    let mut example = Example::default();
    for day in [0, 100, 250, 400] {
        example.used(noon(day), "u", "f", 1);
        example.used(noon(day).plus(HOUR_MS), "u", "f", 1);
    }
    let metrics = [Metric::ActiveDaysLifetime, Metric::AgeDays, Metric::MeanGapDays, Metric::GapsSinceLastLifetime];
    let of = |example: &Example, day| metrics.map(|metric| example.number(noon(day).plus(HOUR_MS), metric));
    // Since the midnight before the first use, 500 days and 13 hours; a usual gap is a fourth of that, and the last use was 100 days ago.
    let age = 500.0 + 13.0 / 24.0;
    assert_eq!(of(&example, 500), [4.0, age, 400.0 / 3.0, 100.0 / (age / 4.0)].map(Some));
    // What was read later has no influence on an earlier instant; only the last date before that instant is no longer known.
    assert_eq!(of(&example, 399)[..3], [Some(3.0), Some(399.0 + 13.0 / 24.0), None]);
    assert_eq!(of(&Example::default(), 500), [Some(0.0), None, None, None]);
    let mut once = Example::default();
    once.used(noon(0), "u", "f", 1);
    assert_eq!(of(&once, 1), [Some(1.0), Some(37.0 / 24.0), None, Some((25.0 / 24.0) / (37.0 / 24.0))]);
}

#[test]
fn quiet_days_stop_the_silence_but_not_the_age_of_an_account() {
    let date = |day: i64| Date(i32::try_from(noon(day).0 / DAY_MS).unwrap());
    let mut example = Example::default();
    example.settings.calendar = Calendar::new(vec![QuietPeriod { from: date(95), to: date(98), regions: Vec::new() }]);
    for day in [0, 94, 96] {
        example.used(noon(day), "u", "f", 1);
    }
    // From noon of day 96 to noon of day 100, two and a half days are quiet; the use on a quiet date is an active day nevertheless.
    assert_eq!(example.number(noon(100), Metric::ActiveDaysLifetime), Some(3.0));
    assert_eq!(example.number(noon(100), Metric::GapsSinceLastLifetime), Some(1.5 / (100.5 / 3.0)));
}

#[test]
fn late_use_moves_the_last_activity_and_adds_no_active_day() {
    let mut example = Example::default();
    example.used(noon(0), "u", "f", 1);
    let mut limits = LimitMeter::default();
    let ctx = ApplyContext { at: noon(50), id: None, settings: &example.settings, limits: &mut limits };
    example
        .state
        .apply_late(&UsageEvent { user_id: None, anonymous_id: None, kind: UsageKind::Feature { feature: "f".into(), count: 1 } }, &ctx);
    assert_eq!(example.number(noon(200), Metric::DaysSinceLast), Some(150.0));
    assert_eq!(example.number(noon(200), Metric::ActiveDaysLifetime), Some(1.0));
    assert_eq!(example.number(noon(200), Metric::GapsSinceLastLifetime), Some(150.0 / 200.5));
}

#[test]
fn the_next_life_of_an_account_has_the_active_days_since_its_deletion() {
    let weekly = |deleted_on: i64| {
        let mut example = Example::default();
        (1..30).for_each(|week| example.used(noon(7 * week), "u", "f", 1));
        example.state.forget_until(noon(deleted_on), &example.settings);
        (example.number(noon(210), Metric::ActiveDaysLifetime), example.number(noon(203), Metric::AgeDays))
    };
    assert_eq!(weekly(150), (Some(8.0), Some(203.5 - 154.0)));
    assert_eq!(weekly(1), (Some(29.0), Some(203.5 - 7.0)));
    // Of the dates that are only a count, some belong to the life before: those of the newest 93 dates are left.
    assert_eq!(weekly(20), (Some(14.0), Some(203.5 - 112.0)));
}

proptest! {
    #[test]
    fn the_first_use_of_a_next_life_is_known_to_its_hour_and_never_to_another_date(
        minute in 0..7 * 24 * 60_i64,
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
    ) {
        let mut example = Example::default();
        example.settings.zone = Zone::named(zone).unwrap();
        let at = noon(0).plus(minute * 60_000);
        example.used(at, "u", "f", 1);
        example.used(at.plus(HOUR_MS), "u", "f", 1);
        example.state.forget_until(at.plus(-1), &example.settings);
        let earliest = example.state.earliest(&example.settings).unwrap();
        prop_assert!(earliest <= at && at.since(earliest) < HOUR_MS, "{earliest} of {at}");
        prop_assert_eq!(example.settings.zone.date_of(earliest), example.settings.zone.date_of(at));
    }
}

#[test]
fn version_1_has_no_room_for_dates_before_the_window() {
    let mut example = Example::default();
    (0..30).for_each(|week| example.used(noon(7 * week), "u", "f", 1));
    let active_days = |version| {
        let mut restored = Usage::default();
        for (part, bytes) in example.state.parts(version) {
            restored.restore(part, &bytes).unwrap();
        }
        let restored = Example { state: restored, ..Example::default() };
        restored.number(noon(210), Metric::ActiveDaysLifetime)
    };
    assert_eq!(active_days(StateVersion::V2), Some(30.0));
    assert_eq!(active_days(StateVersion::V1), Some(14.0)); // those of the newest 93 dates
    assert_eq!(example.state.least_version(), StateVersion::V1);
}

proptest! {
    #[test]
    fn active_dates_are_counted_once_whenever_they_are_read(
        // In quarters of an hour, within two and a half years, half of them close to the window's end.
        order in prop::collection::vec((0..900_i64, 0..96_i64, prop::bool::ANY), 1..120),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns"]),
    ) {
        // Samoa skipped a date at the end of 2011, day 360 from here.
        let start = Timestamp(1_293_840_000_000);
        let mut example = Example::default();
        example.settings.zone = Zone::named(zone).unwrap();
        let (mut newest, mut dates) = (Timestamp::MIN, BTreeSet::new());
        for (day, quarter, is_at_the_edge) in order {
            let fine = quarter * HOUR_MS / 4;
            let at = if is_at_the_edge && newest > start { newest.plus(fine / 96 - 92 * DAY_MS) } else { start.plus(day * DAY_MS + fine) };
            newest = newest.max(at);
            if at.0 <= newest.0 - 92 * DAY_MS {
                continue;
            }
            dates.insert(example.settings.zone.date_of(at).0);
            example.used(at, "u", "f", 1);
            let (first, last) = (*dates.first().unwrap(), *dates.last().unwrap());
            prop_assert_eq!(example.number(newest, Metric::ActiveDaysLifetime), Some(dates.len() as f64));
            let gap = (dates.len() > 1).then(|| f64::from(last - first) / (dates.len() - 1) as f64);
            prop_assert_eq!(example.number(newest, Metric::MeanGapDays), gap);
            let since = newest.since(example.settings.zone.start_of(Date(first)));
            prop_assert_eq!(example.number(newest, Metric::AgeDays), Some(since as f64 / DAY_MS as f64));
        }
        let mut restored = Usage::default();
        for (part, bytes) in example.state.parts(StateVersion::NEWEST) {
            restored.restore(part, &bytes).unwrap();
        }
        prop_assert_eq!(restored, example.state);
    }
}
