//! An account as readers ask for it.

use super::scoring::Scored;
use crate::account::Account;
use crate::settings::{Settings, View};

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
}
