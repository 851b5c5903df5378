//! Histories of a known risk function.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::super::example::Example;
use super::function::RiskFunction;
use crate::score::{Model, ModelFile};
use crate::time::{DAY_MS, Timestamp};

pub(super) const NAMES: [&str; 4] = ["usage", "seats", "tickets", "surveys"];

/// A model with the components [`NAMES`].
pub(super) fn model() -> Model {
    let component = |name: &&str| {
        format!("[[health.component]]\nname = '{name}'\ngroup = 'usage'\nmetric = 'usage.trend'\ncurve = [[0, 0], [1, 100]]\nweight = 1\n")
    };
    Model::compile(&ModelFile::parse(&NAMES.iter().map(component).collect::<String>()).unwrap()).unwrap()
}

pub(super) fn truth() -> RiskFunction {
    RiskFunction { intercept: -1.4, coefficients: vec![-1.6, -0.8, 0.7, -0.4] }
}

/// A random number in [0, 1).
pub(super) fn unit(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

/// Accounts at monthly instants. Surveys are absent from six points in ten, seats from two in ten, and each account has a level of its
/// own, around which its inputs vary.
pub(super) fn history(seed: u64, accounts: u64, months: i64) -> Vec<Example> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut examples = Vec::new();
    for account in 0..accounts {
        let levels: Vec<f64> = NAMES.iter().map(|_| unit(&mut random)).collect();
        for month in 0..months {
            let absent = [0.0, 0.2, 0.0, 0.6];
            let input = |(level, absent): (&f64, f64), random: &mut ChaCha8Rng| {
                let value = level + unit(random) - 1.0;
                (unit(random) >= absent).then_some(value)
            };
            let inputs: Box<[Option<f64>]> = levels.iter().zip(absent).map(|pair| input(pair, &mut random)).collect();
            let churned = unit(&mut random) < truth().risk(&inputs).unwrap();
            examples.push(Example { account, instant: Timestamp(month * 30 * DAY_MS), churned, inputs });
        }
    }
    examples
}
