//! Durations of tickets and their quantiles: a list below 64, a histogram from there on.

use hdrhistogram::Histogram;

use crate::time::{DAY_MS, MINUTE_MS};

/// From this many durations on a histogram takes the place of the list.
const HISTOGRAM_FROM: usize = 64;
/// Quantiles see durations held to 1 minute ..
const SHORTEST_MS: i64 = MINUTE_MS;
/// .. and 400 days.
const LONGEST_MS: i64 = 400 * DAY_MS;

/// Durations in milliseconds, of one account or summed over many.
///
/// Quantiles are nearest rank, exact below 64 durations and within 1 % or 1 minute from there on, of durations held to 1 minute ..
/// 400 days. The mean is exact, of durations as they are.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    count: u64,
    sum_ms: i128,
    /// The durations while they are few.
    few: Vec<i64>,
    /// All of them, once they are many.
    many: Option<Box<Histogram<u32>>>,
}

impl Durations {
    /// Adds one duration; less than 0 counts as 0.
    pub fn add(&mut self, millis: i64) {
        let millis = millis.max(0);
        self.count += 1;
        self.sum_ms += i128::from(millis);
        let held = millis.clamp(SHORTEST_MS, LONGEST_MS);
        match &mut self.many {
            Some(histogram) => record(histogram, held, 1),
            None => self.few.push(held),
        }
        if self.few.len() >= HISTOGRAM_FROM {
            self.spill();
        }
    }

    /// Adds all durations of another.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ms += other.sum_ms;
        self.few.extend_from_slice(&other.few);
        if self.few.len() >= HISTOGRAM_FROM || self.many.is_some() || other.many.is_some() {
            self.spill();
        }
        if let (Some(histogram), Some(others)) = (&mut self.many, &other.many) {
            for step in others.iter_recorded() {
                record(histogram, step.value_iterated_to().try_into().unwrap_or(LONGEST_MS), step.count_at_value());
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum in milliseconds.
    #[must_use]
    pub const fn sum_ms(&self) -> i128 {
        self.sum_ms
    }

    /// Their mean in milliseconds; `None` without any.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean is a float; sums of durations stay far below 2^53")]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ms as f64 / self.count as f64)
    }

    /// The nearest-rank quantile of `percent` (0..=100), in milliseconds; `None` without any.
    #[must_use]
    pub fn quantile_ms(&self, percent: u64) -> Option<i64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        if let Some(histogram) = &self.many {
            let value = nth(histogram, rank)?;
            return Some(i64::try_from(histogram.median_equivalent(value)).unwrap_or(LONGEST_MS).clamp(SHORTEST_MS, LONGEST_MS));
        }
        let mut few = self.few.clone();
        few.sort_unstable();
        few.get(usize::try_from(rank - 1).ok()?).copied()
    }

    /// How many are at most `millis` long, as near as quantiles are: the cumulative buckets of a distribution.
    #[must_use]
    pub fn count_up_to(&self, millis: i64) -> u64 {
        match &self.many {
            Some(histogram) => {
                let up_to = |value: u64| i64::try_from(histogram.median_equivalent(value)).is_ok_and(|value| value <= millis);
                histogram.iter_recorded().filter(|step| up_to(step.value_iterated_to())).map(|step| u64::from(step.count_at_value())).sum()
            }
            None => self.few.iter().filter(|held| **held <= millis).count() as u64,
        }
    }

    /// Moves the list into the histogram.
    fn spill(&mut self) {
        if self.many.is_none() {
            let bounds = (SHORTEST_MS.unsigned_abs(), LONGEST_MS.unsigned_abs());
            self.many = Histogram::new_with_bounds(bounds.0, bounds.1, 2).ok().map(Box::new);
        }
        if let Some(histogram) = &mut self.many {
            self.few.drain(..).for_each(|held| record(histogram, held, 1));
        }
    }
}

fn record(histogram: &mut Histogram<u32>, held: i64, count: u32) {
    histogram.saturating_record_n(held.unsigned_abs(), count);
}

/// The recorded value of a rank, counted from 1.
fn nth(histogram: &Histogram<u32>, rank: u64) -> Option<u64> {
    let mut seen = 0;
    let mut steps = histogram.iter_recorded();
    steps
        .find(|step| {
            seen += u64::from(step.count_at_value());
            seen >= rank
        })
        .map(|step| step.value_iterated_to())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::HOUR_MS;

    fn of(millis: impl IntoIterator<Item = i64>) -> Durations {
        let mut durations = Durations::default();
        millis.into_iter().for_each(|millis| durations.add(millis));
        durations
    }

    #[test]
    fn nothing_has_neither_quantile_nor_mean() {
        assert_eq!((of([]).quantile_ms(50), of([]).mean_ms()), (None, None));
    }

    #[test]
    fn few_are_exact_by_nearest_rank() {
        let ten = of((1..=10).rev().map(|hour| hour * HOUR_MS));
        assert_eq!(ten.quantile_ms(50), Some(5 * HOUR_MS));
        assert_eq!(ten.quantile_ms(90), Some(9 * HOUR_MS));
        assert_eq!(of([HOUR_MS, 2 * HOUR_MS]).quantile_ms(50), Some(HOUR_MS));
    }

    #[test]
    fn quantiles_are_held_and_the_mean_is_not() {
        let short = of([0, 10_000]);
        assert_eq!((short.quantile_ms(50), short.mean_ms()), (Some(MINUTE_MS), Some(5_000.0)));
        assert_eq!(of([500 * DAY_MS]).quantile_ms(50), Some(400 * DAY_MS));
    }

    proptest! {
        #[test]
        fn many_are_within_one_percent_or_one_minute_however_they_are_put_together(
            millis in prop::collection::vec(prop_oneof![0..3 * HOUR_MS, 0..500 * DAY_MS], 1..400),
            cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = millis.split_at(cut.index(millis.len()));
            let mut merged = of(left.iter().copied());
            merged.merge(&of(right.iter().copied()));
            let mut sorted: Vec<i64> = millis.iter().map(|m| (*m).clamp(MINUTE_MS, 400 * DAY_MS)).collect();
            sorted.sort_unstable();
            for percent in [1, 50, 90, 100] {
                let exact = sorted[(sorted.len() * percent).div_ceil(100) - 1];
                for durations in [&merged, &of(millis.iter().copied())] {
                    let quantile = durations.quantile_ms(percent as u64).unwrap();
                    prop_assert!((quantile - exact).abs() <= (exact / 100).max(MINUTE_MS), "{quantile} for {exact}");
                    prop_assert_eq!(durations.sum_ms(), millis.iter().copied().map(i128::from).sum::<i128>());
                }
            }
            prop_assert_eq!(merged.count_up_to(i64::MAX), millis.len() as u64);
        }
    }
}
