//! Calibration: log-odds are shifted and stretched until risks agree with what happened to accounts that coefficients were not fitted to.
//!
//! Platt, "Probabilistic outputs for support vector machines" (1999): a logistic regression of the outcome on z. Its targets are
//! (c + 1)/(c + 2) and 1/(k + 2) for c that churned and k that stayed rather than 1 and 0, so that few points cannot be certain.

use super::logistic::{Design, Failure, fit_targets, sigmoid};

/// The least slope: below, the order of risks would be lost or turned around.
pub const MIN_SLOPE: f64 = 0.01;

/// Calibrated log-odds = shift + slope x log-odds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Calibration {
    /// Added to log-odds.
    pub shift: f64,
    /// Multiplies log-odds; 1 leaves them alone, below 1 they were too extreme.
    pub slope: f64,
}

impl Calibration {
    /// Leaves risks alone.
    pub const NONE: Self = Self { shift: 0.0, slope: 1.0 };

    /// The calibration of pairs (log-odds, churned).
    ///
    /// # Errors
    /// Without both outcomes.
    pub fn of(points: &[(f64, bool)]) -> Result<Self, Failure> {
        let churned = points.iter().filter(|(_, churned)| *churned).count();
        let stayed = points.len() - churned;
        if churned == 0 || stayed == 0 {
            return Err(Failure::OneClass);
        }
        let high = (churned as f64 + 1.0) / (churned as f64 + 2.0);
        let low = 1.0 / (stayed as f64 + 2.0);
        let targets: Vec<f64> = points.iter().map(|(_, churned)| if *churned { high } else { low }).collect();
        let mut design = Design::new(1);
        for (z, _) in points {
            design.push([*z]);
        }
        let slope = match fit_targets(&design, &targets, 0.0) {
            Ok(found) => found.coefficients.first().map(|slope| Self { shift: found.intercept, slope: *slope }),
            Err(Failure::Singular { .. }) => None, // all log-odds are equal: only their level can be calibrated
            Err(failure) => return Err(failure),
        };
        Ok(slope.filter(|found| found.slope >= MIN_SLOPE).unwrap_or_else(|| Self::with_slope(MIN_SLOPE, points, &targets)))
    }

    /// The shift with which mean risk equals the mean target, by bisection: the mean rises with the shift.
    fn with_slope(slope: f64, points: &[(f64, bool)], targets: &[f64]) -> Self {
        let wanted: f64 = targets.iter().sum();
        let farthest = points.iter().map(|(z, _)| (slope * z).abs()).fold(0.0, f64::max) + 50.0;
        let (mut low, mut high) = (-farthest, farthest);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            let sum: f64 = points.iter().map(|(z, _)| sigmoid(middle + slope * z)).sum();
            *(if sum < wanted { &mut low } else { &mut high }) = middle;
        }
        Self { shift: f64::midpoint(low, high), slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calibration_agrees_with_a_binomial_regression_on_smoothed_targets() {
        let z = [-2.0, -1.0, -0.5, 0.2, 0.9, 1.5, -1.4, 0.4];
        let points: Vec<(f64, bool)> = z.into_iter().zip([false, false, true, false, true, true, false, true]).collect();
        let found = Calibration::of(&points).unwrap();
        // statsmodels: GLM(targets, add_constant(z), family=Binomial()).fit(tol=1e-14), targets 5/6 and 1/6
        assert!((found.shift - 0.238_394_245).abs() < 1e-7 && (found.slope - 1.024_184_909).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn the_slope_never_turns_risks_around() {
        let backwards: Vec<(f64, bool)> = (0..40).map(|at| (f64::from(at) / 10.0, at < 10)).collect();
        let found = Calibration::of(&backwards).unwrap();
        assert!((found.slope - MIN_SLOPE).abs() < 1e-15, "{found:?}");
        let mean = backwards.iter().map(|(z, _)| sigmoid(found.shift + found.slope * z)).sum::<f64>() / 40.0;
        let target = (10.0 * 11.0 / 12.0 + 30.0 / 32.0) / 40.0;
        assert!((mean - target).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn equal_log_odds_are_shifted_to_the_base_rate() {
        let points: Vec<(f64, bool)> = (0..1000).map(|at| (3.0, at < 200)).collect();
        let found = Calibration::of(&points).unwrap();
        assert!((sigmoid(found.shift + found.slope * 3.0) - 0.2).abs() < 0.002, "{found:?}");
        assert_eq!(Calibration::of(&[(0.0, true)]), Err(Failure::OneClass));
    }
}
