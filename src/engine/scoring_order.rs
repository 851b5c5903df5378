//! The accounts of a task in order of id, kept up to date while a replay scores them at many instants.

use super::Store;
use crate::account::AccountKey;

/// Every account ever scored. Deleted accounts stay listed; looking them up finds nothing.
#[derive(Debug, Default)]
pub struct ScoringOrder(Vec<(Box<str>, AccountKey)>);

impl ScoringOrder {
    /// Adds the accounts that have not been scored yet.
    pub(super) fn add_new(&mut self, accounts: &impl Store) {
        let known = self.0.len();
        accounts.for_each(|slot| {
            if slot.last_score().is_none() {
                self.0.push((slot.id().into(), AccountKey::of(slot.id())));
            }
        });
        if self.0.len() > known {
            // The stable sort is fast on a sorted run followed by a few new entries.
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
    fn every_account_is_listed_once_in_order_of_id() {
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
