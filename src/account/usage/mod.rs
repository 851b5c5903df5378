//! The usage section of an account: what was used, when and by whom.

mod actors;
mod buckets;
mod codec;
mod earlier;
mod features;
mod lifetime;
mod measure;
mod next_life;
mod people;
mod quiet;
#[cfg(test)]
mod tests;

use std::hint::black_box;

use actors::{Actor, MaybeActor, REMEMBERED_DATES, Touch, advance, touch};
use buckets::Buckets;
use earlier::EarlierDates;
use features::Features;
use people::Links;
use xxhash_rust::xxh3::xxh3_64;

use super::{ApplyContext, Limit};
use crate::event::{UsageEvent, UsageKind};
use crate::settings::Settings;
use crate::settings::usage_filter::UseBy;
use crate::stream_time::USAGE_LATE_DAYS;
use crate::time::{Date, HOUR_MS, MaybeTimestamp, Timestamp};

/// Dates that uses can still be added to, counted back from the newest: those of records that are not late, and one more, because a change
/// of the time zone's offset may put such a record on an earlier date. The longest window, 91 dates, is shorter.
const OPEN_DATES: i32 = USAGE_LATE_DAYS + 1;
/// The longest hour window, in hour buckets.
const MAX_WINDOW_HOURS: i32 = 168;
/// Dates for which sessions are kept: enough for a trailing window of 28 and a calendar month of 31.
const SESSION_DATES: i32 = 32;

/// Rolling product use of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Last activity, including late records.
    last_activity: MaybeTimestamp,
    /// The newest date with use; data is kept for the longest windows that end there.
    newest_date: Date,
    /// [`hour_index`] of the first instant of the newest date.
    newest_hour: i32,
    /// Feature uses by date; 0 for a date with sessions only.
    days: Buckets,
    /// The active dates before those.
    earlier: EarlierDates,
    /// Feature uses by [`hour_index`].
    hours: Buckets,
    sessions: Box<[SessionDay]>,
    users: Vec<Actor>,
    /// Use without a user id, or with one that the settings treat as anonymous.
    anonymous: MaybeActor,
    features: Features,
    /// Which of the users are the same person.
    links: Links,
}

/// The sessions that ended on one date.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SessionDay {
    date: Date,
    count: u32,
    /// Sum of their lengths in nanoseconds.
    total_ns: u64,
}

impl Usage {
    /// Applies one use. Ignored users and features change nothing.
    pub fn apply(&mut self, event: &UsageEvent<'_>, ctx: &mut ApplyContext<'_>) {
        self.identify(event, ctx);
        if matches!(event.kind, UsageKind::Identified) {
            return;
        }
        let user = match counted(event, ctx.settings) {
            UseBy::User(user) => Some(user),
            UseBy::Anonymous => None,
            UseBy::Ignored => return,
        };
        let zone = &ctx.settings.zone;
        let date = zone.date_of(ctx.at);
        self.last_activity.keep_latest(ctx.at);
        if self.days.is_empty() || date > self.newest_date {
            let before = std::mem::replace(&mut self.newest_date, date);
            self.newest_hour = hour_index(zone.start_of(date), date, ctx.settings);
            self.prune(before, ctx.settings);
        }
        let horizon = self.horizon(ctx.settings);
        self.add_use(&event.kind, date, &horizon, ctx);
        if date >= horizon.actors {
            self.add_user(user, &self.touch(date, ctx), ctx);
        }
    }

    /// Takes note that a user has been anonymous before. That is no activity.
    fn identify(&mut self, event: &UsageEvent<'_>, ctx: &mut ApplyContext<'_>) {
        let (Some(user), Some(anonymous)) = (event.user_id.as_deref(), event.anonymous_id.as_deref()) else { return };
        let is_user = |id| matches!(ctx.settings.usage.use_by(Some(id)), UseBy::User(_));
        if is_user(user) && is_user(anonymous) {
            let (id, user) = (xxh3_64(anonymous.as_bytes()), xxh3_64(user.as_bytes()));
            if self.links.add(id, user, ctx.at, self.newest_date, ctx.settings.limits.users) {
                ctx.limits.reached(Limit::UserLinks);
            }
        }
    }

    fn add_user(&mut self, user: Option<&str>, at: &Touch, ctx: &mut ApplyContext<'_>) {
        match user {
            None => self.anonymous.set(Some(Actor::anonymous(self.anonymous.get(), at))),
            Some(user) => {
                let hash = xxh3_64(user.as_bytes());
                if touch(&mut self.users, hash, at, ctx.settings.limits.users).removed.is_some() {
                    ctx.limits.reached(Limit::Users);
                }
            }
        }
    }

    /// Touches the memory that a use will change: see `Account::prefetch`.
    pub(super) fn prefetch(&self, event: &UsageEvent<'_>) {
        let user = event.user_id.as_deref().and_then(|user| actors::expected(&self.users, xxh3_64(user.as_bytes())));
        let feature = match &event.kind {
            UsageKind::Feature { feature, .. } => actors::expected(self.features.actors(), xxh3_64(feature.as_bytes())),
            UsageKind::SessionEnded { .. } | UsageKind::Identified => None,
        };
        black_box((user, feature, self.days.last_byte(), self.hours.last_byte()));
    }

