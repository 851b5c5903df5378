//! Counts by date or hour in eight bytes each: a sorted run of (distance from a base, count) packed into one word.

use crate::account::bytes::{Reader, Writer};

/// Bits of a word that hold the count; the sixteen above hold the distance from the base.
const COUNT_BITS: u32 = 48;
/// The largest count of a bucket; more is held there.
const MAX_COUNT: u64 = (1 << COUNT_BITS) - 1;
/// The largest distance between the first and the last bucket.
const MAX_SPAN: i32 = u16::MAX as i32;

/// Counts by an index (a date, or an hour), ascending. A bucket may hold 0: it was touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    base: i32,
    words: Vec<u64>,
}

impl Buckets {
    /// Adds to the bucket of an index, which comes to be where there is none. Buckets more than [`MAX_SPAN`] apart are not kept:
    /// callers prune to a window far below that first.
    pub(super) fn add(&mut self, index: i32, amount: u64) {
        if self.words.is_empty() {
            self.base = index;
        } else if index < self.base {
            self.move_base(index);
        }
        let Some(distance) = index.checked_sub(self.base).filter(|distance| (0..=MAX_SPAN).contains(distance)) else {
            return;
        };
        let key = u64::from(distance.unsigned_abs()) << COUNT_BITS;
        // The newest bucket is nearly always the one.
        let at = match self.words.last() {
            Some(last) if *last >> COUNT_BITS == key >> COUNT_BITS => self.words.len() - 1,
            Some(last) if *last < key => self.words.len(),
            _ => self.words.partition_point(|word| *word < key),
        };
        match self.words.get_mut(at) {
            Some(word) if *word >> COUNT_BITS == key >> COUNT_BITS => {
                *word = key | ((*word & MAX_COUNT).saturating_add(amount)).min(MAX_COUNT);
            }
            _ => {
                if self.words.len() == self.words.capacity() {
                    self.words.reserve_exact(self.words.len() / 4 + 2);
                }
                self.words.insert(at, key | amount.min(MAX_COUNT));
            }
        }
    }

    fn move_base(&mut self, base: i32) {
        let shift = i64::from(self.base) - i64::from(base);
        self.words.retain(|word| i64::try_from(word >> COUNT_BITS).is_ok_and(|distance| distance + shift <= i64::from(MAX_SPAN)));
        for word in &mut self.words {
            *word += shift.unsigned_abs() << COUNT_BITS;
        }
        self.base = base;
    }

    /// Drops the buckets before an index.
    pub(super) fn prune_before(&mut self, index: i32) {
        let Some(distance) = index.checked_sub(self.base).filter(|distance| *distance > 0) else { return };
        if distance > MAX_SPAN {
            self.words.clear();
            return;
        }
        let key = u64::from(distance.unsigned_abs()) << COUNT_BITS;
        let gone = self.words.partition_point(|word| *word < key);
        self.words.drain(..gone);
    }

    /// The index of the first bucket.
    pub(super) fn first(&self) -> Option<i32> {
        self.iter().next().map(|(index, _)| index)
    }

    /// The buckets as (index, count), ascending.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        self.words.iter().map(|word| (self.base + i32::try_from(word >> COUNT_BITS).unwrap_or(MAX_SPAN), word & MAX_COUNT))
    }

    /// The buckets with `from < index <= to`, ascending.
    pub(super) fn within(&self, from: i32, to: i32) -> impl Iterator<Item = (i32, u64)> + '_ {
        let start = self.words.partition_point(|word| self.base + i32::try_from(word >> COUNT_BITS).unwrap_or(MAX_SPAN) <= from);
        self.words.get(start..).unwrap_or_default().iter().map_while(move |word| {
            let index = self.base + i32::try_from(word >> COUNT_BITS).unwrap_or(MAX_SPAN);
            (index <= to).then_some((index, word & MAX_COUNT))
        })
    }

    /// Writes them: the base, how many, and each as its distance from the one before and its count.
    pub(super) fn write(&self, out: &mut Writer) {
        out.signed(i64::from(self.base));
        out.varint(self.words.len() as u64);
        let mut before = 0;
        for word in &self.words {
            let distance = word >> COUNT_BITS;
            out.varint(distance - before);
            out.varint(word & MAX_COUNT);
            before = distance;
        }
    }

    /// Reads what [`Buckets::write`] wrote.
    pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Self> {
        let base = i32::try_from(bytes.signed()?).ok()?;
        let mut distance = 0_u64;
        let words = bytes.many(2, |bytes| {
            distance = distance.checked_add(bytes.varint()?).filter(|distance| i32::try_from(*distance).is_ok_and(|d| d <= MAX_SPAN))?;
            let count = Some(bytes.varint()?).filter(|count| *count <= MAX_COUNT)?;
            Some(distance << COUNT_BITS | count)
        })?;
        words.is_sorted_by(|one, next| one >> COUNT_BITS < next >> COUNT_BITS).then_some(Self { base, words })
    }

    /// The sum of the counts with `from < index <= to`.
    pub(super) fn sum(&self, from: i32, to: i32) -> u64 {
        self.within(from, to).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn buckets_are_a_sorted_map_of_sums(adds in prop::collection::vec((-300..300_i32, 0..5_u64), 0..200), cut in -300..300_i32) {
            let mut buckets = Buckets::default();
            let mut model = BTreeMap::new();
            for (index, amount) in adds {
                buckets.add(index, amount);
                *model.entry(index).or_insert(0) += amount;
            }
            prop_assert_eq!(buckets.iter().collect::<Vec<_>>(), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(buckets.sum(cut, cut + 100), model.range(cut + 1..=cut + 100).map(|(_, count)| count).sum::<u64>());
            buckets.prune_before(cut);
            prop_assert_eq!(buckets.iter().collect::<Vec<_>>(), model.into_iter().filter(|(index, _)| *index >= cut).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_count_stops_at_its_largest() {
        let mut buckets = Buckets::default();
        buckets.add(3, MAX_COUNT);
        buckets.add(3, 5);
        buckets.add(4, 1);
        assert_eq!(buckets.iter().collect::<Vec<_>>(), [(3, MAX_COUNT), (4, 1)]);
    }
}
