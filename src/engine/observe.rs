//! Scores accounts as a round would, and shows each scoring instead of publishing changes: for looking back at a history.

use super::{Occasion, Slot, Store, Task};
use crate::account::{Account, AccountKey};
use crate::metric::{Metrics, View};
use crate::score::{Assessment, Cause, Context, Status, assess};
use crate::settings::Settings;

/// One scoring of one account.
#[derive(Debug)]
pub struct ScoredAccount<'a, 'm> {
    /// The account.
    pub account: &'a Account,
    /// Its metrics.
    pub metrics: &'a Metrics,
    /// Their assessment.
    pub assessment: &'a Assessment<'m>,
    /// Health, band with hysteresis, and risk.
    pub status: Status,
}

/// Which accounts are scored at an instant.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// All of them.
    Everyone,
    /// Those with these keys.
    Only(&'a [AccountKey]),
}

impl<S: Store> Task<S> {
    /// Scores the accounts with a record at or before `view`, in no particular order, and advances their bands.
    pub fn observe(&mut self, view: &View, selection: Selection<'_>, mut see: impl FnMut(&ScoredAccount<'_, '_>)) {
        let keys = match selection {
            Selection::Everyone => self.store.keys(),
            Selection::Only(keys) => keys.to_vec(),
        };
        let Self { settings, store, .. } = self;
        for key in keys {
            store.change_each_of(key, |slot, _| slot.observe(view, settings, &mut see));
        }
    }
}

impl Slot {
    fn observe(&mut self, view: &View, settings: &Settings, see: &mut impl FnMut(&ScoredAccount<'_, '_>)) {
        let Self { account, score: state, .. } = self;
        if account.first_seen().is_none_or(|first| first > view.t) {
            return;
        }
        let metrics = account.measure(view, settings);
        let occasion = Occasion { account, metrics: &metrics, view, settings };
        let subject = occasion.subject();
        let assessment = assess(&settings.model, &subject);
        let context = Context { t: view.t, cause: Cause::Time, catching_up: false, currency: settings.money.rates.reporting() };
        state.advance(&subject, &assessment, &context, &settings.model);
        let status = state.status(&subject, &assessment, &settings.model);
        see(&ScoredAccount { account, metrics: &metrics, assessment: &assessment, status });
    }
}
