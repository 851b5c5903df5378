//! Scores of risks as probabilities: lower is better for both, and both are least in expectation for the true probability.

use super::Point;

/// The Brier score beside that of the base rate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Brier {
    /// Mean of (risk - outcome)^2, where the outcome is 1 for churn (Brier, Monthly Weather Review 1950).
    pub score: f64,
    /// That of a forecast of r for every point, where r is the share that churned: r(1 - r).
    pub of_base_rate: f64,
    /// 1 - score / `of_base_rate`: 1 is perfect, 0 no better than the base rate, less is worse (Murphy 1973). `None` if either class is
    /// missing.
    pub skill: Option<f64>,
}

impl Brier {
    /// `None` without points.
    #[must_use]
    pub fn of(points: &[Point]) -> Option<Self> {
        if points.is_empty() {
            return None;
        }
        let n = points.len() as f64;
        let score = sum(points, |point| (point.risk - f64::from(u8::from(point.churned))).powi(2)) / n;
        let base_rate = points.iter().filter(|point| point.churned).count() as f64 / n;
        let of_base_rate = base_rate * (1.0 - base_rate);
        Some(Self { score, of_base_rate, skill: (of_base_rate > 0.0).then(|| 1.0 - score / of_base_rate) })
    }
}

/// Mean of -ln(probability given to what happened) (Good, "Rational decisions", JRSS B 1952). Risks are clamped to 1e-15 from 0 and 1, so
/// that one wrong certainty does not make it infinite. `None` without points.
#[must_use]
pub fn log_loss(points: &[Point]) -> Option<f64> {
    let loss = |point: &Point| {
        let given = if point.churned { point.risk } else { 1.0 - point.risk };
        -given.clamp(1e-15, 1.0 - 1e-15).ln()
    };
    (!points.is_empty()).then(|| sum(points, loss) / points.len() as f64)
}

/// A sum in ascending order, because the sum of floating-point numbers depends on their order.
fn sum(points: &[Point], term: impl Fn(&Point) -> f64) -> f64 {
    let mut terms: Vec<f64> = points.iter().map(term).collect();
    terms.sort_by(f64::total_cmp);
    terms.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(f64, bool)]) -> Vec<Point> {
        of.iter().map(|(risk, churned)| Point { account: 0, risk: *risk, churned: *churned }).collect()
    }

    #[test]
    fn brier_is_the_mean_square_and_skill_compares_it_with_the_base_rate() {
        // (0.04 + 0.01 + 0.09 + 0.01) / 4 = 0.0375 against 0.25 x 0.75.
        let found = Brier::of(&points(&[(0.8, true), (0.1, false), (0.3, false), (0.1, false)])).unwrap();
        assert!((found.score - 0.0375).abs() < 1e-15);
        assert!((found.of_base_rate - 0.1875).abs() < 1e-15 && (found.skill.unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(Brier::of(&points(&[(0.5, false)])), Some(Brier { score: 0.25, of_base_rate: 0.0, skill: None }));
        assert_eq!(Brier::of(&[]), None);
    }

    #[test]
    fn log_loss_is_the_mean_surprise_and_finite() {
        let found = log_loss(&points(&[(0.5, true), (0.75, false)])).unwrap();
        assert!((found - 3.0 * std::f64::consts::LN_2 / 2.0).abs() < 1e-15); // (ln 2 + ln 4) / 2
        assert!(log_loss(&points(&[(0.0, true)])).unwrap() < 35.0);
        assert_eq!(log_loss(&[]), None);
    }
}
