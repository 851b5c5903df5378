//! The minimum among those with different signs.

use super::super::logistic::Failure;
use super::descent::Minimum;
use super::likelihood::Rows;

/// A coefficient this many standard errors from 0 has the right sign.
const CLEAR: f64 = 4.0;

impl Rows {
    /// The same as [`Self::minimise`], then tried again from the other side of 0 for each coefficient that is not clearly on one side: with
    /// few rows, F may have a lower minimum there.
    pub(in super::super) fn minimise_on_both_sides(&self, lambda: f64) -> Result<Minimum, Failure> {
        self.with_other_sides(lambda, self.minimise(lambda)?)
    }

    /// The lower minimum on the other sides of 0, if there is one.
    pub(super) fn with_other_sides(&self, lambda: f64, mut best: Minimum) -> Result<Minimum, Failure> {
        let mut least = self.objective(lambda, &best.parameters);
        let errors = self.standard_errors(lambda, &best)?;
        let is_clear = |parameter: &f64, error: Option<f64>| error.is_some_and(|error| parameter.abs() > CLEAR * error);
        let unclear = best.parameters.iter().zip(errors).enumerate().skip(1).filter(|(_, (c, error))| !is_clear(c, *error));
        for place in unclear.map(|(place, _)| place).collect::<Vec<_>>() {
            // A descent that fails from there changes nothing: there is a minimum already.
            let Ok(found) = self.minimise_from(lambda, turned(&best.parameters, place)) else { continue };
            let value = self.objective(lambda, &found.parameters);
            if value < least - 1e-12 {
                (best, least) = (found, value);
            }
        }
        Ok(best)
    }
}

/// Parameters with the sign of one turned around.
fn turned(parameters: &[f64], place: usize) -> Vec<f64> {
    parameters.iter().enumerate().map(|(at, value)| if at == place { -value } else { *value }).collect()
}
