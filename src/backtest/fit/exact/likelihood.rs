//! Rows of a history, and the penalised likelihood of parameters with its derivatives.

use super::super::linear::Symmetric;
use super::super::logistic::{Design, loss};
use super::slopes::{Ratio, Slopes, split};

/// Inputs and outcomes. Every row has an input.
#[derive(Clone, Debug)]
pub(in super::super) struct Rows {
    /// 0 where an input is absent.
    pub(super) inputs: Design,
    /// 1 where it is present.
    present: Design,
    pub(super) targets: Vec<f64>,
    /// Groups of rows that are not independent, by account.
    pub(super) accounts: Vec<u64>,
}

/// First and second derivatives by b, then c.
pub(super) struct Derivatives {
    pub gradient: Vec<f64>,
    pub hessian: Symmetric,
    pub gauss_newton: Symmetric,
}

impl Rows {
    pub(in super::super) const fn new(width: usize) -> Self {
        Self { inputs: Design::new(width), present: Design::new(width), targets: Vec::new(), accounts: Vec::new() }
    }

    pub(in super::super) fn push(&mut self, account: u64, inputs: &[Option<f64>], churned: bool) {
        self.inputs.push(inputs.iter().map(|input| input.unwrap_or_default()));
        self.present.push(inputs.iter().map(|input| f64::from(u8::from(input.is_some()))));
        self.targets.push(f64::from(u8::from(churned)));
        self.accounts.push(account);
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&[f64], &[f64], f64)> {
        self.inputs.rows().zip(self.present.rows()).zip(&self.targets).map(|((inputs, present), target)| (inputs, present, *target))
    }

    pub(super) fn objective(&self, lambda: f64, parameters: &[f64]) -> f64 {
        let (b, c) = split(parameters);
        let total: f64 = c.iter().map(|c| c.abs()).sum();
        let loss_of = |(inputs, present, target): (&[f64], &[f64], f64)| {
            let z = Ratio::of(c, total, inputs, present).map_or(b, |ratio| b + ratio.value());
            loss(z, target)
        };
        self.rows().map(loss_of).sum::<f64>() / self.targets.len() as f64 + lambda / 2.0 * c.iter().map(|c| c * c).sum::<f64>()
    }

    pub(super) fn derivatives(&self, lambda: f64, parameters: &[f64], signs: &[f64]) -> Derivatives {
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
}
