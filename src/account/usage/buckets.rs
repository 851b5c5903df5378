//! Counts by date or hour in about two bytes each: a sequence of (distance from the previous bucket, count), both as varints.

use crate::account::bytes::{Reader, Writer, make_room};

/// Counts by index (a date or an hour), ascending. A bucket may hold 0 and still mark its date as active.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    /// The distance of the first bucket is its index itself.
    bytes: Writer,
    /// The index of the last bucket, and the size of its count: nearly every use falls into it.
    last: i32,
    last_count_bytes: u8,
    /// Distance between the first and the last bucket, saturating: it usually shows, without reading the bytes, that no bucket is old
    /// enough to be dropped.
    span: u16,
}

/// Size of a bucket, at most: varints of 33 and 64 bits.
const MAX_BUCKET_BYTES: usize = 15;

impl Buckets {
    /// Adds to the bucket of an index, creating it if needed. Counts saturate.
    pub(super) fn add(&mut self, index: i32, amount: u64) {
        if self.is_empty() || index > self.last {
            self.push(index, amount);
        } else if index == self.last {
            let at = self.bytes.0.len() - usize::from(self.last_count_bytes);
            let count = self.bytes.0.get(at..).and_then(|bytes| Reader(bytes).varint()).unwrap_or_default();
            self.bytes.0.truncate(at);
            make_room(&mut self.bytes.0, MAX_BUCKET_BYTES);
            self.put_last_count(count.saturating_add(amount));
        } else {
            self.add_before_last(index, amount);
        }
    }

    fn push(&mut self, index: i32, count: u64) {
        make_room(&mut self.bytes.0, MAX_BUCKET_BYTES);
        let ahead = i64::from(index) - i64::from(self.last);
        self.span = if self.is_empty() { 0 } else { u16::try_from(ahead).unwrap_or(u16::MAX).saturating_add(self.span) };
        self.bytes.signed(ahead);
        self.last = index;
        self.put_last_count(count);
    }

    #[expect(clippy::cast_possible_truncation, reason = "a varint has ten bytes at most")]
    fn put_last_count(&mut self, count: u64) {
        let before = self.bytes.0.len();
        self.bytes.varint(count);
        self.last_count_bytes = (self.bytes.0.len() - before) as u8;
    }

    fn add_before_last(&mut self, index: i32, amount: u64) {
        let old = std::mem::take(self);
        let mut left = Some(amount);
        for (known, count) in old.iter() {
            if let Some(amount) = left.take_if(|_| known >= index) {
                if known == index {
                    self.push(known, count.saturating_add(amount));
                    continue;
                }
                self.push(index, amount);
            }
            self.push(known, count);
        }
    }

    /// The last byte, which nearly every use changes.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.bytes.0.last().copied()
    }

    /// Drops the buckets before an index.
    pub(super) fn prune_before(&mut self, index: i32) {
        let is_in_reach = self.span < u16::MAX && self.last.saturating_sub(i32::from(self.span)) >= index;
        if !is_in_reach {
            let old = std::mem::take(self);
            for (index, count) in old.iter().skip_while(|(known, _)| *known < index) {
                self.push(index, count);
            }
        }
    }

    /// Sets the count of an existing bucket or, with `None`, removes it.
    pub(super) fn replace(&mut self, index: i32, count: Option<u64>) {
        let old = std::mem::take(self);
        for (known, before) in old.iter() {
            let count = if known == index { count } else { Some(before) };
            if let Some(count) = count {
                self.push(known, count);
            }
        }
    }

    /// The number of buckets.
    pub(super) fn len(&self) -> usize {
        // Each is two varints, which end at their only byte below 128.
        self.bytes.0.iter().filter(|byte| **byte < 0x80).count() / 2
    }

    /// Whether there are no buckets.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.0.is_empty()
    }

    /// The buckets as (index, count), ascending; ends early at malformed bytes.
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { bytes: Reader(&self.bytes.0), before: 0 }
    }

    /// The buckets with `from < index <= to`, ascending.
    pub(super) fn within(&self, from: i32, to: i32) -> impl Iterator<Item = (i32, u64)> + '_ {
        self.iter().skip_while(move |(index, _)| *index <= from).take_while(move |(index, _)| *index <= to)
    }

    /// The sum of the counts with `from < index <= to`.
    pub(super) fn sum(&self, from: i32, to: i32) -> u64 {
        total(self.within(from, to))
    }

    /// Writes them.
    pub(super) fn write(&self, out: &mut Writer) {
        out.text(&self.bytes.0);
    }

    /// Reads what [`Buckets::write`] wrote.
    pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Self> {
        let all = Self { bytes: Writer(bytes.text()?.to_vec()), ..Self::default() };
        let mut iter = all.iter();
        let mut read = Self::default();
        read.bytes.0.reserve_exact(all.bytes.0.len());
        for (index, count) in iter.by_ref() {
            if !read.is_empty() && index <= read.last {
                return None;
            }
            read.push(index, count);
        }
        iter.bytes.0.is_empty().then_some(read)
    }
}

/// The sum of the counts of buckets; it saturates, as each count does.
pub(super) fn total(buckets: impl Iterator<Item = (i32, u64)>) -> u64 {
    buckets.fold(0, |sum, (_, count)| sum.saturating_add(count))
}

/// See [`Buckets::iter`].
pub(super) struct Iter<'a> {
    bytes: Reader<'a>,
    before: i32,
}

impl Iterator for Iter<'_> {
    type Item = (i32, u64);

    fn next(&mut self) -> Option<(i32, u64)> {
        let mut ahead = self.bytes.clone();
        let index = i32::try_from(i64::from(self.before).checked_add(ahead.signed()?)?).ok()?;
        let count = ahead.varint()?;
        (self.bytes, self.before) = (ahead, index);
        Some((index, count))
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
            prop_assert_eq!(buckets.len(), model.len());
            prop_assert_eq!(buckets.sum(cut, cut + 100), model.range(cut + 1..=cut + 100).map(|(_, count)| count).sum::<u64>());
            let mut written = Writer::default();
            buckets.write(&mut written);
            prop_assert_eq!(Buckets::read(&mut Reader(&written.0)), Some(buckets.clone()));
            buckets.prune_before(cut);
            prop_assert_eq!(buckets.iter().collect::<Vec<_>>(), model.into_iter().filter(|(index, _)| *index >= cut).collect::<Vec<_>>());
        }
    }

    #[test]
    fn counts_saturate() {
        let mut buckets = Buckets::default();
        buckets.add(4, 1);
        buckets.add(3, u64::MAX);
        buckets.add(3, 5);
        assert_eq!(buckets.iter().collect::<Vec<_>>(), [(3, u64::MAX), (4, 1)]);
        assert_eq!(buckets.sum(0, 4), u64::MAX);
    }
}
