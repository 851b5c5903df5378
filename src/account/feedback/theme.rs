//! Themes: the topic of an answer, as free text from whoever sent or collected it.

use super::Satisfaction;
use super::answer::Score;

/// Characters kept of a theme: it is a label in outputs, not free text.
pub(super) const MAX_THEME_CHARS: usize = 100;

/// Counts of answers, and how many are positive or negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Opinions {
    /// All of them.
    pub answers: u64,
    /// Promoters, or at least 0.75 on the scale.
    pub positive: u64,
    /// Detractors, or at most 0.25 on the scale.
    pub negative: u64,
}

impl Opinions {
    pub(super) fn add(&mut self, score: Score) {
        let (positive, negative) = match score {
            Score::Nps(score) => (score >= 9, score <= 6),
            Score::Csat(satisfaction) => of(satisfaction),
            Score::Ces(place) => of(Satisfaction::of(place)),
        };
        self.answers += 1;
        self.positive += u64::from(positive);
        self.negative += u64::from(negative);
    }
}

fn of(satisfaction: Satisfaction) -> (bool, bool) {
    (satisfaction >= Satisfaction::Satisfied, satisfaction == Satisfaction::Dissatisfied)
}

/// The theme, cut to [`MAX_THEME_CHARS`].
pub(super) fn shortened(theme: &str) -> Box<str> {
    match theme.char_indices().nth(MAX_THEME_CHARS) {
        Some((end, _)) => theme.get(..end).unwrap_or(theme).into(),
        None => theme.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promoters_and_satisfied_are_positive_detractors_and_dissatisfied_negative() {
        let opinions = |scores: &[Score]| {
            let mut opinions = Opinions::default();
            for score in scores {
                opinions.add(*score);
            }
            [opinions.answers, opinions.positive, opinions.negative]
        };
        assert_eq!(opinions(&[Score::Nps(9), Score::Nps(8), Score::Nps(7), Score::Nps(6), Score::Nps(0)]), [5, 1, 2]);
        assert_eq!(opinions(&[0.75, 0.74, 0.26, 0.25].map(Score::Ces)), [4, 1, 1]);
        assert_eq!(opinions(&[1.0, 0.75, 0.5, 0.0].map(|place| Score::Csat(Satisfaction::of(place)))), [4, 2, 1]);
    }

    #[test]
    fn a_theme_is_cut_at_a_hundred_characters_whatever_their_bytes() {
        assert_eq!(&*shortened("price"), "price");
        assert_eq!(&*shortened(&"ü".repeat(100)), "ü".repeat(100));
        assert_eq!(&*shortened(&"ü".repeat(101)), "ü".repeat(100));
    }
}
