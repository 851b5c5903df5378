//! Orders of accounts in lists.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::source::AccountRow;
use crate::time::{DAY_MS, Timestamp};

/// An account needs attention for this long after its band became worse.
const ATTENTION_DAYS: i64 = 7;

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
    /// By name.
    Name,
    /// By segment.
    Segment,
    /// By plan.
    Plan,
    /// By customer success manager.
    Csm,
    /// By stage.
    Stage,
    /// Newest fall into a worse band first.
    Worsened,
    /// Whom to call first: red, yellow, unknown, green, churned; within each those whose band worsened in the last seven days; then by
    /// MRR x risk.
    Attention,
    /// Which accounts get series of their own: those whose band worsened in the last 24 h, then the watch list, then the rest; each group
    /// by MRR x risk.
    Series,
}

/// The place of an account in an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rank<T> {
    /// Accounts without a value come last, in whatever direction.
    is_present: bool,
    /// The greater comes first.
    group: u8,
    /// Within a group, the greater comes first.
    number: f64,
    /// Of equal numbers, the smaller comes first.
    text: T,
}

impl Sort {
    /// The sort orders of the API, by name.
    pub const NAMED: [(&'static str, Self); 12] = [
        ("mrr_at_risk", Self::MrrAtRisk),
        ("score", Self::Score),
        ("risk", Self::Risk),
        ("mrr", Self::Mrr),
        ("account", Self::Account),
        ("name", Self::Name),
        ("segment", Self::Segment),
        ("plan", Self::Plan),
        ("csm", Self::Csm),
        ("stage", Self::Stage),
        ("worsened", Self::Worsened),
        ("attention", Self::Attention),
    ];

    /// The rank of an account.
    #[expect(clippy::cast_precision_loss, reason = "a float is precise enough for sorting")]
    pub(super) fn rank<'a>(self, row: &AccountRow<'a>, now: Timestamp, watched: &BTreeSet<String>) -> Rank<&'a str> {
        let number = |number: Option<f64>| Rank { is_present: number.is_some(), group: 0, number: number.unwrap_or_default(), text: "" };
        let text = |text: Option<&'a str>| Rank { is_present: text.is_some(), group: 0, number: 0.0, text: text.unwrap_or_default() };
        let in_group = |group| Rank { group, ..number(Some(mrr_at_risk(row))) };
        match self {
            Self::MrrAtRisk => number(Some(mrr_at_risk(row))),
            Self::Score => number(row.score.map(|score| -score)),
            Self::Risk => number(row.risk),
            Self::Mrr => number(Some(mrr(row))),
            Self::Account => text(Some("")),
            Self::Name => text(Some(row.name.unwrap_or(row.account_id))),
            Self::Segment => text(row.segment),
            Self::Plan => text(row.plan),
            Self::Csm => text(row.csm),
            Self::Stage => text(row.stage),
            Self::Worsened => number(row.worsened_at.map(|at| at.millis() as f64)),
            Self::Attention => in_group(2 * urgency(row.band) + u8::from(has_worsened(row.worsened_at, now, ATTENTION_DAYS))),
            Self::Series if has_worsened(row.worsened_at, now, 1) => in_group(2),
            Self::Series => in_group(u8::from(watched.contains(row.account_id))),
        }
    }
}

/// A churned account has nobody left to call.
fn urgency(band: &str) -> u8 {
    match band {
        "red" => 4,
        "yellow" => 3,
        "unknown" => 2,
        "green" => 1,
        _ => 0,
    }
}

/// Whether a band became worse in the last so many days.
pub(super) fn has_worsened(at: Option<Timestamp>, now: Timestamp, days: i64) -> bool {
    at.is_some_and(|at| now.since(at) <= days * DAY_MS)
}

#[expect(clippy::cast_precision_loss, reason = "a float is precise enough for sorting")]
fn mrr(row: &AccountRow<'_>) -> f64 {
    row.mrr_minor.unwrap_or(0) as f64
}

fn mrr_at_risk(row: &AccountRow<'_>) -> f64 {
    mrr(row) * row.risk.unwrap_or(0.0)
}

impl Rank<&str> {
    /// The same with a copy of the text.
    pub(super) fn owned(self) -> Rank<Box<str>> {
        Rank { is_present: self.is_present, group: self.group, number: self.number, text: self.text.into() }
    }
}

impl Rank<Box<str>> {
    /// The same without a copy of the text.
    pub(super) fn borrowed(&self) -> Rank<&str> {
        Rank { is_present: self.is_present, group: self.group, number: self.number, text: &self.text }
    }
}

/// `Less` when the first account comes first. `reversed` turns the order around, apart from accounts without a value and from ties.
pub(super) fn order(a: (Rank<&str>, &str), b: (Rank<&str>, &str), reversed: bool) -> Ordering {
    let ((a, a_id), (b, b_id)) = (a, b);
    let by_value = b.group.cmp(&a.group).then(b.number.total_cmp(&a.number)).then_with(|| a.text.cmp(b.text));
    let by_value = if reversed { by_value.reverse() } else { by_value };
    b.is_present.cmp(&a.is_present).then(by_value).then_with(|| a_id.cmp(b_id))
}
