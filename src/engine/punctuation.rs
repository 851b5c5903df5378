//! Scores idle accounts: each account is due once an hour, at a second that the hash of its id decides.

use std::collections::BTreeMap;

use crate::account::AccountKey;
use crate::time::Timestamp;

/// Seconds between two scorings of an idle account.
const PERIOD_SECONDS: i64 = 3600;

/// A timer wheel with one slot per second of the hour; an account's hash decides its slot.
#[derive(Debug, Default)]
pub(super) struct Punctuation {
    /// Accounts by second of the hour, in order of key; empty slots are left out.
    slots: BTreeMap<i64, Vec<AccountKey>>,
    /// The last second whose slot was visited.
    visited: Option<i64>,
}

impl Punctuation {
    /// Adds a new account. Its key may be known already: from an account with the same id that was deleted since its slot was last visited,
    /// or from another id with the same key.
    pub(super) fn add(&mut self, key: AccountKey) {
        let second = (key.0 % PERIOD_SECONDS.unsigned_abs()).cast_signed();
        let slot = self.slots.entry(second).or_default();
        if let Err(place) = slot.binary_search(&key) {
            slot.insert(place, key);
        }
    }

    /// Calls `visit` for every account that has become due since the last call; an account for which it returns false is removed.
    pub(super) fn advance(&mut self, now: Timestamp, mut visit: impl FnMut(AccountKey) -> bool) {
        let second = now.0.div_euclid(1000);
        let from = self.visited.map_or(second - 1, |visited| visited.max(second - PERIOD_SECONDS));
        for due in from..second {
            if let Some(slot) = self.slots.get_mut(&(due + 1).rem_euclid(PERIOD_SECONDS)) {
                slot.retain(|key| visit(*key));
            }
        }
        self.visited = Some(self.visited.map_or(second, |visited| visited.max(second)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_due_once_an_hour() {
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

    #[test]
    fn an_account_that_was_deleted_and_re_created_is_due_once_an_hour() {
        let mut due = Punctuation::default();
        (0..5).for_each(|_| due.add(AccountKey(1)));
        due.advance(Timestamp(0), |_| true);
        let mut seen = 0;
        due.advance(Timestamp(3_600_000), |_| {
            seen += 1;
            true
        });
        assert_eq!(seen, 1);
    }
}
