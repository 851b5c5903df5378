//! The random numbers of one account: a `SplitMix64` stream (Steele, Lea and Flood, 2014), with eight bytes of state, and the same output
//! in every version.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Stream number `stream` of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut outer = Self(seed);
        let mixed = outer.next() ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut inner = Self(mixed);
        Self(inner.next())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.next()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A whole number in `low..=high`; `low` if the range is empty.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.abs_diff(low).saturating_add(1);
        if high < low { low } else { low.saturating_add_unsigned(self.next() % width) }
    }

    /// One of `items`, with equal probability.
    ///
    /// # Panics
    /// If there are none.
    #[expect(clippy::indexing_slicing, reason = "the place is drawn below the length")]
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.next() % items.len() as u64).unwrap_or(0)]
    }

    /// A Poisson-distributed count: by multiplication (Knuth), above 30 by the normal approximation.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return whole(mean + mean.sqrt() * self.normal());
        }
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// A positive number with this median; `spread` is the standard deviation of its logarithm.
    pub fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        median * (spread * self.normal()).exp()
    }

    /// A standard normal number (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// The nearest whole number, at least 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
pub fn whole(value: f64) -> u32 {
    value.round() as u32
}

/// Minutes as whole milliseconds.
pub fn millis(minutes: f64) -> i64 {
    i64::from(whole(minutes * 60.0)) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_matches_the_published_algorithm() {
        let mut random = Random(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Random::new(1, 0).next(), Random::new(1, 1).next());
        assert_ne!(Random::new(1, 0).next(), Random::new(2, 0).next());
    }

    #[test]
    fn counts_have_the_requested_mean() {
        let mut random = Random::new(7, 7);
        for mean in [0.5, 4.0, 80.0] {
            let total: u32 = (0..4_000).map(|_| random.poisson(mean)).sum();
            let found = f64::from(total) / 4_000.0;
            assert!((found - mean).abs() < mean * 0.1, "{found} instead of {mean}");
        }
    }

    #[test]
    fn a_number_between_bounds_reaches_both() {
        let mut random = Random::new(3, 3);
        let drawn: std::collections::BTreeSet<i64> = (0..100).map(|_| random.between(-1, 1)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-1, 0, 1]);
    }
}
