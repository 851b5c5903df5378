//! Another model under a running task: every account is scored by it, behind those to which something happened.

use std::sync::Arc;

use super::{Store, Task};
use crate::account::AccountKey;
use crate::settings::Settings;

impl<S: Store> Task<S> {
    /// Takes over the settings in force. Under another model every account waits to be scored by it.
    pub fn set_settings(&mut self, settings: Arc<Settings>) {
        if Arc::ptr_eq(&settings, &self.settings) {
            return;
        }
        if settings.model.id != self.settings.model.id {
            self.rescore = self.store.keys().into();
        }
        self.decode = settings.decode_context();
        self.settings = settings;
    }

    /// The next account that the model has not scored yet; those that were scored in the meantime, or wait for that anyway, are passed.
    pub(super) fn next_to_rescore(&mut self) -> Option<AccountKey> {
        let model = self.settings.model.id;
        while let Some(key) = self.rescore.pop_front() {
            let mut waits = false;
            self.store.change_each_of(key, |slot, _| waits |= !slot.unscored && slot.score.model() != model);
            if waits {
                return Some(key);
            }
        }
        None
    }
}
