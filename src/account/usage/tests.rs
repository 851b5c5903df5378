//! A worked example with numbers for each metric of usage, breadth and depth.

use super::Usage;
use crate::account::{ApplyContext, CodecError, LimitMeter, Section};
use crate::event::{UsageEvent, UsageKind};
use crate::metric::{Metric, Metrics};
use crate::settings::Settings;
use crate::settings::usage_filter::Patterns;
use crate::time::{Calendar, DAY_MS, Date, HOUR_MS, QuietPeriod, Timestamp, Zone};

mod lifetime;
mod people;

/// Noon of a day counted from 2026-01-05, a Monday.
fn noon(day: i64) -> Timestamp {
    Timestamp(1_767_571_200_000 + day * DAY_MS + 12 * HOUR_MS)
}

#[derive(Default)]
struct Example {
    state: Usage,
    settings: Settings,
}

impl Example {
    /// An empty user id means anonymous use.
    fn apply(&mut self, at: Timestamp, user: &str, kind: UsageKind<'_>) {
        let mut limits = LimitMeter::default();
        let mut ctx = ApplyContext { at, id: None, settings: &self.settings, limits: &mut limits };
        let user_id = (!user.is_empty()).then(|| user.into());
        self.state.apply(&UsageEvent { user_id, anonymous_id: None, kind }, &mut ctx);
    }

    fn identified(&mut self, at: Timestamp, anonymous: &str, user: &str) {
        let mut ctx = ApplyContext { at, id: None, settings: &self.settings, limits: &mut LimitMeter::default() };
        let event = UsageEvent { user_id: Some(user.into()), anonymous_id: Some(anonymous.into()), kind: UsageKind::Identified };
        self.state.apply(&event, &mut ctx);
    }

    fn used(&mut self, at: Timestamp, user: &str, feature: &str, count: u64) {
        self.apply(at, user, UsageKind::Feature { feature: feature.into(), count });
    }

    fn session(&mut self, at: Timestamp, user: &str, seconds: u64) {
        self.apply(at, user, UsageKind::SessionEnded { duration_ns: seconds * 1_000_000_000 });
    }

    fn measure(&self, t: Timestamp) -> Metrics {
        let mut metrics = Metrics::default();
        self.state.measure(t, None, &self.settings, &mut metrics);
        metrics
    }

    fn number(&self, t: Timestamp, metric: Metric) -> Option<f64> {
        self.measure(t).number(metric)
    }
}

#[test]
fn counts_of_1_and_7_days_are_hour_buckets_and_those_of_28_and_91_are_dates() {
    let mut example = Example::default();
    for (hours_before, count) in [(0, 1), (23, 10), (24, 100), (167, 1_000), (168, 10_000)] {
        example.used(noon(100).plus(-hours_before * HOUR_MS), "u", "f", count);
    }
    // The bucket (h - 1 h, h] holds t; the one 24 hours before it is no longer among the last 24.
    assert_eq!(example.number(noon(100), Metric::Events1d), Some(11.0));
    assert_eq!(example.number(noon(100), Metric::Events7d), Some(1_111.0));
    assert_eq!(example.number(noon(100), Metric::Events28d), Some(11_111.0));
    // 27 dates later the last use is still in the 28 dates, those of the day before are not.
    assert_eq!(example.number(noon(127), Metric::Events28d), Some(1.0));
    assert_eq!(example.number(noon(190), Metric::Events91d), Some(1.0));
}

#[test]
fn active_days_are_dates_with_a_use_or_a_session() {
    let mut example = Example::default();
    for day in [10, 12, 30, 60, 99, 100] {
        example.used(noon(day), "u", "f", 3);
    }
    example.session(noon(98), "u", 60);
    assert_eq!(example.number(noon(100), Metric::ActiveDays28d), Some(3.0));
    assert_eq!(example.number(noon(100), Metric::ActiveDays91d), Some(7.0));
    // 3 of the last 28 dates against 4 of the 63 before: 3 / (4 / 2.25).
    assert_eq!(example.number(noon(100), Metric::ActiveDaysVsBaseline), Some(3.0 / (4.0 / 2.25)));
    // Day 10 leaves the window: 3 active dates are too few for a baseline.
    assert_eq!(example.number(noon(101), Metric::ActiveDaysVsBaseline), None);
}

