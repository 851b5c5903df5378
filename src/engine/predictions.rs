//! How often churn came where a calibrated model had predicted it.
//!
//! Every account gets one prediction a month: its risk of that moment. The prediction is kept until the account has churned (its MRR is 0) or
//! the horizon of the model has passed, and is then added to the [`Tally`] of its level. Another model starts from nothing: what came true
//! of the predictions of one says little about another.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::account::{CodecError, section};
use crate::score::{Level, Model, Risk};
use crate::settings::StateVersion;
use crate::time::{DAY_MS, Timestamp};

/// Days between two predictions for one account.
const EVERY_DAYS: i64 = 30;
/// Predictions that may be open for an account: with a horizon of more than two years, later ones are not made.
const MAX_OPEN: usize = 24;
/// Parts of a probability of 1, so that sums do not depend on their order.
const PARTS: f64 = 1_000_000.0;

/// The open predictions of a task, and what became of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Predictions {
    by_account: HashMap<u128, Open>,
    tally: Tally,
    tally_changed: bool,
}

/// The open predictions for an account, oldest first; [`MAX_OPEN`] at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Open {
    /// [`Model::id`].
    model: u64,
    predictions: SmallVec<[Prediction; 3]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Prediction {
    made: Timestamp,
    level: Level,
    /// In [`PARTS`].
    probability: u32,
}

/// What became of the predictions of one model, by level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// [`Model::id`]; 0: no model yet.
    model: u64,
    levels: [Settled; Level::ALL.len()],
}

/// Predictions of one level whose horizon has passed, or whose account has churned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Their number.
    pub predictions: u64,
    /// Those whose account has churned within the horizon.
    pub churned: u64,
    /// Sum of their probabilities, in millionths.
    probability: u64,
}

impl Settled {
    /// How many were expected to churn: the sum of their probabilities.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.probability as f64 / PARTS
    }

    /// Adds the predictions of another task.
    pub const fn add(&mut self, other: &Self) {
        self.predictions += other.predictions;
        self.churned += other.churned;
        self.probability += other.probability;
    }
}

impl Tally {
    /// What became of the predictions of this level; `None` if they are those of another model.
    #[must_use]
    pub fn of(&self, level: Level, model: &Model) -> Option<&Settled> {
        (self.model == model.id).then(|| self.levels.get(level as usize)).flatten()
    }
}

impl Predictions {
    /// Notes that an account has this MRR and risk at `now`: settles what has come true or not, and predicts if a month has passed. Returns
    /// whether anything has changed. Nothing changes while its MRR is unknown.
    pub(super) fn note(&mut self, hash: u128, mrr_minor: Option<i64>, risk: Option<Risk>, now: Timestamp, model: &Model) -> bool {
        let Some(mrr) = mrr_minor.filter(|_| model.risk.calibrated) else { return false };
        if self.tally.model != model.id {
            self.tally = Tally { model: model.id, ..Tally::default() };
            self.tally_changed = true;
        }
        let Self { by_account, tally, tally_changed } = self;
        let Some(open) = by_account.get_mut(&hash) else {
            let first = risk
                .filter(|_| mrr > 0)
                .map(|risk| Open { model: model.id, predictions: [Prediction::of(risk, now)].into_iter().collect() });
            return first.map(|first| by_account.insert(hash, first)).is_some();
        };
        let before = (open.model, open.predictions.len());
        if open.model != model.id {
            *open = Open { model: model.id, ..Open::default() };
        }
        let newest = open.predictions.last().map(|prediction| prediction.made);
        let horizon = i64::from(model.risk.horizon_days) * DAY_MS;
        open.predictions.retain(|prediction| {
            let is_open = mrr > 0 && now.since(prediction.made) < horizon;
            if !is_open {
                tally.settle(prediction, mrr <= 0);
                *tally_changed = true;
            }
            is_open
        });
        let settled = before != (open.model, open.predictions.len());
        let is_time = newest.is_none_or(|newest| now.since(newest) >= EVERY_DAYS * DAY_MS);
        let next = risk.filter(|_| mrr > 0 && is_time && open.predictions.len() < MAX_OPEN);
        open.predictions.extend(next.map(|risk| Prediction::of(risk, now)));
        if open.predictions.is_empty() {
            by_account.remove(&hash);
        }
        settled || next.is_some()
    }

