//! Net promoter score: the share of promoters less the share of detractors (Reichheld, "The One Number You Need to Grow", 2003).

use std::ops::AddAssign;

/// Answers by class, for sums over answers and accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Nps {
    /// 9 and 10.
    pub promoters: u64,
    /// 7 and 8.
    pub passives: u64,
    /// 0 to 6.
    pub detractors: u64,
}

impl Nps {
    /// Counts one answer, 0..=10.
    pub const fn add(&mut self, score: u8) {
        match score {
            9.. => self.promoters += 1,
            7 | 8 => self.passives += 1,
            _ => self.detractors += 1,
        }
    }

    /// All answers.
    #[must_use]
    pub const fn answers(&self) -> u64 {
        self.promoters + self.passives + self.detractors
    }

    /// -100..=100; `None` without an answer.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of answers stay far below 2^53")]
    pub fn score(&self) -> Option<f64> {
        let net = self.promoters as f64 - self.detractors as f64;
        (self.answers() > 0).then(|| 100.0 * net / self.answers() as f64)
    }
}

impl AddAssign for Nps {
    fn add_assign(&mut self, other: Self) {
        self.promoters += other.promoters;
        self.passives += other.passives;
        self.detractors += other.detractors;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_and_ten_promote_and_up_to_six_detract() {
        let mut nps = Nps::default();
        (0..=10).for_each(|score| nps.add(score));
        assert_eq!(nps, Nps { promoters: 2, passives: 2, detractors: 7 });
        assert_eq!(nps.score(), Some(-500.0 / 11.0));
        assert_eq!(Nps::default().score(), None);
    }
}