#[test]
fn time_since_the_last_use_is_measured_in_days_and_in_usual_gaps() {
    let mut example = Example::default();
    for day in 0..13 {
        example.used(noon(day * 7), "u", "f", 1);
    }
    // The last use is on day 84; 13 active days in 91 make a gap of 7 days.
    assert_eq!(example.number(noon(90), Metric::DaysSinceLast), Some(6.0));
    assert_eq!(example.number(noon(90), Metric::GapsSinceLast), Some(6.0 / (91.0 / 13.0)));
}

#[test]
fn a_trend_compares_a_week_with_the_weekly_mean_of_the_four_weeks_before() {
    let mut example = Example::default();
    for day in 0..=100 {
        example.used(noon(day), "u", "f", if day > 92 { 1 } else { 2 });
    }
    // 7 uses in 168 hours; the dates (D - 36, D - 8] hold 56, 14 a week.
    assert_eq!(example.number(noon(100), Metric::Trend), Some(7.0 / 14.0));
    assert_eq!(example.measure(noon(100)).get(Metric::Trend).and_then(|sample| sample.n), Some(56));
    assert_eq!(example.number(noon(140), Metric::Trend), None);
}

#[test]
fn sessions_are_counted_and_their_lengths_averaged() {
    let mut example = Example::default();
    example.session(noon(72), "u", 10_000);
    example.session(noon(73), "u", 60);
    example.session(noon(100), "v", 120);
    assert_eq!(example.number(noon(100), Metric::Sessions28d), Some(2.0));
    assert_eq!(example.number(noon(100), Metric::SessionSecondsMean28d), Some(90.0));
}

#[test]
fn users_count_by_their_last_activity_and_stick_by_their_dates() {
    let mut example = Example::default();
    for day in [90, 92, 94, 100] {
        example.used(noon(day), "daily", "f", 1);
    }
    example.used(noon(95), "weekly", "f", 1);
    example.used(noon(72).plus(1), "monthly", "f", 1);
    example.used(noon(50), "gone", "f", 1);
    example.used(noon(60), "gone too", "f", 1);
    let numbers = [Metric::Dau, Metric::Wau, Metric::Mau, Metric::ActiveUsers28d, Metric::RegularUsers28d];
    // "monthly" is inside the exact window by one millisecond, but on the date D - 28, which the day window excludes.
    assert_eq!(numbers.map(|metric| example.number(noon(100), metric)), [1.0, 2.0, 3.0, 3.0, 1.0].map(Some));
    assert_eq!(example.number(noon(100), Metric::Stickiness), Some(5.0 / (28.0 * 2.0)));
    // 2 users on the last 28 dates, 3 on the 28 before.
    assert_eq!(example.number(noon(100), Metric::ActiveUsersGrowth), Some(2.0 / 3.0));
}

#[test]
fn anonymous_use_counts_for_the_account_but_leaves_the_number_of_users_unknown() {
    let mut example = Example::default();
    example.used(noon(60), "ann", "f", 1);
    example.used(noon(100), "", "export", 2);
    example.used(noon(99), "NULL", "export", 3);
    example.session(noon(98), "", 60);
    let users = [
        Metric::Dau,
        Metric::Wau,
        Metric::Mau,
        Metric::ActiveUsers28d,
        Metric::ActiveUsersGrowth,
        Metric::RegularUsers28d,
        Metric::Stickiness,
    ];
    assert_eq!(users.map(|metric| example.number(noon(100), metric)), [None; 7]);
    let counts = [Metric::Events28d, Metric::ActiveDays28d, Metric::Sessions28d, Metric::Features28d];
    assert_eq!(counts.map(|metric| example.number(noon(100), metric)), [5.0, 3.0, 1.0, 1.0].map(Some));
    // A day later there was no use within 1 day, anonymous or not: 0 users is a fact.
    assert_eq!(example.number(noon(101), Metric::Dau), Some(0.0));
    assert_eq!(example.number(noon(106).plus(HOUR_MS), Metric::Wau), None);
    assert_eq!(example.number(noon(107), Metric::Wau), Some(0.0));
    // One user in the window is enough for a count.
    example.used(noon(90), "ann", "f", 1);
    let expected = [None, None, Some(1.0), Some(1.0), Some(1.0), Some(0.0), Some(1.0 / 28.0)];
    assert_eq!(users.map(|metric| example.number(noon(100), metric)), expected);
}