    fn add_use(&mut self, kind: &UsageKind<'_>, date: Date, horizon: &Horizon, ctx: &mut ApplyContext<'_>) {
        let count = match kind {
            UsageKind::Feature { count, .. } => *count,
            UsageKind::SessionEnded { .. } | UsageKind::Identified => 0,
        };
        if date >= horizon.days {
            self.days.add(date.0, count);
        }
        match kind {
            UsageKind::Feature { feature, count } => {
                let hour = hour_index(ctx.at, date, ctx.settings);
                if hour >= horizon.hours {
                    self.hours.add(hour, *count);
                }
                let used = self.touch(date, ctx);
                if date >= horizon.actors && self.features.touch(feature, &used, ctx.settings.limits.features) {
                    ctx.limits.reached(Limit::Features);
                }
            }
            UsageKind::SessionEnded { duration_ns } if date >= horizon.sessions => self.add_session(date, *duration_ns),
            UsageKind::SessionEnded { .. } | UsageKind::Identified => {}
        }
    }

    const fn touch(&self, date: Date, ctx: &ApplyContext<'_>) -> Touch {
        Touch { at: ctx.at, date, newest: self.newest_date }
    }

    /// Applies a late use: it only counts for the last activity.
    pub fn apply_late(&mut self, event: &UsageEvent<'_>, ctx: &ApplyContext<'_>) {
        if !matches!(event.kind, UsageKind::Identified) && !matches!(counted(event, ctx.settings), UseBy::Ignored) {
            self.last_activity.keep_latest(ctx.at);
        }
    }

    fn add_session(&mut self, date: Date, duration_ns: u64) {
        match self.sessions.binary_search_by_key(&date, |day| day.date) {
            Ok(place) => {
                if let Some(day) = self.sessions.get_mut(place) {
                    day.count = day.count.saturating_add(1);
                    day.total_ns = day.total_ns.saturating_add(duration_ns);
                }
            }
            Err(place) => {
                let mut sessions = std::mem::take(&mut self.sessions).into_vec();
                sessions.insert(place, SessionDay { date, count: 1, total_ns: duration_ns });
                self.sessions = sessions.into();
            }
        }
    }

    fn horizon(&self, settings: &Settings) -> Horizon {
        let quiet = settings.calendar.total_days().min(366);
        Horizon {
            days: self.newest_date.minus(OPEN_DATES + quiet),
            hours: self.newest_hour - 2 * (MAX_WINDOW_HOURS + 24 * quiet),
            sessions: self.newest_date.minus(SESSION_DATES),
            actors: self.newest_date.minus(REMEMBERED_DATES - 1),
        }
    }

    /// Drops what no window can reach, now that the newest date has advanced from `before`.
    fn prune(&mut self, before: Date, settings: &Settings) {
        let horizon = self.horizon(settings);
        let closed = self.days.iter().map(|(date, _)| Date(date)).take_while(|date| *date < horizon.days);
        closed.for_each(|date| self.earlier.add(date));
        self.days.prune_before(horizon.days.0);
        self.hours.prune_before(horizon.hours);
        if self.sessions.first().is_some_and(|day| day.date < horizon.sessions) {
            self.sessions = self.sessions.iter().filter(|day| day.date >= horizon.sessions).cloned().collect();
        }
        advance(&mut self.users, before, self.newest_date);
        let by = self.newest_date.0.saturating_sub(before.0);
        self.anonymous.set(self.anonymous.get().and_then(|anonymous| anonymous.advanced_by(by)));
        self.features.advance(before, self.newest_date);
        self.links.prune(self.newest_date);
    }
}

/// How far back data is kept: the first date or hour that a window ending at the newest date may reach.
struct Horizon {
    days: Date,
    hours: i32,
    sessions: Date,
    actors: Date,
}

/// Who an event counts for, after the filters for features and users.
fn counted<'e>(event: &'e UsageEvent<'_>, settings: &Settings) -> UseBy<'e> {
    match &event.kind {
        UsageKind::Feature { feature, .. } if !settings.usage.counts_feature(feature) => UseBy::Ignored,
        _ => settings.usage.use_by(event.user_id.as_deref()),
    }
}

/// The number h of the bucket `(h - 1 h, h]` on the UTC hour grid that contains an instant.
fn hour_of(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR_MS) + i64::from(at.0.rem_euclid(HOUR_MS) != 0)
}

/// Index of an hour bucket: twice the hour, plus one for the part of the bucket that is on a later date than its start, so that quiet dates
/// can be excluded.
fn hour_index(at: Timestamp, date: Date, settings: &Settings) -> i32 {
    let hour = hour_of(at);
    let on_later_date = settings.zone.date_of(start_of_hour(hour)) < date;
    i32::try_from(2 * hour + i64::from(on_later_date)).unwrap_or(i32::MAX)
}

/// The first instant of the bucket with this number.
fn start_of_hour(hour: i64) -> Timestamp {
    Timestamp((hour - 1) * HOUR_MS + 1)
}

/// The first instant of the bucket with this [`hour_index`].
fn hour_start(index: i32) -> Timestamp {
    start_of_hour(i64::from(index.div_euclid(2)))
}

/// The date of the uses in a bucket: [`hour_index`] says whether they are on the date of its start or on the next one.
fn date_of_hour(index: i32, settings: &Settings) -> Date {
    let start = hour_start(index);
    if index.rem_euclid(2) == 0 { settings.zone.date_of(start) } else { settings.zone.date_of(start.plus(HOUR_MS - 1)) }
}
