//! Churn risk within the horizon: a logistic model over component scores, 0..=1, higher is worse.

use super::contribution::ComponentScore;
use super::model::{Levels, RiskModel};

/// A level of risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Below `medium`.
    Low,
    /// From `medium` on.
    Medium,
    /// From `high` on.
    High,
    /// From `critical` on.
    Critical,
}

impl Level {
    /// Every level, ascending.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in outputs and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level of a probability.
    #[must_use]
    pub fn of(probability: f64, levels: &Levels) -> Self {
        match probability {
            p if p < levels.medium => Self::Low,
            p if p < levels.high => Self::Medium,
            p if p < levels.critical => Self::High,
            _ => Self::Critical,
        }
    }
}

/// Churn risk and its level.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Risk {
    /// 0..=1; an index, not a probability, until the model is calibrated.
    pub probability: f64,
    /// Its level.
    pub level: Level,
}

/// p = 1 / (1 + e^-z) with z = intercept + k x sum(coefficient x (score - 50) / 50) over the present components and
/// k = sum of all |coefficient| / sum of present |coefficient|; then raised to `floor`. `None` if no component with a coefficient is
/// present.
pub(super) fn of(components: &[ComponentScore<'_>], floor: Option<f64>, model: &RiskModel) -> Option<Risk> {
    let term = |part: &ComponentScore<'_>| (part.component.coefficient.abs(), part.component.coefficient * (part.score - 50.0) / 50.0);
    of_terms(components.iter().map(term), floor, model)
}

/// The same from pairs of coefficient and input, (score - 50) / 50, of the present components.
#[must_use]
pub fn risk_of_inputs(inputs: impl Iterator<Item = (f64, f64)>, floor: Option<f64>, model: &RiskModel) -> Option<Risk> {
    of_terms(inputs.map(|(coefficient, input)| (coefficient.abs(), coefficient * input)), floor, model)
}

/// From pairs of |coefficient| and coefficient x input.
fn of_terms(terms: impl Iterator<Item = (f64, f64)>, floor: Option<f64>, model: &RiskModel) -> Option<Risk> {
    let (mut present, mut sum) = (0.0, 0.0);
    for (coefficient, term) in terms {
        present += coefficient;
        sum += term;
    }
    if present <= 0.0 {
        return None;
    }
    let z = model.intercept + model.total / present * sum;
    let probability = (1.0 / (1.0 + (-z).exp())).max(floor.unwrap_or(0.0));
    Some(Risk { probability, level: Level::of(probability, &model.levels) })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Account, model};
    use super::*;
    use crate::metric::Metric;

    const RISK: &str = r#"
        [[rule]]
        name = "leaving"
        when = "revenue.cancel_scheduled >= 1"
        risk_at_least = 0.6
        [risk]
        intercept = -1.2
        coefficients = { days = -0.9, nps = -0.6 }
    "#;

    fn probability(account: &Account) -> Option<f64> {
        account.assessed_by(&model(RISK)).risk.map(|risk| risk.probability)
    }

    fn logistic(z: f64) -> f64 {
        1.0 / (1.0 + (-z).exp())
    }

    fn close(one: Option<f64>, other: f64) -> bool {
        one.is_some_and(|one| (one - other).abs() < 1e-12)
    }

    #[test]
    fn risk_is_logistic_in_the_scores_around_50() {
        assert!(close(probability(&Account::scoring(50.0, 0.0, 50.0)), logistic(-1.2)));
        assert!(close(probability(&Account::scoring(100.0, 0.0, 0.0)), logistic(-1.2 - 0.9 + 0.6)));
        assert!(close(probability(&Account::scoring(20.0, 90.0, 75.0)), logistic(-1.2 + 0.9 * 0.6 - 0.6 * 0.5)));
    }

    #[test]
    fn the_remaining_coefficients_are_scaled_up_but_not_the_intercept() {
        assert!(close(probability(&Account::scoring(20.0, 90.0, None)), logistic(-1.2 + 1.5 / 0.9 * 0.9 * 0.6)));
        assert!(close(probability(&Account::scoring(None, 90.0, 75.0).with(Metric::Sessions28d, 10.0, None)), logistic(-1.2 - 1.5 * 0.5)));
    }

    #[test]
    fn risk_needs_a_score_and_a_component_with_a_coefficient() {
        assert_eq!(probability(&Account::scoring(None, None, 75.0)), None);
        assert_eq!(probability(&Account::scoring(None, 90.0, None)), None);
        assert_eq!(probability(&Account::scoring(None, 90.0, None).with(Metric::CancelScheduled, 1.0, None)), None);
        assert_eq!(Account::scoring(90.0, 90.0, 90.0).assessed_by(&model("")).risk, None);
    }

    #[test]
    fn a_rule_in_force_sets_a_floor() {
        let leaving = |score| Account::scoring(score, 0.0, score).with(Metric::CancelScheduled, 1.0, None);
        assert_eq!(probability(&leaving(100.0)), Some(0.6));
        assert!(close(probability(&leaving(0.0)), logistic(-1.2 + 1.5).max(0.6)));
    }

    #[test]
    fn a_level_begins_at_its_border() {
        let levels = Levels::default();
        let table = [
            (0.0, Level::Low),
            (0.0999, Level::Low),
            (0.1, Level::Medium),
            (0.3, Level::High),
            (0.5999, Level::High),
            (0.6, Level::Critical),
            (1.0, Level::Critical),
        ];
        for (probability, level) in table {
            assert_eq!(Level::of(probability, &levels), level, "{probability}");
        }
    }
}
