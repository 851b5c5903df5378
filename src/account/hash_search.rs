//! Interpolation search among hashes, which are spread evenly: a hash is about as far into the list as it is into its range.

use std::cmp::Ordering;

/// How far around the expected place the search looks first: among twenty items it finds nine in ten there.
const FIRST_REACH: usize = 4;

/// Where an item is expected among so many.
pub(super) fn place(hash: u64, count: usize) -> usize {
    usize::try_from((u128::from(hash) * count as u128) >> 64).unwrap_or_default()
}

/// The place of an item among sorted ones, or where it would be. `hash` is the hash that they are sorted by, its most significant bit
/// first; `order` compares an item with the one looked for. Looks where the item should lie and then ever further around, so that few
/// lines of memory are touched; whatever the hashes are, it takes no more than a binary search twice over.
pub(super) fn search<T>(items: &[T], hash: u64, order: impl Fn(&T) -> Ordering) -> Result<usize, usize> {
    let middle = place(hash, items.len());
    let mut reach = FIRST_REACH;
    loop {
        let (start, end) = (middle.saturating_sub(reach), items.len().min(middle + reach));
        let window = items.get(start..end).unwrap_or_default();
        let begins_before = start == 0 || window.first().is_none_or(|first| order(first) != Ordering::Greater);
        let ends_after = end == items.len() || window.last().is_none_or(|last| order(last) != Ordering::Less);
        if begins_before && ends_after {
            return window.binary_search_by(&order).map(|place| start + place).map_err(|place| start + place);
        }
        reach *= 4;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_a_binary_search_finds(
            mut hashes in prop::collection::vec(prop_oneof![any::<u64>(), 0..300_u64, u64::MAX - 300..], 0..300),
            others in prop::collection::vec(any::<u64>(), 20),
        ) {
            hashes.sort_unstable();
            hashes.dedup();
            for hash in hashes.iter().copied().chain(others).chain([0, 1, 150, u64::MAX]) {
                prop_assert_eq!(search(&hashes, hash, |known| known.cmp(&hash)), hashes.binary_search(&hash));
            }
        }
    }
}
