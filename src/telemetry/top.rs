//! The top accounts in a sort order, without copying the others.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use serde::Serialize;

use super::source::{AccountRow, Source};
use crate::time::{DAY_MS, Timestamp};

/// A sort order of accounts; ties are broken by account id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Highest MRR x risk first.
    #[default]
    MrrAtRisk,
    /// Lowest score first.
    Score,
    /// Highest risk first.
    Risk,
    /// Highest MRR first.
    Mrr,
    /// By account id.
    Account,
    /// Accounts whose band worsened in the last 24 h, then the watch list, then the rest; each group by MRR x risk.
    Attention,
}

impl Sort {
    /// The sort orders of the API, by name.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("mrr_at_risk", Self::MrrAtRisk),
        ("score", Self::Score),
        ("risk", Self::Risk),
        ("mrr", Self::Mrr),
        ("account", Self::Account),
        ("attention", Self::Attention),
    ];

    /// The rank of an account: greater comes first; within equal first numbers the second decides.
    fn rank(self, row: &AccountRow<'_>, now: Timestamp, watched: &BTreeSet<String>) -> (u8, f64) {
        match self {
            Self::MrrAtRisk => (0, mrr_at_risk(row)),
            Self::Score => (u8::from(row.score.is_some()), -row.score.unwrap_or(0.0)),
            Self::Risk => (u8::from(row.risk.is_some()), row.risk.unwrap_or(0.0)),
            Self::Mrr => (0, mrr(row)),
            Self::Account => (0, 0.0),
            Self::Attention => (attention(row, now, watched), mrr_at_risk(row)),
        }
    }
}

fn attention(row: &AccountRow<'_>, now: Timestamp, watched: &BTreeSet<String>) -> u8 {
    if has_worsened(row.worsened_at, now) { 2 } else { u8::from(watched.contains(row.account_id)) }
}

#[expect(clippy::cast_precision_loss, reason = "a float is precise enough for sorting")]
fn mrr(row: &AccountRow<'_>) -> f64 {
    row.mrr_minor.unwrap_or(0) as f64
}

fn mrr_at_risk(row: &AccountRow<'_>) -> f64 {
    mrr(row) * row.risk.unwrap_or(0.0)
}

/// Which accounts to list, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this band.
    pub band: Option<String>,
    /// Only this segment.
    pub segment: Option<String>,
    /// The order.
    pub sort: Sort,
    /// Most accounts to return.
    pub limit: usize,
    /// The watch list, for [`Sort::Attention`].
    pub watched: Arc<BTreeSet<String>>,
}

impl Query {
    fn wants(&self, row: &AccountRow<'_>) -> bool {
        self.band.as_deref().is_none_or(|band| band == row.band) && self.segment.as_deref().is_none_or(|wanted| row.segment == Some(wanted))
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
        has_worsened(self.worsened_at, now)
    }
}

fn has_worsened(at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_some_and(|at| now.since(at) <= DAY_MS)
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

/// The first accounts of a query, in order, and the number of all that matched.
pub(super) fn top(source: &dyn Source, query: &Query) -> (Vec<OwnedRow>, u64) {
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
        let heap = BinaryHeap::with_capacity(query.limit.min(4096).saturating_add(1));
        Self { query, now, heap, matched: 0 }
    }

    pub(super) fn offer(&mut self, row: &AccountRow<'_>) {
        if !self.query.wants(row) {
            return;
        }
        self.matched += 1;
        let rank = self.query.sort.rank(row, self.now, &self.query.watched);
        let enters = self.heap.len() < self.query.limit
            || self.heap.peek().is_some_and(|last| order(rank, row.account_id, last.rank, &last.row.account_id).is_lt());
        if enters {
            self.heap.push(Ranked { rank, row: row.into() });
            if self.heap.len() > self.query.limit {
                self.heap.pop();
            }
        }
    }

    /// The query, the accounts in order, and the number of all that matched.
    pub(super) fn finish(self) -> (Query, Vec<OwnedRow>, u64) {
        (self.query, self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.row).collect(), self.matched)
    }
}

#[derive(Debug)]
struct Ranked {
    rank: (u8, f64),
    row: OwnedRow,
}

/// `Less` when the first comes first: the greater rank, then the smaller id.
fn order(a: (u8, f64), a_id: &str, b: (u8, f64), b_id: &str) -> Ordering {
    b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then_with(|| a_id.cmp(b_id))
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.rank, &self.row.account_id, other.rank, &other.row.account_id)
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
        assert_eq!(ids(Sort::Attention, 9), ["a", "b", "c", "d"], "worsened, watched, then what is at risk");
    }

    #[test]
    fn accounts_without_a_score_come_last() {
        let unknown = OwnedRow { score: None, band: "unknown", ..row("a", 0.0, 0.0, 0) };
        let fake = Fake { rows: vec![unknown, row("b", 99.0, 0.0, 0)], ..Fake::default() };
        let (rows, _) = top(&fake, &Query { sort: Sort::Score, limit: 9, ..Query::default() });
        assert_eq!(rows.iter().map(|row| row.account_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn filters_hold_band_and_segment() {
        let fake = Fake { rows: vec![row("a", 80.0, 0.1, 1), row("b", 30.0, 0.6, 1)], ..Fake::default() };
        let red = Query { band: Some("red".into()), segment: Some("smb".into()), limit: 9, ..Query::default() };
        let (rows, matched) = top(&fake, &red);
        assert_eq!((rows.len(), matched), (1, 1));
        assert_eq!(top(&fake, &Query { segment: Some("other".into()), ..red }).1, 0);
    }
}
