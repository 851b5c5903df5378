//! Resampling of accounts.
//!
//! The points of one account resemble each other, so accounts are drawn, each with all of its points: drawing single points would make
//! intervals too narrow (Field and Welsh, "Bootstrapping clustered data", JRSS B 2007).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::interval::Interval;

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// The same seed gives the same interval.
    pub seed: u64,
    /// Number of resamples; the work is this many times the number of points.
    pub resamples: u32,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { seed: 1, resamples: 1000 }
    }
}

impl Bootstrap {
    /// The percentile interval (2.5 % to 97.5 %) of a statistic, which is given how often each account was drawn. Resamples in which it is
    /// undefined are left out; `None` if these are more than half.
    pub(super) fn interval(&self, accounts: usize, statistic: impl Fn(&[u32]) -> Option<f64>) -> Option<Interval> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut drawn = vec![0_u32; accounts];
        let mut found = Vec::new();
        for _ in 0..self.resamples {
            drawn.fill(0);
            for _ in 0..accounts {
                if let Some(times) = drawn.get_mut(below(accounts, &mut random)) {
                    *times += 1;
                }
            }
            found.extend(statistic(&drawn));
        }
        if found.len() * 2 < self.resamples as usize {
            return None;
        }
        found.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&found, 0.025)?, high: quantile(&found, 0.975)? })
    }
}

/// A whole number below `n`: the upper half of a 128-bit product (Lemire 2019, without rejection: the bias is below n / 2^64).
#[expect(clippy::cast_possible_truncation, reason = "the product shifted by 64 bits is below n")]
fn below(n: usize, random: &mut ChaCha8Rng) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7). `None` of nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let place = share * ascending.len().checked_sub(1)? as f64;
    let low = *ascending.get(place.floor() as usize)?;
    let high = *ascending.get(place.ceil() as usize)?;
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[0.0, 10.0], 0.975), Some(9.75));
        assert_eq!((quantile(&[7.0], 0.9), quantile(&[], 0.5)), (Some(7.0), None));
    }

    #[test]
    fn the_interval_of_a_mean_agrees_with_theory() {
        // 400 accounts, half of them 1: the standard error of the mean is 0.025.
        let mean = |drawn: &[u32]| Some(f64::from(drawn.iter().skip(200).sum::<u32>()) / 400.0);
        let found = Bootstrap::default().interval(400, mean).unwrap();
        assert!((found.low - 0.451).abs() < 0.008 && (found.high - 0.549).abs() < 0.008, "{found:?}");
        assert_eq!(Bootstrap::default().interval(400, mean), Some(found));
        assert_ne!(Bootstrap { seed: 2, ..Bootstrap::default() }.interval(400, mean), Some(found));
    }

    #[test]
    fn a_statistic_that_is_mostly_undefined_has_no_interval() {
        assert_eq!(Bootstrap::default().interval(3, |drawn| (drawn == [1, 1, 1]).then_some(1.0)), None);
        assert_eq!(Bootstrap::default().interval(0, |_| None), None);
    }
}