    /// Forgets the predictions for a deleted account. Returns whether there were any.
    pub(super) fn forget(&mut self, hash: u128) -> bool {
        self.by_account.remove(&hash).is_some()
    }

    /// What became of earlier predictions.
    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The changelog record of an account; `None` if it has no open predictions.
    pub(super) fn encode(&self, hash: u128, version: StateVersion) -> Option<Vec<u8>> {
        self.by_account.get(&hash).map(|open| section::encode(version, open))
    }

    /// The changelog record of the tally, if it has changed since it was last written.
    pub(super) fn take_changed_tally(&mut self, version: StateVersion) -> Option<Vec<u8>> {
        std::mem::take(&mut self.tally_changed).then(|| section::encode(version, &self.tally))
    }

    /// Whether the changelog does not hold the tally as it is.
    pub(super) const fn is_tally_changed(&self) -> bool {
        self.tally_changed
    }

    /// Restores the record of an account.
    ///
    /// # Errors
    /// When the bytes are no such record.
    pub(super) fn restore(&mut self, hash: u128, bytes: &[u8]) -> Result<(), CodecError> {
        self.by_account.insert(hash, section::decode(bytes)?);
        Ok(())
    }

    /// Restores the tally.
    ///
    /// # Errors
    /// When the bytes are no tally.
    pub(super) fn restore_tally(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.tally = section::decode(bytes)?;
        Ok(())
    }
}

impl Prediction {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability is 0 to 1")]
    fn of(risk: Risk, made: Timestamp) -> Self {
        Self { made, level: risk.level, probability: (risk.probability * PARTS).round() as u32 }
    }
}

