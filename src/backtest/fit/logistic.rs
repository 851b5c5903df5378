//! Logistic regression with a ridge: minimises
//!
//! (1/n) sum(-y ln p - (1 - y) ln(1 - p)) + lambda/2 sum(c^2),   p = 1 / (1 + e^-(intercept + sum(c x)))
//!
//! by Newton steps (Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed., 4.4.1 and 3.4.1). The intercept is
//! not penalised. A ridge of lambda here is C = 1 / (n lambda) in scikit-learn.

use super::linear::Symmetric;

/// Newton steps at most; ten are usual.
const MAX_STEPS: u32 = 100;
/// Halvings of a step at most: 2^-40 of a step changes nothing that can be seen.
const MAX_HALVINGS: u32 = 40;
/// It has converged once no partial derivative is larger.
pub(super) const TOLERANCE: f64 = 1e-9;

/// Rows of numbers, all of the same width, without a column for the intercept.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    width: usize,
    cells: Vec<f64>,
    len: usize,
}

impl Design {
    /// Without rows.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, cells: Vec::new(), len: 0 }
    }

    /// Adds a row; cells beyond the width are dropped, missing ones are 0.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        self.cells.extend(row.into_iter().chain(std::iter::repeat(0.0)).take(self.width));
        self.len += 1;
    }

    /// Number of columns.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The rows in the order in which they were added.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.len).map(|row| self.cells.get(row * self.width..(row + 1) * self.width).unwrap_or_default())
    }
}

/// A fitted regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// Log-odds where all columns are 0.
    pub intercept: f64,
    /// Change of log-odds per unit, by column.
    pub coefficients: Vec<f64>,
}

impl Logistic {
    /// intercept + sum(coefficient x cell).
    #[must_use]
    pub fn log_odds(&self, row: &[f64]) -> f64 {
        self.intercept + self.coefficients.iter().zip(row).map(|(coefficient, cell)| coefficient * cell).sum::<f64>()
    }

    /// The probability of churn.
    #[must_use]
    pub fn risk(&self, row: &[f64]) -> f64 {
        sigmoid(self.log_odds(row))
    }
}

/// Why there is no fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Without both classes, the intercept would be infinite.
    #[error("all points have the same outcome")]
    OneClass,
    /// A number that cannot be computed with.
    #[error("the inputs or the penalty are not finite numbers")]
    NotFinite,
    /// Columns depend on each other, and no ridge decides between them.
    #[error("column {column} is constant or depends on the columns before it; a penalty above 0 decides between them")]
    Singular {
        /// Index of the column, from 0; the intercept comes before column 0.
        column: usize,
    },
    /// The columns predict every outcome, so that coefficients without a ridge grow without end (Albert and Anderson, Biometrika 1984).
    #[error("the inputs predict every outcome, so there are no finite coefficients without a penalty")]
    Separated,
    /// The search for the minimum got stuck.
    #[error("no minimum was found in {steps} steps; a larger penalty may help")]
    NotConverged {
        /// Steps taken.
        steps: u32,
    },
}

/// 1 / (1 + e^-z).
#[must_use]
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// -t ln p - (1 - t) ln(1 - p) for p = sigmoid(z), without overflow and without the loss of digits for p near 0 or 1.
pub(super) fn loss(z: f64, target: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
}

/// Fits a regression.
///
/// # Errors
/// See [`Failure`].
pub fn fit(design: &Design, churned: &[bool], lambda: f64) -> Result<Logistic, Failure> {
    let targets: Vec<f64> = churned.iter().map(|churned| f64::from(u8::from(*churned))).collect();
    fit_targets(design, &targets, lambda)
}

