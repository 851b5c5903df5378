//! Product usage.

use std::collections::BTreeSet;

use jiff::civil::Date;
use num_traits::ToPrimitive as _;

use super::account::Account;
use super::fields::Fields;
use super::input::Record;
use super::metric::{Metrics, mean};
use super::pattern;
use super::settings::Settings;
use super::zone::{DAY, HOUR, back, days_between, is_quiet, loud_dates, quiet_between};

/// One usage record that is not late.
pub struct Activity {
    /// When.
    pub at: i64,
    /// Its date in the reporting time zone.
    pub date: Date,
    /// The user, if any.
    pub user: Option<String>,
    /// The feature and its count; `None` for the end of a session.
    pub feature: Option<(String, i64)>,
    /// The duration of a session that ended, in seconds.
    pub seconds: Option<f64>,
}

/// The end of the hour bucket (h - 1 h, h] of the UTC hour grid that holds an instant.
fn bucket(at: i64) -> i64 {
    (at.div_euclid(HOUR) + i64::from(at.rem_euclid(HOUR) > 0)) * HOUR
}

fn distinct<'a, T: Ord + 'a>(values: impl Iterator<Item = T>) -> usize {
    values.collect::<BTreeSet<T>>().len()
}

/// The user of a record; blank text is no user.
fn named_user(body: Fields<'_>) -> Option<String> {
    body.id("user_id").unwrap().filter(|user| !user.chars().all(char::is_whitespace))
}

/// The user that a record counts for, if any.
fn user(body: Fields<'_>, settings: &Settings) -> Option<String> {
    let anonymous = settings.anonymous_users.clone();
    let anonymous = anonymous.unwrap_or_else(|| vec!["undefined", "null", "none", "nan", "0", "anonymous", "[object Object]"]);
    named_user(body).filter(|user| !anonymous.iter().any(|name| name.to_lowercase() == user.to_lowercase()))
}

/// Distinct users of some usage; `None` if there is usage but none by a user.
fn users<'a>(activity: impl Iterator<Item = &'a Activity>) -> Option<usize> {
    let users: BTreeSet<Option<&String>> = activity.map(|event| event.user.as_ref()).collect();
    let named = users.iter().flatten().count();
    if named == 0 && !users.is_empty() { None } else { Some(named) }
}

