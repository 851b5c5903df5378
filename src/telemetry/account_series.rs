//! Per-account series: for the most urgent accounts, up to a hard limit. An account that drops out loses its series.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::refreshed::Refreshed;
use super::sort::Sort;
use super::source::Source;
use super::top::{OwnedRow, Query, top};

/// The accounts that currently have series.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// Most urgent first; each with a driver, if anything is known about it.
    pub(super) rows: Vec<OwnedRow>,
    /// Number of all accounts.
    pub(super) accounts: u64,
}

impl Selection {
    /// Selects accounts in the background, so that a scrape gets the last selection instead of waiting for a pass over a million accounts.
    pub(super) fn of(source: Arc<dyn Source>, accounts_max: usize, watched: Arc<BTreeSet<String>>) -> Arc<Refreshed<Self>> {
        let query = Query { sort: Sort::Series, limit: accounts_max, watched, ..Query::default() };
        let drivers = Mutex::new(Drivers::default());
        Refreshed::new(move || {
            let (mut rows, accounts) = top(&*source, &query);
            drivers.lock().unwrap_or_else(PoisonError::into_inner).complete(&mut rows, &*source);
            Self { rows, accounts }
        })
    }
}

/// The drivers shown for accounts whose last change left none behind, by account id and sequence number of that change. They are computed
/// once per change: a text that followed every scoring would make a new series each time.
#[derive(Debug, Default)]
struct Drivers(BTreeMap<(String, u64), String>);

impl Drivers {
    /// Fills in missing drivers; forgets those of other accounts and earlier changes.
    fn complete(&mut self, rows: &mut [OwnedRow], source: &dyn Source) {
        let mut known = std::mem::take(&mut self.0);
        for row in rows.iter_mut().filter(|row| row.driver.is_none()) {
            let change = (row.account_id.clone(), row.sequence);
            row.driver = known.remove(&change).or_else(|| first_driver(source, &row.account_id));
            if let Some(driver) = &row.driver {
                self.0.insert(change, driver.clone());
            }
        }
    }
}

fn first_driver(source: &dyn Source, account_id: &str) -> Option<String> {
    let report = source.account(account_id)?;
    report.get("drivers")?.get(0)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, row};
    use super::*;

    #[test]
    fn a_driver_is_that_of_the_change_or_computed_once_until_the_next_change() {
        let fell = OwnedRow { driver: Some("sessions fell".to_owned()), ..row("a", 30.0, 0.5, 1) };
        let fake = Fake { rows: vec![fell.clone(), row("b", 50.0, 0.5, 1)], ..Fake::default() };
        let mut drivers = Drivers::default();
        let texts = |drivers: &mut Drivers, source: &Fake, sequence| {
            let mut rows = vec![fell.clone(), OwnedRow { sequence, ..row("b", 50.0, 0.5, 1) }];
            drivers.complete(&mut rows, source);
            rows.into_iter().map(|row| row.driver).collect::<Vec<_>>()
        };
        let both = [Some("sessions fell".to_owned()), Some("made up".to_owned())];
        assert_eq!(texts(&mut drivers, &fake, 1), both);
        let silent = Fake::default();
        assert_eq!(texts(&mut drivers, &silent, 1), both, "the text of change 1 is kept");
        assert_eq!(texts(&mut drivers, &silent, 2), [both[0].clone(), None]);
    }
}
