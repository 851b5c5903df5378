//! The past of every account, for a backtest.

use std::collections::{BTreeMap, HashMap};

use super::history::History;
use crate::account::AccountKey;
use crate::backtest::{Basis, Collector, Labels, Past, Takes, leaves_by_billing};
use crate::engine::Selection;
use crate::event::Stream;
use crate::time::Timestamp;

/// Advances the history to `end`, and returns what became of each account. `reached` receives each instant of scoring, from several
/// threads.
pub fn past(history: &mut History<'_>, basis: Basis<'_>, end: Timestamp, horizon_days: u32, reached: impl Fn(Timestamp) + Sync) -> Past {
    let labelled = labelled_accounts(basis);
    let selection = |(t, scores_everyone): (Timestamp, bool)| match labelled.get(&t) {
        Some(keys) if !scores_everyone => Selection::Only(keys),
        _ => Selection::Everyone,
    };
    let scorings = &basis.schedule.scorings;
    let instants: Vec<_> = scorings.iter().map(|scoring| (scoring.t, selection((scoring.t, scoring.scores_everyone)))).collect();
    let begin = || (Collector::new(basis), None);
    let observed = history.observe(&instants, begin, |(collector, last), place, account| {
        if last.replace(place) != Some(place) {
            scorings.get(place).iter().for_each(|scoring| reached(scoring.t));
        }
        collector.see(place, account);
    });
    let collectors = observed.into_iter().map(|(collector, _)| collector).collect();
    history.advance_to(end);
    let mut leaves: HashMap<Box<str>, Vec<Timestamp>> = HashMap::new();
    if let Some(Labels::Leaves(dates)) = basis.labels {
        leaves.extend(dates.iter().map(|(id, dates)| (id.clone(), dates.clone())));
    } else if *basis.settings.configured.of(Stream::Billing) {
        history.for_each_account(|account| {
            let dates = leaves_by_billing(account, end, basis.settings);
            if !dates.is_empty() {
                leaves.insert(account.id().into(), dates);
            }
        });
    }
    Past::of(collectors, |id| leaves.remove(id).unwrap_or_default(), horizon_days)
}

/// The accounts that labels name at instants at which not everyone is scored.
fn labelled_accounts(basis: Basis<'_>) -> BTreeMap<Timestamp, Vec<AccountKey>> {
    let Some(Labels::Points(points)) = basis.labels else { return BTreeMap::new() };
    let partial = basis.schedule.scorings.iter().filter(|scoring| scoring.takes == Takes::Labelled && !scoring.scores_everyone);
    let keys = |t: Timestamp| Some((t, points.get(&t)?.keys().map(|id| AccountKey::of(id)).collect()));
    partial.filter_map(|scoring| keys(scoring.t)).collect()
}
