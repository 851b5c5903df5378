//! An account as readers ask for it.

use super::scoring::Scored;
use crate::account::Account;
use crate::metric::View;
use crate::settings::Settings;

/// One account in full: its line as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReport(pub Vec<u8>);

impl AccountReport {
    /// The report at `view`; `None` while every record of the account still waits for its time.
    #[must_use]
    pub fn of(account: &Account, view: &View, settings: &Settings) -> Option<Self> {
        account.first_seen().filter(|first| *first <= view.t)?;
        let metrics = account.measure(view, settings);
        Some(Self(Scored::of(account, &metrics, view, settings).line(account, view, settings)))
    }

    /// The report with the account's recent changes, each as JSON, as `recent_changes`.
    #[must_use]
    pub(super) fn with_recent_changes(mut self, changes: &[Vec<u8>]) -> Self {
        // The line is an object that is never empty: its last byte closes it.
        self.0.pop();
        self.0.extend_from_slice(b",\"recent_changes\":[");
        self.0.extend_from_slice(&changes.join(&b','));
        self.0.extend_from_slice(b"]}");
        self
    }
}
