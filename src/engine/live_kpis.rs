//! Keeps the live KPIs up to date with the accounts' contributions and the costs.

use super::refresh::REFRESH_MS;
use super::{LiveSums, Store, Task};
use crate::portfolio::Period;
use crate::time::Timestamp;

impl<S: Store> Task<S> {
    /// Refreshes the contributions of at most `budget` accounts that are due for it, and the costs.
    pub(super) fn refresh_live(&mut self, now: Timestamp, budget: usize) {
        let Self { settings, store, refresh, costs, .. } = self;
        let view = self.stream_time.view(now, settings);
        for _ in 0..budget {
            let Some(key) = refresh.pop(now) else { break };
            store.change_each_of(key, |slot, sums| {
                let waits = slot.live.contribution.as_ref().is_some_and(|contribution| contribution.waits);
                if let Some(score) = slot.live.score.as_deref().copied().filter(|_| waits) {
                    let metrics = slot.account.measure(&view, settings);
                    sums.change(|live| live.replace(&slot.account, &mut slot.live, score, &metrics, &view, settings));
                }
            });
        }
        if self.live_costs_at.is_none_or(|at| now.since(at) >= REFRESH_MS) {
            store.sums().change(|live| live.set_costs(costs, &Period::trailing(now, &settings.zone)));
            self.live_costs_at = Some(now);
        }
    }
}
