//! Against references, differences and plain regression.

use super::super::logistic::{Failure, fit_targets};
use super::descent::LEAST;
use super::likelihood::Rows;

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
fn a_lower_minimum_with_other_signs_is_found() {
    let rows = with_gaps();
    // scipy finds this minimum too, from other starts: F is 0.53730645 here.
    let local = rows.minimise_from(0.05, vec![-0.3, -0.9, -0.6, -0.4]).unwrap();
    assert_close(&local.parameters, &[-0.322_680_1, -0.929_827_0, -0.614_804_8, -0.433_57], 2e-6);
    let found = rows.with_other_sides(0.05, local).unwrap();
    assert_close(&found.parameters, &[-0.416_725_2, -0.863_996_8, -0.857_502_1, 0.449_892_8], 2e-6);
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
    let (inputs, targets) = rows.filled();
    let plain = fit_targets(&inputs, &targets, 0.1).unwrap();
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

/// Without an allowance for rounding, steps near the minimum were refused, and halved until nothing moved.
#[test]
fn sums_over_many_rows_do_not_keep_it_from_converging() {
    let mut rows = Rows::new(2);
    let mut state = 1_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / 2_147_483_648.0
    };
    for account in 0..150_000 {
        let (one, other) = (2.0 * unit() - 1.0, 2.0 * unit() - 1.0);
        let churned = unit() < 1.0 / (1.0 + (2.5 + 0.8 * one).exp());
        rows.push(account, &[Some(one), (unit() < 0.5).then_some(other)], churned);
    }
    for lambda in [0.0001, 0.001, 0.01] {
        let found = rows.minimise(lambda);
        assert!(found.is_ok(), "{lambda}: {found:?}");
    }
}
