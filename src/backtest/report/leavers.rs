//! The health of some accounts that left, through time.

use super::super::points::{AccountPast, Past};
use super::super::schedule::Schedule;
use crate::account::AccountKey;
use crate::time::{DAY_MS, Timestamp};

/// Accounts shown.
const SHOWN: usize = 10;
/// Days shown before an account left.
const DAYS_BEFORE: i64 = 364;

/// An account that left.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaver {
    /// Its id.
    pub account_id: String,
    /// When it left.
    pub left: Timestamp,
    /// Days from its first red to then, without a green in between; `None` if it was not red before.
    pub warning_days: Option<f64>,
    /// Instants and health until then.
    pub health: Vec<(Timestamp, f32)>,
}

/// Picks accounts that left during the test. The hash of their ids chooses, so that neither early nor late warnings are preferred.
pub(super) fn pick(past: &Past, schedule: &Schedule, (from, to): (Timestamp, Timestamp)) -> Vec<Leaver> {
    let leaver = |id: &str, account: &AccountPast| {
        let left = account.leaves.iter().copied().find(|left| *left > from && *left <= to)?;
        let health = account.health.iter().filter_map(|(place, health)| {
            let t = schedule.scorings.get(usize::from(*place))?.t;
            (t < left && left.since(t) <= DAYS_BEFORE * DAY_MS).then_some((t, *health))
        });
        let health: Vec<(Timestamp, f32)> = health.collect();
        let warning_days = account.warning_ms(left).map(|warning| warning as f64 / DAY_MS as f64);
        (health.len() > 1).then(|| Leaver { account_id: id.to_owned(), left, warning_days, health })
    };
    let mut leavers: Vec<Leaver> = past.accounts.iter().filter_map(|(id, account)| leaver(id, account)).collect();
    leavers.sort_by_key(|leaver| AccountKey::of(&leaver.account_id));
    leavers.truncate(SHOWN);
    leavers.sort_by(|one, other| one.account_id.cmp(&other.account_id));
    leavers
}
