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
//! F is not convex, so the exact Hessian is used where it is positive definite, else its Gauss-Newton part.
//!
//! F has a kink where a coefficient is 0, and a gap for rows in which no other component is present: z depends on the sign of that
//! coefficient, but not on its size. So each descent keeps the signs it began with and every |c| at [`LEAST`] or above, which is as good as
//! 0 for all other rows; within these bounds F is smooth. The other side of each bound is tried afterwards.

use super::function::RiskFunction;
use super::linear::Symmetric;
use super::logistic::{Design, Failure, TOLERANCE, fit_targets, loss, sigmoid};

/// The least |coefficient|: ten points of score change odds by 0.02 %.
pub(super) const LEAST: f64 = 0.001;
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
    /// The places of the parameters that did not stop at a bound.
    free: Vec<usize>,
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
        self.minimise_from(lambda, std::iter::once(plain.intercept).chain(plain.coefficients).collect())
    }

    /// The same, then tried again from the other side of 0 for each coefficient: with few rows, F may have a lower minimum there.
    pub(super) fn minimise_on_both_sides(&self, lambda: f64) -> Result<Minimum, Failure> {
        let mut best = self.minimise(lambda)?;
        let mut least = self.objective(lambda, &best.parameters);
        for place in 1..best.parameters.len() {
            // A descent that fails from there changes nothing: there is a minimum already.
            let Ok(found) = self.minimise_from(lambda, turned(&best.parameters, place)) else { continue };
            let value = self.objective(lambda, &found.parameters);
            if value < least - 1e-12 {
                (best, least) = (found, value);
            }
        }
        Ok(best)
    }

    /// Descends with the signs of these parameters.
    fn minimise_from(&self, lambda: f64, mut parameters: Vec<f64>) -> Result<Minimum, Failure> {
        let signs: Vec<f64> = parameters.iter().map(|parameter| parameter.signum()).collect();
        for (parameter, sign) in parameters.iter_mut().zip(&signs).skip(1) {
            *parameter = sign * parameter.abs().max(LEAST);
        }
        let mut value = self.objective(lambda, &parameters);
        for steps in 0..MAX_STEPS {
            let derivatives = self.derivatives(lambda, &parameters, &signs);
            let free = free(&parameters, &signs, &derivatives.gradient);
            let gradient = pick(&derivatives.gradient, &free);
            if gradient.iter().all(|partial| partial.abs() < TOLERANCE) {
                return Ok(Minimum { parameters, signs, free });
            }
            let descend = |step: &[f64]| self.descend(lambda, &parameters, value, step, &signs, &derivatives.gradient);
            // At a bound, the Newton step of the other coefficients may lead upwards; the gradient never does.
            let newton = newton_step(&derivatives, free.clone(), &parameters, &signs)?;
            let Some((next, lower)) = descend(&newton).or_else(|| descend(&spread(&gradient, &free, parameters.len()))) else {
                return Err(Failure::NotConverged { steps });
            };
            (parameters, value) = (next, lower);
        }
        Err(Failure::NotConverged { steps: MAX_STEPS })
    }

    /// The first of the points at 1, 1/2, ... of a step that lowers F enough (Armijo's condition). A step that would take a coefficient
    /// across its bound ends there.
    fn descend(&self, lambda: f64, from: &[f64], value: f64, step: &[f64], signs: &[f64], gradient: &[f64]) -> Option<(Vec<f64>, f64)> {
        let room = |((from, by), sign): ((&f64, &f64), &f64)| {
            let crosses = (from - by) * sign < LEAST;
            if crosses { (from - sign * LEAST) / by } else { f64::INFINITY }
        };
        let bounds: Vec<f64> = std::iter::once(f64::INFINITY).chain(from.iter().zip(step).zip(signs).skip(1).map(room)).collect();
        let first = bounds.iter().copied().fold(1.0, f64::min);
        let mut share = first;
        for _ in 0..MAX_HALVINGS {
            let moved =
                |(((from, by), sign), bound): (((&f64, &f64), &f64), &f64)| if *bound <= share { sign * LEAST } else { from - share * by };
            let next: Vec<f64> = from.iter().zip(step).zip(signs).zip(&bounds).map(moved).collect();
            let expected: f64 = next.iter().zip(from).zip(gradient).map(|((to, from), partial)| (to - from) * partial).sum();
            let lower = self.objective(lambda, &next);
            if lower <= value + 1e-4 * expected + 1e-15 * value.abs() && next != from {
                return Some((next, lower));
            }
            share /= 2.0;
        }
        None
    }

    /// Standard errors of b and c that hold although the points of an account resemble each other: square roots of the diagonal of
    /// H^-1 (sum of g g' over accounts) H^-1 x A/(A - 1), where g is the sum of the gradients of an account's rows and A the number of
    /// accounts (Liang and Zeger, Biometrika 1986; White, Econometrica 1982). `None` for a coefficient that stopped at [`LEAST`].
    pub(super) fn standard_errors(&self, lambda: f64, minimum: &Minimum) -> Result<Vec<Option<f64>>, Failure> {
        let Minimum { parameters, signs, free } = minimum;
        let width = parameters.len();
        let derivatives = self.derivatives(lambda, parameters, signs);
        let factor = match derivatives.hessian.of(free).cholesky() {
            Ok(factor) => factor,
            Err(_) => derivatives.gauss_newton.of(free).cholesky().map_err(|place| singular(free, place))?,
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
            let influence = factor.solve(&pick(gradient, free));
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

/// Parameters with the sign of one turned around.
fn turned(parameters: &[f64], place: usize) -> Vec<f64> {
    parameters.iter().enumerate().map(|(at, value)| if at == place { -value } else { *value }).collect()
}

/// b and c.
fn split(parameters: &[f64]) -> (f64, &[f64]) {
    parameters.split_first().map_or((0.0, &[]), |(b, c)| (*b, c))
}

/// The intercept, and the coefficients that are above their bound or that descent moves away from it.
fn free(parameters: &[f64], signs: &[f64], gradient: &[f64]) -> Vec<usize> {
    let all = parameters.iter().zip(signs).zip(gradient).enumerate();
    let is_free = |(place, ((parameter, sign), partial)): &(usize, ((&f64, &f64), &f64))| {
        *place == 0 || parameter.abs() > LEAST || *partial * *sign < 0.0
    };
    all.filter(is_free).map(|(place, _)| place).collect()
}

/// The Newton step of the free parameters, without those at their bound that it would take across.
fn newton_step(derivatives: &Derivatives, mut free: Vec<usize>, parameters: &[f64], signs: &[f64]) -> Result<Vec<f64>, Failure> {
    loop {
        let factor = match derivatives.hessian.of(&free).cholesky() {
            Ok(factor) => factor,
            Err(_) => derivatives.gauss_newton.of(&free).cholesky().map_err(|place| singular(&free, place))?,
        };
        let step = spread(&factor.solve(&pick(&derivatives.gradient, &free)), &free, parameters.len());
        let crosses = |place: &usize| {
            let at = |of: &[f64]| of.get(*place).copied().unwrap_or_default();
            *place > 0 && at(parameters).abs() <= LEAST && at(&step) * at(signs) > 0.0
        };
        let kept: Vec<usize> = free.iter().copied().filter(|place| !crosses(place)).collect();
        if kept.len() == free.len() {
            return Ok(step);
        }
        free = kept;
    }
}

/// The error for a factor that failed at a place among the free parameters.
fn singular(free: &[usize], place: usize) -> Failure {
    Failure::Singular { column: free.get(place).map_or(place, |column| column.saturating_sub(1)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const N: f64 = f64::NAN;

    fn rows(inputs: &[[f64; 3]], churned: &[u8]) -> Rows {
        let mut rows = Rows::new(3);
        for (account, (inputs, churned)) in (2_u64..).zip(inputs.iter().zip(churned)) {
            let inputs: Vec<Option<f64>> = inputs.iter().map(|input| Some(*input).filter(|input| !input.is_nan())).collect();
            rows.push(account / 2, &inputs, *churned == 1);
        }
        rows
    }

    fn with_gaps() -> Rows {
        let inputs = [
            [-0.9, -0.1, N],
            [-0.4, N, 0.3],
            [0.8, 0.8, N],
            [0.3, -0.5, 0.5],
            [N, -1.1, N],
            [0.9, 1.1, 0.1],
            [-0.7, -0.4, -0.6],
            [0.1, N, N],
            [-0.2, 0.6, 0.7],
            [0.6, -0.1, -0.9],
            [N, 0.7, 0.2],
            [-0.5, -0.9, N],
            [0.7, -0.2, 0.4],
            [-0.8, N, -0.2],
            [0.2, 1.0, 0.6],
            [0.5, -0.7, N],
        ];
        rows(&inputs, &[1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0])
    }

    fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (one, other) in found.iter().zip(expected) {
            assert!((one - other).abs() < tolerance, "{found:?} instead of {expected:?}");
        }
    }

    /// The references are from scipy 1.x: `scipy.optimize.minimize(F, ..., method="Nelder-Mead")` from 20 random starts, polished to 1e-12,
    /// and standard errors from numerical derivatives of F.
    #[test]
    fn the_minimum_and_its_standard_errors_agree_with_scipy() {
        let rows = with_gaps();
        let found = rows.minimise_on_both_sides(0.05).unwrap();
        assert_close(&found.parameters, &[-0.416_725_2, -0.863_996_8, -0.857_502_1, 0.449_892_8], 2e-6);
        assert!((rows.objective(0.05, &found.parameters) - 0.533_156_642_53).abs() < 1e-10);
        let errors: Vec<f64> = rows.standard_errors(0.05, &found).unwrap().into_iter().flatten().collect();
        assert_close(&errors, &[0.605_678, 0.767_633, 0.354_252, 0.486_740], 1e-4);
    }

    #[test]
    fn a_coefficient_without_use_stops_at_its_bound() {
        let inputs = [
            [-0.9, 0.2, N],
            [-0.4, N, 0.3],
            [0.8, 0.6, N],
            [0.3, -0.7, 0.5],
            [N, -0.8, N],
            [0.9, 0.9, 0.1],
            [-0.7, -0.1, -0.6],
            [0.1, N, N],
            [-0.2, 0.4, 0.7],
            [0.6, -0.3, -0.9],
            [N, 0.5, 0.2],
            [-0.5, -0.6, N],
            [0.7, 0.1, 0.4],
            [-0.8, N, -0.2],
            [0.2, 0.8, 0.6],
            [0.5, -0.9, N],
        ];
        let rows = rows(&inputs, &[1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0]);
        let found = rows.minimise_on_both_sides(0.05).unwrap();
        // scipy, as above, approaches 0.56561819 for a second coefficient of -0.
        let value = rows.objective(0.05, &found.parameters);
        assert!((value - 0.565_618_19).abs() < 1e-4, "{value}: {:?}", found.parameters);
        assert!((found.parameters[2] + LEAST).abs() < 1e-15, "{:?}", found.parameters);
        let errors = rows.standard_errors(0.05, &found).unwrap();
        assert_eq!(errors.iter().map(Option::is_none).collect::<Vec<_>>(), [false, false, true, false]);
    }

    #[test]
    fn derivatives_agree_with_differences_of_the_objective() {
        let (rows, at, step) = (with_gaps(), [-0.3, 0.7, -0.2, 0.5], 1e-5);
        let signs = at.map(f64::signum);
        let derivatives = rows.derivatives(0.02, &at, &signs);
        for place in 0..at.len() {
            let moved = |by: f64| {
                let mut to = at;
                to[place] += by;
                to
            };
            let slope = (rows.objective(0.02, &moved(step)) - rows.objective(0.02, &moved(-step))) / (2.0 * step);
            assert!((derivatives.gradient[place] - slope).abs() < 1e-8, "{place}");
            let gradient = |by: f64| rows.derivatives(0.02, &moved(by), &signs).gradient;
            for (other, (up, down)) in gradient(step).iter().zip(gradient(-step)).enumerate() {
                let curvature = (up - down) / (2.0 * step);
                assert!((derivatives.hessian.at(place, other) - curvature).abs() < 1e-7, "{place}, {other}");
            }
        }
    }

    #[test]
    fn without_gaps_it_is_plain_logistic_regression() {
        let inputs = [[0.5, 0.2, 0.1], [-0.3, 0.4, -0.9], [0.9, -0.7, 0.3], [0.0, 0.9, 0.2], [-0.8, -0.2, 0.6], [0.8, 0.3, -0.4]];
        let rows = rows(&inputs, &[0, 1, 0, 1, 1, 0]);
        let plain = fit_targets(&rows.inputs, &rows.targets, 0.1).unwrap();
        let found = rows.minimise(0.1).unwrap();
        assert_close(&found.parameters[1..], &plain.coefficients, 1e-7);
        assert!((found.parameters[0] - plain.intercept).abs() < 1e-7);
    }

    #[test]
    fn a_component_that_repeats_another_needs_a_penalty() {
        let mut rows = Rows::new(2);
        for (account, input) in (0..40).map(|account| (account, Some((account % 7) as f64 / 7.0))) {
            rows.push(account, &[input, input], account % 3 == 0);
        }
        assert_eq!(rows.minimise(0.0).err(), Some(Failure::Singular { column: 1 }));
        let found = rows.minimise(0.01).unwrap().parameters;
        assert!((found[1] - found[2]).abs() < 1e-9, "{found:?}");
    }
}
