//! The risk of the service as a function of its coefficients.

use super::logistic::sigmoid;
use crate::score::Model;

/// risk = 1 / (1 + e^-z), z = intercept + k sum(c x) over the components present, with k = sum of all |c| / sum of present |c|: what
/// `score/risk.rs` computes, before rules.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskFunction {
    /// Log-odds of an account with every component at 50.
    pub intercept: f64,
    /// By component, in file order; 0: the component has no part in risk.
    pub coefficients: Vec<f64>,
}

impl RiskFunction {
    /// That of a model.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let coefficients = model.components.iter().map(|component| component.coefficient).collect();
        Self { intercept: model.risk.intercept, coefficients }
    }

    /// z; `None` if no component with a coefficient is present.
    #[must_use]
    pub fn log_odds(&self, inputs: &[Option<f64>]) -> Option<f64> {
        let total: f64 = self.coefficients.iter().map(|coefficient| coefficient.abs()).sum();
        let (mut present, mut sum) = (0.0, 0.0);
        for (coefficient, input) in self.coefficients.iter().zip(inputs) {
            if let Some(input) = input {
                present += coefficient.abs();
                sum += coefficient * input;
            }
        }
        (present > 0.0).then(|| self.intercept + total / present * sum)
    }

    /// Churn risk, 0..=1, before rules.
    #[must_use]
    pub fn risk(&self, inputs: &[Option<f64>]) -> Option<f64> {
        self.log_odds(inputs).map(sigmoid)
    }

    /// The same with log-odds `shift` + `slope` z. As k does not depend on the scale of the coefficients, these are again a function of
    /// this form.
    #[must_use]
    pub fn rescaled(&self, shift: f64, slope: f64) -> Self {
        Self {
            intercept: shift + slope * self.intercept,
            coefficients: self.coefficients.iter().map(|coefficient| slope * coefficient).collect(),
        }
    }

    /// The same with six decimals.
    #[must_use]
    pub fn rounded(&self) -> Self {
        Self { intercept: round(self.intercept), coefficients: self.coefficients.iter().copied().map(round).collect() }
    }
}

/// A number with six decimals. Models are written with these, so that platforms whose logarithms differ in the last digit write the same,
/// and judged with them.
pub(super) fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> RiskFunction {
        RiskFunction { intercept: -1.2, coefficients: vec![-0.9, -0.6, 0.0] }
    }

    fn close(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-12)
    }

    #[test]
    fn the_coefficients_present_are_scaled_up_for_those_absent() {
        assert!(close(function().log_odds(&[Some(-0.6), Some(0.8), None]), -1.2 + 0.9 * 0.6 - 0.6 * 0.8));
        assert!(close(function().log_odds(&[Some(-0.6), None, Some(1.0)]), -1.2 + 1.5 / 0.9 * 0.9 * 0.6));
        assert!(close(function().risk(&[None, Some(0.0), None]), sigmoid(-1.2)));
    }

    #[test]
    fn there_is_no_risk_without_a_component_that_has_a_coefficient() {
        assert_eq!((function().risk(&[None, None, Some(1.0)]), function().risk(&[])), (None, None));
    }

    #[test]
    fn rescaling_acts_on_log_odds() {
        let inputs = [Some(-0.6), None, None];
        let z = function().log_odds(&inputs).unwrap();
        assert!(close(function().rescaled(0.3, 0.5).log_odds(&inputs), 0.3 + 0.5 * z));
    }
}
