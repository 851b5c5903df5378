//! Per-account series: for the most urgent accounts, up to a hard limit. An account that drops out loses its series.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::refreshed::Refreshed;
use super::source::Source;
use super::top::{OwnedRow, Query, Sort, top};

/// The accounts that currently have series.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// Most urgent first.
    pub(super) rows: Vec<OwnedRow>,
    /// Number of all accounts.
    pub(super) accounts: u64,
}

impl Selection {
    /// Selects accounts in the background, so that a scrape gets the last selection instead of waiting for a pass over a million accounts.
    pub(super) fn of(source: Arc<dyn Source>, accounts_max: usize, watched: Arc<BTreeSet<String>>) -> Arc<Refreshed<Self>> {
        let query = Query { sort: Sort::Attention, limit: accounts_max, watched, ..Query::default() };
        Refreshed::new(move || {
            let (rows, accounts) = top(&*source, &query);
            Self { rows, accounts }
        })
    }
}
