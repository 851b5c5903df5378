//! Which examples a model is fitted to, and which it is judged by.
//!
//! The future is what a model must foretell, so the test part is the latest: instants are split 60/20/20 into training, validation and
//! test. What is learned from must have been known when the test begins, so an instant belongs to training or validation only if its
//! horizon ends by the first instant of the test (an embargo, as in López de Prado, "Advances in Financial Machine Learning", 7.4).
//! Calibration has a part of its own: half of the accounts of validation.

use std::collections::BTreeSet;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::super::example::Example;
use crate::time::{DAY_MS, Timestamp};

/// What an example is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// To fit coefficients.
    Training,
    /// To choose the penalty; then to fit coefficients.
    Validation,
    /// To calibrate.
    Calibration,
    /// To judge the result; nothing is learned from it.
    Test,
}

/// How instants and accounts were split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The instants in ascending order, each with the rule for its accounts.
    instants: Vec<(Timestamp, Assignment)>,
    /// Whether every outcome that was learned from was known when the test began.
    pub is_embargoed: bool,
}

/// How the accounts of an instant are assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assignment {
    Training,
    /// Validation or calibration, by account.
    Validation,
    /// Training, validation or calibration, by account.
    TrainingAndValidation,
    /// Validation, calibration or test, by account.
    ValidationAndTest,
    /// Any part, by account.
    All,
    Test,
    /// Nothing: the outcome was not known when the test began.
    Embargo,
}

impl Split {
    /// Splits by time if there are at least three instants. Of two instants, the second is split by account; a single one is split by
    /// account 60/20/20.
    #[must_use]
    pub fn of(examples: &[Example], horizon_days: u32) -> Self {
        let instants: BTreeSet<Timestamp> = examples.iter().map(|example| example.instant).collect();
        let instants: Vec<Timestamp> = instants.into_iter().collect();
        let ends_by = |instant: Timestamp, by: Timestamp| instant.plus(i64::from(horizon_days) * DAY_MS) <= by;
        match *instants.as_slice() {
            [] => Self { instants: Vec::new(), is_embargoed: true },
            [only] => Self { instants: vec![(only, Assignment::All)], is_embargoed: false },
            [first, second] => {
                Self { instants: vec![(first, Assignment::Training), (second, Assignment::ValidationAndTest)], is_embargoed: false }
            }
            _ => {
                let tested = (instants.len() / 5).max(1);
                let (before, test) = instants.split_at(instants.len() - tested);
                let begin = test.first().copied().unwrap_or_default();
                let known = before.iter().take_while(|instant| ends_by(**instant, begin)).count();
                let is_embargoed = known > 0;
                let usable = if is_embargoed { known } else { before.len() };
                let assigned = before.iter().enumerate().map(|(place, instant)| (*instant, assignment(place, usable)));
                Self { instants: assigned.chain(test.iter().map(|instant| (*instant, Assignment::Test))).collect(), is_embargoed }
            }
        }
    }

    /// What an example is used for; `None` if it falls into the embargo.
    #[must_use]
    pub fn part(&self, account: u64, instant: Timestamp) -> Option<Part> {
        let place = self.instants.binary_search_by_key(&instant, |(instant, _)| *instant).ok()?;
        let assignment = self.instants.get(place)?.1;
        let of_10 = draw(account);
        Some(match (assignment, of_10) {
            (Assignment::Embargo, _) => return None,
            (Assignment::Test, _) | (Assignment::All, 8..) | (Assignment::ValidationAndTest, 5..) => Part::Test,
            (Assignment::Training, _) | (Assignment::All, ..6) | (Assignment::TrainingAndValidation, ..7) => Part::Training,
            (Assignment::All, 6)
            | (Assignment::TrainingAndValidation, 7)
            | (Assignment::Validation, ..5)
            | (Assignment::ValidationAndTest, ..2) => Part::Validation,
            _ => Part::Calibration,
        })
    }

    /// The first instant of the test.
    #[must_use]
    pub fn test_begins(&self) -> Option<Timestamp> {
        let is_tested = |assignment| matches!(assignment, Assignment::Test | Assignment::All | Assignment::ValidationAndTest);
        self.instants.iter().find(|(_, assignment)| is_tested(*assignment)).map(|(instant, _)| *instant)
    }

    /// The last instant that is learned from.
    #[must_use]
    pub fn learning_ends(&self) -> Option<Timestamp> {
        let is_learned = |assignment| !matches!(assignment, Assignment::Test | Assignment::Embargo);
        self.instants.iter().rev().find(|(_, assignment)| is_learned(*assignment)).map(|(instant, _)| *instant)
    }

    /// Whether test and training differ in time, not only in accounts.
    #[must_use]
    pub fn is_by_time(&self) -> bool {
        self.instants.iter().any(|(_, assignment)| *assignment == Assignment::Test)
    }
}

/// Of the instants before the test, the last quarter of those whose outcome is known is for validation.
const fn assignment(place: usize, usable: usize) -> Assignment {
    if place >= usable {
        return Assignment::Embargo;
    }
    if usable == 1 {
        return Assignment::TrainingAndValidation;
    }
    let validated = if usable < 4 { 1 } else { usable / 4 };
    if place < usable - validated { Assignment::Training } else { Assignment::Validation }
}

/// A number 0 to 9 by account. Hashed again, because partitions and stores have already chosen accounts by the hash of the id.
fn draw(account: u64) -> u64 {
    xxh3_64_with_seed(&account.to_le_bytes(), 0x73_706c_6974) % 10 // "split"
}
