//! The accounts of a task in the order of their ids, as a history scores them again and again.

use crate::account::{AccountKey, AccountMap};

/// Every account that was ever scored. A deleted one stays, and is not there when it is looked for.
#[derive(Debug, Default)]
pub struct ScoringOrder(Vec<(Box<str>, AccountKey)>);

impl ScoringOrder {
    /// Adds the accounts that were never scored.
    pub(super) fn add_new(&mut self, accounts: &AccountMap) {
        let known = self.0.len();
        accounts.for_each(|account| {
            if account.share.is_none() {
                self.0.push((account.id().into(), accounts.key_of(account.id())));
            }
        });
        if self.0.len() > known {
            // Stable, since that joins what is in order already.
            self.0.sort();
            self.0.dedup();
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = AccountKey> {
        self.0.iter().map(|(_, key)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_in_the_order_of_their_ids_once() {
        let (accounts, mut order) = (AccountMap::default(), ScoringOrder::default());
        let mut keys = Vec::new();
        for id in ["b", "c", "a"] {
            accounts.change_or_create(accounts.key_of(id), id, || true, |_| ());
            keys.push(accounts.key_of(id));
            order.add_new(&accounts);
        }
        keys.rotate_right(1);
        assert!(order.keys().eq(keys));
    }
}
