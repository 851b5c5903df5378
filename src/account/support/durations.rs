//! Durations of tickets and their quantiles: a list below 64 durations, a histogram above.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hdrhistogram::Histogram;

use crate::time::{DAY_MS, MINUTE_MS};

/// From this many durations, a histogram replaces the list.
const HISTOGRAM_FROM: usize = 64;
/// Quantiles clamp durations to 1 minute ..
const SHORTEST_MS: i64 = MINUTE_MS;
/// .. and 400 days.
const LONGEST_MS: i64 = 400 * DAY_MS;

/// Durations in milliseconds, of one account or summed over many.
///
/// Quantiles are nearest rank, over durations clamped to 1 minute .. 400 days: exact below 64 durations, within 1 % or 1 minute above. The
/// mean is exact and not clamped. Durations can be removed again; a histogram never turns back into a list.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    count: u64,
    sum_ms: i128,
    /// The clamped durations, while there are few.
    few: Vec<i64>,
    /// Counts by bucket of [`SCALE`], once there are many; at most a few hundred buckets are ever in use.
    many: BTreeMap<u64, u32>,
}

/// Two significant digits between the shortest and the longest duration: decides which durations share a bucket.
static SCALE: LazyLock<Option<Histogram<u8>>> =
    LazyLock::new(|| Histogram::new_with_bounds(SHORTEST_MS.unsigned_abs(), LONGEST_MS.unsigned_abs(), 2).ok());

impl Durations {
    /// Adds one duration; a negative one counts as 0.
    pub fn add(&mut self, millis: i64) {
        let millis = millis.max(0);
        self.count += 1;
        self.sum_ms += i128::from(millis);
        let clamped = clamped(millis);
        if self.many.is_empty() {
            self.few.push(clamped);
            if self.few.len() >= HISTOGRAM_FROM {
                self.spill();
            }
        } else {
            *self.many.entry(bucket(clamped)).or_default() += 1;
        }
    }

    /// Removes one duration that was added before.
    pub fn remove(&mut self, millis: i64) {
        let millis = millis.max(0);
        self.count = self.count.saturating_sub(1);
        self.sum_ms -= i128::from(millis);
        let clamped = clamped(millis);
        if let Some(place) = self.few.iter().position(|other| *other == clamped) {
            self.few.swap_remove(place);
        } else {
            self.take_from_bucket(bucket(clamped), 1);
        }
    }

    /// Adds all durations of another.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ms += other.sum_ms;
        self.few.extend_from_slice(&other.few);
        for (bucket, count) in &other.many {
            *self.many.entry(*bucket).or_default() += count;
        }
        if self.few.len() >= HISTOGRAM_FROM || !self.many.is_empty() {
            self.spill();
        }
    }

    /// Removes all durations of another that were added before.
    pub fn remove_all(&mut self, other: &Self) {
        let (count, sum_ms) = (self.count.saturating_sub(other.count), self.sum_ms - other.sum_ms);
        other.few.iter().for_each(|clamped| self.remove(*clamped));
        other.many.iter().for_each(|(bucket, count)| self.take_from_bucket(*bucket, *count));
        (self.count, self.sum_ms) = (count, sum_ms);
    }

    /// The number of durations.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum, in milliseconds.
    #[must_use]
    pub const fn sum_ms(&self) -> i128 {
        self.sum_ms
    }

    /// Their mean, in milliseconds; `None` if there are none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean is a float; sums of durations stay far below 2^53")]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ms as f64 / self.count as f64)
    }

    /// The nearest-rank quantile of `percent` (0..=100), in milliseconds; `None` if there are none.
    #[must_use]
    pub fn quantile_ms(&self, percent: u64) -> Option<i64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        if self.many.is_empty() {
            let mut few = self.few.clone();
            few.sort_unstable();
            return few.get(usize::try_from(rank - 1).ok()?).copied();
        }
        let mut seen = 0;
        let at_rank = self.many.iter().find(|(_, count)| {
            seen += u64::from(**count);
            seen >= rank
        });
        at_rank.map(|(bucket, _)| middle(*bucket))
    }

    /// How many are at most `millis` long, as precisely as quantiles are: for cumulative histogram buckets.
    #[must_use]
    pub fn count_up_to(&self, millis: i64) -> u64 {
        let few = self.few.iter().filter(|clamped| **clamped <= millis).count() as u64;
        few + self.many.iter().filter(|(bucket, _)| middle(**bucket) <= millis).map(|(_, count)| u64::from(*count)).sum::<u64>()
    }

    fn take_from_bucket(&mut self, bucket: u64, taken: u32) {
        if let Some(count) = self.many.get_mut(&bucket) {
            *count = count.saturating_sub(taken);
            if *count == 0 {
                self.many.remove(&bucket);
            }
        }
    }

    /// Moves the list into the histogram.
    fn spill(&mut self) {
        for clamped in self.few.drain(..) {
            *self.many.entry(bucket(clamped)).or_default() += 1;
        }
    }
}

fn clamped(millis: i64) -> i64 {
    millis.clamp(SHORTEST_MS, LONGEST_MS)
}

/// The bucket of a clamped duration: the shortest duration in it.
fn bucket(clamped: i64) -> u64 {
    let clamped = clamped.unsigned_abs();
    SCALE.as_ref().map_or(clamped, |scale| scale.lowest_equivalent(clamped))
}

/// The middle of a bucket, in milliseconds.
fn middle(bucket: u64) -> i64 {
    let middle = SCALE.as_ref().map_or(bucket, |scale| scale.median_equivalent(bucket));
    i64::try_from(middle).map_or(LONGEST_MS, clamped)
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
    fn no_durations_have_no_quantile_and_no_mean() {
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
    fn quantiles_are_clamped_and_the_mean_is_not() {
        let short = of([0, 10_000]);
        assert_eq!((short.quantile_ms(50), short.mean_ms()), (Some(MINUTE_MS), Some(5_000.0)));
        assert_eq!(of([500 * DAY_MS]).quantile_ms(50), Some(400 * DAY_MS));
    }

    proptest! {
        #[test]
        fn many_are_within_one_percent_or_one_minute_however_they_are_merged(
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

        #[test]
        fn removing_durations_leaves_the_rest(
            stay in prop::collection::vec(0..500 * DAY_MS, 1..100),
            leave in prop::collection::vec(0..500 * DAY_MS, 0..100),
        ) {
            let mut durations = of(stay.iter().chain(&leave).copied());
            let (one_by_one, together) = leave.split_at(leave.len() / 2);
            for millis in one_by_one {
                durations.remove(*millis);
            }
            durations.remove_all(&of(together.iter().copied()));
            let expected = of(stay.iter().copied());
            prop_assert_eq!((durations.count(), durations.sum_ms()), (expected.count(), expected.sum_ms()));
            for percent in [1, 50, 90] {
                let (quantile, exact) = (durations.quantile_ms(percent).unwrap(), expected.quantile_ms(percent).unwrap());
                prop_assert!((quantile - exact).abs() <= (exact / 50).max(MINUTE_MS), "{quantile} for {exact}");
            }
        }
    }
}
