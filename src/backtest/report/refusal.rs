//! When a history is too small to judge a score by, and when it is so small that a reader must know.

use super::super::points::Past;
use super::part::Part;
use super::predictor::Predictor;
use super::subject::Subject;

/// Accounts of either outcome in the test below which intervals are wide.
const FEW: u64 = 50;

/// Why a history cannot be judged by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLittle {
    /// No instant is early enough.
    #[error(
        "the history from {from} to {to} has no instant at which accounts can be scored and whose {horizon_days} days ahead are known: \
         give a longer history, or a shorter --horizon-days"
    )]
    NoInstant {
        /// The first record.
        from: String,
        /// The end.
        to: String,
        /// The horizon.
        horizon_days: u32,
    },
    /// No account was alive.
    #[error(
        "no account could leave at any of the {instants} instants: with a billing file, accounts count while their MRR is above 0; \
         without one, name what became of them with --labels"
    )]
    NobodyAlive {
        /// Number of instants.
        instants: usize,
    },
    /// Points without a score.
    #[error(
        "none of the {points} points has a score: coverage is below min_coverage, so give the streams that the model's components need"
    )]
    NoScore {
        /// Number of points.
        points: usize,
    },
    /// Only one outcome, or nothing, is held out.
    #[error(
        "the held-out part has {points} points, of which {churned} were followed by churn: both outcomes are needed. Give a longer \
         history, more instants with --every, or another --train-until"
    )]
    OneOutcome {
        /// Points of the part.
        points: u64,
        /// Those that churned.
        churned: u64,
    },
}

/// Refuses a history that cannot be judged by.
pub(super) fn refuse(past: &Past, test: &Part, subject: &Subject<'_>) -> Result<(), TooLittle> {
    let instants = subject.schedule.points().count();
    let points = past.points().count();
    if instants == 0 {
        let (from, to) = subject.span;
        return Err(TooLittle::NoInstant { from: from.to_string(), to: to.to_string(), horizon_days: subject.horizon_days });
    }
    if points == 0 {
        return Err(TooLittle::NobodyAlive { instants });
    }
    if past.points().all(|(_, point)| point.health.is_none()) {
        return Err(TooLittle::NoScore { points });
    }
    if test.churned == 0 || test.churned == test.points {
        return Err(TooLittle::OneOutcome { points: test.points, churned: test.churned });
    }
    Ok(())
}

/// Warnings about what can be judged.
pub(super) fn warnings(train: &Part, test: &Part, predictors: &[Predictor], subject: &Subject<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let stayed = test.accounts - test.churned_accounts.min(test.accounts);
    // A fit says it itself, in its evidence.
    if subject.fit.is_none() && test.churned_accounts.min(stayed) < FEW {
        let churned = test.churned_accounts;
        warnings.push(format!(
            "few data: {churned} accounts of the held-out part churned and {stayed} stayed; with fewer than {FEW} of each, intervals are wide"
        ));
    }
    if !predictors.contains(&Predictor::Regression) {
        let reason = if train.points == 0 { "no earlier part to learn from" } else { "one outcome only in the earlier part" };
        warnings.push(format!("no regression on the simple measures: {reason}"));
    }
    warnings.extend(subject.fit.iter().flat_map(|fit| fit.evidence.warnings.iter().cloned()));
    if !subject.model.risk.calibrated {
        warnings
            .push("the risk of this model is an index, not a probability, until it is fitted: its Brier score is that of an index".into());
    }
    warnings
}
