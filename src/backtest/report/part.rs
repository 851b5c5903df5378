//! The size of a part of a history.

use std::collections::BTreeMap;

use super::super::points::ScoredPoint;
use crate::time::Timestamp;

/// How much a part of the history holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Points with a score.
    pub points: u64,
    /// Those that churned.
    pub churned: u64,
    /// Accounts.
    pub accounts: u64,
    /// Accounts with a point that churned.
    pub churned_accounts: u64,
    /// The first and the last instant.
    pub instants: Option<(Timestamp, Timestamp)>,
}

impl Part {
    /// Counts points, each with the hash of its account.
    pub fn of<'a>(points: impl Iterator<Item = (u64, &'a ScoredPoint)>) -> Self {
        let mut part = Self::default();
        let mut accounts: BTreeMap<u64, bool> = BTreeMap::new();
        for (account, point) in points {
            part.points += 1;
            part.churned += u64::from(point.churned);
            *accounts.entry(account).or_default() |= point.churned;
            let (first, last) = part.instants.unwrap_or((point.t, point.t));
            part.instants = Some((first.min(point.t), last.max(point.t)));
        }
        part.accounts = accounts.len() as u64;
        part.churned_accounts = accounts.values().filter(|churned| **churned).count() as u64;
        part
    }
}
