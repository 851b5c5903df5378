//! Storage for a task's accounts and their live sums.
//!
//! The engine only needs [`Store`]. [`PlainStore`] is a single-threaded map for replay, tests and benches. The service has its own
//! store, which other threads read concurrently.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::Slot;
use crate::account::AccountKey;
use crate::portfolio::Live;

/// The accounts of one task, found by key and id: ids that share a key never share an account.
pub trait Store {
    /// The live sums over the accounts.
    type Sums: LiveSums;

    /// Calls `read` with an account; `None` if there is none.
    fn read<R>(&self, id: &str, read: impl FnOnce(&Slot) -> R) -> Option<R>;

    /// Calls `read` for every account, in no particular order.
    fn for_each(&self, read: impl FnMut(&Slot));

    /// Calls `change` with the account of an id, which is created if needed; `None` if there are already `limit` accounts.
    fn change_or_create<R>(&mut self, key: AccountKey, id: &str, limit: usize, change: impl FnOnce(&mut Slot) -> R) -> Option<R>;

    /// Calls `change` for every account of a key, together with the live sums.
    fn change_each_of(&mut self, key: AccountKey, change: impl FnMut(&mut Slot, &mut Self::Sums));

    /// Removes an account.
    fn remove(&mut self, id: &str) -> Option<Box<Slot>>;

    /// The live sums.
    fn sums(&mut self) -> &mut Self::Sums;

    /// The keys of all accounts, ascending.
    fn keys(&self) -> Vec<AccountKey> {
        let mut keys = Vec::new();
        self.for_each(|slot| keys.push(AccountKey::of(slot.id())));
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Access to the live sums, which readers may share.
pub trait LiveSums {
    /// Calls `change` with exclusive access to the sums.
    fn change<R>(&mut self, change: impl FnOnce(&mut Live) -> R) -> R;
}

impl LiveSums for Live {
    fn change<R>(&mut self, change: impl FnOnce(&mut Live) -> R) -> R {
        change(self)
    }
}

/// The accounts with the same key; nearly always one.
#[derive(Debug, Default)]
pub struct Chain(SmallVec<[Box<Slot>; 1]>);

impl Chain {
    /// The account of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Slot> {
        self.0.iter().find(|slot| slot.id() == id).map(|slot| &**slot)
    }

    /// The account of an id, mutably.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Slot> {
        self.0.iter_mut().find(|slot| slot.id() == id).map(|slot| &mut **slot)
    }

    /// Adds an account whose id is not in the chain yet.
    pub fn push(&mut self, slot: Box<Slot>) {
        self.0.push(slot);
    }

    /// Removes the account of an id.
    pub fn remove(&mut self, id: &str) -> Option<Box<Slot>> {
        let place = self.0.iter().position(|slot| slot.id() == id)?;
        Some(self.0.remove(place))
    }

    /// Whether no account is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every account.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().map(|slot| &**slot)
    }

    /// Every account, mutably.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.0.iter_mut().map(|slot| &mut **slot)
    }
}

/// A map that one thread reads and writes.
#[derive(Debug, Default)]
pub struct PlainStore {
    chains: HashMap<AccountKey, Chain, FixedState>,
    count: usize,
    live: Live,
}

impl PlainStore {
    /// The live sums.
    #[must_use]
    pub const fn live(&self) -> &Live {
        &self.live
    }
}

impl Store for PlainStore {
    type Sums = Live;

    fn read<R>(&self, id: &str, read: impl FnOnce(&Slot) -> R) -> Option<R> {
        self.chains.get(&AccountKey::of(id))?.get(id).map(read)
    }

    fn for_each(&self, read: impl FnMut(&Slot)) {
        self.chains.values().flat_map(Chain::iter).for_each(read);
    }

    fn change_or_create<R>(&mut self, key: AccountKey, id: &str, limit: usize, change: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        if let Some(slot) = self.chains.get_mut(&key).and_then(|chain| chain.get_mut(id)) {
            return Some(change(slot));
        }
        if self.count >= limit {
            return None;
        }
        let mut slot = Box::new(Slot::new(id));
        let result = change(&mut slot);
        self.chains.entry(key).or_default().push(slot);
        self.count += 1;
        Some(result)
    }

    fn change_each_of(&mut self, key: AccountKey, mut change: impl FnMut(&mut Slot, &mut Live)) {
        if let Some(chain) = self.chains.get_mut(&key) {
            chain.iter_mut().for_each(|slot| change(slot, &mut self.live));
        }
    }

    fn remove(&mut self, id: &str) -> Option<Box<Slot>> {
        let key = AccountKey::of(id);
        let chain = self.chains.get_mut(&key)?;
        let slot = chain.remove(id)?;
        if chain.is_empty() {
            self.chains.remove(&key);
        }
        self.count -= 1;
        Some(slot)
    }

    fn sums(&mut self) -> &mut Live {
        &mut self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_share_a_key_never_share_an_account() {
        let mut store = PlainStore::default();
        for id in ["a", "b", "a"] {
            store.change_or_create(AccountKey(7), id, 9, |slot| slot.unscored = !slot.unscored).unwrap();
        }
        let mut slots = Vec::new();
        store.change_each_of(AccountKey(7), |slot, _| slots.push((slot.id().to_owned(), slot.unscored)));
        assert_eq!(slots, [("a".to_owned(), false), ("b".to_owned(), true)]);
    }

    #[test]
    fn an_account_beyond_the_limit_is_not_created() {
        let mut store = PlainStore::default();
        assert!(store.change_or_create(AccountKey::of("a"), "a", 1, |_| ()).is_some());
        assert!(store.change_or_create(AccountKey::of("b"), "b", 1, |_| ()).is_none());
        assert!(store.change_or_create(AccountKey::of("a"), "a", 1, |_| ()).is_some());
        assert!(store.remove("a").is_some() && store.keys().is_empty());
    }
}
