//! An engine [`Store`] over a [`TaskView`], so other threads can read the accounts.

use std::sync::Arc;

use super::{Directory, TaskView};
use crate::account::AccountKey;
use crate::engine::{LiveSums, Slot, Store};
use crate::portfolio::Live;

/// The accounts and sums of one task, changed only by its own thread. They count towards the account limit of the instance until the
/// store is dropped.
#[derive(Debug)]
pub struct SharedStore {
    view: Arc<TaskView>,
    sums: SharedSums,
    directory: Arc<Directory>,
}

/// The live sums of a task; the lock is held for one change at a time.
#[derive(Debug)]
pub struct SharedSums(Arc<TaskView>);

impl LiveSums for SharedSums {
    fn change<R>(&mut self, change: impl FnOnce(&mut Live) -> R) -> R {
        change(&mut self.0.portfolio())
    }
}

impl SharedStore {
    pub(super) fn new(number: i32, directory: Arc<Directory>) -> Self {
        let view = Arc::new(TaskView::new(number));
        Self { sums: SharedSums(Arc::clone(&view)), view, directory }
    }

    /// What readers see.
    #[must_use]
    pub const fn view(&self) -> &Arc<TaskView> {
        &self.view
    }

    /// The directory of this instance.
    #[must_use]
    pub const fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }
}

impl Store for SharedStore {
    type Sums = SharedSums;

    fn read<R>(&self, id: &str, read: impl FnOnce(&Slot) -> R) -> Option<R> {
        self.view.accounts.read(id, read)
    }

    fn for_each(&self, read: impl FnMut(&Slot)) {
        self.view.accounts.for_each(read);
    }

    fn change_or_create<R>(&mut self, key: AccountKey, id: &str, limit: usize, change: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        self.view.accounts.change_or_create(key, id, || self.directory.reserve_account(limit), change)
    }

    fn change_each_of(&mut self, key: AccountKey, mut change: impl FnMut(&mut Slot, &mut SharedSums)) {
        let Self { view, sums, .. } = self;
        view.accounts.change_each_of(key, |slot| change(slot, sums));
    }

    fn remove(&mut self, id: &str) -> Option<Box<Slot>> {
        let removed = self.view.accounts.remove(AccountKey::of(id), id)?;
        self.directory.release_accounts(1);
        Some(removed)
    }

    fn sums(&mut self) -> &mut SharedSums {
        &mut self.sums
    }
}

impl Drop for SharedStore {
    fn drop(&mut self) {
        self.directory.hide(&self.view);
        self.directory.release_accounts(self.view.accounts.count());
    }
}
