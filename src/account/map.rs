//! All accounts of a task: a sharded concurrent map that one thread writes and HTTP and metrics read.

use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::{Account, AccountKey};

/// Shards; readers hold one of them at a time.
const SHARDS: usize = 64;

/// The accounts that share a key; nearly always one.
type Chain = SmallVec<[Box<Account>; 1]>;

/// Accounts by key. Ids that share a key share an entry, never an account.
#[derive(Debug)]
pub struct AccountMap {
    chains: DashMap<AccountKey, Chain, FixedState>,
    count: AtomicUsize,
    key_of: fn(&str) -> AccountKey,
}

impl Default for AccountMap {
    fn default() -> Self {
        Self::with_keys(AccountKey::of)
    }
}

impl AccountMap {
    fn with_keys(key_of: fn(&str) -> AccountKey) -> Self {
        Self { chains: DashMap::with_hasher_and_shard_amount(FixedState::with_seed(0), SHARDS), count: AtomicUsize::new(0), key_of }
    }

    /// The key of an id.
    #[must_use]
    pub fn key_of(&self, id: &str) -> AccountKey {
        (self.key_of)(id)
    }

    /// Lets `read` see an account.
    pub fn read<R>(&self, id: &str, read: impl FnOnce(&Account) -> R) -> Option<R> {
        let chain = self.chains.get(&self.key_of(id))?;
        chain.iter().find(|account| account.id() == id).map(|account| read(account))
    }

    /// Lets `change` change an account.
    pub fn change<R>(&self, id: &str, change: impl FnOnce(&mut Account) -> R) -> Option<R> {
        let mut chain = self.chains.get_mut(&self.key_of(id))?;
        chain.iter_mut().find(|account| account.id() == id).map(|account| change(account))
    }

    /// Lets `change` change the account of an id and its key. Creates it if `may_create` allows that, else returns `None`.
    pub fn change_or_create<R>(
        &self,
        key: AccountKey,
        id: &str,
        may_create: impl FnOnce() -> bool,
        change: impl FnOnce(&mut Account) -> R,
    ) -> Option<R> {
        if let Some(mut chain) = self.chains.get_mut(&key)
            && let Some(account) = chain.iter_mut().find(|account| account.id() == id)
        {
            return Some(change(account));
        }
        if !may_create() {
            return None;
        }
        let mut account = Box::new(Account::new(id));
        let result = change(&mut account);
        self.chains.entry(key).or_default().push(account);
        self.count.fetch_add(1, Ordering::Relaxed);
        Some(result)
    }

    /// Lets `change` change every account of a key.
    pub fn change_each_of(&self, key: AccountKey, change: impl FnMut(&mut Account)) {
        if let Some(mut chain) = self.chains.get_mut(&key) {
            chain.iter_mut().map(|account| &mut **account).for_each(change);
        }
    }

    /// Removes an account.
    pub fn remove(&self, id: &str) -> Option<Box<Account>> {
        let key = self.key_of(id);
        let mut chain = self.chains.get_mut(&key)?;
        let place = chain.iter().position(|account| account.id() == id)?;
        let account = chain.remove(place);
        self.count.fetch_sub(1, Ordering::Relaxed);
        let empty = chain.is_empty();
        drop(chain);
        if empty {
            self.chains.remove_if(&key, |_, chain| chain.is_empty());
        }
        Some(account)
    }

    /// Lets `read` see every account, in no particular order.
    pub fn for_each(&self, mut read: impl FnMut(&Account)) {
        for chain in &self.chains {
            chain.iter().for_each(|account| read(account));
        }
    }

    /// The keys of all accounts, ascending.
    #[must_use]
    pub fn keys(&self) -> Vec<AccountKey> {
        let mut keys = Vec::with_capacity(self.count());
        self.for_each(|account| keys.push(self.key_of(account.id())));
        keys.sort_unstable();
        keys
    }

    /// How many accounts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there is no account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_share_a_key_never_share_an_account() {
        let map = AccountMap::with_keys(|_| AccountKey(7));
        for id in ["a", "b", "a"] {
            map.change_or_create(AccountKey(7), id, || true, |account| account.unscored = !account.unscored);
        }
        assert_eq!(map.count(), 2);
        assert_eq!((map.read("a", |account| account.unscored), map.read("b", |account| account.unscored)), (Some(false), Some(true)));
        assert!(map.remove("a").is_some());
        assert_eq!((map.read("a", |_| ()), map.read("b", |account| account.id().to_owned())), (None, Some("b".to_owned())));
        assert!(map.remove("b").is_some());
        assert!(map.is_empty());
    }

    #[test]
    fn an_account_that_may_not_come_to_be_does_not() {
        let map = AccountMap::default();
        assert!(map.change_or_create(AccountKey(7), "a", || false, |_| ()).is_none());
        assert!(map.is_empty());
    }
}
