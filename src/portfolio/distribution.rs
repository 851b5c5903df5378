//! Histograms over accounts or answers: count, sum, and buckets.

use super::Figure;
use super::additive::{additive, from_trillionths, trillionths};
use super::exposed::Spread;

/// Bucket bounds for shares.
pub(super) const SHARES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Bucket bounds for counts.
pub(super) const COUNTS: &[f64] = &[0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// Maximum number of bounds.
const MAX_BOUNDS: usize = 10;

/// A histogram that can be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Distribution {
    count: u64,
    sum_trillionths: i128,
    /// Count per bucket, not cumulative.
    between: [u64; MAX_BOUNDS],
}

impl Distribution {
    /// Adds a value. `bounds` must be the same in every call.
    pub fn observe(&mut self, value: f64, bounds: &[f64]) {
        self.count += 1;
        self.sum_trillionths += trillionths(value);
        if let Some((_, between)) = bounds.iter().zip(&mut self.between).find(|(bound, _)| value <= **bound) {
            *between += 1;
        }
    }

    /// The mean with the buckets; `None` without values.
    pub fn mean(&self, bounds: &[f64]) -> Option<Figure> {
        Some(Figure::ratio(from_trillionths(self.sum_trillionths), self.count)?.with_buckets(self.buckets(bounds)))
    }

    /// The histogram as exposed to Prometheus.
    pub fn spread(&self, bounds: &[f64]) -> Spread {
        Spread::new(self.count, from_trillionths(self.sum_trillionths), self.up_to(bounds))
    }

    /// Cumulative counts by bound, then the total.
    fn buckets(&self, bounds: &[f64]) -> Vec<(String, u64)> {
        let bounded = self.up_to(bounds).map(|(bound, up_to)| (bound.to_string(), up_to));
        bounded.chain([(UNBOUNDED.to_owned(), self.count)]).collect()
    }

    /// Cumulative counts by bound.
    fn up_to(&self, bounds: &[f64]) -> impl Iterator<Item = (f64, u64)> {
        let mut up_to = 0;
        bounds.iter().zip(self.between).map(move |(bound, between)| {
            up_to += between;
            (*bound, up_to)
        })
    }
}

/// The bound of the last bucket.
pub(super) const UNBOUNDED: &str = "+Inf";

additive!(Distribution { count, sum_trillionths, between });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_the_last_holds_all() {
        let mut tenths = Distribution::default();
        for value in [0.25, 0.3, 1.0, 1.5] {
            tenths.observe(value, SHARES);
        }
        let buckets = tenths.buckets(SHARES);
        assert_eq!(buckets[1..4], [("0.2".to_owned(), 0), ("0.3".to_owned(), 2), ("0.4".to_owned(), 2)]);
        assert_eq!(buckets[9..], [("1".to_owned(), 3), ("+Inf".to_owned(), 4)]);
        assert!((tenths.mean(SHARES).unwrap().real().unwrap() - 3.05 / 4.0).abs() < 1e-9);
    }
}
