//! Turns the scorings of a history into points.

use std::collections::{BTreeMap, HashMap};

use super::example::Example;
use super::labels::Labels;
use super::points::{AccountPast, Past, ScoredPoint, Simple};
use super::schedule::{Schedule, Takes};
use crate::account::Account;
use crate::engine::ScoredAccount;
use crate::event::Stream;
use crate::metric::{Metric, Metrics, MovementKind};
use crate::score::{Model, scores};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

/// What points are made of.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The settings, with the model.
    pub settings: &'a Settings,
    /// The scorings.
    pub schedule: &'a Schedule,
    /// What became of accounts; `None`: billing tells.
    pub labels: Option<&'a Labels>,
    /// Whether points keep the values of all metrics, for a fit: it looks for leaks in them, and suggests curves.
    pub keeps_values: bool,
}

/// Collects the scorings of some accounts.
#[derive(Debug)]
pub struct Collector<'a> {
    basis: Basis<'a>,
    accounts: HashMap<Box<str>, AccountPast>,
    segments: Vec<Box<str>>,
}

impl<'a> Collector<'a> {
    /// Nothing collected yet.
    #[must_use]
    pub fn new(basis: Basis<'a>) -> Self {
        Self { basis, accounts: HashMap::new(), segments: Vec::new() }
    }

    /// Takes in one scoring; `place` is its index in the schedule.
    pub fn see(&mut self, place: usize, scored: &ScoredAccount<'_, '_>) {
        let Some(scoring) = self.basis.schedule.scorings.get(place) else { return };
        let id = scored.account.id();
        let outcome = match (scoring.takes, self.basis.labels) {
            (Takes::Labelled, Some(Labels::Points(points))) => points.get(&scoring.t).and_then(|rows| rows.get(id)).copied(),
            _ => None,
        };
        let is_point = outcome.is_some() || scoring.takes == Takes::Everyone && self.is_alive(scoring.t, scored);
        let segment = is_point.then(|| self.segment(scored.account)).flatten();
        let model = &self.basis.settings.model;
        if !self.accounts.contains_key(id) {
            self.accounts.insert(id.into(), AccountPast::default());
        }
        let Some(past) = self.accounts.get_mut(id) else { return };
        past.see_band(scoring.t, scored.status.band);
        if scoring.scores_everyone {
            past.health.extend(u16::try_from(place).ok().zip(scored.status.score.map(single)));
        }
        if is_point {
            let mut point = point(scoring.t, segment, scored, model);
            if self.basis.keeps_values {
                point.values = values(scored.metrics);
            }
            let churned = outcome.is_some_and(|outcome| outcome.churned);
            past.points.push(ScoredPoint { churned, true_probability: outcome.and_then(|outcome| outcome.true_probability), ..point });
        }
    }

    /// Whether an account can leave after an instant: by billing, while it pays; by dates of leaving, before the first, and between two of
    /// them once it has been active again.
    fn is_alive(&self, t: Timestamp, scored: &ScoredAccount<'_, '_>) -> bool {
        let pays = scored.metrics.whole_number(Metric::Mrr).is_some_and(|mrr| mrr > 0);
        let has_billing = *self.basis.settings.configured.of(Stream::Billing);
        let Some(Labels::Leaves(leaves)) = self.basis.labels else { return pays };
        if has_billing && !pays {
            return false;
        }
        let dates = leaves.get(scored.account.id()).map_or(&[][..], Vec::as_slice);
        let (past, future) = dates.split_at(dates.partition_point(|left| *left <= t));
        match past.last() {
            None => true,
            Some(_) if future.is_empty() => false,
            Some(left) => has_billing || scored.account.usage().last_activity().is_some_and(|active| active > *left),
        }
    }

    fn segment(&mut self, account: &Account) -> Option<u16> {
        let name = account.profile()?.segment.as_deref()?;
        let known = self.segments.iter().position(|segment| **segment == *name);
        let place = known.unwrap_or_else(|| {
            self.segments.push(name.into());
            self.segments.len() - 1
        });
        u16::try_from(place).ok()
    }
}

impl Past {
    /// Everything that the collectors have collected. `leaves` are the dates on which accounts left, by account id.
    #[must_use]
    pub fn of(collectors: Vec<Collector<'_>>, mut leaves: impl FnMut(&str) -> Vec<Timestamp>, horizon_days: u32) -> Self {
        let horizon_ms = i64::from(horizon_days) * DAY_MS;
        let mut names: Vec<Box<str>> = collectors.iter().flat_map(|collector| collector.segments.iter().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        let mut accounts = BTreeMap::new();
        for Collector { accounts: collected, segments, basis } in collectors {
            let is_labelled = matches!(basis.labels, Some(Labels::Points(_)));
            let place_of = |place: u16| names.binary_search(segments.get(usize::from(place))?).ok().and_then(|place| place.try_into().ok());
            for (id, mut past) in collected {
                past.leaves = leaves(&id);
                let within: Vec<bool> = past.points.iter().map(|point| past.leaves_within(point.t, horizon_ms)).collect();
                for (point, leaves) in past.points.iter_mut().zip(within) {
                    point.segment = point.segment.and_then(place_of);
                    point.churned = if is_labelled { point.churned } else { leaves };
                }
                accounts.insert(id, past);
            }
        }
        Self { accounts, segments: names }
    }
}

/// Every date up to `t` on which MRR fell to 0. What comes back within the movement window never left.
#[must_use]
pub fn leaves_by_billing(account: &Account, t: Timestamp, settings: &Settings) -> Vec<Timestamp> {
    let ledger = account.billing().ledger(&settings.money);
    ledger.movements(Timestamp::MIN, t).filter(|movement| movement.kind == MovementKind::Churn).map(|movement| movement.at).collect()
}

fn point(t: Timestamp, segment: Option<u16>, scored: &ScoredAccount<'_, '_>, model: &Model) -> ScoredPoint {
    let ScoredAccount { metrics, assessment, status, .. } = *scored;
    ScoredPoint {
        t,
        segment,
        band: status.band,
        health: status.score,
        risk: status.risk.map(|risk| risk.probability),
        level: status.risk.map(|risk| risk.level),
        risk_floor: assessment.risk_floor(),
        simple: Simple::of(metrics),
        inputs: inputs(assessment.profile, metrics, model),
        values: Box::default(),
        churned: false,
        true_probability: None,
    }
}

/// Of every component of the account's profile, also of those that no coefficient has been found for yet.
fn inputs(profile: u8, metrics: &Metrics, model: &Model) -> Box<[f64]> {
    scores(model, profile, metrics).into_iter().map(|score| score.map_or(f64::NAN, Example::input)).collect()
}

/// By [`Metric::index`].
fn values(metrics: &Metrics) -> Box<[f32]> {
    Metric::ALL.iter().map(|metric| metrics.number(*metric).map_or(f32::NAN, single)).collect()
}

impl Simple {
    fn of(metrics: &Metrics) -> Self {
        let number = |metric: Metric| metrics.number(metric).map_or(f32::NAN, single);
        let has_usage = metrics.get(Metric::Events28d).is_some();
        let tenure = if has_usage { number(Metric::TenureDays) } else { f32::NAN };
        Self {
            days_since_last: metrics.number(Metric::DaysSinceLast).map_or(tenure, single),
            gaps_since_last: number(Metric::GapsSinceLast),
            mrr_change: number(Metric::MrrGrowth91d) - 1.0,
            events_28d: number(Metric::Events28d),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits are enough to rank accounts and to draw a line")]
const fn single(value: f64) -> f32 {
    value as f32
}
