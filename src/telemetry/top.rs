//! The top accounts in a sort order, without copying the others.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use serde::Serialize;

use super::sort::{Rank, Sort, has_worsened, order};
use super::source::{AccountRow, Source};
use crate::time::Timestamp;

/// Which accounts to list, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only those that this describes.
    pub filter: Filter,
    /// The order.
    pub sort: Sort,
    /// Whether the order is turned around.
    pub reversed: bool,
    /// Accounts to skip.
    pub offset: usize,
    /// Most accounts to return.
    pub limit: usize,
    /// The watch list, for [`Sort::Series`].
    pub watched: Arc<BTreeSet<String>>,
}

/// Conditions on an account, all of which must hold; an absent one always does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Its band.
    pub band: Option<String>,
    /// Its segment.
    pub segment: Option<String>,
    /// Its plan.
    pub plan: Option<String>,
    /// Its customer success manager.
    pub csm: Option<String>,
    /// Its stage.
    pub stage: Option<String>,
    /// Part of its id or name, in lower case.
    pub search: Option<String>,
}

impl Filter {
    fn admits(&self, row: &AccountRow<'_>) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| wanted.is_none() || wanted.as_deref() == value;
        let contains = |text: &str, part: &str| text.to_lowercase().contains(part);
        is(&self.band, Some(row.band))
            && is(&self.segment, row.segment)
            && is(&self.plan, row.plan)
            && is(&self.csm, row.csm)
            && is(&self.stage, row.stage)
            && self.search.as_ref().is_none_or(|part| contains(row.account_id, part) || row.name.is_some_and(|name| contains(name, part)))
    }
}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwnedRow {
    /// Identity.
    pub account_id: String,
    /// Display name.
    pub name: Option<String>,
    /// Segment.
    pub segment: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// Customer success manager.
    pub csm: Option<String>,
    /// Lifecycle stage; `None` without billing.
    pub stage: Option<&'static str>,
    /// One of [`super::BANDS`].
    pub band: &'static str,
    /// Health, 0..=100.
    pub score: Option<f64>,
    /// Churn risk, 0..=1.
    pub risk: Option<f64>,
    /// Level of the risk.
    pub level: Option<&'static str>,
    /// MRR in minor units of the reporting currency.
    pub mrr_minor: Option<i64>,
    /// When the band last became worse.
    #[serde(serialize_with = "crate::time::rfc3339_or_null")]
    pub worsened_at: Option<Timestamp>,
    /// Number of changes published.
    #[serde(skip)]
    pub sequence: u64,
    /// What moved it most, if the last published change was for the worse.
    #[serde(skip)]
    pub driver: Option<String>,
}

impl OwnedRow {
    /// Whether the band became worse in the last 24 hours.
    pub(super) fn has_worsened(&self, now: Timestamp) -> bool {
        has_worsened(self.worsened_at, now, 1)
    }
}

impl From<&AccountRow<'_>> for OwnedRow {
    fn from(row: &AccountRow<'_>) -> Self {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Self {
            account_id: row.account_id.to_owned(),
            name: own(row.name),
            segment: own(row.segment),
            plan: own(row.plan),
            csm: own(row.csm),
            stage: row.stage,
            band: row.band,
            score: row.score,
            risk: row.risk,
            level: row.level,
            mrr_minor: row.mrr_minor,
            worsened_at: row.worsened_at,
            sequence: row.sequence,
            driver: own(row.driver),
        }
    }
}

/// The accounts of a query, in order, and the number of all that matched.
pub fn top(source: &dyn Source, query: &Query) -> (Vec<OwnedRow>, u64) {
    let mut top = Top::new(query.clone(), source.now());
    source.visit(&mut |row| top.offer(row));
    let (_, rows, matched) = top.finish();
    (rows, matched)
}

/// The first accounts of a query among those offered so far.
#[derive(Debug)]
pub(super) struct Top {
    query: Query,
    now: Timestamp,
    /// The greatest element is the last in order, and is dropped first.
    heap: BinaryHeap<Ranked>,
    matched: u64,
}

impl Top {
    pub(super) fn new(query: Query, now: Timestamp) -> Self {
        Self { query, now, heap: BinaryHeap::new(), matched: 0 }
    }

    pub(super) fn offer(&mut self, row: &AccountRow<'_>) {
        let Query { filter, sort, reversed, offset, limit, watched } = &self.query;
        if !filter.admits(row) {
            return;
        }
        self.matched += 1;
        let (rank, most) = (sort.rank(row, self.now, watched), offset.saturating_add(*limit));
        let comes_before = |last: &Ranked| order((rank, row.account_id), last.place(), *reversed).is_lt();
        if self.heap.len() < most || self.heap.peek().is_some_and(comes_before) {
            self.heap.push(Ranked { rank: rank.owned(), row: row.into(), reversed: *reversed });
            if self.heap.len() > most {
                self.heap.pop();
            }
        }
    }

    /// The query, its accounts in order, and the number of all that matched.
    pub(super) fn finish(self) -> (Query, Vec<OwnedRow>, u64) {
        let rows = self.heap.into_sorted_vec().into_iter().skip(self.query.offset).map(|ranked| ranked.row).collect();
        (self.query, rows, self.matched)
    }
}

