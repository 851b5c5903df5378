//! The tasks of this instance as HTTP and Prometheus read them while their threads write.
//!
//! A [`SharedTask`] is an engine task whose accounts and sums stand in a [`TaskView`]; the [`Directory`] holds the views of all tasks,
//! and what they have in common: the settings in force and the limit of accounts.

mod account_map;
mod store;
mod task;
mod view;

pub use account_map::AccountMap;
pub use store::SharedStore;
pub use task::SharedTask;
pub use view::TaskView;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::engine::AccountReport;
use crate::portfolio::{Period, Portfolio};
use crate::score::Model;
use crate::settings::Settings;
use crate::time::Timestamp;

/// All tasks of this instance.
#[derive(Debug)]
pub struct Directory {
    tasks: RwLock<BTreeMap<i32, Arc<TaskView>>>,
    settings: RwLock<Arc<Settings>>,
    accounts: AtomicUsize,
}

impl Directory {
    /// A directory without tasks.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self { tasks: RwLock::default(), settings: RwLock::new(settings), accounts: AtomicUsize::new(0) }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another model in force; each task takes it over at its next round.
    pub fn set_model(&self, model: Model) {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        *settings = Arc::new(Settings { model, ..Settings::clone(&settings) });
    }

    /// The tasks that are owned and restored, by number.
    #[must_use]
    pub fn tasks(&self) -> Vec<Arc<TaskView>> {
        self.tasks.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One account with its metrics, its score at `now` and its recent changes; `None` where no task holds it.
    #[must_use]
    pub fn account_report(&self, id: &str, now: Timestamp) -> Option<AccountReport> {
        let settings = self.settings();
        self.tasks().iter().find_map(|task| task.account_report(id, now, &settings))
    }

    /// The live sums of all tasks, each account as it was last scored, for the 28 days up to `now`.
    #[must_use]
    pub fn portfolio(&self, now: Timestamp) -> Portfolio {
        let mut portfolio = Portfolio::new(Period::trailing(now, &self.settings().zone));
        self.tasks().iter().for_each(|task| portfolio.add_live(&task.portfolio()));
        portfolio
    }

    /// Accounts of all tasks, restoring ones included.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.load(Ordering::Relaxed)
    }

    fn show(&self, view: Arc<TaskView>) {
        self.tasks.write().unwrap_or_else(PoisonError::into_inner).insert(view.number, view);
    }

    fn hide(&self, view: &Arc<TaskView>) {
        let mut tasks = self.tasks.write().unwrap_or_else(PoisonError::into_inner);
        if tasks.get(&view.number).is_some_and(|shown| Arc::ptr_eq(shown, view)) {
            tasks.remove(&view.number);
        }
    }

    /// Takes a place for a new account, unless there are `limit` already.
    fn reserve_account(&self, limit: usize) -> bool {
        self.accounts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < limit).then_some(count + 1)).is_ok()
    }

    fn release_accounts(&self, count: usize) {
        self.accounts.fetch_sub(count, Ordering::Relaxed);
    }
}