/// Fits a regression to targets between 0 and 1.
pub(super) fn fit_targets(design: &Design, targets: &[f64], lambda: f64) -> Result<Logistic, Failure> {
    let is_finite = design.cells.iter().chain(targets).chain([&lambda]).all(|number| number.is_finite());
    if !is_finite || lambda < 0.0 {
        return Err(Failure::NotFinite);
    }
    let mean = targets.iter().sum::<f64>() / targets.len() as f64;
    if !(mean > 0.0 && mean < 1.0) {
        return Err(Failure::OneClass);
    }
    let mut model = Logistic { intercept: (mean / (1.0 - mean)).ln(), coefficients: vec![0.0; design.width()] };
    let mut value = objective(design, targets, lambda, &model);
    for steps in 0..MAX_STEPS {
        let (gradient, hessian) = derivatives(design, targets, lambda, &model);
        if gradient.iter().all(|partial| partial.abs() < TOLERANCE) {
            let is_separated = lambda == 0.0 && design.rows().zip(targets).all(|(row, target)| is_predicted(model.log_odds(row), *target));
            return if is_separated { Err(Failure::Separated) } else { Ok(model) };
        }
        let factor = hessian.cholesky().map_err(|place| Failure::Singular { column: place.saturating_sub(1) })?;
        let step = factor.solve(&gradient);
        let most = value + rounding(value, design.len());
        let Some((next, lower)) = descend(&model, &step, most, |model| objective(design, targets, lambda, model)) else {
            return Err(Failure::NotConverged { steps });
        };
        (model, value) = (next, lower);
    }
    Err(Failure::NotConverged { steps: MAX_STEPS })
}

/// Whether an outcome that is certain is on the right side.
fn is_predicted(log_odds: f64, target: f64) -> bool {
    if log_odds > 0.0 { target >= 1.0 } else { log_odds < 0.0 && target <= 0.0 }
}

/// How far rounding may move a mean of `n` terms: near the minimum, steps change the objective by less, and must not be refused for it.
pub(super) fn rounding(value: f64, n: usize) -> f64 {
    value.abs() * f64::EPSILON * n as f64
}

/// The first of model - step, model - step/2, ... with which the objective is at most `most`.
fn descend(model: &Logistic, step: &[f64], most: f64, objective: impl Fn(&Logistic) -> f64) -> Option<(Logistic, f64)> {
    let mut share = 1.0;
    for _ in 0..MAX_HALVINGS {
        let mut moved = step.iter().map(|move_by| share * move_by);
        let intercept = model.intercept - moved.next().unwrap_or_default();
        let coefficients = model.coefficients.iter().zip(moved).map(|(coefficient, move_by)| coefficient - move_by).collect();
        let next = Logistic { intercept, coefficients };
        let lower = objective(&next);
        if lower <= most {
            return Some((next, lower));
        }
        share /= 2.0;
    }
    None
}

fn objective(design: &Design, targets: &[f64], lambda: f64, model: &Logistic) -> f64 {
    let losses: f64 = design.rows().zip(targets).map(|(row, target)| loss(model.log_odds(row), *target)).sum();
    losses / design.len() as f64 + lambda / 2.0 * model.coefficients.iter().map(|coefficient| coefficient * coefficient).sum::<f64>()
}

