//! What has changed in a task since the changelog was last written.

use std::collections::BTreeSet;

use super::Slot;
use super::changelog_key::{CORE, HISTORY, account_key};
use crate::account::{AccountKey, PartNumber};

/// Changes that the changelog does not hold yet.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    pub(super) accounts: Vec<AccountKey>,
    /// Records that the accounts will need, at least.
    account_records: usize,
    /// Keys of records to delete, because their accounts were deleted.
    pub(super) gone: Vec<Vec<u8>>,
    pub(super) waiting: BTreeSet<u64>,
    pub(super) deletions: BTreeSet<u128>,
    pub(super) costs: BTreeSet<u64>,
    pub(super) predictions: BTreeSet<u128>,
}

impl Unwritten {
    /// Notes that an account had `before` changed records and now has `after`.
    pub(super) fn note(&mut self, key: AccountKey, before: u32, after: u32) {
        if before == 0 && after > 0 {
            self.accounts.push(key);
        }
        self.account_records += after.saturating_sub(before) as usize;
    }

    /// Notes that an account was deleted.
    pub(super) fn forget(&mut self, slot: &Slot) {
        let own = [Some(CORE), slot.history().newest().map(|_| HISTORY)].into_iter().flatten().map(|section| (section, PartNumber::FIRST));
        let sections = slot.account.written_parts().map(|(kind, part)| (kind as u8, part));
        self.gone.extend(own.chain(sections).map(|(section, part)| account_key(section, part, slot.id())));
    }

    pub(super) fn records(&self) -> usize {
        self.account_records + self.gone.len() + self.waiting.len() + self.deletions.len() + self.costs.len() + self.predictions.len()
    }
}
