//! The metrics of usage, breadth and depth at an instant.

use super::actors::Actor;
use super::buckets::total;
use super::quiet::QuietDays;
use super::{Usage, hour_of};
use crate::metric::{Metric, Metrics};
use crate::settings::Settings;
use crate::time::{DAY_MS, Date, Timestamp};

/// Days of the baseline of active days, divided by the days of the window: 63 / 28.
const BASELINE_RATIO: f64 = 2.25;
/// With fewer active days, the baseline is meaningless.
const MIN_BASELINE_DAYS: usize = 4;
/// Dates on which a user must be active to count as regular.
const REGULAR_DATES: u32 = 4;
/// The base of a trend: the 28 dates before the last 8.
const TREND_SKIPPED_DATES: i32 = 8;
const TREND_BASE_DATES: i32 = 28;

impl Usage {
    /// Sets the metrics that depend on usage alone, at `t`. The caller handles what also needs tenure, seats or entitlements.
    pub fn measure(&self, t: Timestamp, region: Option<&str>, settings: &Settings, out: &mut Metrics) {
        let today = settings.zone.date_of(t);
        let quiet = QuietDays::new(settings, region);
        self.measure_counts(t, today, out);
        self.measure_active_days(t, today, &quiet, out);
        self.measure_lifetime(t, today, settings, out);
        self.measure_trend(t, today, &quiet, out);
        self.measure_sessions(today, out);
        self.measure_users(t, today, out);
        self.measure_features(t, today, out);
    }

    /// Sets the metrics that can still be computed for an instant up to 28 days ago, counting users and features by date.
    pub fn measure_before(&self, t: Timestamp, region: Option<&str>, settings: &Settings, out: &mut Metrics) {
        let today = settings.zone.date_of(t);
        let quiet = QuietDays::new(settings, region);
        let start = quiet.window_start(today, 28);
        out.whole(Metric::Events28d, self.days.sum(today.0 - 28, today.0));
        let active = self.days.within(start.0, today.0).filter(|(date, _)| !quiet.is_quiet(Date(*date)));
        out.whole(Metric::ActiveDays28d, active.count());
        let users = self.users_on_dates(today, 28);
        if users > 0 || self.anonymous.get().is_none_or(|anonymous| self.dates_of(&anonymous, today, 28) == 0) {
            out.whole(Metric::Mau, users);
            out.whole(Metric::ActiveUsers28d, users);
        }
        out.whole(Metric::Features28d, self.features_on_dates(today, 28).count());
        self.measure_lifetime(t, today, settings, out);
    }

    /// Last activity, including late records.
    pub const fn last_activity(&self) -> Option<Timestamp> {
        self.last_activity.get()
    }

    /// Names of the features last used in the exact 28-day window.
    pub fn features_in_window(&self, t: Timestamp) -> impl Iterator<Item = &str> {
        self.features.iter().filter(move |(feature, _)| self.last_of(feature).in_window(t, 28)).map(|(_, name)| name)
    }

    fn measure_counts(&self, t: Timestamp, today: Date, out: &mut Metrics) {
        let hour = hour_of(t);
        out.whole(Metric::Events1d, self.events_in_hours(hour - 24, hour));
        out.whole(Metric::Events7d, self.events_in_hours(hour - 168, hour));
        out.whole(Metric::Events28d, self.days.sum(today.0 - 28, today.0));
        out.whole(Metric::Events91d, self.days.sum(today.0 - 91, today.0));
    }

    fn events_in_hours(&self, from: i64, to: i64) -> u64 {
        let index = |hour: i64| i32::try_from(2 * hour + 1).unwrap_or(i32::MAX);
        self.hours.sum(index(from), index(to))
    }

    fn measure_active_days(&self, t: Timestamp, today: Date, quiet: &QuietDays<'_>, out: &mut Metrics) {
        let start_28 = quiet.window_start(today, 28);
        let start_91 = quiet.window_start(today, 91);
        let active = |from: Date, to: Date| self.days.within(from.0, to.0).filter(|(date, _)| !quiet.is_quiet(Date(*date))).count();
        let (recent, before) = (active(start_28, today), active(start_91, start_28));
        out.whole(Metric::ActiveDays28d, recent);
        out.whole(Metric::ActiveDays91d, recent + before);
        if before >= MIN_BASELINE_DAYS {
            out.real(Metric::ActiveDaysVsBaseline, ratio(recent, before) * BASELINE_RATIO, count(before));
        }
        if let Some(last) = self.last_activity() {
            let days = quiet.busy_ms(last, t) as f64 / DAY_MS as f64;
            out.real(Metric::DaysSinceLast, days, None);
            if recent + before > 0 {
                out.real(Metric::GapsSinceLast, days / (91.0 / (recent + before) as f64), count(recent + before));
            }
        }
    }

    fn measure_trend(&self, t: Timestamp, today: Date, quiet: &QuietDays<'_>, out: &mut Metrics) {
        let end = quiet.window_start(today, TREND_SKIPPED_DATES);
        let start = quiet.window_start(today, TREND_SKIPPED_DATES + TREND_BASE_DATES);
        let base = total(self.days.within(start.0, end.0).filter(|(date, _)| !quiet.is_quiet(Date(*date))));
        if base > 0 {
            let recent = self.events_in_busy_hours(t, quiet);
            out.real(Metric::Trend, recent as f64 / (base as f64 / 4.0), Some(base));
        }
    }

