//! Fits the coefficients of the risk function itself: minimises
//!
//! F(b, c) = (1/n) sum(-y ln p - (1 - y) ln(1 - p)) + lambda/2 sum(c^2),   p = sigmoid(z)
//! z = b + T S / P,   T = sum of all |c|, S = sum of c x over the present, P = sum of |c| over the present
//!
//! Plain logistic regression with 0 for absent inputs would fit another function: it ignores that T / P scales the others up. With a the
//! signs of c, n those of the present ones, m the inputs of the present ones and u = m - S/P n:
//!
//! dz/dc = S/P a + T/P u,   d2z/dc2 = u v' + v u',   v = a/P - T/P^2 n
//!
//! F is not convex, so the exact Hessian is used where it is positive definite, else its Gauss-Newton part. |c| has a kink at 0, so a step
//! stops at 0 instead of crossing it, and the next one leaves it on the side where F falls, if there is one (as in OWL-QN: Andrew and
//! Gao, "Scalable training of L1-regularized log-linear models", ICML 2007).

use super::function::RiskFunction;
use super::linear::Symmetric;
use super::logistic::{Design, Failure, TOLERANCE, fit_targets, loss, sigmoid};

const MAX_STEPS: u32 = 200;
const MAX_HALVINGS: u32 = 40;

/// Inputs and outcomes. Every row has an input.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// 0 where an input is absent.
    inputs: Design,
    /// 1 where it is present.
    present: Design,
    targets: Vec<f64>,
    /// Groups of rows that are not independent, by account.
    accounts: Vec<u64>,
}

/// A minimum of F.
#[derive(Clone, Debug)]
pub(super) struct Minimum {
    /// b, then c.
    pub parameters: Vec<f64>,
    signs: Vec<f64>,
}

/// First and second derivatives by b, then c.
struct Derivatives {
    gradient: Vec<f64>,
    hessian: Symmetric,
    gauss_newton: Symmetric,
}

/// One row's T, S and P, where P is above 0.
struct Ratio {
    total: f64,
    sum: f64,
    present: f64,
}

impl Rows {
    pub(super) const fn new(width: usize) -> Self {
        Self { inputs: Design::new(width), present: Design::new(width), targets: Vec::new(), accounts: Vec::new() }
    }

    pub(super) fn push(&mut self, account: u64, inputs: &[Option<f64>], churned: bool) {
        self.inputs.push(inputs.iter().map(|input| input.unwrap_or_default()));
        self.present.push(inputs.iter().map(|input| f64::from(u8::from(input.is_some()))));
        self.targets.push(f64::from(u8::from(churned)));
        self.accounts.push(account);
    }

    fn rows(&self) -> impl Iterator<Item = (&[f64], &[f64], f64)> {
        self.inputs.rows().zip(self.present.rows()).zip(&self.targets).map(|((inputs, present), target)| (inputs, present, *target))
    }

    fn objective(&self, lambda: f64, parameters: &[f64]) -> f64 {
        let (b, c) = split(parameters);
        let total: f64 = c.iter().map(|c| c.abs()).sum();
        let loss_of = |(inputs, present, target): (&[f64], &[f64], f64)| {
            let z = Ratio::of(c, total, inputs, present).map_or(b, |ratio| b + ratio.value());
            loss(z, target)
        };
        self.rows().map(loss_of).sum::<f64>() / self.targets.len() as f64 + lambda / 2.0 * c.iter().map(|c| c * c).sum::<f64>()
    }

    fn derivatives(&self, lambda: f64, parameters: &[f64], signs: &[f64]) -> Derivatives {
        let width = parameters.len();
        let n = self.targets.len() as f64;
        let (mut gradient, mut gauss_newton) = (vec![0.0; width], Symmetric::zero(width));
        let mut rest = Symmetric::zero(width);
        let mut row = Slopes::zero(width);
        for (inputs, present, target) in self.rows() {
            let residual = row.at(parameters, signs, inputs, present) - target;
            let risk = residual + target;
            gradient.iter_mut().zip(&row.slope).for_each(|(partial, slope)| *partial += residual * slope / n);
            gauss_newton.add_square(risk * (1.0 - risk) / n, &row.slope);
            rest.add_product(residual / n, &row.u, &row.v);
        }
        for (place, c) in parameters.iter().enumerate().skip(1) {
            if let Some(partial) = gradient.get_mut(place) {
                *partial += lambda * c;
            }
            gauss_newton.add(place, place, lambda);
        }
        let hessian = gauss_newton.plus(&rest);
        Derivatives { gradient, hessian, gauss_newton }
    }

