//! Scores while the task catches up, for the history of each account alone: nothing is published, and no band moves.

use super::scoring::Scored;
use super::{Occasion, Slot, Store, Task};
use crate::metric::View;
use crate::settings::Settings;
use crate::time::Date;

/// Accounts sampled per round. They take some ten milliseconds, of a round that is seconds apart from the next, so that catching up stays as
/// fast as it was; large tasks have fewer dates in their histories.
const SAMPLED_PER_ROUND: usize = 10_000;

impl<S: Store> Task<S> {
    /// Notes the scores of some accounts at the event time that was reached, once per account and date.
    pub(super) fn sample_history(&mut self) {
        let newest = self.stream_time.clocks().iter().filter_map(|(_, clock)| clock.newest).max();
        let Some(t) = newest else { return };
        let view = self.stream_time.view(t, &self.settings);
        let date = self.settings.zone.date_of(t);
        let Self { settings, store, unwritten, sampling, .. } = self;
        for key in sampling.take(date, SAMPLED_PER_ROUND, || store.keys()) {
            store.change_each_of(key, |slot, _| {
                let changed_before = slot.changed_records();
                slot.sample(date, &view, settings);
                unwritten.note(key, changed_before, slot.changed_records());
            });
        }
    }
}

impl Slot {
    fn sample(&mut self, date: Date, view: &View, settings: &Settings) {
        let is_known = self.history().newest().is_some_and(|newest| newest >= date);
        if is_known || self.account.first_seen().is_none_or(|first| first > view.t) {
            return;
        }
        let metrics = self.account.measure(view, settings);
        let score = {
            let occasion = Occasion { account: &self.account, metrics: &metrics, view, settings };
            let scored = Scored::of(&occasion);
            scored.score(&scored.status(&self.score, settings))
        };
        self.note_history(date, &score);
    }
}
