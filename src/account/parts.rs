//! Splits a section that is too large for one changelog record into parts, by ranges of hashes.
//!
//! Items are sorted by hash. A range that is too large is halved, repeatedly, so one more item changes only one part, and a part that
//! outgrows its size is split in two. The number of a part is the path to its range, so all other parts keep their numbers.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::settings::StateVersion;

/// The number of a part within its section, or of the ids of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartNumber {
    /// Counted from 0. The only kind in version 1; part 0 keeps this number in every version, so most keys never change.
    Counted(u16),
    /// A range of hashes, by its path: 1 is the whole range, and the halves of range n are 2n and 2n + 1.
    Range(u64),
}

impl PartNumber {
    /// The first part: data that is not keyed by hash, and all items too while they fit.
    pub const FIRST: Self = Self::Counted(0);
}

/// A part within its section: 0 for the first or else the path to its range, and the bytes.
pub type SectionPart = (u64, Vec<u8>);

/// Numbers the parts of a section as `version` does.
pub(super) fn numbered(parts: Vec<SectionPart>, version: StateVersion) -> impl Iterator<Item = (PartNumber, Vec<u8>)> {
    (0..).zip(parts).map(move |(count, (path, bytes))| match version {
        StateVersion::V2 if path > 0 => (PartNumber::Range(path), bytes),
        // A u16 suffices: the largest section, 200,000 tickets of 4 KiB, has about 50,000 parts.
        _ => (PartNumber::Counted(count), bytes),
    })
}

/// An item that a section keeps by hash.
pub(super) trait Item {
    fn hash(&self) -> u64;
    /// Its size in a record, at most.
    fn bytes(&self) -> usize;
}

/// Keys entries without an id by the hash of their bytes. Equal entries get different hash seeds, so that any number of them can be split.
pub(super) fn by_hash(entries: impl IntoIterator<Item = Vec<u8>>) -> Vec<(u64, Vec<u8>)> {
    let mut hashed: Vec<_> = entries.into_iter().map(|bytes| (xxh3_64(&bytes), bytes)).collect();
    hashed.sort_unstable();
    for equal in hashed.chunk_by_mut(|one, next| one.1 == next.1) {
        (0..).zip(equal).skip(1).for_each(|(seed, entry)| entry.0 = xxh3_64_with_seed(&entry.1, seed));
    }
    hashed.sort_unstable();
    hashed
}

/// Size of a hash and a length, at most.
const ENTRY_HEAD_BYTES: usize = 16;

impl<B: AsRef<[u8]>> Item for (u64, B) {
    fn hash(&self) -> u64 {
        self.0
    }

    fn bytes(&self) -> usize {
        ENTRY_HEAD_BYTES + self.1.as_ref().len()
    }
}

/// Lists of items that are split together, each sorted by hash.
pub(super) trait Items: Copy + Default {
    fn count(self) -> usize;
    fn bytes(self) -> usize;
    /// Splits the items by one bit of their hashes; all higher bits are the same.
    fn halves(self, bit: u32) -> [Self; 2];
}

impl<T: Item> Items for &[T] {
    fn count(self) -> usize {
        self.len()
    }

    fn bytes(self) -> usize {
        self.iter().map(Item::bytes).sum()
    }

    fn halves(self, bit: u32) -> [Self; 2] {
        let (lower, upper) = self.split_at(self.partition_point(|item| (item.hash() >> bit) & 1 == 0));
        [lower, upper]
    }
}

impl<A: Items, B: Items> Items for (A, B) {
    fn count(self) -> usize {
        self.0.count() + self.1.count()
    }

    fn bytes(self) -> usize {
        self.0.bytes() + self.1.bytes()
    }

    fn halves(self, bit: u32) -> [Self; 2] {
        let ([lower, upper], [other_lower, other_upper]) = (self.0.halves(bit), self.1.halves(bit));
        [(lower, other_lower), (upper, other_upper)]
    }
}

