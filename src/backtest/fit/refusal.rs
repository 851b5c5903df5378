//! When there is too little history to fit anything.

use std::collections::BTreeMap;

use super::super::example::Example;
use super::logistic::Failure;

/// Points, at least.
const MIN_POINTS: usize = 100;
/// Accounts of either outcome in training, at least: about two events per coefficient of the default model. Peduzzi et al. (J Clin
/// Epidemiol 1996) want ten; the penalty makes up for the rest, and below a hundred there is a warning.
const MIN_TRAINING: u64 = 20;
const FEW_TRAINING: u64 = 100;
/// Accounts of either outcome in the test, at least: with fewer, the interval of the AUC is wider than 0.3.
const MIN_TEST: u64 = 10;
const FEW_TEST: u64 = 50;
/// Share of the rarer outcome below which it is rare.
const RARE: f64 = 0.01;

/// Accounts by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Classes {
    /// Accounts with a point that was followed by churn.
    pub churned: u64,
    /// The others.
    pub stayed: u64,
}

impl Classes {
    /// Counts the accounts of examples.
    pub fn of<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Self {
        let mut accounts: BTreeMap<u64, bool> = BTreeMap::new();
        for example in examples {
            *accounts.entry(example.account).or_default() |= example.churned;
        }
        let churned = accounts.values().filter(|churned| **churned).count() as u64;
        Self { churned, stayed: accounts.len() as u64 - churned }
    }

    const fn fewest(self) -> u64 {
        if self.churned < self.stayed { self.churned } else { self.stayed }
    }
}

/// Why nothing was fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Too few points.
    #[error(
        "{points} points are too few to fit a risk model, at least {MIN_POINTS} are needed: replay a longer history, or score it at more \
         instants"
    )]
    TooFewPoints {
        /// Points with a risk.
        points: usize,
    },
    /// Too few accounts of an outcome to learn from.
    #[error(
        "the {part} part of the history has {} accounts that churned and {} that stayed, at least {needed} of each are needed: replay a \
         longer history, score it at more instants, or lengthen the horizon", .classes.churned, .classes.stayed
    )]
    TooFewAccounts {
        /// `training` or `test`.
        part: &'static str,
        /// What it has.
        classes: Classes,
        /// What it needs of each.
        needed: u64,
    },
    /// The computation has no result.
    #[error("the risk model could not be fitted: {0}")]
    Failed(#[from] Failure),
}

/// Refuses histories that are too small.
pub(super) fn refuse(points: usize, training: Classes, test: Classes) -> Result<(), Refusal> {
    if points < MIN_POINTS {
        return Err(Refusal::TooFewPoints { points });
    }
    for (part, classes, needed) in [("training", training, MIN_TRAINING), ("test", test, MIN_TEST)] {
        if classes.fewest() < needed {
            return Err(Refusal::TooFewAccounts { part, classes, needed });
        }
    }
    Ok(())
}

/// Warnings about histories that are small.
pub(super) fn warnings(points: usize, churned: usize, training: Classes, test: Classes) -> Vec<String> {
    let mut warnings = Vec::new();
    for (part, classes, enough) in [("training", training, FEW_TRAINING), ("test", test, FEW_TEST)] {
        if classes.fewest() < enough {
            let Classes { churned, stayed } = classes;
            warnings.push(format!(
                "few data: {churned} accounts churned and {stayed} stayed in the {part} part; with fewer than {enough} of each, \
                 intervals are wide"
            ));
        }
    }
    let rarer = churned.min(points - churned);
    if (rarer as f64) < RARE * points as f64 {
        let outcome = if churned <= points - churned { "were followed by churn" } else { "were not followed by churn" };
        warnings.push(format!("a rare outcome: only {rarer} of {points} points {outcome}"));
    }
    warnings
}
