//! The portfolio on each of the last 91 dates, at their beginning: the money from billing facts, health and risk as they were scored then.
//!
//! Nothing of it is stored. A late snapshot corrects the past, a deleted account has none, and a restart changes nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Scope;
use super::additive::{Additive, Sign, additive};
use crate::account::Account;
use crate::score::{Band, History, RISK_DATES, model::Bands};
use crate::settings::Settings;
use crate::time::{Date, Timestamp, Zone};

/// Retention on a date compares with this many days before.
const RETENTION_DAYS: usize = 28;
/// Risks are added up in these steps: sums of whole numbers do not depend on their order.
const RISK_STEPS: f64 = 250.0;
const HEALTH_STEPS: f64 = 10.0;
/// A date shows the scores of this many days before it as well: while a task catches up, it scores an account every few dates.
const SCORED_WITHIN_DAYS: i32 = 7;

/// The dates of a history, and as many before them as retention looks back.
#[derive(Clone, Debug)]
pub struct HistoryDates {
    /// Ascending.
    dates: Vec<Date>,
    starts: Vec<Timestamp>,
}

impl HistoryDates {
    /// The dates up to that of `now`.
    #[must_use]
    pub fn until(now: Timestamp, zone: &Zone) -> Self {
        let dates: Vec<Date> = zone.date_of(now).and_before(RISK_DATES + RETENTION_DAYS).collect();
        let starts = dates.iter().map(|date| zone.start_of(*date)).collect();
        Self { dates, starts }
    }

    fn shown(&self) -> &[Date] {
        self.dates.get(RETENTION_DAYS..).unwrap_or_default()
    }
}

/// Sums over accounts at the beginning of a date. MRR is in minor units of the reporting currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Day {
    /// Accounts with a record of billing by then.
    billed: u64,
    paying: u64,
    mrr: i128,
    /// Accounts with a score, by the band of the score alone.
    green: u64,
    yellow: u64,
    red: u64,
    /// Sum of scores.
    health: i128,
    /// Accounts with a risk.
    risky: u64,
    /// Paying accounts with a score.
    paying_scored: u64,
    /// Sum of MRR x risk.
    at_risk: i128,
    /// Accounts that paid [`RETENTION_DAYS`] before, what they paid then ..
    paid_before: u64,
    mrr_before: i128,
    /// .. those of them that no longer pay ..
    lost: u64,
    /// .. what they pay now, and the part of it that they paid before.
    mrr_since: i128,
    mrr_kept: i128,
}

additive!(Day {
    billed,
    paying,
    mrr,
    green,
    yellow,
    red,
    health,
    risky,
    paying_scored,
    at_risk,
    paid_before,
    mrr_before,
    lost,
    mrr_since,
    mrr_kept
});

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Days(Vec<Day>);

impl Additive for Days {
    fn merge(&mut self, other: &Self, sign: Sign) {
        self.0.resize_with(other.0.len(), Day::default);
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| own.merge(other, sign));
    }
}

/// The history of some accounts, by scope.
#[derive(Clone, Debug)]
pub struct PortfolioHistory {
    dates: HistoryDates,
    /// Maximum number of scopes; those that sort last are dropped.
    scopes_max: usize,
    scopes: BTreeMap<Scope, Days>,
}

/// The course of each figure; `null` where it has no value, or fewer than four in five paying accounts had a score. Money is in minor units of the reporting currency.
#[derive(Serialize)]
struct Line<'a> {
    scope: &'a Scope,
    from: Option<String>,
    to: Option<String>,
    series: Series,
}

#[derive(Serialize)]
struct Series {
    mrr: Vec<Option<i128>>,
    accounts_present: Vec<Option<u64>>,
    mrr_at_risk: Vec<Option<f64>>,
    health_mean: Vec<Option<f64>>,
    green: Vec<Option<u64>>,
    yellow: Vec<Option<u64>>,
    red: Vec<Option<u64>>,
    nrr: Vec<Option<f64>>,
    grr: Vec<Option<f64>>,
    lost_accounts: Vec<Option<u64>>,
    churn: Vec<Option<f64>>,
}

impl PortfolioHistory {
    /// No account yet.
    #[must_use]
    pub const fn new(dates: HistoryDates, scopes_max: usize) -> Self {
        Self { dates, scopes_max, scopes: BTreeMap::new() }
    }

