//! Descent to a minimum.

use super::super::function::RiskFunction;
use super::super::logistic::{Failure, fit_targets, rounding};
use super::likelihood::{Derivatives, Rows};
use super::slopes::split;

/// The least |coefficient|: ten points of score change odds by 0.02 %.
pub(super) const LEAST: f64 = 0.001;
const MAX_STEPS: u32 = 200;
const MAX_HALVINGS: u32 = 40;

/// A minimum of F.
#[derive(Clone, Debug)]
pub(in super::super) struct Minimum {
    /// b, then c.
    pub parameters: Vec<f64>,
    pub signs: Vec<f64>,
    /// The places of the parameters that did not stop at a bound.
    pub free: Vec<usize>,
}

impl Rows {
    /// The minimum of F that descent reaches from a plain logistic regression on the same rows.
    pub(in super::super) fn minimise(&self, lambda: f64) -> Result<Minimum, Failure> {
        let (inputs, targets) = self.filled();
        let plain = fit_targets(&inputs, &targets, lambda)?;
        self.minimise_from(lambda, std::iter::once(plain.intercept).chain(plain.coefficients).collect())
    }

    /// The minimum that descent reaches from that of another penalty: with the same signs, and in fewer steps.
    pub(in super::super) fn minimise_near(&self, lambda: f64, other: &Minimum) -> Result<Minimum, Failure> {
        self.minimise_from(lambda, other.parameters.clone())
    }

    /// Descends with the signs of these parameters.
    pub(super) fn minimise_from(&self, lambda: f64, mut parameters: Vec<f64>) -> Result<Minimum, Failure> {
        let signs: Vec<f64> = parameters.iter().map(|parameter| parameter.signum()).collect();
        for (parameter, sign) in parameters.iter_mut().zip(&signs).skip(1) {
            *parameter = sign * parameter.abs().max(LEAST);
        }
        let mut value = self.objective(lambda, &parameters);
        for steps in 0..MAX_STEPS {
            let derivatives = self.derivatives(lambda, &parameters, &signs);
            let free = free(&parameters, &signs, &derivatives.gradient);
            let gradient = pick(&derivatives.gradient, &free);
            if gradient.iter().all(|partial| partial.abs() < self.tolerance) {
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
            if lower <= value + 1e-4 * expected + rounding(value, self.len) && next != from {
                return Some((next, lower));
            }
            share /= 2.0;
        }
        None
    }
}

impl Minimum {
    /// The function with these parameters.
    pub(in super::super) fn function(&self) -> RiskFunction {
        let (b, c) = split(&self.parameters);
        RiskFunction { intercept: b, coefficients: c.to_vec() }
    }
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
pub(super) fn singular(free: &[usize], place: usize) -> Failure {
    Failure::Singular { column: free.get(place).map_or(place, |column| column.saturating_sub(1)) }
}

pub(super) fn pick(of: &[f64], places: &[usize]) -> Vec<f64> {
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
