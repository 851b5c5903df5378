//! The changes that a replay publishes: every account scored at each midnight from its first record on, and at T.

use toml::Table;

use super::Files;
use super::account::Account;
use super::metric::Metrics;
use super::score::{self, Score};
use super::zone::HOUR;

/// One published change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When the account was scored.
    pub as_of: i64,
    /// From 1, without gaps.
    pub sequence: u64,
    /// Its health.
    pub health: Option<f64>,
    /// Its band after hysteresis.
    pub band: &'static str,
    /// Its risk.
    pub risk: Option<f64>,
    /// Its level.
    pub level: Option<&'static str>,
}

/// From worst to best.
const BANDS: [&str; 3] = ["red", "yellow", "green"];

/// Every midnight from the account's first record on, then t.
pub fn scorings(account: &Account<'_>) -> Vec<i64> {
    let zone = &account.settings.zone;
    let first = account.records.iter().map(|record| record.at).min().unwrap();
    let mut date = zone.date(first);
    let mut instants = Vec::new();
    while zone.start(date) < account.t {
        if zone.start(date) >= first {
            instants.push(zone.start(date));
        }
        date = date.tomorrow().unwrap();
    }
    instants.push(account.t);
    instants
}

/// The current band, and since when the score has been on the other side of each border.
struct Held {
    band: &'static str,
    worse_since: [Option<i64>; 2],
    better_since: [Option<i64>; 2],
}

/// The changes of an account and its band at the end; `measure` computes its metrics at an instant.
pub fn changes(
    model: &Table,
    account: &Account<'_>,
    files: &Files,
    measure: impl Fn(&Account<'_>) -> Metrics,
) -> (Vec<Change>, &'static str) {
    let mut published: Vec<Change> = Vec::new();
    let mut held: Option<Held> = None;
    let mut band = "unknown";
    for t in scorings(account) {
        let records = account.records.iter().copied().filter(|record| record.at <= t).collect();
        let now = Account::new(records, account.settings, t);
        let scored = score::score(model, &now, files, &measure(&now));
        band = next_band(model, &mut held, &scored, t);
        let last = published.last();
        let change = Change {
            as_of: t,
            sequence: 1 + last.map_or(0, |last| last.sequence),
            health: scored.health,
            band,
            risk: scored.risk,
            level: scored.level,
        };
        if last.is_none_or(|last| is_published(model, last, &change)) {
            published.push(change);
        }
    }
    (published, band)
}

fn is_published(model: &Table, last: &Change, now: &Change) -> bool {
    if now.band == "churned" {
        return last.band != "churned";
    }
    let moved = |before: Option<f64>, after: Option<f64>, key: &str| {
        let threshold = score::float(&model["publish"][key]);
        before.zip(after).is_some_and(|(before, after)| (after - before).abs() >= threshold)
    };
    last.band != now.band || last.level != now.level || moved(last.health, now.health, "score_points") || moved(last.risk, now.risk, "risk")
}

/// The band that is shown: that of the override while there is one, else the measured one.
fn next_band(model: &Table, held: &mut Option<Held>, scored: &Score, t: i64) -> &'static str {
    let measured = next_measured_band(model, held, scored, t);
    if scored.pinned { scored.band } else { measured }
}

/// The band by the scores without overrides. A border is crossed some points past it, or after some hours beyond it, with different values
/// for each direction.
fn next_measured_band(model: &Table, held: &mut Option<Held>, scored: &Score, t: i64) -> &'static str {
    let start = |held: &mut Option<Held>, band| {
        *held = Some(Held { band, worse_since: [None; 2], better_since: [None; 2] });
        band
    };
    let Some(score) = scored.measured.filter(|_| scored.band != "churned") else {
        return start(held, if scored.band == "churned" { "churned" } else { "unknown" });
    };
    let before = held.take().filter(|held| BANDS.contains(&held.band) && !scored.by_rule_alone);
    let Some(mut now) = before else { return start(held, score::plain_band(model, Some(score))) };
    let step = |direction: &str, key: &str| score::float(&model["bands"][direction][key]);
    let mut rank = BANDS.iter().position(|band| *band == now.band).unwrap();
    for (below, border) in ["yellow", "green"].map(|name| score::float(&model["bands"][name])).into_iter().enumerate() {
        let worse_since = (score < border).then(|| now.worse_since[below].unwrap_or(t));
        let better_since = (score >= border).then(|| now.better_since[below].unwrap_or(t));
        (now.worse_since[below], now.better_since[below]) = (worse_since, better_since);
        let long = |since: Option<i64>, hours: f64| since.is_some_and(|since| (t - since) as f64 >= hours * HOUR as f64);
        let worsens = score <= border - step("worse", "points") || long(worse_since, step("worse", "hours"));
        let betters = score >= border + step("better", "points") || long(better_since, step("better", "hours"));
        if rank > below && worsens && score < border {
            rank = below;
        } else if rank <= below && betters && score >= border {
            rank = below + 1;
        }
    }
    if let Some(cap) = scored.immediate_cap {
        let borders = ["yellow", "green"].map(|name| score::float(&model["bands"][name]));
        rank = rank.min(borders.iter().filter(|border| cap >= **border).count());
    }
    now.band = BANDS[rank];
    let band = now.band;
    *held = Some(now);
    band
}
