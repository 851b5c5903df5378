//! One account on past dates.

use serde::Serialize;

use super::Slot;
use crate::event::Stream;
use crate::metric::View;
use crate::score::SCORE_DATES;
use crate::settings::Settings;

/// Figures of an account by date, at the beginning of each; `None` where there is no value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountHistory {
    /// The first date.
    pub from: String,
    /// The last one, which is that of the present.
    pub to: String,
    /// Health at the first scoring of the date, 0..=100 in steps of 0.4.
    pub health: Vec<Option<f64>>,
    /// Risk at the same scoring, 0..=1 in steps of 0.004; of the newest 91 dates.
    pub risk: Vec<Option<f64>>,
    /// MRR from billing, minor units of the reporting currency; `None` before the first record of billing.
    pub mrr_minor: Vec<Option<i64>>,
}

impl Slot {
    /// The dates up to that of `view`.
    #[must_use]
    pub fn history_until(&self, view: &View, settings: &Settings) -> AccountHistory {
        let today = settings.zone.date_of(view.t);
        let dates: Vec<_> = today.and_before(SCORE_DATES).collect();
        let ledger = self.account.billing().ledger(&settings.money);
        let (known_from, billing_t) = (self.account.billing().first_record_at(), view.stream(Stream::Billing).t);
        let mrr = |start| known_from.filter(|first| *first <= start).map(|_| ledger.mrr_at(start.min(billing_t)));
        AccountHistory {
            from: dates.first().unwrap_or(&today).to_string(),
            to: today.to_string(),
            health: dates.iter().map(|date| self.history().score(*date)).collect(),
            risk: dates.iter().map(|date| self.history().risk(*date)).collect(),
            mrr_minor: dates.iter().map(|date| mrr(settings.zone.start_of(*date))).collect(),
        }
    }
}
