//! Answers to surveys, and the interactions that are only counted.

use std::cmp::Ordering;

use super::Satisfaction;
use crate::time::Timestamp;

/// One answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Answer {
    pub at: Timestamp,
    /// The producer's id where it decides which answer of an instant is the newest: NPS and CES. Else empty.
    pub id: Box<str>,
    pub score: Score,
    /// Not part of what version 1 of the state wrote of an answer: see `codec`.
    #[serde(skip)]
    pub theme: Option<Box<str>>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum Score {
    /// 0..=10.
    Nps(u8),
    /// Its class.
    Csat(Satisfaction),
    /// Place on the scale, 0..=1.
    Ces(f64),
}

impl Answer {
    /// By instant, then id, then what was answered, and about what.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        (self.at, &self.id)
            .cmp(&(other.at, &other.id))
            .then_with(|| self.score.order(other.score))
            .then_with(|| self.theme.cmp(&other.theme))
    }
}

impl Score {
    fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Nps(one), Self::Nps(two)) => one.cmp(&two),
            (Self::Csat(one), Self::Csat(two)) => one.cmp(&two),
            (Self::Ces(one), Self::Ces(two)) => one.total_cmp(&two),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Nps(_) => 0,
            Self::Csat(_) => 1,
            Self::Ces(_) => 2,
        }
    }
}

/// Something a customer did, or was asked, that is only counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct Interaction {
    pub at: Timestamp,
    pub kind: InteractionKind,
}

/// What it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) enum InteractionKind {
    SurveySent(Box<str>),
    Referral,
    Advocacy(Box<str>),
}

/// Keeps of sorted answers those after `horizon`, at most `limit`; the newest NPS and CES answers stay in any case. False when there
/// were more than `limit` after the horizon.
pub(super) fn drop_aged(answers: &mut Vec<Answer>, horizon: Timestamp, limit: usize) -> bool {
    let aged = answers.partition_point(|answer| answer.at <= horizon);
    let excess = (answers.len() - aged).saturating_sub(limit);
    if aged + excess == 0 {
        return true;
    }
    let newest_of = |rank| answers.iter().rposition(|answer| answer.score.rank() == rank);
    let always = [newest_of(Score::Nps(0).rank()), newest_of(Score::Ces(0.0).rank())];
    let mut place = 0..;
    answers.retain(|_| {
        let place = place.next();
        place >= Some(aged + excess) || always.contains(&place)
    });
    excess == 0
}
