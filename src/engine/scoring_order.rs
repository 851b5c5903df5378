//! The accounts of a task in the order of their ids, as a history scores them again and again.

use super::Store;
use crate::account::AccountKey;

/// Every account that was ever scored. A deleted one stays, and is not there when it is looked for.
#[derive(Debug, Default)]
pub struct ScoringOrder(Vec<(Box<str>, AccountKey)>);

impl ScoringOrder {
    /// Adds the accounts that were never scored.
    pub(super) fn add_new(&mut self, accounts: &impl Store) {
        let known = self.0.len();
        accounts.for_each(|slot| {
            if slot.last_score().is_none() {
                self.0.push((slot.id().into(), AccountKey::of(slot.id())));
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
    use super::super::PlainStore;
    use super::*;

    #[test]
    fn accounts_are_in_the_order_of_their_ids_once() {
        let (mut accounts, mut order) = (PlainStore::default(), ScoringOrder::default());
        let mut keys = Vec::new();
        for id in ["b", "c", "a"] {
            accounts.change_or_create(AccountKey::of(id), id, 9, |_| ());
            keys.push(AccountKey::of(id));
            order.add_new(&accounts);
        }
        keys.rotate_right(1);
        assert!(order.keys().eq(keys));
    }
}
