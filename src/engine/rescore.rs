//! A model change in a running task: every account is scored with the new model, after the accounts that have new events.

use std::sync::Arc;

use super::{Store, Task};
use crate::account::AccountKey;
use crate::settings::Settings;

impl<S: Store> Task<S> {
    /// Adopts the current settings. If the model has changed, every account is queued for scoring.
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

    /// The next account that the current model has not scored. Skips accounts that have been scored since or are queued anyway.
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
