//! What each component foretold on its own.

use serde::Serialize;

use super::super::fit::Fit;
use super::super::quality::{Interval, Point, auc};
use super::section::Held;
use crate::score::Model;

/// One component on its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComponentAlone {
    /// Its name.
    pub component: String,
    /// Number of points in which it is present.
    pub present: u64,
    /// AUC of its score alone, the lowest score as the riskiest; below 0.5 it points the wrong way.
    pub auc: Option<f64>,
    /// Its mean score before churn.
    pub mean_before_churn: Option<f64>,
    /// Its mean score otherwise.
    pub mean_otherwise: Option<f64>,
    /// Its coefficient; with a fit.
    pub coefficient: Option<f64>,
    /// The odds of churn with ten points of score more, relative to those without; with a fit.
    pub odds_ratio: Option<f64>,
    /// Its 95 % interval.
    pub odds_ratio_interval: Option<Interval>,
}

impl ComponentAlone {
    /// Every component of a model.
    #[must_use]
    pub fn all(model: &Model, points: &[Held<'_>], fit: Option<&Fit>) -> Vec<Self> {
        let of = |(place, name): (usize, &str)| {
            let coefficient = fit.and_then(|fit| fit.coefficients.get(place));
            Self {
                coefficient: coefficient.map(|coefficient| coefficient.value),
                odds_ratio: coefficient.map(|coefficient| coefficient.odds_ratio),
                odds_ratio_interval: coefficient.and_then(|coefficient| coefficient.odds_ratio_interval),
                ..Self::of(name, place, points)
            }
        };
        model.components.iter().map(|component| component.name.as_str()).enumerate().map(of).collect()
    }

    fn of(name: &str, place: usize, points: &[Held<'_>]) -> Self {
        let input = |held: &Held<'_>| {
            let input = held.point.inputs.get(place).copied().filter(|input| !input.is_nan())?;
            Some(Point { account: held.account, risk: -input, churned: held.point.churned })
        };
        let ranked: Vec<Point> = points.iter().filter_map(input).collect();
        let mean = |churned: bool| {
            let scores: Vec<f64> = ranked.iter().filter(|point| point.churned == churned).map(|point| 50.0 - 50.0 * point.risk).collect();
            (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
        };
        Self {
            component: name.to_owned(),
            present: ranked.len() as u64,
            auc: auc(&ranked),
            mean_before_churn: mean(true),
            mean_otherwise: mean(false),
            coefficient: None,
            odds_ratio: None,
            odds_ratio_interval: None,
        }
    }
}
