//! Everything that is measured of a set of points: those of all accounts, or of a segment.

use super::super::baselines::Baselines;
use super::super::points::ScoredPoint;
use super::super::quality::{Bootstrap, Flagged, Point, Quality};
use super::lead::LeadTime;
use super::predictor::Predictor;
use crate::score::{Band, Level};

/// The work that resampling may take for one predictor: points x resamples.
const RESAMPLED_POINTS: usize = 100_000_000;
/// Resamples at least: with fewer, the ends of an interval are themselves too uncertain.
const MIN_RESAMPLES: usize = 200;

/// A point of the held-out part, and the hash of its account.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Hash of the account id.
    pub account: u64,
    /// The point.
    pub point: &'a ScoredPoint,
}

/// How well one predictor foretold churn.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The predictor.
    pub predictor: Predictor,
    /// Its quality; calibration counts for probabilities only.
    pub quality: Quality,
}

/// What is flagged by a border, and what that catches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flag {
    /// `red`, `red_or_yellow`, or a level of risk and those above it.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What it catches.
    pub flagged: Flagged,
}

/// The measures of a set of points.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The segment; `None`: all accounts.
    pub segment: Option<String>,
    /// Number of points.
    pub points: u64,
    /// Number of accounts.
    pub accounts: u64,
    /// Number of points that churned.
    pub churned: u64,
    /// By predictor.
    pub rows: Vec<Row>,
    /// By band.
    pub bands: Vec<Flag>,
    /// By level of risk.
    pub levels: Vec<Flag>,
    /// Warnings before leaves.
    pub lead_time: LeadTime,
}

impl Section {
    /// Measures points; `predictors` are those that every point has.
    #[must_use]
    pub fn of(segment: Option<String>, points: &[Held<'_>], predictors: &[Predictor], baselines: &Baselines, lead_time: LeadTime) -> Self {
        let bootstrap = bootstrap(points.len());
        let row =
            |predictor: &Predictor| Row { predictor: *predictor, quality: Quality::of(&ranked(points, predictor, baselines), &bootstrap) };
        let rows: Vec<Row> = predictors.iter().map(row).collect();
        let flag = |name, title, is_flagged: &dyn Fn(&ScoredPoint) -> bool| Flag {
            name,
            title,
            flagged: Flagged::of(points.iter().map(|held| (is_flagged(held.point), held.point.churned))),
        };
        let bands = vec![
            flag("red", "red", &|point| point.band == Band::Red),
            flag("red_or_yellow", "red or yellow", &|point| matches!(point.band, Band::Red | Band::Yellow)),
        ];
        let at_least = |level: Level| move |point: &ScoredPoint| point.level.is_some_and(|own| own >= level);
        let levels = vec![
            flag("critical", "critical", &at_least(Level::Critical)),
            flag("high", "high or above", &at_least(Level::High)),
            flag("medium", "medium or above", &at_least(Level::Medium)),
        ];
        let accounts: std::collections::BTreeSet<u64> = points.iter().map(|held| held.account).collect();
        Self {
            segment,
            points: points.len() as u64,
            accounts: accounts.len() as u64,
            churned: points.iter().filter(|held| held.point.churned).count() as u64,
            rows,
            bands,
            levels: if points.iter().any(|held| held.point.level.is_some()) { levels } else { Vec::new() },
            lead_time,
        }
    }

    /// The row of the score: that of risk or, if the model has no risk, of health.
    #[must_use]
    pub fn score(&self) -> Option<&Row> {
        self.rows.first()
    }

    /// The row of the truth, if the labels tell it.
    #[must_use]
    pub fn ceiling(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.predictor == Predictor::Truth)
    }
}

/// Points as a predictor ranks them.
pub(super) fn ranked(points: &[Held<'_>], predictor: &Predictor, baselines: &Baselines) -> Vec<Point> {
    let of = |held: &Held<'_>| {
        let risk = predictor.of(held.point, baselines)?;
        Some(Point { account: held.account, risk, churned: held.point.churned })
    };
    points.iter().filter_map(of).collect()
}

/// A thousand resamples, or fewer of many points, whose intervals are narrow anyway.
fn bootstrap(points: usize) -> Bootstrap {
    let most = Bootstrap::default();
    let affordable = (RESAMPLED_POINTS / points.max(1)).max(MIN_RESAMPLES);
    Bootstrap { resamples: most.resamples.min(u32::try_from(affordable).unwrap_or(u32::MAX)), ..most }
}
