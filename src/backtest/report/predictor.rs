//! What the report compares: the score, and what it must beat.

use super::super::baselines::{Baseline, Baselines, Measure};
use super::super::points::ScoredPoint;

/// A number by which accounts can be ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Predictor {
    /// Churn risk.
    Risk,
    /// 100 - health.
    Health,
    /// A simple measure.
    Simple(Baseline),
    /// The regression on the simple measures.
    Regression,
    /// The true probability: no predictor can be expected to do better.
    Truth,
}

impl Predictor {
    /// The name in outputs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::Health => "health",
            Self::Simple(baseline) => baseline.measure.name(),
            Self::Regression => "regression",
            Self::Truth => "true_probability",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Risk => "churn risk",
            Self::Health => "health (100 - score)",
            Self::Simple(baseline) => match baseline.measure {
                Measure::DaysSinceLast => "days since last use",
                Measure::GapsSinceLast => "gaps since last use",
                Measure::MrrChange => "MRR change, 91 d",
                Measure::Events28d => "use in 28 d",
            },
            Self::Regression => "regression on these",
            Self::Truth => "true probability (ceiling)",
        }
    }

    /// Whether its values are probabilities, so that calibration means something.
    #[must_use]
    pub const fn is_probability(&self) -> bool {
        matches!(self, Self::Risk | Self::Regression | Self::Truth)
    }

    /// Whether it is neither the score nor the truth.
    #[must_use]
    pub const fn is_baseline(&self) -> bool {
        matches!(self, Self::Simple(_) | Self::Regression)
    }

    /// The value of a point; more is riskier.
    #[must_use]
    pub fn of(&self, point: &ScoredPoint, baselines: &Baselines) -> Option<f64> {
        match self {
            Self::Risk => point.risk,
            Self::Health => point.health.map(|health| 100.0 - health),
            Self::Simple(baseline) => Some(baseline.rank(&point.simple)),
            Self::Regression => baselines.risk(&point.simple),
            Self::Truth => point.true_probability,
        }
    }

    /// Those that every one of these points has.
    #[must_use]
    pub fn usable(points: &[&ScoredPoint], baselines: &Baselines) -> Vec<Self> {
        let simple = baselines.measures.iter().map(|baseline| Self::Simple(*baseline));
        let all = [Self::Risk, Self::Health].into_iter().chain(simple).chain([Self::Regression, Self::Truth]);
        all.filter(|predictor| points.iter().all(|point| predictor.of(point, baselines).is_some())).collect()
    }
}
