//! The penalised likelihood of parameters with its derivatives.

use std::collections::BTreeMap;

use super::super::linear::Symmetric;
use super::super::logistic::{Design, TOLERANCE};
use super::group::Group;
use super::slopes::{Scale, split};

/// Inputs and outcomes, grouped by the inputs that are present. Every row has an input.
///
/// Most rows of a history have the same few gaps, and all that the gaps decide is worked out once per group. Groups are visited in the
/// order of their inputs and rows in the order in which they were added, so that sums are the same in every run.
#[derive(Clone, Debug)]
pub(in super::super) struct Rows {
    width: usize,
    pub(super) groups: BTreeMap<Vec<usize>, Group>,
    pub(super) len: usize,
    /// Descent ends once no partial derivative is larger.
    pub(super) tolerance: f64,
}

/// First and second derivatives by b, then c.
pub(super) struct Derivatives {
    pub gradient: Vec<f64>,
    pub hessian: Symmetric,
    pub gauss_newton: Symmetric,
}

impl Rows {
    pub(in super::super) const fn new(width: usize) -> Self {
        Self { width, groups: BTreeMap::new(), len: 0, tolerance: TOLERANCE }
    }

    /// The same rows for a comparison of minima, which needs no more than their first digits.
    pub(in super::super) fn roughly(self) -> Self {
        Self { tolerance: 1e-6, ..self }
    }

    pub(in super::super) fn push(&mut self, account: u64, inputs: &[Option<f64>], churned: bool) {
        let places: Vec<usize> = inputs.iter().enumerate().filter_map(|(place, input)| input.map(|_| place)).collect();
        let group = self.groups.entry(places).or_insert_with_key(|places| Group::new(places));
        group.push(account, inputs.iter().flatten().copied(), churned);
        self.len += 1;
    }

    /// All rows with 0 where an input is absent, and their targets.
    pub(super) fn filled(&self) -> (Design, Vec<f64>) {
        let (mut design, mut targets) = (Design::new(self.width), Vec::new());
        for group in self.groups.values() {
            for (inputs, target, _) in group.rows() {
                let mut row = vec![0.0; self.width];
                for (place, input) in group.places.iter().zip(inputs) {
                    if let Some(cell) = row.get_mut(*place) {
                        *cell = *input;
                    }
                }
                design.push(row);
                targets.push(target);
            }
        }
        (design, targets)
    }

    pub(super) fn objective(&self, lambda: f64, parameters: &[f64]) -> f64 {
        let (b, c) = split(parameters);
        let total: f64 = c.iter().map(|c| c.abs()).sum();
        let losses: f64 = self.groups.values().map(|group| group.loss(b, c, total)).sum();
        losses / self.len as f64 + lambda / 2.0 * c.iter().map(|c| c * c).sum::<f64>()
    }

    pub(super) fn derivatives(&self, lambda: f64, parameters: &[f64], signs: &[f64]) -> Derivatives {
        let width = parameters.len();
        let (mut gradient, mut gauss_newton) = (vec![0.0; width], Symmetric::zero(width));
        let mut rest = Symmetric::zero(width);
        for group in self.groups.values() {
            let scale = Scale::of(&group.places, parameters, signs);
            group.sums(parameters, &scale).add_to(&scale, &group.places, &mut gradient, &mut gauss_newton, &mut rest);
        }
        let n = self.len as f64;
        for partial in &mut gradient {
            *partial /= n;
        }
        gauss_newton.divide_by(n);
        rest.divide_by(n);
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