impl Account<'_> {
    /// Every usage record that is not late.
    pub fn activity(&self) -> Vec<Activity> {
        let records = self.uses().into_iter().filter(|record| !record.late);
        records
            .map(|record| {
                let body = record.fields();
                let feature = (record.kind == "feature_used").then(|| body.text("feature").unwrap().unwrap());
                Activity {
                    at: record.at,
                    date: self.settings.zone.date(record.at),
                    user: user(body, self.settings),
                    seconds: feature.is_none().then(|| body.number("duration_seconds").unwrap().unwrap().to_f64().unwrap()),
                    feature: feature.map(|feature| (feature, body.whole("count", 1).unwrap().unwrap_or(1))),
                }
            })
            .collect()
    }

    /// The usage records that count.
    fn uses(&self) -> Vec<&Record> {
        let fits = |patterns: &[&str], name: &str| patterns.iter().any(|pattern| pattern::fits(pattern, name));
        let counts = |record: &&Record| {
            let body = record.fields();
            let feature = body.text("feature").ok().flatten().filter(|_| record.kind == "feature_used");
            let is_active = |feature: &String| self.settings.active_features.is_empty() || fits(&self.settings.active_features, feature);
            let ignored_user = named_user(body).is_some_and(|user| fits(&self.settings.ignore_users, &user));
            !ignored_user && feature.is_none_or(|feature| is_active(&feature) && !fits(&self.settings.ignore_features, &feature))
        };
        self.of("usage").into_iter().filter(counts).collect()
    }

    /// The newest activity, late records included.
    fn last_activity(&self) -> Option<i64> {
        self.uses().iter().map(|record| record.at).max()
    }

    /// Whether a date is quiet for the account.
    fn quiet(&self, date: Date) -> bool {
        is_quiet(self.settings, self.region().as_deref(), date)
    }

    /// All usage, breadth and depth metrics.
    pub fn usage(&self, out: &mut Metrics) {
        let activity = self.activity();
        self.usage_counts(&activity, out);
        self.usage_days(&activity, out);
        self.usage_life(&activity, out);
        self.usage_trend(&activity, out);
        self.usage_users(&activity, out);
        self.usage_features(&activity, out);
    }

    /// The dates (D - oldest, D - newest].
    fn dated<'a>(&self, activity: &'a [Activity], oldest: i64, newest: i64) -> impl Iterator<Item = &'a Activity> {
        let today = self.settings.zone.date(self.t);
        let (from, to) = (back(today, oldest), back(today, newest));
        activity.iter().filter(move |event| from < event.date && event.date <= to)
    }

    fn usage_counts(&self, activity: &[Activity], out: &mut Metrics) {
        let uses = |event: &Activity| event.feature.as_ref().map_or(0, |(_, count)| *count);
        let hours = |buckets: i64| activity.iter().filter(|event| bucket(event.at) > bucket(self.t) - buckets * HOUR).map(uses).sum();
        out.whole("usage.events_1d", hours(24));
        out.whole("usage.events_7d", hours(168));
        out.whole("usage.events_28d", self.dated(activity, 28, 0).map(uses).sum());
        out.whole("usage.events_91d", self.dated(activity, 91, 0).map(uses).sum());
        let sessions: Vec<f64> = self.dated(activity, 28, 0).filter_map(|event| event.seconds).collect();
        out.count("usage.sessions_28d", sessions.len());
        out.float("usage.session_seconds_mean_28d", mean(&sessions));
    }

    fn usage_days(&self, activity: &[Activity], out: &mut Metrics) {
        let today = self.settings.zone.date(self.t);
        let dates = loud_dates(self.settings, self.region().as_deref(), today, 91);
        let active = |dates: &[Date]| dates.iter().filter(|date| activity.iter().any(|event| event.date == **date)).count();
        out.count("usage.active_days_28d", active(&dates[..28]));
        out.count("usage.active_days_91d", active(&dates));
        let before = active(&dates[28..]);
        out.size("usage.active_days_vs_baseline", before);
        if before >= 4 {
            out.float("usage.active_days_vs_baseline", Some(active(&dates[..28]) as f64 / (before as f64 / 2.25)));
        }
        if let Some(last) = self.last_activity() {
            let quiet = quiet_between(self.settings, self.region().as_deref(), last, self.t);
            let days = (self.t - last - quiet) as f64 / DAY as f64;
            out.float("usage.days_since_last", Some(days));
            let active_days = active(&dates);
            out.size("usage.gaps_since_last", active_days);
            out.float("usage.gaps_since_last", (active_days > 0).then(|| days / (91.0 / active_days as f64)));
        }
    }

    /// The active dates of the whole life, up to t.
    fn usage_life(&self, activity: &[Activity], out: &mut Metrics) {
        let mut dates: Vec<Date> = activity.iter().map(|event| event.date).collect();
        dates.sort_unstable();
        dates.dedup();
        out.count("usage.active_days_lifetime", dates.len());
        let [first, .., last] = dates[..] else {
            let Some(only) = dates.first() else { return };
            return self.usage_age(*only, 1, out);
        };
        out.float("usage.mean_gap_days", Some(days_between(first, last) as f64 / (dates.len() - 1) as f64));
        out.size("usage.mean_gap_days", dates.len());
        self.usage_age(first, dates.len(), out);
    }

    fn usage_age(&self, first: Date, dates: usize, out: &mut Metrics) {
        let age = (self.t - self.settings.zone.start(first)) as f64 / DAY as f64;
        out.float("usage.age_days", Some(age));
        if let Some(days) = out.number("usage.days_since_last").filter(|_| age > 0.0) {
            out.float("usage.gaps_since_last_lifetime", Some(days / (age / dates as f64)));
            out.size("usage.gaps_since_last_lifetime", dates);
        }
    }

    fn usage_trend(&self, activity: &[Activity], out: &mut Metrics) {
        let today = self.settings.zone.date(self.t);
        let dates = loud_dates(self.settings, self.region().as_deref(), today, 36);
        let uses = |event: &&Activity| event.feature.as_ref().map_or(0, |(_, count)| *count);
        let base: i64 = activity.iter().filter(|event| dates[8..].contains(&event.date)).map(|event| uses(&event)).sum();
        let mut buckets = Vec::new();
        let mut end = bucket(self.t);
        while buckets.len() < 168 {
            if !self.quiet(self.settings.zone.date(end - 1)) {
                buckets.push(end);
            }
            end -= HOUR;
        }
        let counted = activity.iter().filter(|event| buckets.contains(&bucket(event.at)) && !self.quiet(event.date));
        let recent: i64 = counted.map(|event| uses(&event)).sum();
        if base > 0 && self.tenure_ms() >= 36 * DAY {
            out.float("usage.trend", Some(recent as f64 / (base as f64 / 4.0)));
            out.size("usage.trend", usize::try_from(base).unwrap());
        }
    }

    fn usage_users(&self, activity: &[Activity], out: &mut Metrics) {
        let within = |days: i64| activity.iter().filter(move |event| event.at > self.t - days * DAY);
        for (name, days) in [("usage.dau", 1), ("usage.wau", 7), ("usage.mau", 28), ("breadth.active_users_28d", 28)] {
            if let Some(users) = users(within(days)) {
                out.count(name, users);
            }
        }
        if let (Some(users), Some(seats)) = (users(within(28)), self.seats()) {
            out.ratio("breadth.seat_utilisation", users as f64, seats as f64);
        }
        let Some(recent) = users(self.dated(activity, 28, 0)) else { return };
        let of_users = || self.dated(activity, 28, 0).filter_map(|event| Some((event.user.as_ref()?, event.date)));
        out.ratio("usage.stickiness", distinct(of_users()) as f64, 28.0 * recent as f64);
        let before = users(self.dated(activity, 56, 28)).unwrap_or(0);
        out.ratio("breadth.active_users_growth", recent as f64, before as f64);
        let dates = |user: &String| distinct(of_users().filter(|(other, _)| *other == user).map(|(_, date)| date));
        let named: BTreeSet<&String> = of_users().map(|(user, _)| user).collect();
        out.count("breadth.regular_users_28d", named.into_iter().filter(|user| dates(user) >= 4).count());
    }

    fn usage_features(&self, activity: &[Activity], out: &mut Metrics) {
        let used: BTreeSet<String> = self.features_28d(activity);
        out.count("depth.features_28d", used.len());
        let features = |oldest, newest| distinct(self.dated(activity, oldest, newest).filter_map(|event| Some(&event.feature.as_ref()?.0)));
        out.ratio("depth.features_growth", features(28, 0) as f64, features(56, 28) as f64);
        let entitled = self.entitled();
        out.ratio("depth.adoption", used.intersection(&entitled).count() as f64, entitled.len() as f64);
    }

    /// The features last used in the exact window of 28 days.
    pub fn features_28d(&self, activity: &[Activity]) -> BTreeSet<String> {
        let recent = activity.iter().filter(|event| event.at > self.t - 28 * DAY);
        recent.filter_map(|event| Some(event.feature.as_ref()?.0.clone())).collect()
    }
}
