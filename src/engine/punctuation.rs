//! When each account is scored without any event: once an hour, spread by the hash of its id.

use std::collections::BTreeMap;

use crate::account::AccountKey;
use crate::time::Timestamp;

/// Seconds between two scorings of an idle account.
const PERIOD_SECONDS: i64 = 3600;

/// A wheel of one slot a second; every account sits in the slot of its hash.
#[derive(Debug, Default)]
pub(super) struct Punctuation {
    /// By second of the hour, where any account sits.
    slots: BTreeMap<i64, Vec<AccountKey>>,
    /// The second up to which slots were visited.
    visited: Option<i64>,
}

impl Punctuation {
    /// Adds an account that came to be.
    pub(super) fn add(&mut self, key: AccountKey) {
        let slot = (key.0 % PERIOD_SECONDS.unsigned_abs()).cast_signed();
        self.slots.entry(slot).or_default().push(key);
    }

    /// Hands over the accounts that fell due since the last call; those that `still_there` denies leave the wheel.
    pub(super) fn advance(&mut self, now: Timestamp, mut still_there: impl FnMut(AccountKey) -> bool) {
        let second = now.0.div_euclid(1000);
        let from = self.visited.map_or(second - 1, |visited| visited.max(second - PERIOD_SECONDS));
        for due in from..second {
            if let Some(slot) = self.slots.get_mut(&(due + 1).rem_euclid(PERIOD_SECONDS)) {
                slot.retain(|key| still_there(*key));
            }
        }
        self.visited = Some(self.visited.map_or(second, |visited| visited.max(second)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_falls_due_once_an_hour() {
        let mut due = Punctuation::default();
        let keys: Vec<AccountKey> = (0..10_000).map(|n| AccountKey(n * 7919)).collect();
        for key in &keys {
            due.add(*key);
        }
        let mut seen = Vec::new();
        due.advance(Timestamp(5_000_000), |_| true);
        for step in 1..=60 {
            due.advance(Timestamp(5_000_000 + step * 60_000), |key| {
                seen.push(key);
                true
            });
        }
        seen.sort_unstable();
        let mut expected = keys;
        expected.sort_unstable();
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_account_that_is_gone_leaves_the_wheel() {
        let mut due = Punctuation::default();
        due.add(AccountKey(1));
        due.advance(Timestamp(0), |_| true);
        due.advance(Timestamp(3_600_000), |_| false);
        let mut seen = 0;
        due.advance(Timestamp(7_200_000), |_| {
            seen += 1;
            true
        });
        assert_eq!(seen, 0);
    }
}
