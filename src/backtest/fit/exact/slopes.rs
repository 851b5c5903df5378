//! The log-odds of one row, and their derivatives.

use super::super::logistic::sigmoid;

/// One row's T, S and P, where P is above 0.
pub(super) struct Ratio {
    total: f64,
    sum: f64,
    present: f64,
}
impl Ratio {
    pub(super) fn of(c: &[f64], total: f64, inputs: &[f64], present: &[f64]) -> Option<Self> {
        let sum = c.iter().zip(inputs).map(|(c, input)| c * input).sum();
        let present = c.iter().zip(present).map(|(c, present)| c.abs() * present).sum();
        (present > 0.0).then_some(Self { total, sum, present })
    }

    pub(super) fn value(&self) -> f64 {
        self.total / self.present * self.sum
    }
}

/// Derivatives of one row's z; the vectors are reused from row to row.
pub(super) struct Slopes {
    /// dz/db, dz/dc.
    pub slope: Vec<f64>,
    pub u: Vec<f64>,
    pub v: Vec<f64>,
}

impl Slopes {
    pub(super) fn zero(width: usize) -> Self {
        Self { slope: vec![1.0; width], u: vec![0.0; width], v: vec![0.0; width] }
    }

    /// Computes them and returns the risk. Without a present coefficient z is b.
    pub(super) fn at(&mut self, parameters: &[f64], signs: &[f64], inputs: &[f64], present: &[f64]) -> f64 {
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
pub(super) fn split(parameters: &[f64]) -> (f64, &[f64]) {
    parameters.split_first().map_or((0.0, &[]), |(b, c)| (*b, c))
}
