//! What an account's score and risk were on past dates: one byte each, so that a year costs less than half a kilobyte.

use serde::{Deserialize, Serialize};

use crate::time::Date;

/// Dates of which the score is kept, the newest included.
pub const SCORE_DATES: usize = 400;
/// Dates of which the risk is kept, the newest included.
pub const RISK_DATES: usize = 91;

/// The byte of a score of 100, or of a risk of 1: scores are kept in steps of 0.4 points.
const FULL: f64 = 250.0;
/// The byte of a date without score.
const NONE: u8 = u8::MAX;

/// The score and the risk of an account at its first scoring on each date. Empty until it has had a score.
///
/// A date is written once and never again, so what is in the changelog stays exact after any restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Option<Box<Dates>>);

/// The dates up to the newest; each has its place by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dates {
    newest: Date,
    scores: Ring<SCORE_DATES>,
    risks: Ring<RISK_DATES>,
}

/// There are many accounts, and this much was promised.
const _: () = assert!(size_of::<Dates>() <= 512);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Ring<const N: usize>([u8; N]);

/// The layout in the changelog: bytes by date, oldest first, without dates before the first score.
#[derive(Serialize, Deserialize)]
struct Stored {
    newest: i32,
    scores: Vec<u8>,
    risks: Vec<u8>,
}

impl History {
    /// Notes the first scoring of a date; returns whether anything was noted. Later scorings of the date, and earlier dates, are ignored.
    pub fn note(&mut self, date: Date, score: Option<f64>, risk: Option<f64>) -> bool {
        let dates = match &mut self.0 {
            Some(dates) if date <= dates.newest => return false,
            Some(dates) => dates,
            none if score.is_some() => none.insert(Box::new(Dates { newest: date, scores: Ring([NONE; _]), risks: Ring([NONE; _]) })),
            _ => return false,
        };
        dates.scores.advance(dates.newest, date);
        dates.risks.advance(dates.newest, date);
        dates.newest = date;
        dates.scores.set(date, byte_of(score.map(|score| score / 100.0)));
        dates.risks.set(date, byte_of(risk));
        true
    }

    /// The score of a date, 0..=100.
    #[must_use]
    pub fn score(&self, date: Date) -> Option<f64> {
        self.0.as_ref()?.scores.get(self.newest()?, date).map(|byte| f64::from(byte) / (FULL / 100.0))
    }

    /// The risk of a date, 0..=1.
    #[must_use]
    pub fn risk(&self, date: Date) -> Option<f64> {
        self.0.as_ref()?.risks.get(self.newest()?, date).map(|byte| f64::from(byte) / FULL)
    }

    /// The newest score and risk of the dates from `from` to `to`.
    #[must_use]
    pub fn newest_within(&self, from: Date, to: Date) -> Option<(f64, Option<f64>)> {
        (from.0..=to.0).rev().find_map(|date| Some((self.score(Date(date))?, self.risk(Date(date)))))
    }

    /// The newest date.
    #[must_use]
    pub fn newest(&self) -> Option<Date> {
        self.0.as_ref().map(|dates| dates.newest)
    }
}

impl<const N: usize> Ring<N> {
    fn place(date: Date) -> usize {
        usize::try_from(date.0.rem_euclid(i32::try_from(N).unwrap_or(1))).unwrap_or_default()
    }

    /// Clears the dates after `newest` up to `date`.
    fn advance(&mut self, newest: Date, date: Date) {
        let skipped = usize::try_from(date.0.saturating_sub(newest.0)).unwrap_or_default().min(N);
        (0..skipped).zip((newest.0..date.0).rev()).for_each(|(_, before)| self.set(Date(before + 1), NONE));
    }

    fn set(&mut self, date: Date, byte: u8) {
        if let Some(place) = self.0.get_mut(Self::place(date)) {
            *place = byte;
        }
    }

    /// The byte of a date among the last `N` up to `newest`.
    fn get(&self, newest: Date, date: Date) -> Option<u8> {
        let age = usize::try_from(newest.0.checked_sub(date.0)?).ok().filter(|age| *age < N);
        age.and_then(|_| self.0.get(Self::place(date))).copied().filter(|byte| *byte != NONE)
    }

