//! One task as readers see it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::AccountMap;
use crate::breakdown::Breakdown;
use crate::engine::{AccountDetails, AccountHistory, AccountReport, OutputRecord, Summary};
use crate::portfolio::Live;
use crate::settings::Settings;
use crate::time::Timestamp;

/// Recent changes kept per task, at most.
const MAX_RECENT: usize = 5_000;

/// One task as readers see it. The task's own thread writes it; no lock is held for longer than it takes to copy one account or the
/// sums.
#[derive(Debug)]
pub struct TaskView {
    /// Its partition number in every input topic.
    pub number: i32,
    /// Its accounts.
    pub accounts: AccountMap,
    /// Its report at the end of the last cycle.
    summary: Mutex<Summary>,
    /// Its most recent changes.
    recent: Mutex<RecentChanges>,
    /// The live sums of its accounts.
    portfolio: Mutex<Live>,
}

/// The newest changes since this instance took over the task, oldest first.
#[derive(Debug, Default)]
struct RecentChanges(VecDeque<(String, Vec<u8>)>);

impl TaskView {
    pub(super) fn new(number: i32) -> Self {
        Self { number, accounts: AccountMap::default(), summary: Mutex::default(), recent: Mutex::default(), portfolio: Mutex::default() }
    }

    /// The task's report at the end of its last cycle.
    pub fn summary(&self) -> MutexGuard<'_, Summary> {
        // Even if the lock is poisoned, the summary of an earlier cycle is still valid.
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live sums of its accounts.
    pub fn portfolio(&self) -> MutexGuard<'_, Live> {
        self.portfolio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps changes for readers; tombstones are not changes.
    pub(super) fn keep(&self, changes: &[OutputRecord]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = changes.iter().skip(changes.len().saturating_sub(MAX_RECENT));
        recent.0.extend(newest.filter_map(|change| Some((change.key.clone(), change.value.clone()?))));
        let surplus = recent.0.len().saturating_sub(MAX_RECENT);
        recent.0.drain(..surplus);
    }

    /// An account with its score at `now` and its recent changes; `None` if the task does not have it.
    pub(super) fn account_report(&self, id: &str, now: Timestamp, settings: &Settings) -> Option<AccountReport> {
        let view = self.summary().stream_time.view(now, settings);
        let report = self.accounts.copy(id)?.report(&view, settings)?;
        Some(report.with_recent_changes(&self.recent_changes(id)))
    }

    /// An account's score at `now` taken apart, with its last change if it is kept; `None` if the task does not have the account.
    pub(super) fn breakdown(&self, id: &str, now: Timestamp, settings: &Settings) -> Option<Breakdown> {
        let view = self.summary().stream_time.view(now, settings);
        let breakdown = Breakdown::of(&self.accounts.copy(id)?, &view, settings)?;
        let last = self.recent_changes(id).into_iter().next();
        Some(breakdown.with_last_change(last.and_then(|change| serde_json::from_slice(&change).ok())))
    }

    /// An account on past dates; `None` if the task does not have it.
    pub(super) fn account_history(&self, id: &str, now: Timestamp, settings: &Settings) -> Option<AccountHistory> {
        let view = self.summary().stream_time.view(now, settings);
        Some(self.accounts.copy(id)?.history_until(&view, settings))
    }

    /// What stands behind the figures of an account; `None` if the task does not have it.
    pub(super) fn account_details(&self, id: &str, now: Timestamp, settings: &Settings) -> Option<AccountDetails> {
        let view = self.summary().stream_time.view(now, settings);
        Some(self.accounts.copy(id)?.details(&view, settings))
    }

    /// The newest kept changes, newest first, at most `limit`.
    pub(super) fn newest_changes(&self, limit: usize) -> Vec<serde_json::Value> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let newest: Vec<Vec<u8>> = recent.0.iter().rev().take(limit).map(|(_, change)| change.clone()).collect();
        drop(recent);
        newest.iter().filter_map(|change| self.with_name(serde_json::from_slice(change).ok()?)).collect()
    }

    /// A change with the present name of its account; `None` if it was deleted since.
    fn with_name(&self, mut change: serde_json::Value) -> Option<serde_json::Value> {
        let name =
            self.accounts.read(change.get("account_id")?.as_str()?, |slot| slot.account.profile()?.name.as_deref().map(str::to_owned))?;
        change.as_object_mut()?.insert("name".to_owned(), name.into());
        Some(change)
    }

    /// The kept changes of an account as JSON, newest first.
    fn recent_changes(&self, id: &str) -> Vec<Vec<u8>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.0.iter().rev().filter(|(account, _)| account == id).map(|(_, change)| change.clone()).collect()
    }
}