#[derive(Debug)]
struct Ranked {
    rank: Rank<Box<str>>,
    row: OwnedRow,
    reversed: bool,
}

impl Ranked {
    fn place(&self) -> (Rank<&str>, &str) {
        (self.rank.borrowed(), &self.row.account_id)
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.place(), other.place(), self.reversed)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, row};
    use super::*;

    fn ids(sort: Sort, limit: usize) -> Vec<String> {
        let watched = Arc::new(BTreeSet::from(["b".to_owned()]));
        let mut rows = vec![row("a", 80.0, 0.1, 1_000), row("b", 30.0, 0.6, 10), row("c", 60.0, 0.2, 9_000), row("d", 60.0, 0.2, 9_000)];
        rows[0].worsened_at = Some(Fake::default().now);
        let fake = Fake { rows, ..Fake::default() };
        let (rows, matched) = top(&fake, &Query { sort, limit, watched, ..Query::default() });
        assert_eq!(matched, 4);
        rows.into_iter().map(|row| row.account_id).collect()
    }

    #[test]
    fn accounts_are_sorted_by_each_order_and_ties_by_id() {
        assert_eq!(ids(Sort::MrrAtRisk, 9), ["c", "d", "a", "b"]);
        assert_eq!(ids(Sort::Score, 9), ["b", "c", "d", "a"]);
        assert_eq!(ids(Sort::Risk, 2), ["b", "c"]);
        assert_eq!(ids(Sort::Mrr, 1), ["c"]);
        assert_eq!(ids(Sort::Account, 9), ["a", "b", "c", "d"]);
        assert_eq!(ids(Sort::Series, 9), ["a", "b", "c", "d"], "worsened, watched, then what is at risk");
        assert_eq!(ids(Sort::Attention, 9), ["b", "c", "d", "a"], "red, yellow, green");
        assert_eq!(ids(Sort::Name, 2), ["a", "b"]);
        assert_eq!(ids(Sort::Worsened, 2), ["a", "b"], "the others have not");
    }

    fn listed(rows: Vec<OwnedRow>, query: &Query) -> (Vec<String>, u64) {
        let (rows, matched) = top(&Fake { rows, ..Fake::default() }, query);
        (rows.into_iter().map(|row| row.account_id).collect(), matched)
    }

    #[test]
    fn accounts_without_a_score_come_last_in_either_direction() {
        let rows =
            || vec![OwnedRow { score: None, band: "unknown", ..row("a", 0.0, 0.0, 0) }, row("b", 99.0, 0.0, 0), row("c", 9.0, 0.0, 0)];
        let by_score = |reversed| listed(rows(), &Query { sort: Sort::Score, reversed, limit: 9, ..Query::default() }).0;
        assert_eq!((by_score(false), by_score(true)), (vec!["c".into(), "b".into(), "a".into()], vec!["b".into(), "c".into(), "a".into()]));
    }

    #[test]
    fn the_pages_of_a_list_are_the_list_in_either_direction() {
        let rows: Vec<_> = (0..23).map(|n| row(&format!("a{n:02}"), f64::from(n * 7 % 23), 0.1, 1)).collect();
        for reversed in [false, true] {
            let query = |offset, limit| Query { sort: Sort::Score, reversed, offset, limit, ..Query::default() };
            let pages: Vec<String> = (0..5).flat_map(|page| listed(rows.clone(), &query(5 * page, 5)).0).collect();
            let (whole, matched) = listed(rows.clone(), &query(0, 100));
            assert_eq!((pages.len(), matched), (23, 23));
            assert_eq!(pages, whole);
        }
    }

    #[test]
    fn a_search_finds_parts_of_ids_and_names_in_any_case() {
        let found = |search: &str| {
            let filter = Filter { search: Some(search.to_owned()), ..Filter::default() };
            listed(vec![row("acme", 1.0, 0.0, 1), row("Bolt-7", 1.0, 0.0, 1)], &Query { filter, limit: 9, ..Query::default() }).0
        };
        assert_eq!((found("bolt"), found("of ac"), found("nobody")), (vec!["Bolt-7".into()], vec!["acme".into()], vec![]));
    }

    #[test]
    fn every_condition_of_a_filter_holds() {
        let matched = |change: fn(&mut Filter)| {
            let mut filter = Filter { band: Some("red".into()), segment: Some("smb".into()), ..Filter::default() };
            change(&mut filter);
            listed(vec![row("a", 80.0, 0.1, 1), row("b", 30.0, 0.6, 1)], &Query { filter, limit: 9, ..Query::default() }).1
        };
        assert_eq!(matched(|_| ()), 1);
        assert_eq!(matched(|filter| filter.segment = Some("other".into())), 0);
        assert_eq!(matched(|filter| filter.csm = Some("dana".into())), 1);
        assert_eq!(matched(|filter| filter.plan = Some("free".into())), 0);
        assert_eq!(matched(|filter| filter.stage = Some("trial".into())), 0);
    }
}