impl Tally {
    fn settle(&mut self, prediction: &Prediction, has_churned: bool) {
        let Some(level) = self.levels.get_mut(prediction.level as usize) else { return };
        level.add(&Settled { predictions: 1, churned: u64::from(has_churned), probability: u64::from(prediction.probability) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::model;

    const ACME: u128 = 7;

    fn calibrated(intercept: f64) -> Model {
        model(&format!("[risk]\nhorizon_days = 90\ncalibrated = true\nintercept = {intercept}\ncoefficients = {{ days = -1 }}\n"))
    }

    fn at(day: i64) -> Timestamp {
        Timestamp(day * DAY_MS)
    }

    fn risk(probability: f64) -> Risk {
        Risk { probability, level: if probability < 0.3 { Level::Low } else { Level::High } }
    }

    /// Predictions settled, expected and come true.
    fn settled(predictions: &Predictions, level: Level, model: &Model) -> (u64, f64, u64) {
        let settled = predictions.tally().of(level, model).copied().unwrap_or_default();
        (settled.predictions, settled.expected(), settled.churned)
    }

    #[test]
    fn an_account_that_stays_settles_one_prediction_per_month_when_its_horizon_ends() {
        let (mut predictions, model) = (Predictions::default(), calibrated(0.0));
        for day in 0..=150 {
            predictions.note(ACME, Some(100), Some(risk(0.1)), at(day), &model);
        }
        // Made on days 0, 30, 60, 90, 120 and 150; the horizon of the first three has ended.
        assert_eq!(settled(&predictions, Level::Low, &model), (3, 0.3, 0));
        assert_eq!(settled(&predictions, Level::High, &model), (0, 0.0, 0));
    }

    #[test]
    fn an_account_that_churns_settles_all_its_open_predictions_at_their_levels_and_is_predicted_no_more() {
        let (mut predictions, model) = (Predictions::default(), calibrated(0.0));
        predictions.note(ACME, Some(100), Some(risk(0.1)), at(0), &model);
        predictions.note(ACME, Some(100), Some(risk(0.5)), at(31), &model);
        assert!(predictions.note(ACME, Some(0), Some(risk(0.9)), at(40), &model));
        assert!(!predictions.note(ACME, Some(0), Some(risk(0.9)), at(80), &model), "nothing is open any more");
        assert_eq!(settled(&predictions, Level::Low, &model), (1, 0.1, 1));
        assert_eq!(settled(&predictions, Level::High, &model), (1, 0.5, 1));
        assert!(predictions.encode(ACME, StateVersion::NEWEST).is_none(), "its record is deleted");
    }

    #[test]
    fn no_prediction_is_made_or_settled_without_mrr_a_risk_or_a_calibrated_model() {
        let mut predictions = Predictions::default();
        assert!(!predictions.note(ACME, Some(100), Some(risk(0.1)), at(0), &model("[risk]\ncoefficients = { days = -1 }\n")));
        assert!(!predictions.note(ACME, None, Some(risk(0.1)), at(0), &calibrated(0.0)));
        assert!(!predictions.note(ACME, Some(100), None, at(0), &calibrated(0.0)));
        assert!(!predictions.note(ACME, Some(0), Some(risk(0.1)), at(0), &calibrated(0.0)), "it has churned before");
        predictions.note(ACME, Some(100), Some(risk(0.1)), at(0), &calibrated(0.0));
        assert!(!predictions.note(ACME, None, Some(risk(0.1)), at(200), &calibrated(0.0)), "whether it has churned is unknown");
    }

    #[test]
    fn another_model_starts_from_nothing() {
        let (mut predictions, one, other) = (Predictions::default(), calibrated(0.0), calibrated(1.0));
        predictions.note(ACME, Some(100), Some(risk(0.1)), at(0), &one);
        predictions.note(ACME, Some(100), Some(risk(0.1)), at(95), &one);
        assert_eq!(settled(&predictions, Level::Low, &one), (1, 0.1, 0));
        predictions.note(ACME, Some(100), Some(risk(0.5)), at(96), &other);
        assert_eq!(settled(&predictions, Level::Low, &one), (0, 0.0, 0), "what came of another model says nothing");
        predictions.note(ACME, Some(0), Some(risk(0.5)), at(97), &other);
        assert_eq!(settled(&predictions, Level::High, &other), (1, 0.5, 1), "the prediction of the first model is gone");
        assert_eq!(settled(&predictions, Level::Low, &other), (0, 0.0, 0));
    }

    #[test]
    fn a_restored_task_goes_on_where_it_was() {
        let (mut predictions, model) = (Predictions::default(), calibrated(0.0));
        predictions.note(ACME, Some(100), Some(risk(0.1)), at(0), &model);
        predictions.note(ACME, Some(100), Some(risk(0.5)), at(92), &model);
        let mut restored = Predictions::default();
        restored.restore(ACME, &predictions.encode(ACME, StateVersion::NEWEST).unwrap()).unwrap();
        restored.restore_tally(&predictions.take_changed_tally(StateVersion::NEWEST).unwrap()).unwrap();
        assert_eq!(predictions.take_changed_tally(StateVersion::NEWEST), None, "it is written once");
        for task in [&mut predictions, &mut restored] {
            task.note(ACME, Some(0), Some(risk(0.5)), at(100), &model);
        }
        assert_eq!(restored.tally(), predictions.tally());
        assert_eq!(settled(&restored, Level::High, &model), (1, 0.5, 1));
    }

    #[test]
    fn a_deleted_account_leaves_no_prediction() {
        let (mut predictions, model) = (Predictions::default(), calibrated(0.0));
        predictions.note(ACME, Some(100), Some(risk(0.1)), at(0), &model);
        assert!(predictions.forget(ACME) && !predictions.forget(ACME));
    }
}