/// Gradient and Hessian of the objective by intercept and coefficients.
fn derivatives(design: &Design, targets: &[f64], lambda: f64, model: &Logistic) -> (Vec<f64>, Symmetric) {
    let n = design.len() as f64;
    let mut gradient = vec![0.0; design.width() + 1];
    let mut hessian = Symmetric::zero(design.width() + 1);
    let mut extended = vec![1.0; design.width() + 1];
    for (row, target) in design.rows().zip(targets) {
        let risk = model.risk(row);
        extended.iter_mut().skip(1).zip(row).for_each(|(to, cell)| *to = *cell);
        gradient.iter_mut().zip(&extended).for_each(|(partial, cell)| *partial += (risk - target) * cell / n);
        hessian.add_square(risk * (1.0 - risk) / n, &extended);
    }
    for (place, coefficient) in model.coefficients.iter().enumerate() {
        if let Some(partial) = gradient.get_mut(place + 1) {
            *partial += lambda * coefficient;
        }
        hessian.add(place + 1, place + 1, lambda);
    }
    (gradient, hessian)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [[f64; 2]; 12] = [
        [0.5, 1.2],
        [-0.3, 0.4],
        [1.5, -0.7],
        [0.0, 0.9],
        [-1.1, -0.2],
        [0.8, 0.3],
        [-0.6, -1.4],
        [1.1, 1.0],
        [-0.9, 0.7],
        [0.2, -0.5],
        [0.4, -1.1],
        [-1.3, 0.1],
    ];
    const Y: [u8; 12] = [0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1];

    fn design(rows: &[[f64; 2]]) -> Design {
        let mut design = Design::new(2);
        for row in rows {
            design.push(*row);
        }
        design
    }

    fn churned(y: &[u8]) -> Vec<bool> {
        y.iter().map(|y| *y == 1).collect()
    }

    fn assert_fit(lambda: f64, expected: [f64; 3]) {
        let found = fit(&design(&X), &churned(&Y), lambda).unwrap();
        let all = [found.intercept, found.coefficients[0], found.coefficients[1]];
        for (one, other) in all.iter().zip(expected) {
            assert!((one - other).abs() < 1e-7, "{all:?} instead of {expected:?}");
        }
    }

    #[test]
    fn the_fit_agrees_with_statsmodels_and_scikit_learn() {
        // statsmodels: Logit(y, add_constant(X)).fit(method="newton", tol=1e-14)
        assert_fit(0.0, [0.122_414_383_121_8, -1.343_103_168_547_8, -1.611_582_275_978_1]);
        // scikit-learn: LogisticRegression(C=1 / (12 * 0.1), tol=1e-12), polished with scipy.optimize
        assert_fit(0.1, [0.059_792_192_533, -0.681_834_872_913, -0.736_419_530_257]);
    }

    #[test]
    fn the_gradient_agrees_with_differences_of_the_objective() {
        let (design, targets) = (design(&X), Y.map(f64::from));
        let at = |shift: f64| Logistic { intercept: 0.3, coefficients: vec![-0.5, 0.8 + shift] };
        let slope = (objective(&design, &targets, 0.7, &at(1e-6)) - objective(&design, &targets, 0.7, &at(-1e-6))) / 2e-6;
        assert!((derivatives(&design, &targets, 0.7, &at(0.0)).0[2] - slope).abs() < 1e-8);
    }

    #[test]
    fn a_dependent_column_is_an_error_unless_there_is_a_penalty() {
        let doubled: Vec<[f64; 2]> = X.iter().map(|[x, _]| [*x, 2.0 * x]).collect();
        assert_eq!(fit(&design(&doubled), &churned(&Y), 0.0), Err(Failure::Singular { column: 1 }));
        let constant: Vec<[f64; 2]> = X.iter().map(|[x, _]| [3.0, *x]).collect();
        assert_eq!(fit(&design(&constant), &churned(&Y), 0.0), Err(Failure::Singular { column: 0 }));
        let found = fit(&design(&doubled), &churned(&Y), 0.1).unwrap();
        assert!((2.0 * found.coefficients[0] - found.coefficients[1]).abs() < 1e-9);
    }

    #[test]
    fn perfect_prediction_is_an_error_unless_there_is_a_penalty() {
        let signs: Vec<bool> = X.iter().map(|[x, _]| *x > 0.1).collect();
        assert_eq!(fit(&design(&X), &signs, 0.0), Err(Failure::Separated));
        assert!(fit(&design(&X), &signs, 0.001).is_ok());
    }

    #[test]
    fn one_outcome_and_numbers_that_are_not_finite_are_errors() {
        assert_eq!(fit(&design(&X), &[true; 12], 0.1), Err(Failure::OneClass));
        assert_eq!(fit(&design(&[]), &[], 0.1), Err(Failure::OneClass));
        assert_eq!(fit(&design(&[[f64::NAN, 0.0], [1.0, 1.0]]), &[true, false], 0.1), Err(Failure::NotFinite));
        assert_eq!(fit(&design(&X), &churned(&Y), -1.0), Err(Failure::NotFinite));
    }

    #[test]
    fn the_loss_neither_overflows_nor_loses_digits() {
        assert_eq!((loss(1000.0, 0.0), loss(-1000.0, 1.0), loss(1000.0, 1.0)), (1000.0, 1000.0, 0.0));
        assert!((loss(-40.0, 0.0) - (-40.0_f64).exp()).abs() < 1e-30);
    }
}
