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
    /// Splits by time if there are at least three instants: the last fifth of them is the test, or whatever follows `test_begins`. Of two
    /// instants, the second is split by account; a single one is split by account 60/20/20.
    #[must_use]
    pub fn of(examples: &[Example], horizon_days: u32, test_begins: Option<Timestamp>) -> Self {
        let instants: BTreeSet<Timestamp> = examples.iter().map(|example| example.instant).collect();
        let instants: Vec<Timestamp> = instants.into_iter().collect();
        let fifth = instants.len() - (instants.len() / 5).max(1).min(instants.len());
        let latest = instants.get(fifth).copied();
        match (instants.as_slice(), test_begins) {
            ([only], None) => Self { instants: vec![(*only, Assignment::All)], is_embargoed: false },
            ([first, second], None) => {
                Self { instants: vec![(*first, Assignment::Training), (*second, Assignment::ValidationAndTest)], is_embargoed: false }
            }
            _ => Self::by_time(&instants, horizon_days, test_begins.or(latest).unwrap_or_default()),
        }
    }

    fn by_time(instants: &[Timestamp], horizon_days: u32, test_begins: Timestamp) -> Self {
        let (before, test) = instants.split_at(instants.partition_point(|instant| *instant < test_begins));
        let is_known = |instant: &&Timestamp| instant.plus(i64::from(horizon_days) * DAY_MS) <= test_begins;
        let known = before.iter().take_while(is_known).count();
        let is_embargoed = known > 0;
        let usable = if is_embargoed { known } else { before.len() };
        let assigned = before.iter().enumerate().map(|(place, instant)| (*instant, assignment(place, usable)));
        Self { instants: assigned.chain(test.iter().map(|instant| (*instant, Assignment::Test))).collect(), is_embargoed }
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

/// Groups of accounts; each is judged by what was learned from the others.
pub(super) const FOLDS: u64 = 5;

/// The group of an account, whatever its part.
pub(super) fn fold_of(account: u64) -> u64 {
    xxh3_64_with_seed(&account.to_le_bytes(), 0x66_6f6c_6473) % FOLDS // "folds"
}

/// Whether an account is one of the `one_in`-th part of all that is drawn.
pub(super) fn is_drawn(account: u64, one_in: u64) -> bool {
    xxh3_64_with_seed(&account.to_le_bytes(), 0x64_7261_776e).is_multiple_of(one_in.max(1)) // "drawn"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn examples(days: &[i64]) -> Vec<Example> {
        let example = |account, day: &i64| Example { account, instant: Timestamp(day * DAY_MS), churned: false, inputs: Box::default() };
        days.iter().flat_map(|day| (0..1000).map(move |account| example(account, day))).collect()
    }

    /// The share of each part by day.
    fn shares(days: &[i64], horizon_days: u32) -> Vec<BTreeMap<Part, f64>> {
        let split = Split::of(&examples(days), horizon_days, None);
        let of_day = |day: &i64| {
            let mut shares = BTreeMap::new();
            for part in (0..1000).filter_map(|account| split.part(account, Timestamp(day * DAY_MS))) {
                *shares.entry(part).or_default() += 0.001;
            }
            shares
        };
        days.iter().map(of_day).collect()
    }

    fn is_all(shares: &BTreeMap<Part, f64>, part: Part) -> bool {
        shares.len() == 1 && shares.contains_key(&part)
    }

    #[test]
    fn the_latest_fifth_is_the_test_and_outcomes_unknown_at_its_beginning_are_left_out() {
        let days: Vec<i64> = (0..10).map(|month| month * 30).collect();
        let shares = shares(&days, 90);
        // The test begins on day 240, so day 150 is the last whose outcome was known; the last quarter of 0 to 150 is for validation.
        assert!(shares[..5].iter().all(|shares| is_all(shares, Part::Training)), "{shares:?}");
        assert_eq!(shares[5].keys().copied().collect::<Vec<_>>(), [Part::Validation, Part::Calibration]);
        assert!(shares[6].is_empty() && shares[7].is_empty());
        assert!(shares[8..].iter().all(|shares| is_all(shares, Part::Test)));
        let split = Split::of(&examples(&days), 90, None);
        assert_eq!(split.test_begins(), Some(Timestamp(240 * DAY_MS)));
        assert_eq!(split.learning_ends(), Some(Timestamp(150 * DAY_MS)));
        assert!(split.is_embargoed && split.is_by_time());
    }

    #[test]
    fn the_beginning_of_the_test_may_be_set() {
        let split = Split::of(&examples(&[0, 30, 60, 90]), 30, Some(Timestamp(60 * DAY_MS)));
        let part = |day: i64| split.part(3, Timestamp(day * DAY_MS));
        assert_eq!((part(0), part(60), part(90)), (Some(Part::Training), Some(Part::Test), Some(Part::Test)));
        assert!(matches!(part(30), Some(Part::Validation | Part::Calibration)));
        let none = Split::of(&examples(&[0, 30]), 30, Some(Timestamp(90 * DAY_MS)));
        assert_eq!((none.test_begins(), none.is_by_time()), (None, false));
    }

    #[test]
    fn an_outcome_known_exactly_when_the_test_begins_is_used() {
        let parts = |horizon_days| shares(&[0, 30, 60], horizon_days).iter().filter(|shares| !shares.is_empty()).count();
        assert_eq!((parts(30), parts(31)), (3, 2));
    }

    #[test]
    fn a_single_instant_before_the_embargo_is_split_by_account() {
        let shares = shares(&[0, 30, 60, 90], 90);
        assert!((shares[0][&Part::Training] - 0.7).abs() < 0.05, "{shares:?}");
        assert!(shares[1].is_empty() && shares[2].is_empty() && is_all(&shares[3], Part::Test));
    }

    #[test]
    fn a_history_shorter_than_the_horizon_has_no_embargo_and_says_so() {
        let shares = shares(&[0, 30, 60], 90);
        assert!(is_all(&shares[0], Part::Training) && !shares[1].is_empty() && is_all(&shares[2], Part::Test));
        assert!(!Split::of(&examples(&[0, 30, 60]), 90, None).is_embargoed);
    }

    #[test]
    fn fewer_than_three_instants_are_split_by_account() {
        let one = &shares(&[5], 90)[0];
        for (part, share) in [(Part::Training, 0.6), (Part::Validation, 0.1), (Part::Calibration, 0.1), (Part::Test, 0.2)] {
            assert!((one[&part] - share).abs() < 0.05, "{one:?}");
        }
        let two = shares(&[5, 95], 90);
        assert!(is_all(&two[0], Part::Training) && two[1].len() == 3 && (two[1][&Part::Test] - 0.5).abs() < 0.05, "{two:?}");
        assert!(!Split::of(&examples(&[5, 95]), 90, None).is_by_time());
    }

    #[test]
    fn an_account_is_in_the_same_part_of_calibration_at_every_instant() {
        let days: Vec<i64> = (0..20).map(|month| month * 30).collect();
        let split = Split::of(&examples(&days), 30, None);
        for account in 0..100 {
            let parts: BTreeSet<Part> = days.iter().filter_map(|day| split.part(account, Timestamp(day * DAY_MS))).collect();
            assert!(!(parts.contains(&Part::Validation) && parts.contains(&Part::Calibration)));
        }
    }
}