    /// The minimum of F that descent reaches from a plain logistic regression on the same rows.
    pub(super) fn minimise(&self, lambda: f64) -> Result<Minimum, Failure> {
        let plain = fit_targets(&self.inputs, &self.targets, lambda)?;
        let mut parameters: Vec<f64> = std::iter::once(plain.intercept).chain(plain.coefficients).collect();
        let mut value = self.objective(lambda, &parameters);
        for steps in 0..MAX_STEPS {
            let signs = self.signs(lambda, &parameters);
            let derivatives = self.derivatives(lambda, &parameters, &signs);
            let free: Vec<usize> =
                (0..parameters.len()).filter(|place| *place == 0 || signs.get(*place).is_some_and(|s| *s != 0.0)).collect();
            let gradient = pick(&derivatives.gradient, &free);
            if gradient.iter().all(|partial| partial.abs() < TOLERANCE) {
                return Ok(Minimum { parameters, signs });
            }
            let step = spread(&newton_step(&derivatives, &free, &gradient)?, &free, parameters.len());
            let Some((next, lower)) = self.descend(lambda, &parameters, value, &step, &signs, &derivatives.gradient) else {
                return Err(Failure::NotConverged { steps });
            };
            (parameters, value) = (next, lower);
        }
        Err(Failure::NotConverged { steps: MAX_STEPS })
    }

    /// The signs of the parameters. One at 0 gets the sign of the side on which F falls, steeper first, or 0 if it falls on neither.
    fn signs(&self, lambda: f64, parameters: &[f64]) -> Vec<f64> {
        let sign = |value: f64| if value == 0.0 { 0.0 } else { value.signum() };
        let mut signs: Vec<f64> = parameters.iter().map(|parameter| sign(*parameter)).collect();
        if parameters.iter().skip(1).all(|c| *c != 0.0) {
            return signs;
        }
        let on_side = |side: f64| {
            let all: Vec<f64> = parameters.iter().map(|c| if *c == 0.0 { side } else { c.signum() }).collect();
            self.derivatives(lambda, parameters, &all).gradient
        };
        let sides = on_side(1.0).into_iter().zip(on_side(-1.0));
        for ((sign, c), (right, left)) in signs.iter_mut().zip(parameters).zip(sides).skip(1) {
            let (rightwards, leftwards) = (-right, left);
            if *c == 0.0 && rightwards.max(leftwards) > TOLERANCE {
                *sign = if rightwards >= leftwards { 1.0 } else { -1.0 };
            }
        }
        signs
    }

    /// The first of the points at 1, 1/2, ... of a step that lowers F enough (Armijo's condition).
    fn descend(&self, lambda: f64, from: &[f64], value: f64, step: &[f64], signs: &[f64], gradient: &[f64]) -> Option<(Vec<f64>, f64)> {
        let mut share = 1.0;
        for _ in 0..MAX_HALVINGS {
            let moved = |(place, ((from, by), sign)): (usize, ((&f64, &f64), &f64))| {
                let to = from - share * by;
                if place > 0 && to * sign < 0.0 { 0.0 } else { to }
            };
            let next: Vec<f64> = from.iter().zip(step).zip(signs).enumerate().map(moved).collect();
            let expected: f64 = next.iter().zip(from).zip(gradient).map(|((to, from), partial)| (to - from) * partial).sum();
            let lower = self.objective(lambda, &next);
            if lower <= value + 1e-4 * expected + 1e-15 * value.abs() {
                return Some((next, lower));
            }
            share /= 2.0;
        }
        None
    }

