//! Ranges of hashes: what is kept by hash is cut so that one more item, or another content of one, changes one range.

/// Cuts items, which ascend by their hashes, in ranges that `fit`: a range is halved until it does, or until its hashes are all the
/// same. No range is empty.
pub(super) fn cut<T>(items: &[T], hash: impl Fn(&T) -> u64, fit: impl Fn(&[T]) -> bool) -> Vec<&[T]> {
    let mut ranges = Vec::new();
    // Ranges to look at, the last first, each with the bits in which its hashes may differ.
    let mut left = vec![(items, u64::BITS)];
    while let Some((range, bits)) = left.pop() {
        match bits.checked_sub(1) {
            _ if range.is_empty() => {}
            Some(bit) if !fit(range) => {
                let (lower, upper) = range.split_at(range.partition_point(|item| (hash(item) >> bit) & 1 == 0));
                left.extend([(upper, bit), (lower, bit)]);
            }
            _ => ranges.push(range),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_more_changes_one_range() {
        let mut hashes: Vec<u64> = (0..10_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        hashes.sort_unstable();
        let without: Vec<u64> = hashes.iter().copied().filter(|hash| *hash != hashes[5_000]).collect();
        let ranges =
            |hashes: &[u64]| cut(hashes, |hash| *hash, |range| range.len() <= 100).into_iter().map(<[u64]>::to_vec).collect::<Vec<_>>();
        let (one, other) = (ranges(&hashes), ranges(&without));
        assert_eq!(one.concat(), hashes);
        assert!(one.iter().all(|range| (1..=100).contains(&range.len())));
        assert_eq!((one.len(), one.iter().filter(|range| !other.contains(range)).count()), (other.len(), 1));
    }

    #[test]
    fn hashes_that_differ_in_their_last_bits_alone_are_cut_too() {
        assert_eq!(cut(&[0, 1, 2, 3], |hash| *hash, |range| range.len() == 1), [[0], [1], [2], [3]]);
        assert_eq!(cut(&[7, 7], |hash| *hash, |range| range.len() == 1), [[7, 7]]);
        assert!(cut(&[], |hash| *hash, <[u64]>::is_empty).is_empty());
    }
}
