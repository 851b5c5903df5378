//! A fixed set of names, looked up by a hash of a few of their bytes: one comparison per key of an object, however many names are known.

/// Slots of the table: enough for sets to stay sparse, few enough for an index of one byte.
const SLOTS: usize = 256;
/// No name is here.
const EMPTY: u8 = u8::MAX;

/// Names, and what each stands for. The table is built at compile time.
pub(super) struct Names<T, const N: usize> {
    known: [(&'static str, T); N],
    /// Where a name with this hash is in `known`; if another name is there, the next slot is looked at.
    slots: [u8; SLOTS],
}

impl<T: Copy, const N: usize> Names<T, N> {
    /// A table of these names, each of which must occur once.
    #[expect(clippy::indexing_slicing, reason = "an index out of bounds does not compile")]
    #[expect(clippy::cast_possible_truncation, reason = "N is less than half of what fits")]
    pub(super) const fn new(known: [(&'static str, T); N]) -> Self {
        assert!(N <= SLOTS / 2);
        let mut slots = [EMPTY; SLOTS];
        let mut index = 0;
        while index < N {
            let mut slot = slot(known[index].0.as_bytes());
            while slots[slot] != EMPTY {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = index as u8;
            index += 1;
        }
        Self { known, slots }
    }

    /// What a name stands for; `None` if it is not known.
    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<T> {
        let mut slot = slot(name);
        loop {
            // The index of an empty slot is beyond the names.
            let (known, value) = self.known.get(usize::from(*self.slots.get(slot)?))?;
            if are_equal(known.as_bytes(), name) {
                return Some(*value);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// Compares the ends of names, which overlap in all but long ones: a call of `memcmp` would take longer than the comparison.
#[inline]
fn are_equal(known: &[u8], name: &[u8]) -> bool {
    if known.len() != name.len() {
        return false;
    }
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    match (known.split_first_chunk(), name.split_first_chunk()) {
        (Some((known_first, known_rest)), Some((first, rest))) => {
            word(known_first) == word(first)
                && known.last_chunk().map(word) == name.last_chunk().map(word)
                && (rest.len() <= 8 || known_rest == rest)
        }
        _ => match (known.first_chunk::<4>(), name.first_chunk::<4>()) {
            (Some(known_first), Some(first)) => known_first == first && known.last_chunk::<4>() == name.last_chunk::<4>(),
            _ => known.iter().zip(name).all(|(known, byte)| known == byte),
        },
    }
}

/// Where the search for a name begins: names of one object mostly differ in length, first, middle or last byte.
#[inline]
const fn slot(name: &[u8]) -> usize {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return 0 };
    let (_, end) = name.split_at(name.len() / 2);
    let middle = match end.first() {
        Some(middle) => *middle,
        None => 0,
    };
    let [length, ..] = name.len().to_le_bytes();
    let mixed = u32::from_le_bytes([*first, middle, *last, length]);
    (mixed.wrapping_mul(0x9e37_79b1) >> 24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<u8, 5> = Names::new([("id", 0), ("created", 1), ("crxaxed", 2), ("", 3), ("type", 4)]);

    #[test]
    fn every_name_is_found_also_where_hashes_collide() {
        assert_eq!(slot(b"created"), slot(b"crxaxed"));
        for (name, value) in [("id", 0), ("created", 1), ("crxaxed", 2), ("", 3), ("type", 4)] {
            assert_eq!(NAMES.get(name.as_bytes()), Some(value), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_other_name_is(name in "[a-z]{0,8}") {
            let known = ["id", "created", "crxaxed", "", "type"].contains(&name.as_str());
            proptest::prop_assert_eq!(NAMES.get(name.as_bytes()).is_some(), known);
        }
    }
}
