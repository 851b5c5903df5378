//! Deleted accounts: events up to the deletion no longer count, later ones start a new account.

use std::collections::{BTreeSet, HashMap};

use xxhash_rust::xxh3::xxh3_128;

use crate::time::{DAY_MS, Timestamp};

/// Days that a deletion is remembered.
const KEPT_DAYS: i64 = 400;
/// Deletions remembered, at most; beyond that, the oldest is forgotten.
const MAX_DELETIONS: usize = 1_000_000;

/// Deletions by a 128-bit hash of the account's id.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    by_account: HashMap<u128, Timestamp>,
    by_time: BTreeSet<(Timestamp, u128)>,
}

impl Deletions {
    /// The key of an account's deletion.
    pub(super) fn hash_of(account: &str) -> u128 {
        xxh3_128(account.as_bytes())
    }

    /// Whether an event of an account is at or before its deletion.
    pub(super) fn covers(&self, account: &str, at: Timestamp) -> bool {
        !self.by_account.is_empty() && self.by_account.get(&Self::hash_of(account)).is_some_and(|deleted| at <= *deleted)
    }

    /// When the account of a hash was deleted.
    pub(super) fn get(&self, hash: u128) -> Option<Timestamp> {
        self.by_account.get(&hash).copied()
    }

    /// Remembers a deletion; of several for one account, the newest.
    pub(super) fn insert(&mut self, hash: u128, at: Timestamp) {
        if let Some(before) = self.by_account.get(&hash).copied() {
            if before >= at {
                return;
            }
            self.by_time.remove(&(before, hash));
        }
        self.by_account.insert(hash, at);
        self.by_time.insert((at, hash));
    }

    /// Forgets a deletion.
    pub(super) fn remove(&mut self, hash: u128) {
        if let Some(at) = self.by_account.remove(&hash) {
            self.by_time.remove(&(at, hash));
        }
    }

    /// Removes the oldest deletion if it has expired or the limit is exceeded; the flag is true for the limit.
    pub(super) fn pop_expired(&mut self, now: Timestamp) -> Option<(u128, bool)> {
        let (at, hash) = self.by_time.first().copied()?;
        let crowded = self.by_time.len() > MAX_DELETIONS;
        if !crowded && now.since(at) <= KEPT_DAYS * DAY_MS {
            return None;
        }
        self.remove(hash);
        Some((hash, crowded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_up_to_the_deletion_are_covered_for_400_days() {
        let mut deletions = Deletions::default();
        deletions.insert(Deletions::hash_of("acme"), Timestamp(100));
        deletions.insert(Deletions::hash_of("acme"), Timestamp(50));
        assert!(deletions.covers("acme", Timestamp(100)));
        assert!(!deletions.covers("acme", Timestamp(101)));
        assert!(!deletions.covers("other", Timestamp(1)));
        assert!(deletions.pop_expired(Timestamp(100 + KEPT_DAYS * DAY_MS)).is_none());
        assert_eq!(deletions.pop_expired(Timestamp(101 + KEPT_DAYS * DAY_MS)), Some((Deletions::hash_of("acme"), false)));
        assert!(!deletions.covers("acme", Timestamp(1)));
    }
}
