//! Ups and downs of an account's use that mean nothing: busy weeks and idle ones, projects that come and go.

use super::random::Random;
use crate::time::{DAY_MS, Timestamp};

/// Days between the random levels of each wave, and the standard deviation of their logarithms.
const WAVES: [(i64, f64); 2] = [(7, 0.12), (42, 0.10)];

/// The ups and downs of one account: a function of time, so that any day can be asked for in any order.
#[derive(Clone, Debug)]
pub struct Noise {
    seed: u64,
    size: f64,
}

impl Noise {
    /// Draws them; `size` is relative to the usual.
    pub fn draw(size: f64, random: &mut Random) -> Self {
        Self { seed: random.bits(), size }
    }

    /// The factor of use at an instant; its median is 1.
    pub fn level(&self, at: Timestamp) -> f64 {
        let waves = WAVES.into_iter().zip(0..).map(|((days, spread), wave)| spread * self.wave(days, wave, at));
        (self.size * waves.sum::<f64>()).exp()
    }

    /// A standard normal number every few days, and straight lines between them.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds within weeks")]
    fn wave(&self, days: i64, wave: u64, at: Timestamp) -> f64 {
        let length = days * DAY_MS;
        let (knot, passed) = (at.millis().div_euclid(length), at.millis().rem_euclid(length) as f64 / length as f64);
        let normal = |knot: i64| Random::new(self.seed.wrapping_add(wave), knot.unsigned_abs()).normal();
        (1.0 - passed) * normal(knot) + passed * normal(knot + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_use_by_a_tenth_or_so_and_averages_out() {
        let mut random = Random::new(1, 1);
        let levels: Vec<f64> = (0..2_000).map(|day| Noise::draw(1.0, &mut random).level(Timestamp(day * DAY_MS)).ln()).collect();
        let mean = levels.iter().sum::<f64>() / 2_000.0;
        let spread = (levels.iter().map(|level| (level - mean).powi(2)).sum::<f64>() / 2_000.0).sqrt();
        assert!(mean.abs() < 0.02 && (0.08..0.18).contains(&spread), "{mean} {spread}");
    }

    #[test]
    fn without_noise_the_level_is_one() {
        assert_eq!(Noise::draw(0.0, &mut Random::new(1, 1)).level(Timestamp(5)).to_bits(), 1.0_f64.to_bits());
    }
}
