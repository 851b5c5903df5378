//! A digest of the keys that a task's state has in its changelog partition. The stamp holds it; a restore compares it with what the
//! changelog still has.
//!
//! The digest covers every key while there are few, and otherwise a sample that is chosen by hash, so that a task needs about a megabyte at
//! most. What deletes state from a topic (retention, `DeleteRecords`, a re-created topic) takes so many keys at once that the sample cannot
//! miss it.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Most hashes that are kept; one more, and half of them leave the sample.
const SAMPLED_MAX: usize = 65_536;

/// The keys that have a value.
#[derive(Clone, Debug, Default)]
pub(in crate::stream) struct LiveKeys {
    /// Only hashes with this many trailing zero bits are kept.
    level: u32,
    sampled: HashSet<u64, FixedState>,
    sum: u64,
}

/// A digest of a set of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stream) struct KeyDigest {
    /// Only keys whose hash has this many trailing zero bits count.
    pub level: u32,
    /// How many there are.
    pub count: u64,
    /// The sum of their hashes.
    pub sum: u64,
}

impl KeyDigest {
    /// About how many keys there are in all.
    pub(in crate::stream) fn scaled(&self) -> u64 {
        self.count.saturating_mul(1_u64.checked_shl(self.level).unwrap_or(u64::MAX))
    }
}

impl LiveKeys {
    /// These keys.
    pub(in crate::stream) fn of<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut live = Self::default();
        keys.for_each(|key| live.write(key, true));
        live
    }

    /// Notes that a record was written: a value, or a tombstone.
    pub(in crate::stream) fn write(&mut self, key: &[u8], is_value: bool) {
        let hash = xxh3_64(key);
        if hash.trailing_zeros() < self.level {
            return;
        }
        if !is_value {
            if self.sampled.remove(&hash) {
                self.sum = self.sum.wrapping_sub(hash);
            }
        } else if self.sampled.insert(hash) {
            self.sum = self.sum.wrapping_add(hash);
            self.shrink(SAMPLED_MAX);
        }
    }

    fn shrink(&mut self, most: usize) {
        while self.sampled.len() > most {
            self.level += 1;
            self.sampled.retain(|hash| hash.trailing_zeros() >= self.level);
            self.sum = self.sampled.iter().fold(0, |sum, hash| sum.wrapping_add(*hash));
        }
    }

    /// The digest of all keys.
    pub(in crate::stream) fn digest(&self) -> KeyDigest {
        KeyDigest { level: self.level, count: self.sampled.len() as u64, sum: self.sum }
    }

    /// The digest of the keys that `level` leaves; those of this set's own level if that is higher.
    pub(in crate::stream) fn digest_at(&self, level: u32) -> KeyDigest {
        let level = level.max(self.level);
        let kept = self.sampled.iter().filter(|hash| hash.trailing_zeros() >= level);
        kept.fold(KeyDigest { level, ..KeyDigest::default() }, |digest, hash| KeyDigest {
            count: digest.count + 1,
            sum: digest.sum.wrapping_add(*hash),
            ..digest
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(range: std::ops::Range<u32>) -> Vec<[u8; 4]> {
        range.map(u32::to_be_bytes).collect()
    }

    fn live(range: std::ops::Range<u32>) -> LiveKeys {
        LiveKeys::of(keys(range).iter().map(<[u8; 4]>::as_slice))
    }

    #[test]
    fn the_digest_depends_on_which_keys_have_a_value_and_on_nothing_else() {
        let mut written = live(0..10);
        for key in keys(5..10) {
            written.write(&key, false);
        }
        written.write(b"never there", false);
        written.write(&[0; 4], true);
        assert_eq!(written.digest(), live(0..5).digest());
        assert_ne!(live(0..5).digest(), live(1..6).digest(), "as many, but others");
    }

    #[test]
    fn many_keys_are_sampled_within_the_bound_and_a_lost_tenth_still_shows() {
        let many = 3 * u32::try_from(SAMPLED_MAX).unwrap();
        let whole = live(0..many);
        assert!(whole.digest().level > 0 && whole.digest().count <= SAMPLED_MAX as u64, "{:?}", whole.digest());
        let rest = live(many / 10..many);
        assert_ne!(rest.digest_at(whole.digest().level), whole.digest());
    }

    #[test]
    fn a_set_that_has_shrunk_compares_at_the_level_of_the_stamp() {
        let many = 3 * u32::try_from(SAMPLED_MAX).unwrap();
        let mut shrunk = live(0..many);
        for key in keys(100..many) {
            shrunk.write(&key, false);
        }
        let restored = live(0..100);
        assert_eq!((restored.digest().level, shrunk.digest().level > 0), (0, true));
        assert_eq!(restored.digest_at(shrunk.digest().level), shrunk.digest());
    }

    #[test]
    fn a_sample_cannot_vouch_for_keys_that_it_has_dropped() {
        let many = live(0..2 * u32::try_from(SAMPLED_MAX).unwrap());
        assert_ne!(many.digest_at(0), live(0..100).digest());
    }
}
