//! Another model under a running task: every account is scored by it, behind those to which something happened.

use std::sync::Arc;

use super::Task;
use crate::account::AccountKey;

impl Task {
    /// Takes over the settings in force. Under another model every account waits to be scored by it.
    pub(super) fn take_settings(&mut self) {
        let settings = self.directory.settings();
        if Arc::ptr_eq(&settings, &self.settings) {
            return;
        }
        if settings.model.id != self.settings.model.id {
            self.rescore = self.view.accounts.keys().into();
        }
        self.settings = settings;
    }

    /// The next account that the model has not scored yet; those that were scored in the meantime, or wait for that anyway, are passed.
    pub(super) fn next_to_rescore(&mut self) -> Option<AccountKey> {
        let model = self.settings.model.id;
        while let Some(key) = self.rescore.pop_front() {
            let mut waits = false;
            self.view.accounts.change_each_of(key, |account| waits |= !account.unscored && account.score.model() != model);
            if waits {
                return Some(key);
            }
        }
        None
    }
}
