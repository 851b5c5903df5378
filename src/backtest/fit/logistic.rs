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
    /// Usually the columns separate the classes, so that coefficients without a ridge grow without end.
    #[error("no minimum was found in {steps} steps; the inputs may predict the outcome perfectly, then a larger penalty helps")]
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
            return Ok(model);
        }
        let factor = hessian.cholesky().map_err(|place| Failure::Singular { column: place.saturating_sub(1) })?;
        let step = factor.solve(&gradient);
        let Some((next, lower)) = descend(&model, &step, value, |model| objective(design, targets, lambda, model)) else {
            return Err(Failure::NotConverged { steps });
        };
        (model, value) = (next, lower);
    }
    Err(Failure::NotConverged { steps: MAX_STEPS })
}

/// The first of model - step, model - step/2, ... that does not raise the objective.
fn descend(model: &Logistic, step: &[f64], value: f64, objective: impl Fn(&Logistic) -> f64) -> Option<(Logistic, f64)> {
    let mut share = 1.0;
    for _ in 0..MAX_HALVINGS {
        let mut moved = step.iter().map(|move_by| share * move_by);
        let intercept = model.intercept - moved.next().unwrap_or_default();
        let coefficients = model.coefficients.iter().zip(moved).map(|(coefficient, move_by)| coefficient - move_by).collect();
        let next = Logistic { intercept, coefficients };
        let lower = objective(&next);
        // At the minimum, rounding may raise the objective by a few units in the last place.
        if lower <= value + 1e-15 * value.abs() {
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