    /// Adds an account, with its billing at `billing_t`, which lags behind the present while billing is stale.
    pub fn add_account(&mut self, account: &Account, history: &History, billing_t: Timestamp, settings: &Settings) {
        let ledger = account.billing().ledger(&settings.money);
        let mrr: Vec<i64> = self.dates.starts.iter().map(|start| ledger.mrr_at((*start).min(billing_t))).collect();
        let pairs = mrr.iter().zip(mrr.iter().skip(RETENTION_DAYS)).zip(self.dates.shown());
        let first = account.billing().first_record_at();
        let starts = self.dates.starts.iter().skip(RETENTION_DAYS);
        let day = |(((before, now), date), start): (((&i64, &i64), &Date), &Timestamp)| Day {
            billed: u64::from(first.is_some_and(|first| first <= *start)),
            ..Day::of(*before, *now, *date, history, &settings.model.bands)
        };
        let days = Days(pairs.zip(starts).map(day).collect());
        for scope in Scope::of(account) {
            self.scopes.entry(scope).or_default().add(&days);
            if self.scopes.len() > self.scopes_max {
                self.scopes.pop_last();
            }
        }
    }

    /// The history of a scope as JSON; `None` if no account is in it. That of all accounts is always there.
    #[must_use]
    pub fn line(&self, scope: &Scope) -> Option<serde_json::Value> {
        let dates = self.dates.shown();
        let none = || (*scope == Scope::All).then(|| Days(vec![Day::default(); dates.len()]));
        let days = self.scopes.get(scope).cloned().or_else(none)?;
        let end = |date: Option<&Date>| date.map(ToString::to_string);
        let line = Line { scope, from: end(dates.first()), to: end(dates.last()), series: Series::of(&days.0) };
        serde_json::to_value(line).ok()
    }
}

impl Day {
    #[expect(clippy::cast_possible_truncation, reason = "a share of at most a hundred, in steps")]
    fn of(before: i64, now: i64, date: Date, history: &History, bands: &Bands) -> Self {
        let scored = history.newest_within(date.minus(SCORED_WITHIN_DAYS), date);
        let (score, risk) = (scored.map(|(score, _)| score), scored.and_then(|(_, risk)| risk));
        let band = score.map(|score| Band::plain(score, bands));
        let is = |wanted| u64::from(band == Some(wanted));
        let paid_before = before > 0;
        let of_them = |minor: i64| if paid_before { i128::from(minor) } else { 0 };
        Self {
            billed: 0,
            paying: u64::from(now > 0),
            mrr: now.into(),
            green: is(Band::Green),
            yellow: is(Band::Yellow),
            red: is(Band::Red),
            health: score.map_or(0, |score| (score * HEALTH_STEPS).round() as i128),
            risky: u64::from(risk.is_some()),
            paying_scored: u64::from(now > 0 && score.is_some()),
            at_risk: risk.map_or(0, |risk| (risk * RISK_STEPS).round() as i128 * i128::from(now)),
            paid_before: u64::from(paid_before),
            mrr_before: of_them(before),
            lost: u64::from(paid_before && now <= 0),
            mrr_since: of_them(now),
            mrr_kept: of_them(now.min(before)),
        }
    }

    const fn scored(&self) -> u64 {
        self.green + self.yellow + self.red
    }

    /// Whether enough paying accounts had a score for a sum over the scores to be one of the portfolio.
    const fn is_scored(&self) -> bool {
        self.scored() > 0 && 5 * self.paying_scored >= 4 * self.paying
    }
}

impl Series {
    #[expect(clippy::cast_precision_loss, reason = "for drawing")]
    fn of(days: &[Day]) -> Self {
        fn each<T>(days: &[Day], value: impl Fn(&Day) -> T) -> Vec<T> {
            days.iter().map(value).collect()
        }
        let ratio = |part: i128, whole: i128| (whole > 0).then(|| part as f64 / whole as f64);
        let scored = |count: fn(&Day) -> u64| move |day: &Day| day.is_scored().then(|| count(day));
        Self {
            mrr: each(days, |day| (day.billed > 0).then_some(day.mrr)),
            accounts_present: each(days, |day| (day.billed > 0).then_some(day.paying)),
            mrr_at_risk: each(days, |day| (day.risky > 0 && day.is_scored()).then(|| day.at_risk as f64 / RISK_STEPS)),
            health_mean: each(days, |day| {
                ratio(day.health, day.scored().into()).filter(|_| day.is_scored()).map(|mean| mean / HEALTH_STEPS)
            }),
            green: each(days, scored(|day| day.green)),
            yellow: each(days, scored(|day| day.yellow)),
            red: each(days, scored(|day| day.red)),
            nrr: each(days, |day| ratio(day.mrr_since, day.mrr_before)),
            grr: each(days, |day| ratio(day.mrr_kept, day.mrr_before)),
            lost_accounts: each(days, |day| (day.paid_before > 0).then_some(day.lost)),
            churn: each(days, |day| ratio(day.lost.into(), day.paid_before.into())),
        }
    }
}
