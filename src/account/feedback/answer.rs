//! Survey answers, and interactions that are only counted.

use std::cmp::Ordering;

use super::Satisfaction;
use crate::time::Timestamp;

/// One answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Answer {
    pub at: Timestamp,
    /// The producer's id, where it breaks ties between answers of one instant (NPS and CES); empty otherwise.
    pub id: Box<str>,
    pub score: Score,
    /// Not part of the version 1 layout: see `codec`.
    #[serde(skip)]
    pub theme: Option<Box<str>>,
}

/// The answer given.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum Score {
    /// 0..=10.
    Nps(u8),
    /// By class.
    Csat(Satisfaction),
    /// Position on the scale, 0..=1.
    Ces(f64),
}

impl Answer {
    /// By instant, id, score and theme.
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

/// A survey sent, a referral or advocacy: only counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct Interaction {
    pub at: Timestamp,
    pub kind: InteractionKind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) enum InteractionKind {
    SurveySent(Box<str>),
    Referral,
    Advocacy(Box<str>),
}

/// Keeps the sorted answers after `horizon`, at most `limit`, and in any case the newest NPS and CES answers. Returns false if more than
/// `limit` are after the horizon.
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
