//! The calibrated model in force: what it was fitted to, and what has become of its predictions since.

use serde::Serialize;

use crate::engine::{Settled, Tally};
use crate::score::{Level, Model, model::Evidence};

/// What a calibrated model was fitted to, and how it has done since.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackRecord {
    /// The name of the model.
    pub name: String,
    /// How far ahead it predicts, days.
    pub horizon_days: u32,
    /// What it was fitted to; `None` if its file does not say.
    pub evidence: Option<Evidence>,
    /// What became of its predictions, by level, ascending.
    pub levels: [LevelRecord; Level::ALL.len()],
}

/// The predictions of one level whose horizon has passed or whose account has churned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LevelRecord {
    /// `low`, `medium`, `high` or `critical`.
    pub level: &'static str,
    /// Their number.
    pub predictions: u64,
    /// Churn that was expected of them: the sum of their probabilities.
    pub expected_churn: f64,
    /// Churn that came.
    pub observed_churn: u64,
}

impl TrackRecord {
    /// The record of a model by the tallies of all tasks; `None` if it is not calibrated.
    #[must_use]
    pub fn of(model: &Model, tallies: &[Tally]) -> Option<Self> {
        let level = |level: Level| {
            let mut settled = Settled::default();
            tallies.iter().filter_map(|tally| tally.of(level, model)).for_each(|other| settled.add(other));
            let (expected_churn, observed_churn) = (settled.expected(), settled.churned);
            LevelRecord { level: level.name(), predictions: settled.predictions, expected_churn, observed_churn }
        };
        model.risk.calibrated.then(|| Self {
            name: model.name.clone(),
            horizon_days: model.risk.horizon_days,
            evidence: model.risk.evidence.as_deref().cloned(),
            levels: Level::ALL.map(level),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::model;

    #[test]
    fn only_a_calibrated_model_has_a_record() {
        let tallies = [Tally::default(), Tally::default()];
        assert_eq!(TrackRecord::of(&model(""), &tallies), None);
        let calibrated = model("[risk]\ncalibrated = true\nhorizon_days = 60\ncoefficients = { days = -1 }\n");
        let record = TrackRecord::of(&calibrated, &tallies).unwrap();
        assert_eq!((record.horizon_days, record.levels.map(|level| level.predictions)), (60, [0; 4]));
    }
}
