//! Product use: sessions in working hours, and features used within sessions.

use serde::Serialize;

use super::action::{Action, UsageAct};
use super::agenda::Agenda;
use super::profile::{FEATURES, Traits};
use super::random::{Random, millis, whole};
use super::story::Story;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// Sessions per user on an ordinary working day.
const SESSIONS_PER_USER: f64 = 0.45;

/// Plans the sessions of the UTC day that begins at `day`. `sessions` numbers them.
pub fn plan_day(
    day: Timestamp,
    activity: f64,
    (traits, story): (&Traits, &Story),
    random: &mut Random,
    agenda: &mut Agenda,
    sessions: &mut u32,
) {
    let level = story.usage_level(day) * activity;
    let users = traits.users_at(story.usage_level(day));
    let expected = traits.users * level * SESSIONS_PER_USER * weekday_factor(day);
    for _ in 0..random.poisson(expected) {
        let begin = day.plus(working_time(traits, random));
        plan_session(begin, *sessions, users, traits, random, agenda);
        *sessions = sessions.wrapping_add(1);
    }
}

fn plan_session(begin: Timestamp, session: u32, users: u32, traits: &Traits, random: &mut Random, agenda: &mut Agenda) {
    let user = whole(f64::from(users - 1) * random.unit().powf(1.6));
    let length = millis(random.log_normal(14.0, 0.8).clamp(0.5, 180.0));
    let last_feature = traits.entitled().len().saturating_sub(1);
    for _ in 0..=random.poisson(2.0) {
        #[expect(clippy::cast_precision_loss, reason = "a handful of features")]
        let feature = whole(last_feature as f64 * random.unit().powi(2));
        let count = 1 + random.poisson(0.3);
        let at = begin.plus(random.between(0, length));
        agenda.add(at, Action::Usage(UsageAct::Feature { user, session, feature, count }));
    }
    let seconds = u32::try_from(length / 1000).unwrap_or(u32::MAX);
    agenda.add(begin.plus(length), Action::Usage(UsageAct::SessionEnded { user, session, seconds }));
}

/// Milliseconds after midnight UTC, during the account's working day; always within the UTC day.
fn working_time(traits: &Traits, random: &mut Random) -> i64 {
    let local = random.between(8 * HOUR_MS, 18 * HOUR_MS) + random.between(-HOUR_MS, HOUR_MS);
    (local - traits.utc_offset_hours * HOUR_MS).rem_euclid(DAY_MS)
}

/// Little happens on weekends. Day 0 of the epoch was a Thursday.
const fn weekday_factor(day: Timestamp) -> f64 {
    match day.millis().div_euclid(DAY_MS).rem_euclid(7) {
        2 => 0.12,
        3 => 0.08,
        4 => 1.05,
        1 => 0.9,
        _ => 1.0,
    }
}

/// The type and fields of a usage event.
pub fn body(act: UsageAct, account_id: &str) -> (&'static str, Body) {
    match act {
        UsageAct::Feature { user, session, feature, count } => {
            let feature = usize::try_from(feature).ok().and_then(|place| FEATURES.get(place));
            let body = Body { feature: feature.copied(), count: (count > 1).then_some(count), ..Body::of(account_id, user, session) };
            ("feature_used", body)
        }
        UsageAct::SessionEnded { user, session, seconds } => {
            ("session_ended", Body { duration_seconds: Some(seconds), ..Body::of(account_id, user, session) })
        }
    }
}

/// The fields of a usage event.
#[derive(Default, Serialize)]
pub struct Body {
    user_id: String,
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
}

impl Body {
    fn of(account_id: &str, user: u32, session: u32) -> Self {
        Self { user_id: format!("{account_id}-user-{user}"), session_id: format!("s{session}"), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekends_are_quiet() {
        let saturday = Timestamp::parse_rfc3339("2026-01-03T00:00:00Z").unwrap();
        let monday = saturday.plus(2 * DAY_MS);
        assert!(weekday_factor(saturday) < 0.2 && weekday_factor(saturday.plus(DAY_MS)) < 0.2);
        assert!(weekday_factor(monday) > 0.9);
    }
}