#[test]
fn anonymous_use_is_restored_and_expires() {
    let mut example = Example::default();
    example.used(noon(0), "", "f", 1);
    let mut restored = Usage::default();
    for (part, bytes) in example.state.parts(crate::settings::StateVersion::NEWEST) {
        restored.restore(part, &bytes).unwrap();
    }
    assert_eq!(restored, example.state);
    example.used(noon(56), "ann", "f", 1);
    assert_eq!(example.state.anonymous.get(), None);
}

#[test]
fn features_count_by_their_last_use() {
    let mut example = Example::default();
    for (day, feature) in [(100, "a"), (90, "b"), (73, "c"), (60, "d"), (50, "e")] {
        example.used(noon(day), "u", feature, 1);
    }
    assert_eq!(example.number(noon(100), Metric::Features28d), Some(3.0));
    assert_eq!(example.number(noon(100), Metric::FeaturesGrowth), Some(3.0 / 2.0));
}

#[test]
fn quiet_days_stop_the_clocks() {
    let date = |day: i64| Date(i32::try_from(noon(day).0 / DAY_MS).unwrap());
    let mut example = Example::default();
    example.settings.calendar = Calendar::new(vec![QuietPeriod { from: date(95), to: date(98), regions: Vec::new() }]);
    for day in 0..=94 {
        example.used(noon(day), "u", "f", 1);
    }
    example.used(noon(96), "u", "f", 50);
    // From noon of day 96 to noon of day 100, two and a half days are quiet.
    assert_eq!(example.number(noon(100), Metric::DaysSinceLast), Some(1.5));
    // The newest 28 dates that are not quiet are 99, 100 and 69 to 94.
    assert_eq!(example.number(noon(100), Metric::ActiveDays28d), Some(26.0));
    assert_eq!(example.number(noon(100), Metric::Events28d), Some(22.0 + 50.0));
    // 168 hours that are not quiet reach from noon of day 100 back to noon of day 89, excluding uses on quiet dates.
    assert_eq!(example.number(noon(100), Metric::Trend), Some(5.0 / (28.0 / 4.0)));
}

#[test]
fn dates_are_those_of_the_reporting_zone() {
    let mut example = Example::default();
    example.settings.zone = Zone::named("Asia/Kathmandu").unwrap();
    let midnight = Timestamp(noon(100).0 - 12 * HOUR_MS - (5 * 60 + 45) * 60_000);
    example.used(midnight.plus(-1), "u", "f", 1);
    example.used(midnight, "u", "f", 1);
    assert_eq!(example.number(noon(100), Metric::ActiveDays28d), Some(2.0));
}

