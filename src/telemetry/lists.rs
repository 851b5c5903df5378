//! Lists of accounts for all viewers. One pass over the accounts fills every list in use, however many viewers there are, and drivers
//! are computed after it, account by account, while nothing is locked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::refreshed::Refreshed;
use super::source::Source;
use super::top::{OwnedRow, Query, Top};
use crate::clock::monotonic;
use crate::time::Timestamp;

/// Accounts change once per commit, so more than one pass per second shows nothing new.
const INTERVAL: Duration = Duration::from_secs(1);
/// Most lists in use; one more displaces the one that has not been read for longest.
const LISTS_MAX: usize = 32;
/// A list is refreshed for this long after it was last read.
const USED_WITHIN: Duration = Duration::from_mins(1);
/// How long the first reader of a list waits: a pass over a million accounts takes about a second.
const WAIT_LIMIT: Duration = Duration::from_secs(8);

/// The first accounts of a query.
#[derive(Debug)]
pub struct List {
    query: Query,
    /// When they were looked at.
    pub as_of: Timestamp,
    /// In order.
    pub accounts: Vec<Listed>,
    /// The number of all accounts that matched.
    pub matched: u64,
}

/// An account with what moved its score, and why it is what it is.
#[derive(Debug, Serialize)]
pub struct Listed {
    #[serde(flatten)]
    row: OwnedRow,
    #[serde(flatten)]
    sentences: Sentences,
}

/// Up to three sentences each.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Sentences {
    drivers: Vec<String>,
    reasons: Vec<String>,
}

/// The lists in use.
#[derive(Debug)]
pub struct Lists {
    used: Arc<Mutex<Vec<Used>>>,
    filled: Arc<Refreshed<Vec<Arc<List>>>>,
}

/// A query and when it was last asked; the newest comes last.
#[derive(Debug)]
struct Used(Query, Instant);

impl Lists {
    /// Lists of the accounts of a source.
    #[must_use]
    pub fn new(source: Arc<dyn Source>) -> Self {
        let used: Arc<Mutex<Vec<Used>>> = Arc::default();
        let queries = Arc::clone(&used);
        let fill_used = move || {
            let queries = {
                let mut used = queries.lock().unwrap_or_else(PoisonError::into_inner);
                used.retain(|Used(_, at)| at.elapsed() < USED_WITHIN);
                used.iter().map(|Used(query, _)| query.clone()).collect()
            };
            fill(&*source, queries)
        };
        Self { used, filled: Refreshed::every(INTERVAL, fill_used) }
    }

    /// The list of a query; `None` if that takes too long.
    #[must_use]
    pub fn get(&self, query: &Query) -> Option<Arc<List>> {
        self.use_now(query);
        self.filled.find_within(WAIT_LIMIT, |lists| lists.iter().find(|list| list.query == *query).cloned())
    }

    fn use_now(&self, query: &Query) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|Used(known, _)| known != query);
        if used.len() >= LISTS_MAX {
            used.remove(0);
        }
        used.push(Used(query.clone(), monotonic()));
    }
}

fn fill(source: &dyn Source, queries: Vec<Query>) -> Vec<Arc<List>> {
    if queries.is_empty() {
        return Vec::new();
    }
    let as_of = source.now();
    let mut tops: Vec<Top> = queries.into_iter().map(|query| Top::new(query, as_of)).collect();
    source.visit(&mut |row| tops.iter_mut().for_each(|top| top.offer(row)));
    let mut explained = Explained { source, known: HashMap::new() };
    let list = |top: Top| {
        let (query, rows, matched) = top.finish();
        let accounts = rows.into_iter().map(|row| Listed { sentences: explained.of(&row.account_id), row }).collect();
        Arc::new(List { query, as_of, accounts, matched })
    };
    tops.into_iter().map(list).collect()
}

/// Sentences by account, computed once for all lists.
struct Explained<'a> {
    source: &'a dyn Source,
    known: HashMap<String, Sentences>,
}

impl Explained<'_> {
    fn of(&mut self, account_id: &str) -> Sentences {
        if let Some(known) = self.known.get(account_id) {
            return known.clone();
        }
        let line = self.source.account(account_id);
        let sentences = line.and_then(|line| serde_json::from_value::<Sentences>(line).ok()).unwrap_or_default();
        self.known.insert(account_id.to_owned(), sentences.clone());
        sentences
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::fake::{Fake, row};
    use super::super::sort::Sort;
    use super::*;

    fn two_accounts() -> Arc<Fake> {
        Arc::new(Fake { rows: vec![row("acme", 82.0, 0.05, 120_000), row("bolt", 31.0, 0.66, 90_000)], ..Fake::default() })
    }

    fn query(sort: Sort) -> Query {
        Query { sort, limit: 9, ..Query::default() }
    }

    #[test]
    fn any_number_of_viewers_causes_one_pass_over_the_accounts_per_interval() {
        let fake = two_accounts();
        let lists = Arc::new(Lists::new(Arc::clone(&fake) as Arc<dyn Source>));
        // Twenty viewers of one list, as fast as they can.
        let begun = monotonic();
        let viewers: Vec<_> = (0..20)
            .map(|_| {
                let lists = Arc::clone(&lists);
                std::thread::spawn(move || (0..50).for_each(|_| assert_eq!(lists.get(&query(Sort::Mrr)).unwrap().matched, 2)))
            })
            .collect();
        for viewer in viewers {
            viewer.join().unwrap();
        }
        let passes = fake.passes.load(Ordering::SeqCst) as f64;
        assert!(passes <= begun.elapsed().as_secs_f64() / INTERVAL.as_secs_f64() + 1.0, "{passes} passes for 1,000 requests");
    }

    #[test]
    fn one_pass_fills_every_list_in_use() {
        let queries = [Sort::Mrr, Sort::Score, Sort::Account].map(query);
        let fake = two_accounts();
        let filled = fill(&*fake, queries.to_vec());
        assert_eq!((filled.len(), fake.passes.load(Ordering::SeqCst)), (3, 1));
        let first = |place: usize| filled[place].accounts[0].row.account_id.as_str();
        assert_eq!((first(0), first(1), first(2)), ("acme", "bolt", "acme"));
        assert!(fill(&*fake, Vec::new()).is_empty());
        assert_eq!(fake.passes.load(Ordering::SeqCst), 1, "a pass that nobody needs");
    }

    #[test]
    fn sentences_are_computed_once_per_account_and_after_the_pass() {
        // The fake panics if it is asked for an account during a pass.
        let fake = two_accounts();
        let filled = fill(&*fake, [Sort::Mrr, Sort::Score].map(query).to_vec());
        assert_eq!(serde_json::to_value(&filled[1].accounts[0]).unwrap()["drivers"][0], "made up");
        assert_eq!(fake.reports.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_list_beyond_the_limit_displaces_the_one_not_read_for_longest() {
        let lists = Lists::new(two_accounts());
        for limit in 0..=LISTS_MAX {
            lists.use_now(&Query { limit, ..Query::default() });
            lists.use_now(&Query { limit: 0, ..Query::default() });
        }
        let used: Vec<usize> = lists.used.lock().unwrap().iter().map(|Used(query, _)| query.limit).collect();
        assert_eq!((used.len(), used.first(), used.last()), (LISTS_MAX, Some(&2), Some(&0)));
    }
}
