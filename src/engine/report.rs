//! Accounts as readers ask for them: one in full, or many in short.

use std::cmp::Ordering;

use super::scoring::Scored;
use crate::account::Account;
use crate::score::{Band, Level};
use crate::settings::{Settings, View};

/// One account in full: its line as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReport(pub Vec<u8>);

impl AccountReport {
    /// The report at `view`; `None` while every record of the account still waits for its time.
    #[must_use]
    pub fn of(account: &Account, view: &View, settings: &Settings) -> Option<Self> {
        account.first_seen().filter(|first| *first <= view.t)?;
        let metrics = account.measure(view, settings);
        Some(Self(Scored::of(account, &metrics, view, settings).line(account, view, settings)))
    }
}

/// One account in short, as it was last scored.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct AccountRow {
    /// The account.
    pub account_id: String,
    /// Display name.
    pub name: Option<String>,
    /// Segment.
    pub segment: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// Customer success manager.
    pub csm: Option<String>,
    /// Band.
    pub band: Band,
    /// Health, 0..=100.
    pub score: Option<f64>,
    /// Risk, 0..=1.
    pub risk: Option<f64>,
    /// Risk level.
    pub level: Option<Level>,
    /// MRR, minor units.
    pub mrr_minor: i64,
    /// MRR x risk, minor units.
    pub mrr_at_risk: f64,
    /// Changes published.
    pub sequence: u64,
}

/// What rows are sorted by; ties by account id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// MRR at risk, most first.
    #[default]
    MrrAtRisk,
    /// Risk, highest first.
    Risk,
    /// Health, lowest first.
    Score,
    /// MRR, most first.
    Mrr,
    /// Account id.
    AccountId,
}

/// Which rows, in which order, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Only this band.
    pub band: Option<Band>,
    /// Only this segment.
    pub segment: Option<String>,
    /// Order.
    pub sort: Sort,
    /// How many at most.
    pub limit: usize,
}

impl RowFilter {
    pub(super) const fn collector(&self) -> Collector<'_> {
        Collector { filter: self, rows: Vec::new() }
    }
}

/// The best rows so far. Holds twice the limit at most before it sorts and cuts.
pub(super) struct Collector<'f> {
    filter: &'f RowFilter,
    rows: Vec<AccountRow>,
}

impl Collector<'_> {
    pub(super) fn offer(&mut self, account: &Account) {
        let Some(row) = row(account) else { return };
        let segment_fits = self.filter.segment.is_none() || self.filter.segment == row.segment;
        if segment_fits && self.filter.band.is_none_or(|band| band == row.band) {
            self.rows.push(row);
            if self.rows.len() >= 2 * self.filter.limit.max(64) {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        let sort = self.filter.sort;
        self.rows.sort_by(|a, b| sort.compare(a, b).then_with(|| a.account_id.cmp(&b.account_id)));
        self.rows.truncate(self.filter.limit);
    }

    pub(super) fn into_rows(mut self) -> Vec<AccountRow> {
        self.cut();
        self.rows
    }
}

impl Sort {
    fn compare(self, a: &AccountRow, b: &AccountRow) -> Ordering {
        match self {
            Self::MrrAtRisk => b.mrr_at_risk.total_cmp(&a.mrr_at_risk),
            Self::Risk => b.risk.unwrap_or(-1.0).total_cmp(&a.risk.unwrap_or(-1.0)),
            Self::Score => a.score.unwrap_or(f64::MAX).total_cmp(&b.score.unwrap_or(f64::MAX)),
            Self::Mrr => b.mrr_minor.cmp(&a.mrr_minor),
            Self::AccountId => Ordering::Equal,
        }
    }
}

/// The row of an account that was scored since it is here.
fn row(account: &Account) -> Option<AccountRow> {
    let share = account.share.as_ref()?;
    let profile = account.profile();
    let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    Some(AccountRow {
        account_id: account.id().to_owned(),
        name: profile.and_then(|profile| owned(&profile.name)),
        segment: profile.and_then(|profile| owned(&profile.segment)),
        plan: profile.and_then(|profile| owned(&profile.plan)),
        csm: profile.and_then(|profile| owned(&profile.csm)),
        band: share.band,
        score: share.health,
        risk: share.risk.map(|risk| risk.probability),
        level: share.risk.map(|risk| risk.level),
        mrr_minor: share.mrr_minor,
        mrr_at_risk: share.mrr_at_risk(),
        sequence: account.score.sequence(),
    })
}
