//! What readers see of the tasks: HTTP and metrics read it, the task that owns a view writes it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::report::AccountReport;
use super::{Counts, OutputRecord, Totals};
use crate::account::{AccountMap, LimitMeter};
use crate::event::Stream;
use crate::portfolio::{Cohorts, CompleteMonths, Live, Period, Portfolio};
use crate::score::Model;
use crate::settings::Settings;
use crate::stream_time::StreamTime;
use crate::time::Timestamp;

/// One task as readers see it.
#[derive(Debug)]
pub struct TaskView {
    /// The number of the partition of every input topic.
    pub number: i32,
    /// Its accounts.
    pub accounts: AccountMap,
    /// What it said of itself at the end of its last cycle.
    summary: Mutex<Summary>,
    /// The changes that it made last.
    recent: Mutex<RecentChanges>,
    /// What its accounts add to the KPIs.
    portfolio: Mutex<Live>,
}

/// Segments, plans and CSMs whose cohorts are worked out for readers, at most: the first in their order.
const COHORT_SCOPES_MAX: usize = 1_000;

/// Changes of a task kept for readers, at most.
const MAX_RECENT: usize = 5_000;

/// The newest changes of a task, oldest first, since it is owned here.
#[derive(Debug, Default)]
struct RecentChanges(VecDeque<(String, Vec<u8>)>);

/// What a task says of itself at the end of each cycle.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Its streams' clocks.
    pub stream_time: StreamTime,
    /// Outcomes since the changelog began.
    pub counts: Counts,
    /// Limits reached since the task is owned here.
    pub limits: LimitMeter,
    /// Sums by segment and band.
    pub totals: Totals,
}

impl TaskView {
    pub(super) fn new(number: i32) -> Self {
        Self { number, accounts: AccountMap::default(), summary: Mutex::default(), recent: Mutex::default(), portfolio: Mutex::default() }
    }

    /// What the task said at the end of its last cycle.
    pub fn summary(&self) -> MutexGuard<'_, Summary> {
        // A poisoned lock holds a summary of an earlier cycle, which is still true.
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live sums of its accounts.
    pub fn portfolio(&self) -> MutexGuard<'_, Live> {
        self.portfolio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps changes for readers.
    pub(super) fn keep(&self, changes: &[OutputRecord]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = changes.iter().skip(changes.len().saturating_sub(MAX_RECENT));
        recent.0.extend(newest.filter_map(|change| Some((change.key.clone(), change.value.clone()?))));
        let surplus = recent.0.len().saturating_sub(MAX_RECENT);
        recent.0.drain(..surplus);
    }

    /// The kept changes of an account as JSON, newest first.
    fn recent_changes(&self, id: &str) -> Vec<Vec<u8>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.0.iter().rev().filter(|(account, _)| account == id).map(|(_, change)| change.clone()).collect()
    }
}

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
        self.tasks().iter().find_map(|task| {
            let view = task.summary().stream_time.view(now, &settings);
            let report = task.accounts.read(id, |account| AccountReport::of(account, &view, &settings))??;
            Some(report.with_recent_changes(&task.recent_changes(id)))
        })
    }

    /// The live sums of all tasks, each account as it was last scored, for the 28 days up to `now`.
    #[must_use]
    pub fn portfolio(&self, now: Timestamp) -> Portfolio {
        let mut portfolio = Portfolio::new(Period::trailing(now, &self.settings().zone));
        self.tasks().iter().for_each(|task| portfolio.add_live(&task.portfolio()));
        portfolio
    }

    /// The cohorts of the accounts of all tasks, worked out from their billing. Each account is locked alone, for the microseconds that
    /// reading its billing takes.
    #[must_use]
    pub fn cohorts(&self, now: Timestamp) -> Cohorts {
        let (settings, tasks) = (self.settings(), self.tasks());
        let mut begins: Option<Timestamp> = None;
        for task in &tasks {
            task.accounts.for_each(|account| begins = begins.into_iter().chain(account.first_seen()).min());
        }
        let mut cohorts = Cohorts::new(CompleteMonths::new(begins, now, &settings.zone), COHORT_SCOPES_MAX);
        for task in &tasks {
            let billing_t = task.summary().stream_time.view(now, &settings).stream(Stream::Billing).t;
            for key in task.accounts.keys() {
                task.accounts.read_each_of(key, |account| cohorts.add_account(account, billing_t, &settings));
            }
        }
        cohorts
    }

    /// Accounts of all tasks.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.load(Ordering::Relaxed)
    }

    pub(super) fn show(&self, view: Arc<TaskView>) {
        self.tasks.write().unwrap_or_else(PoisonError::into_inner).insert(view.number, view);
    }

    pub(super) fn hide(&self, view: &Arc<TaskView>) {
        let mut tasks = self.tasks.write().unwrap_or_else(PoisonError::into_inner);
        if tasks.get(&view.number).is_some_and(|shown| Arc::ptr_eq(shown, view)) {
            tasks.remove(&view.number);
        }
    }

    /// Takes a place for a new account, unless there are `limit` already.
    pub(super) fn reserve_account(&self, limit: usize) -> bool {
        self.accounts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < limit).then_some(count + 1)).is_ok()
    }

    /// Counts accounts that come back from a changelog, whatever the limit.
    pub(super) fn add_accounts(&self, count: usize) {
        self.accounts.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn release_accounts(&self, count: usize) {
        self.accounts.fetch_sub(count, Ordering::Relaxed);
    }
}