/// Splits a section into parts: all items in the first part if they take at most `max_bytes`, or else none there and ranges after it.
/// `write` encodes a part; its flag is true for the first part.
pub(super) fn split<I: Items>(items: I, max_bytes: usize, write: impl Fn(bool, I) -> Vec<u8>) -> Vec<SectionPart> {
    if items.bytes() <= max_bytes {
        return vec![(0, write(true, items))];
    }
    let ranges = cut(items, max_bytes).into_iter().map(|(path, range)| (path, write(false, range)));
    std::iter::once((0, write(true, I::default()))).chain(ranges).collect()
}

/// Splits items into non-empty ranges of at most `max_bytes`, in order of hash, each with its path. A single item is never split, nor are
/// items whose hashes differ only in the last bit.
pub(super) fn cut<I: Items>(items: I, max_bytes: usize) -> Vec<(u64, I)> {
    let mut ranges = Vec::new();
    let mut left = vec![(1_u64, items)];
    while let Some((path, range)) = left.pop() {
        let bit = path.leading_zeros();
        if bit > 0 && range.count() > 1 && range.bytes() > max_bytes {
            let [lower, upper] = range.halves(bit);
            left.extend([(2 * path + 1, upper), (2 * path, lower)]);
        } else if range.count() > 0 {
            ranges.push((path, range));
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Entry = (u64, Vec<u8>);

    fn entries(mut hashes: Vec<u64>) -> Vec<Entry> {
        hashes.sort_unstable();
        hashes.into_iter().map(|hash| (hash, vec![7; 4])).collect()
    }

    #[test]
    fn another_item_changes_one_part_and_the_others_keep_their_numbers() {
        let all = entries((0..10_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect());
        let mut fewer = all.clone();
        for gone in [7_000, 5_000, 100] {
            let before = cut(fewer.as_slice(), 2_000).into_iter().map(|(path, range)| (path, range.to_vec())).collect::<Vec<_>>();
            fewer.remove(gone);
            let after = cut(fewer.as_slice(), 2_000);
            let changed = after.iter().filter(|(path, range)| !before.contains(&(*path, range.to_vec()))).count();
            assert!(changed <= 1 && after.len() > 100, "{changed} of {}", after.len());
        }
    }

    #[test]
    fn hashes_that_differ_only_in_low_bits_are_split_but_equal_ones_never() {
        let paths = |hashes: &[u64]| cut(entries(hashes.to_vec()).as_slice(), 20).iter().map(|(_, range)| range.len()).collect::<Vec<_>>();
        assert_eq!(paths(&[0, 2, 4, 6]), [1, 1, 1, 1]);
        assert_eq!(paths(&[7, 7]), [2]);
        assert!(paths(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn two_lists_are_split_together_and_nothing_is_lost(
            one in prop::collection::vec(any::<u64>(), 0..300),
            other in prop::collection::vec(prop_oneof![any::<u64>(), 0..100_u64], 0..300),
            most in 20..2_000_usize,
        ) {
            let (one, other) = (entries(one), entries(other));
            let ranges = cut((one.as_slice(), other.as_slice()), most);
            prop_assert_eq!(ranges.iter().flat_map(|(_, (range, _))| range.to_vec()).collect::<Vec<_>>(), one.clone());
            prop_assert_eq!(ranges.iter().flat_map(|(_, (_, range))| range.to_vec()).collect::<Vec<_>>(), other.clone());
            for (path, range) in ranges {
                let hashes: Vec<u64> = range.0.iter().chain(range.1).map(|(hash, _)| *hash).collect();
                let depth = path.ilog2();
                prop_assert!(hashes.iter().all(|hash| hash.checked_shr(64 - depth).unwrap_or(0) == path - (1 << depth)));
                prop_assert!(range.bytes() <= most || hashes.iter().all(|hash| hash >> 1 == hashes[0] >> 1));
            }
        }
    }
}