    /// Feature uses in the newest 168 hour buckets that are not quiet, excluding those on quiet dates.
    fn events_in_busy_hours(&self, t: Timestamp, quiet: &QuietDays<'_>) -> u64 {
        let newest = hour_of(t);
        let start = quiet.hours_start(newest);
        let index = |hour: i64| i32::try_from(2 * hour + 1).unwrap_or(i32::MAX);
        total(self.hours.within(index(start), index(newest)).filter(|(index, _)| !quiet.is_quiet_hour(*index)))
    }

    fn measure_sessions(&self, today: Date, out: &mut Metrics) {
        let (sessions, total_ns) = self.sessions_within(today.minus(28), today);
        out.whole(Metric::Sessions28d, sessions);
        if sessions > 0 {
            let seconds = total_ns as f64 / 1e9;
            out.real(Metric::SessionSecondsMean28d, seconds / sessions as f64, count(usize::try_from(sessions).unwrap_or(usize::MAX)));
        }
    }

    /// Sessions that ended on the dates `(from, to]`: how many, and their total length in nanoseconds.
    pub fn sessions_within(&self, from: Date, to: Date) -> (u64, u128) {
        let days = self.sessions.iter().filter(|day| day.date > from && day.date <= to);
        days.fold((0, 0), |(sessions, total), day| (sessions + u64::from(day.count), total + u128::from(day.total_ns)))
    }

    fn measure_users(&self, t: Timestamp, today: Date, out: &mut Metrics) {
        let people = self.links.people(&self.users);
        // If all use in the window was anonymous, the number of users is unknown, so the metric is absent rather than 0.
        let used = |actor: &Actor, days: i64| self.last_of(actor).in_window(t, days);
        let seen = |days: i64| {
            let users = people.iter().filter(|user| used(user, days)).count();
            (users > 0 || !self.anonymous.get().is_some_and(|anonymous| used(&anonymous, days))).then_some(users)
        };
        for (metric, days) in [(Metric::Dau, 1), (Metric::Wau, 7), (Metric::Mau, 28), (Metric::ActiveUsers28d, 28)] {
            if let Some(users) = seen(days) {
                out.whole(metric, users);
            }
        }
        let dates = |user: &Actor| self.dates_of(user, today, 28);
        let users = people.iter().filter(|user| dates(user) > 0).count();
        let pairs: u64 = people.iter().map(|user| u64::from(dates(user))).sum();
        if users > 0 {
            out.real(Metric::Stickiness, pairs as f64 / (28.0 * users as f64), count(users));
        }
        if users > 0 || self.anonymous.get().is_none_or(|anonymous| dates(&anonymous) == 0) {
            out.whole(Metric::RegularUsers28d, people.iter().filter(|user| dates(user) >= REGULAR_DATES).count());
            self.growth(&people, today, Metric::ActiveUsersGrowth, out);
        }
    }

    fn measure_features(&self, t: Timestamp, today: Date, out: &mut Metrics) {
        let used = self.features.actors().iter().filter(|feature| self.last_of(feature).in_window(t, 28)).count();
        out.whole(Metric::Features28d, used);
        self.growth(self.features.actors(), today, Metric::FeaturesGrowth, out);
    }

    /// Feature uses on the dates `(from, to]`, and how many of these dates were active.
    pub fn use_within(&self, from: Date, to: Date) -> (u64, u64) {
        (self.days.sum(from.0, to.0), self.days.within(from.0, to.0).count() as u64)
    }

    /// Feature uses by date, for the active dates in `(from, to]`.
    pub fn events_by_date(&self, from: Date, to: Date) -> impl Iterator<Item = (Date, u64)> {
        self.days.within(from.0, to.0).map(|(date, events)| (Date(date), events))
    }

    /// Distinct users on the dates `(to - days, to]`.
    #[must_use]
    pub fn users_on_dates(&self, to: Date, days: i32) -> usize {
        self.links.people(&self.users).iter().filter(|user| self.dates_of(user, to, days) > 0).count()
    }

    /// Names of the features used on the dates `(to - days, to]`.
    pub fn features_on_dates(&self, to: Date, days: i32) -> impl Iterator<Item = &str> {
        self.features.iter().filter(move |(feature, _)| self.dates_of(feature, to, days) > 0).map(|(_, name)| name)
    }

    /// Distinct actors on the dates `(D - 28, D]` relative to `(D - 56, D - 28]`; absent if there were none before.
    fn growth(&self, actors: &[Actor], today: Date, metric: Metric, out: &mut Metrics) {
        let distinct = |end: Date| actors.iter().filter(|actor| self.dates_of(actor, end, 28) > 0).count();
        let before = distinct(today.minus(28));
        if before > 0 {
            out.real(metric, ratio(distinct(today), before), count(before));
        }
    }

    fn last_of(&self, actor: &Actor) -> Timestamp {
        actor.activity(self.newest_date).last()
    }

    fn dates_of(&self, actor: &Actor, end: Date, days: i32) -> u32 {
        actor.activity(self.newest_date).dates_within(end, days)
    }
}

fn ratio(numerator: usize, denominator: usize) -> f64 {
    numerator as f64 / denominator as f64
}

fn count(n: usize) -> Option<u64> {
    u64::try_from(n).ok()
}