#[test]
fn ignored_users_and_features_change_nothing() {
    let glob = |pattern: &str| Patterns::compile(&[pattern.to_owned()]).unwrap();
    let mut example = Example::default();
    example.settings.usage.ignore_users = glob("svc-*");
    example.settings.usage.ignore_features = glob("heartbeat");
    example.used(noon(1), "svc-sync", "report", 1);
    example.used(noon(1), "ann", "heartbeat", 1);
    assert_eq!(example.state, Usage::default());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_order_of_uses_does_not_matter(
            uses in prop::collection::vec((0..60 * 24_i64, 0..4_u8, 0..4_u8, 1..5_u64, any::<bool>()), 1..80),
            seed in any::<u64>(),
        ) {
            let mut shuffled = uses.clone();
            shuffled.sort_by_key(|(hour, user, ..)| (hour.unsigned_abs() * 7919 + u64::from(*user)) ^ seed);
            let play = |uses: &[(i64, u8, u8, u64, bool)]| {
                let mut example = Example::default();
                for (hour, user, feature, count, is_session) in uses {
                    let (at, user) = (noon(0).plus(hour * HOUR_MS), format!("u{user}"));
                    if *is_session {
                        example.session(at, &user, *count);
                    } else {
                        example.used(at, &user, &format!("f{feature}"), *count);
                    }
                }
                example
            };
            let (one, other) = (play(&uses), play(&shuffled));
            prop_assert_eq!(one.measure(noon(61)), other.measure(noon(61)));
            let mut restored = Usage::default();
            for (part, bytes) in one.state.parts(crate::settings::StateVersion::NEWEST) {
                restored.restore(part, &bytes).unwrap();
            }
            prop_assert_eq!(restored, one.state);
        }
    }

    #[test]
    fn a_use_by_one_of_many_users_changes_three_parts_of_many_at_most() {
        let mut example = Example::default();
        for n in 0..20_000 {
            example.used(noon(0), &format!("user{n}"), "f", 1);
        }
        let before = example.state.parts(crate::settings::StateVersion::NEWEST);
        example.used(noon(0).plus(1), "user7", "f", 1);
        let after = example.state.parts(crate::settings::StateVersion::NEWEST);
        let changed: Vec<_> = after.iter().filter(|part| !before.contains(part)).collect();
        assert!(before.len() == after.len() && changed.len() <= 3);
        assert!(after.len() > 20_000 / 256 && changed.iter().all(|(_, bytes)| bytes.len() < 5_000));
    }

    #[test]
    fn users_that_two_parts_hold_are_refused() {
        let mut example = Example::default();
        (0..1_000).for_each(|n| example.used(noon(0), &format!("user{n}"), "f", 1));
        let (parts, mut restored) = (example.state.parts(crate::settings::StateVersion::NEWEST), Usage::default());
        for (part, bytes) in parts.iter().rev() {
            restored.restore(*part, bytes).unwrap();
        }
        assert_eq!(restored, example.state);
        assert_eq!(restored.restore(parts[1].0, &parts[1].1), Err(CodecError::Corrupt("parts of users, features or links overlap")));
    }

    #[test]
    fn a_thousand_features_with_names_of_a_thousand_bytes_are_split_and_restored() {
        let mut example = Example::default();
        for n in 0..1_000 {
            example.used(noon(0), "u", &format!("{n:0>1000}"), 1);
        }
        let parts = example.state.parts(crate::settings::StateVersion::NEWEST);
        let bytes: usize = parts.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes > 1_000_000, "the names are kept whole: {bytes}");
        assert!(parts.iter().all(|(_, bytes)| bytes.len() <= crate::account::MAX_PART_BYTES));
        let mut restored = Usage::default();
        for (part, bytes) in parts.iter().rev() {
            restored.restore(*part, bytes).unwrap();
        }
        assert_eq!(restored, example.state);
    }

    #[test]
    fn the_largest_usage_fits_its_parts_and_is_restored() {
        let mut example = Example::default();
        let name = "x".repeat(250);
        for n in 0..60_000_i64 {
            let at = noon(0).plus(n / 20_000 * 26 * DAY_MS + n);
            example.used(at, &format!("user{}", n % 20_000), &format!("{name}{:04}", n % 1_000), u64::MAX / 4);
        }
        let parts = example.state.parts(crate::settings::StateVersion::NEWEST);
        assert!(parts.iter().all(|(_, bytes)| bytes.len() <= crate::account::MAX_PART_BYTES));
        let mut restored = Usage::default();
        for (part, bytes) in parts.iter().rev() {
            restored.restore(*part, bytes).unwrap();
        }
        assert_eq!(restored, example.state);
    }
}
