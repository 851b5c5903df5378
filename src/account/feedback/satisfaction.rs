//! Satisfaction: the class of an answer or a ticket rating, and how many of each there are.

use std::ops::AddAssign;

/// The class of a rating, with the boundaries of a five-point scale: top two boxes satisfied, bottom two dissatisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Satisfaction {
    /// At most 0.25 on the scale 0..=1.
    Dissatisfied,
    /// In between.
    Neutral,
    /// At least 0.75.
    Satisfied,
    /// Exactly 1.
    HighlySatisfied,
}

impl Satisfaction {
    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dissatisfied => "dissatisfied",
            Self::Neutral => "neutral",
            Self::Satisfied => "satisfied",
            Self::HighlySatisfied => "highly_satisfied",
        }
    }

    /// The class of a position on the scale, 0..=1.
    #[must_use]
    pub fn of(place: f64) -> Self {
        match place {
            p if p >= 1.0 => Self::HighlySatisfied,
            p if p >= 0.75 => Self::Satisfied,
            p if p <= 0.25 => Self::Dissatisfied,
            _ => Self::Neutral,
        }
    }
}

/// Counts of ratings, for sums over tickets, answers and accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ratings {
    /// All of them.
    pub rated: u64,
    /// At least 0.75, including highly satisfied.
    pub satisfied: u64,
    /// Exactly 1.
    pub highly_satisfied: u64,
    /// At most 0.25 on the scale 0..=1.
    pub dissatisfied: u64,
}

impl Ratings {
    /// Counts one rating.
    pub fn add(&mut self, rating: Satisfaction) {
        self.rated += 1;
        self.satisfied += u64::from(rating >= Satisfaction::Satisfied);
        self.highly_satisfied += u64::from(rating == Satisfaction::HighlySatisfied);
        self.dissatisfied += u64::from(rating == Satisfaction::Dissatisfied);
    }

    /// Satisfied / rated; `None` without a rating.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of ratings stay far below 2^53")]
    pub fn share_satisfied(&self) -> Option<f64> {
        (self.rated > 0).then(|| self.satisfied as f64 / self.rated as f64)
    }
}

impl AddAssign for Ratings {
    fn add_assign(&mut self, other: Self) {
        self.rated += other.rated;
        self.satisfied += other.satisfied;
        self.highly_satisfied += other.highly_satisfied;
        self.dissatisfied += other.dissatisfied;
    }
}

#[cfg(test)]
mod tests {
    use super::Satisfaction::{Dissatisfied, HighlySatisfied, Neutral, Satisfied};
    use super::*;

    #[test]
    fn of_five_points_the_top_two_are_satisfied_and_the_bottom_two_are_not() {
        let classes = [1.0, 2.0, 3.0, 4.0, 5.0].map(|score| Satisfaction::of((score - 1.0) / 4.0));
        assert_eq!(classes, [Dissatisfied, Dissatisfied, Neutral, Satisfied, HighlySatisfied]);
    }

    #[test]
    fn the_highly_satisfied_are_satisfied_too() {
        let mut ratings = Ratings::default();
        for place in [1.0, 0.75, 0.5, 0.25, 0.0] {
            ratings.add(Satisfaction::of(place));
        }
        assert_eq!(ratings, Ratings { rated: 5, satisfied: 2, highly_satisfied: 1, dissatisfied: 2 });
        assert_eq!(ratings.share_satisfied(), Some(0.4));
        assert_eq!(Ratings::default().share_satisfied(), None);
    }
}
