//! The tasks of this instance as HTTP and Prometheus read them while their threads write.
//!
//! A [`SharedTask`] is an engine task that keeps its accounts and sums in a [`TaskView`]. The [`Directory`] holds the views of all tasks
//! and what they share: the current settings and the account limit.

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

use crate::breakdown::Breakdown;
use crate::engine::{AccountDetails, AccountHistory, AccountReport, Slot};
use crate::event::Stream;
use crate::portfolio::{Cohorts, CompleteMonths, HistoryDates, Period, Portfolio, PortfolioHistory};
use crate::score::Model;
use crate::settings::Settings;
use crate::time::Timestamp;

/// Segments, plans and CSMs with cohorts and a history of their own, at most: the first in sort order.
const SCOPES_MAX: usize = 1_000;

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

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the model; each task adopts it in its next round.
    pub fn set_model(&self, model: Model) {
        let mut settings = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        *settings = Arc::new(Settings { model, ..Settings::clone(&settings) });
    }

    /// The owned and restored tasks, by number.
    #[must_use]
    pub fn tasks(&self) -> Vec<Arc<TaskView>> {
        self.tasks.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// One account with its metrics, its score at `now` and its recent changes; `None` if no task has it.
    #[must_use]
    pub fn account_report(&self, id: &str, now: Timestamp) -> Option<AccountReport> {
        let settings = self.settings();
        self.tasks().iter().find_map(|task| task.account_report(id, now, &settings))
    }

    /// The score of one account at `now` taken apart; `None` if no task has it.
    #[must_use]
    pub fn breakdown(&self, id: &str, now: Timestamp) -> Option<Breakdown> {
        let settings = self.settings();
        self.tasks().iter().find_map(|task| task.breakdown(id, now, &settings))
    }

    /// The live sums of all tasks, each account as it was last scored, for the 28 days up to `now`.
    #[must_use]
    pub fn portfolio(&self, now: Timestamp) -> Portfolio {
        let mut portfolio = Portfolio::new(Period::trailing(now, &self.settings().zone));
        self.tasks().iter().for_each(|task| portfolio.add_live(&task.portfolio()));
        portfolio
    }

    /// The cohorts over all tasks, computed from billing. Accounts are locked one key at a time, for the microseconds that reading their
    /// billing takes.
    #[must_use]
    pub fn cohorts(&self, now: Timestamp) -> Cohorts {
        let (settings, tasks) = (self.settings(), self.tasks());
        let mut begins: Option<Timestamp> = None;
        for task in &tasks {
            task.accounts.visit(|slot| begins = begins.into_iter().chain(slot.account.first_seen()).min());
        }
        let mut cohorts = Cohorts::new(CompleteMonths::new(begins, now, &settings.zone), SCOPES_MAX);
        self.visit_with_billing_time(now, &settings, |slot, billing_t| cohorts.add_account(&slot.account, billing_t, &settings));
        cohorts
    }

    /// The portfolio on past dates, computed from the billing and the scores of each account. Accounts are locked one key at a time.
    #[must_use]
    pub fn portfolio_history(&self, now: Timestamp) -> PortfolioHistory {
        let settings = self.settings();
        let mut history = PortfolioHistory::new(HistoryDates::until(now, &settings.zone), SCOPES_MAX);
        self.visit_with_billing_time(now, &settings, |slot, billing_t| {
            history.add_account(&slot.account, slot.history(), billing_t, &settings);
        });
        history
    }

    /// Visits every account, with the instant up to which its task knows billing.
    fn visit_with_billing_time(&self, now: Timestamp, settings: &Settings, mut visit: impl FnMut(&Slot, Timestamp)) {
        for task in self.tasks() {
            let billing_t = task.summary().stream_time.view(now, settings).stream(Stream::Billing).t;
            task.accounts.visit(|slot| visit(slot, billing_t));
        }
    }

    /// One account on past dates; `None` if no task has it.
    #[must_use]
    pub fn account_history(&self, id: &str, now: Timestamp) -> Option<AccountHistory> {
        let settings = self.settings();
        self.tasks().iter().find_map(|task| task.account_history(id, now, &settings))
    }

    /// What stands behind the figures of one account; `None` if no task has it.
    #[must_use]
    pub fn account_details(&self, id: &str, now: Timestamp) -> Option<AccountDetails> {
        let settings = self.settings();
        self.tasks().iter().find_map(|task| task.account_details(id, now, &settings))
    }

    /// The newest changes of all tasks as JSON, newest first, at most `limit`.
    #[must_use]
    pub fn recent_changes(&self, limit: usize) -> Vec<serde_json::Value> {
        let mut changes: Vec<_> = self.tasks().iter().flat_map(|task| task.newest_changes(limit)).collect();
        let at = |change: &serde_json::Value| change.get("as_of").and_then(|at| at.as_str()).and_then(Timestamp::parse_rfc3339);
        changes.sort_by_key(|change| std::cmp::Reverse(at(change)));
        changes.truncate(limit);
        changes
    }

    /// Accounts in all tasks, including those being restored.
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

    /// Reserves a place for a new account; false if there are already `limit`.
    fn reserve_account(&self, limit: usize) -> bool {
        self.accounts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < limit).then_some(count + 1)).is_ok()
    }

    fn release_accounts(&self, count: usize) {
        self.accounts.fetch_sub(count, Ordering::Relaxed);
    }
}
