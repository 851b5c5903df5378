//! Simple measures that a score must beat, and a logistic regression on them: what a team would have without churnwatch.

use super::fit::{Design, Logistic, fit_logistic};
use super::points::{ScoredPoint, Simple};

/// Keeps the regression determined if a measure never varies; too small to matter otherwise.
const RIDGE: f64 = 1e-6;

/// A simple measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Days since the last activity.
    DaysSinceLast,
    /// Usual gaps since the last activity.
    GapsSinceLast,
    /// Change of MRR in 91 days.
    MrrChange,
    /// Feature uses in 28 days.
    Events28d,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DaysSinceLast, Self::GapsSinceLast, Self::MrrChange, Self::Events28d];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DaysSinceLast => "days_since_last",
            Self::GapsSinceLast => "gaps_since_last",
            Self::MrrChange => "mrr_change_91d",
            Self::Events28d => "events_28d",
        }
    }

    /// The value of a point; `None` if it is absent.
    #[must_use]
    pub fn of(self, simple: &Simple) -> Option<f64> {
        let value = match self {
            Self::DaysSinceLast => simple.days_since_last,
            Self::GapsSinceLast => simple.gaps_since_last,
            Self::MrrChange => simple.mrr_change,
            Self::Events28d => simple.events_28d,
        };
        (!value.is_nan()).then_some(f64::from(value))
    }

    /// 1 if more of it means more risk, else -1.
    const fn sign(self) -> f64 {
        match self {
            Self::DaysSinceLast | Self::GapsSinceLast => 1.0,
            Self::MrrChange | Self::Events28d => -1.0,
        }
    }

    /// The same on a scale on which equal steps mean about equal things: counts and times by their logarithm. A change of MRR may be
    /// negative and stays as it is.
    fn scaled(self, value: f64) -> f64 {
        if self == Self::MrrChange { value } else { value.max(0.0).ln_1p() }
    }
}

/// A measure, with what stands for a point that lacks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// The measure.
    pub measure: Measure,
    /// Its median in the earlier part.
    pub median: f64,
    mean: f64,
    deviation: f64,
}

/// The measures that the history has, and the regression on them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baselines {
    /// Those that at least one point of the earlier part has.
    pub measures: Vec<Baseline>,
    /// `None` if it cannot be fitted, as when nobody left in the earlier part.
    regression: Option<Logistic>,
}

impl Baseline {
    fn of<'a>(measure: Measure, points: impl Iterator<Item = &'a ScoredPoint>) -> Option<Self> {
        let mut values: Vec<f64> = points.filter_map(|point| measure.of(&point.simple)).collect();
        values.sort_by(f64::total_cmp);
        let median = *values.get(values.len() / 2)?;
        let scaled: Vec<f64> = values.iter().map(|value| measure.scaled(*value)).collect();
        let n = scaled.len() as f64;
        let mean = scaled.iter().sum::<f64>() / n;
        let variance = scaled.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        Some(Self { measure, median, mean, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } })
    }

    /// The value of a point, turned so that more is riskier. A point without a value ranks in the middle.
    #[must_use]
    pub fn rank(&self, simple: &Simple) -> f64 {
        self.measure.sign() * self.measure.of(simple).unwrap_or(self.median)
    }

    fn standardised(&self, simple: &Simple) -> f64 {
        let value = self.measure.of(simple).unwrap_or(self.median);
        (self.measure.scaled(value) - self.mean) / self.deviation
    }
}

impl Baselines {
    /// Learns medians, scales and the regression from the earlier part of a history. Without one, medians are those of the points to
    /// judge: they hold nothing of what became of them.
    #[must_use]
    pub fn learn(points: &[&ScoredPoint], to_judge: &[&ScoredPoint]) -> Self {
        let known = if points.is_empty() { to_judge } else { points };
        let measures: Vec<Baseline> = Measure::ALL.into_iter().filter_map(|measure| Baseline::of(measure, known.iter().copied())).collect();
        let mut design = Design::new(measures.len());
        for point in points {
            design.push(measures.iter().map(|baseline| baseline.standardised(&point.simple)));
        }
        let churned: Vec<bool> = points.iter().map(|point| point.churned).collect();
        let regression = if measures.is_empty() { None } else { fit_logistic(&design, &churned, RIDGE).ok() };
        Self { measures, regression }
    }

    /// The probability of churn by the regression.
    #[must_use]
    pub fn risk(&self, simple: &Simple) -> Option<f64> {
        let row: Vec<f64> = self.measures.iter().map(|baseline| baseline.standardised(simple)).collect();
        self.regression.as_ref().map(|regression| regression.risk(&row))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::point;
    use super::*;

    #[test]
    fn more_days_less_use_and_shrinking_revenue_are_riskier() {
        let simple =
            |days, change, events| Simple { days_since_last: days, gaps_since_last: f32::NAN, mrr_change: change, events_28d: events };
        let points: Vec<ScoredPoint> = [(1.0, 0.1, 90.0), (5.0, 0.0, 50.0), (30.0, -0.4, 0.0)]
            .map(|(days, change, events)| ScoredPoint { simple: simple(days, change, events), ..point(0, false) })
            .into();
        let baselines = Baselines::learn(&points.iter().collect::<Vec<_>>(), &[]);
        assert_eq!(
            baselines.measures.iter().map(|baseline| baseline.measure.name()).collect::<Vec<_>>(),
            ["days_since_last", "mrr_change_91d", "events_28d"]
        );
        for baseline in &baselines.measures {
            let ranks: Vec<f64> = points.iter().map(|point| baseline.rank(&point.simple)).collect();
            assert!(ranks.is_sorted() && ranks[0] < ranks[2], "{ranks:?}");
            let absent = baseline.rank(&simple(f32::NAN, f32::NAN, f32::NAN));
            assert!((absent - ranks[1]).abs() < 1e-9, "{absent}");
        }
        assert_eq!(baselines.risk(&points[0].simple), None, "nobody left, so there is nothing to learn from");
    }

    #[test]
    fn the_regression_separates_shrinking_from_growing_accounts() {
        let of = |change: f32, churned| ScoredPoint {
            simple: Simple { days_since_last: f32::NAN, gaps_since_last: f32::NAN, mrr_change: change, events_28d: f32::NAN },
            ..point(0, churned)
        };
        // Among shrinking accounts two of three leave, among growing ones one of three.
        let points = [of(-0.5, true), of(-0.5, true), of(-0.5, false), of(0.5, true), of(0.5, false), of(0.5, false)];
        let baselines = Baselines::learn(&points.iter().collect::<Vec<_>>(), &[]);
        let risks = [&points[0], &points[5]].map(|point| baselines.risk(&point.simple).unwrap());
        assert!((risks[0] - 2.0 / 3.0).abs() < 1e-3 && (risks[1] - 1.0 / 3.0).abs() < 1e-3, "{risks:?}");
    }
}