    /// The bytes by date, oldest first, without dates before the first one that has a value.
    fn oldest_first(&self, newest: Date) -> Vec<u8> {
        let oldest = newest.0.saturating_sub(i32::try_from(N).unwrap_or(i32::MAX) - 1);
        let bytes = (oldest..=newest.0).filter_map(|date| self.0.get(Self::place(Date(date))).copied());
        bytes.skip_while(|byte| *byte == NONE).collect()
    }

    /// The dates up to `newest` from what [`Ring::oldest_first`] returned; `None` if there are too many.
    fn restored(newest: Date, bytes: &[u8]) -> Option<Self> {
        let mut ring = Self([NONE; N]);
        let first = newest.0.checked_sub(i32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= N)?)?;
        (first..newest.0).zip(bytes).for_each(|(before, byte)| ring.set(Date(before + 1), *byte));
        Some(ring)
    }
}

impl Serialize for History {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = self.0.as_ref().map(|dates| Stored {
            newest: dates.newest.0,
            scores: dates.scores.oldest_first(dates.newest),
            risks: dates.risks.oldest_first(dates.newest),
        });
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(stored) = Option::<Stored>::deserialize(deserializer)? else { return Ok(Self::default()) };
        let newest = Date(stored.newest);
        let rings = Ring::restored(newest, &stored.scores).zip(Ring::restored(newest, &stored.risks));
        let (scores, risks) = rings.ok_or_else(|| serde::de::Error::custom("too many dates"))?;
        Ok(Self(Some(Box::new(Dates { newest, scores, risks }))))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=250")]
fn byte_of(share: Option<f64>) -> u8 {
    share.map_or(NONE, |share| (share.clamp(0.0, 1.0) * FULL).round() as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn restored(history: &History) -> History {
        postcard::from_bytes(&postcard::to_allocvec(history).unwrap()).unwrap()
    }

    #[test]
    fn the_first_scoring_of_a_date_counts_and_a_date_without_scoring_has_none() {
        let mut history = History::default();
        assert!(!history.note(Date(19_999), None, None), "nothing is kept before the first score");
        assert!(history.note(Date(20_000), Some(61.2), Some(0.25)));
        assert!(!history.note(Date(20_000), Some(12.0), None));
        assert!(!history.note(Date(19_998), Some(12.0), None));
        assert!(history.note(Date(20_003), Some(80.0), None));
        let scores = (19_999..=20_004).map(|date| history.score(Date(date))).collect::<Vec<_>>();
        assert_eq!(scores, [None, Some(61.2), None, None, Some(80.0), None]);
        assert_eq!((history.risk(Date(20_000)), history.risk(Date(20_003))), (Some(0.252), None));
        assert_eq!(restored(&history), history);
        assert_eq!(restored(&History::default()), History::default());
    }

    #[test]
    fn more_dates_than_are_kept_are_no_history() {
        let stored = Some(Stored { newest: 20_000, scores: vec![0; SCORE_DATES + 1], risks: Vec::new() });
        assert!(postcard::from_bytes::<History>(&postcard::to_allocvec(&stored).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn every_date_within_reach_has_its_own_score(steps in prop::collection::vec((1..130_i32, prop::option::of(0..=250_u8)), 1..60)) {
            let (mut history, mut noted, mut date) = (History::default(), std::collections::BTreeMap::new(), -200);
            for (step, byte) in steps {
                date += step;
                let score = byte.map(|byte| f64::from(byte) / 250.0 * 100.0);
                history.note(Date(date), score, score.map(|score| score / 100.0));
                noted.insert(date, byte);
                history = restored(&history);
            }
            for past in date - 450..=date + 1 {
                let kept = noted.get(&past).copied().flatten();
                let close = |value: Option<f64>, expected: Option<f64>| match (value, expected) {
                    (Some(value), Some(expected)) => (value - expected).abs() < 1e-9,
                    (value, expected) => value == expected,
                };
                let score = kept.filter(|_| past > date - 400).map(|byte| f64::from(byte) / 2.5);
                let risk = kept.filter(|_| past > date - 91).map(|byte| f64::from(byte) / 250.0);
                prop_assert!(close(history.score(Date(past)), score), "{past} of {date}");
                prop_assert!(close(history.risk(Date(past)), risk), "{past} of {date}");
            }
        }
    }
}