    /// Standard errors of b and c that hold although the points of an account resemble each other: square roots of the diagonal of
    /// H^-1 (sum of g g' over accounts) H^-1 x A/(A - 1), where g is the sum of the gradients of an account's rows and A the number of
    /// accounts (Liang and Zeger, Biometrika 1986; White, Econometrica 1982). `None` for a parameter that stopped at 0.
    pub(super) fn standard_errors(&self, lambda: f64, minimum: &Minimum) -> Result<Vec<Option<f64>>, Failure> {
        let (parameters, signs) = (&minimum.parameters, &minimum.signs);
        let width = parameters.len();
        let free: Vec<usize> = (0..width).filter(|place| *place == 0 || signs.get(*place).is_some_and(|sign| *sign != 0.0)).collect();
        let derivatives = self.derivatives(lambda, parameters, signs);
        let factor = match derivatives.hessian.of(&free).cholesky() {
            Ok(factor) => factor,
            Err(_) => derivatives.gauss_newton.of(&free).cholesky().map_err(|column| Failure::Singular { column })?,
        };
        let mut by_account: std::collections::BTreeMap<u64, Vec<f64>> = std::collections::BTreeMap::new();
        let mut row = Slopes::zero(width);
        let n = self.targets.len() as f64;
        for ((inputs, present, target), account) in self.rows().zip(&self.accounts) {
            let residual = row.at(parameters, signs, inputs, present) - target;
            let sum = by_account.entry(*account).or_insert_with(|| vec![0.0; width]);
            sum.iter_mut().zip(&row.slope).for_each(|(sum, slope)| *sum += residual * slope / n);
        }
        let accounts = by_account.len() as f64;
        let mut variances = vec![0.0; free.len()];
        for gradient in by_account.values() {
            let influence = factor.solve(&pick(gradient, &free));
            variances.iter_mut().zip(influence).for_each(|(variance, part)| *variance += part * part);
        }
        let few = accounts / (accounts - 1.0).max(1.0);
        let mut errors = vec![None; width];
        for (place, variance) in free.iter().zip(variances) {
            if let Some(error) = errors.get_mut(*place) {
                *error = Some((variance * few).sqrt());
            }
        }
        Ok(errors)
    }
}

impl Minimum {
    /// The function with these parameters.
    pub(super) fn function(&self) -> RiskFunction {
        let (b, c) = split(&self.parameters);
        RiskFunction { intercept: b, coefficients: c.to_vec() }
    }
}

impl Ratio {
    fn of(c: &[f64], total: f64, inputs: &[f64], present: &[f64]) -> Option<Self> {
        let sum = c.iter().zip(inputs).map(|(c, input)| c * input).sum();
        let present = c.iter().zip(present).map(|(c, present)| c.abs() * present).sum();
        (present > 0.0).then_some(Self { total, sum, present })
    }

    fn value(&self) -> f64 {
        self.total / self.present * self.sum
    }
}

/// Derivatives of one row's z; the vectors are reused from row to row.
struct Slopes {
    /// dz/db, dz/dc.
    slope: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
}

impl Slopes {
    fn zero(width: usize) -> Self {
        Self { slope: vec![1.0; width], u: vec![0.0; width], v: vec![0.0; width] }
    }

    /// Computes them and returns the risk. Without a present coefficient z is b.
    fn at(&mut self, parameters: &[f64], signs: &[f64], inputs: &[f64], present: &[f64]) -> f64 {
        let (intercept, coefficients) = split(parameters);
        let total: f64 = coefficients.iter().map(|coefficient| coefficient.abs()).sum();
        let Some(ratio) = Ratio::of(coefficients, total, inputs, present) else {
            for cells in [&mut self.slope, &mut self.u, &mut self.v] {
                cells.iter_mut().skip(1).for_each(|cell| *cell = 0.0);
            }
            return sigmoid(intercept);
        };
        let (mean, scale) = (ratio.sum / ratio.present, ratio.total / ratio.present);
        let cells = self.slope.iter_mut().zip(&mut self.u).zip(&mut self.v).skip(1);
        for (((slope, u), v), ((a, input), present)) in cells.zip(signs.iter().skip(1).zip(inputs).zip(present)) {
            let n = a * present;
            *u = input - mean * n;
            *v = (a - scale * n) / ratio.present;
            *slope = mean * a + scale * *u;
        }
        sigmoid(intercept + ratio.value())
    }
}

/// b and c.
fn split(parameters: &[f64]) -> (f64, &[f64]) {
    parameters.split_first().map_or((0.0, &[]), |(b, c)| (*b, c))
}

fn newton_step(derivatives: &Derivatives, free: &[usize], gradient: &[f64]) -> Result<Vec<f64>, Failure> {
    if let Ok(factor) = derivatives.hessian.of(free).cholesky() {
        return Ok(factor.solve(gradient));
    }
    let factor = derivatives.gauss_newton.of(free).cholesky();
    let column = |place: usize| free.get(place).map_or(place, |column| column.saturating_sub(1));
    Ok(factor.map_err(|place| Failure::Singular { column: column(place) })?.solve(gradient))
}

fn pick(of: &[f64], places: &[usize]) -> Vec<f64> {
    places.iter().filter_map(|place| of.get(*place)).copied().collect()
}

fn spread(of: &[f64], places: &[usize], width: usize) -> Vec<f64> {
    let mut all = vec![0.0; width];
    for (place, value) in places.iter().zip(of) {
        if let Some(cell) = all.get_mut(*place) {
            *cell = *value;
        }
    }
    all
}
