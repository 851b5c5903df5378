//! All accounts of a task, in a sharded concurrent map: one thread writes it, HTTP and metrics read it.

use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::FixedState;

use crate::account::AccountKey;
use crate::engine::{Chain, Slot};

/// Shards of the map; a reader locks one at a time.
const SHARDS: usize = 64;

/// Accounts by key. Ids that share a key share an entry, never an account.
#[derive(Debug)]
pub struct AccountMap {
    chains: DashMap<AccountKey, Chain, FixedState>,
    count: AtomicUsize,
}

impl Default for AccountMap {
    fn default() -> Self {
        Self { chains: DashMap::with_hasher_and_shard_amount(FixedState::with_seed(0), SHARDS), count: AtomicUsize::new(0) }
    }
}

impl AccountMap {
    /// A copy of an account; `None` if there is none. Readers compute from copies, so that the writer never waits for them.
    #[must_use]
    pub fn copy(&self, id: &str) -> Option<Slot> {
        self.read(id, Slot::clone)
    }

    /// Calls `read` for every account, in no particular order. Only one key is locked at a time, so the writer waits for at most one
    /// `read`.
    pub fn visit(&self, mut read: impl FnMut(&Slot)) {
        let keys: Vec<AccountKey> = self.chains.iter().map(|chain| *chain.key()).collect();
        for key in keys {
            if let Some(chain) = self.chains.get(&key) {
                chain.iter().for_each(&mut read);
            }
        }
    }

    /// Calls `read` with an account, which stays locked meanwhile; `None` if there is none.
    pub(super) fn read<R>(&self, id: &str, read: impl FnOnce(&Slot) -> R) -> Option<R> {
        self.chains.get(&AccountKey::of(id))?.get(id).map(read)
    }

    /// Calls `read` for every account, in no particular order, with a whole shard locked: for the writer itself.
    pub(super) fn for_each(&self, mut read: impl FnMut(&Slot)) {
        for chain in &self.chains {
            chain.iter().for_each(&mut read);
        }
    }

    /// How many accounts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Calls `change` with the account of an id, which is created if `may_create` allows it; `None` if it does not.
    pub(super) fn change_or_create<R>(
        &self,
        key: AccountKey,
        id: &str,
        may_create: impl FnOnce() -> bool,
        change: impl FnOnce(&mut Slot) -> R,
    ) -> Option<R> {
        if let Some(mut chain) = self.chains.get_mut(&key)
            && let Some(slot) = chain.get_mut(id)
        {
            return Some(change(slot));
        }
        if !may_create() {
            return None;
        }
        let mut slot = Box::new(Slot::new(id));
        let result = change(&mut slot);
        self.chains.entry(key).or_default().push(slot);
        self.count.fetch_add(1, Ordering::Relaxed);
        Some(result)
    }

    /// Calls `change` for every account of a key.
    pub(super) fn change_each_of(&self, key: AccountKey, change: impl FnMut(&mut Slot)) {
        if let Some(mut chain) = self.chains.get_mut(&key) {
            chain.iter_mut().for_each(change);
        }
    }

    /// Removes an account.
    pub(super) fn remove(&self, key: AccountKey, id: &str) -> Option<Box<Slot>> {
        let mut chain = self.chains.get_mut(&key)?;
        let slot = chain.remove(id)?;
        self.count.fetch_sub(1, Ordering::Relaxed);
        let empty = chain.is_empty();
        drop(chain);
        if empty {
            self.chains.remove_if(&key, |_, chain| chain.is_empty());
        }
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_share_a_key_never_share_an_account() {
        let (map, key) = (AccountMap::default(), AccountKey(7));
        for id in ["a", "b", "a"] {
            map.change_or_create(key, id, || true, |slot| slot.id().to_owned()).unwrap();
        }
        assert_eq!(map.count(), 2);
        assert!(map.remove(key, "a").is_some() && map.remove(key, "a").is_none());
        let mut left = Vec::new();
        map.change_each_of(key, |slot| left.push(slot.id().to_owned()));
        assert_eq!((left, map.count()), (vec!["b".to_owned()], 1));
        assert!(map.remove(key, "b").is_some());
        assert!(map.chains.is_empty());
    }

    #[test]
    fn a_copy_leaves_the_account_unlocked() {
        let (map, key) = (AccountMap::default(), AccountKey::of("a"));
        map.change_or_create(key, "a", || true, |_| ());
        let copy = map.copy("a").unwrap();
        assert!(map.chains.try_get_mut(&key).is_present());
        assert!(map.remove(key, "a").is_some() && copy.id() == "a");
        assert!(map.copy("a").is_none());
    }

    #[test]
    fn an_account_that_may_not_be_created_is_not() {
        let map = AccountMap::default();
        assert!(map.change_or_create(AccountKey(7), "a", || false, |_| ()).is_none());
        assert!(map.chains.is_empty());
    }
}
