//! Standard errors that hold although the points of an account resemble each other.

use std::collections::BTreeMap;

use super::super::logistic::Failure;
use super::descent::{Minimum, pick, singular};
use super::likelihood::Rows;
use super::slopes::Scale;

impl Rows {
    /// Standard errors of b and c that hold although the points of an account resemble each other: square roots of the diagonal of
    /// H^-1 (sum of g g' over accounts) H^-1 x A/(A - 1), where g is the sum of the gradients of an account's rows and A the number of
    /// accounts (Liang and Zeger, Biometrika 1986; White, Econometrica 1982). `None` for a coefficient that stopped at its least size.
    pub(in super::super) fn standard_errors(&self, lambda: f64, minimum: &Minimum) -> Result<Vec<Option<f64>>, Failure> {
        let Minimum { parameters, signs, free } = minimum;
        let width = parameters.len();
        let derivatives = self.derivatives(lambda, parameters, signs);
        let factor = match derivatives.hessian.of(free).cholesky() {
            Ok(factor) => factor,
            Err(_) => derivatives.gauss_newton.of(free).cholesky().map_err(|place| singular(free, place))?,
        };
        let mut by_account: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let n = self.len as f64;
        for group in self.groups.values() {
            let scale = Scale::of(&group.places, parameters, signs);
            group.residuals(parameters, &scale, |inputs, e, _, s, account| {
                let sum = by_account.entry(account).or_insert_with(|| vec![0.0; width]);
                sum.iter_mut().zip(&scale.direction).for_each(|(sum, d)| *sum += e / n * s * d);
                sum.iter_mut().take(1).for_each(|sum| *sum += e / n);
                for (place, input) in group.places.iter().zip(inputs) {
                    sum.iter_mut().skip(place + 1).take(1).for_each(|sum| *sum += e / n * scale.factor * input);
                }
            });
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
