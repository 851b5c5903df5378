//! The partition that each producer's default partitioner gives a key, and which partitioners fit the keys found in a topic.
//!
//! Topics with equal partition counts may still put an account into different partitions: the Java client hashes keys with murmur2,
//! librdkafka with crc32, others with fnv1a.

use std::collections::BTreeSet;

/// The known partitioners. Stamps hold them by their place in this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Partitioner {
    /// The Java client's default; librdkafka's `murmur2_random`.
    Murmur2,
    /// librdkafka's default, `consistent_random`.
    Crc32,
    /// librdkafka's `fnv1a_random`; Sarama's default.
    Fnv1a,
}

impl Partitioner {
    /// All of them, the most common first.
    pub const ALL: [Self; 3] = [Self::Murmur2, Self::Crc32, Self::Fnv1a];

    /// The name in configuration and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Murmur2 => "murmur2",
            Self::Crc32 => "crc32",
            Self::Fnv1a => "fnv1a",
        }
    }

    /// The partition of a key among `count` partitions; 0 if there are none.
    #[must_use]
    pub fn partition(self, key: &[u8], count: i32) -> i32 {
        let Ok(count @ 1..) = u32::try_from(count) else { return 0 };
        let number = match self {
            Self::Murmur2 => (murmur2(key) & 0x7fff_ffff) % count,
            Self::Crc32 => crc32fast::hash(key) % count,
            Self::Fnv1a => fnv1a_partition(key, count),
        };
        i32::try_from(number).unwrap_or(0)
    }
}

/// The 32-bit murmur2 of Kafka's `Utils.murmur2` (seed 0x9747b28c).
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, tail) = key.as_chunks::<4>();
    let mut hash = words.iter().fold(0x9747_b28c ^ length, |hash, word| {
        let k = u32::from_le_bytes(*word).wrapping_mul(M);
        hash.wrapping_mul(M) ^ (k ^ (k >> 24)).wrapping_mul(M)
    });
    if !tail.is_empty() {
        let rest = tail.iter().enumerate().fold(0, |rest, (i, byte)| rest | (u32::from(*byte) << (8 * i)));
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// 32-bit FNV-1a, taken as a signed number like Sarama and librdkafka do.
fn fnv1a_partition(key: &[u8], count: u32) -> u32 {
    let hash = key.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let signed = i64::from(hash.cast_signed()) % i64::from(count);
    u32::try_from(signed.abs()).unwrap_or(0)
}

/// The partitioners that a set of topics may have been written with. A record that none of them would put where it was found is in the
/// wrong partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidates([bool; 3]);

impl Candidates {
    /// Any partitioner: nothing is known yet.
    pub const ANY: Self = Self([true; 3]);

    /// Only this one.
    #[must_use]
    pub fn only(partitioner: Partitioner) -> Self {
        Self(Partitioner::ALL.map(|one| one == partitioner))
    }

    /// The candidates in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let ([murmur2, crc32, fnv1a], [murmur2_too, crc32_too, fnv1a_too]) = (self.0, other.0);
        Self([murmur2 && murmur2_too, crc32 && crc32_too, fnv1a && fnv1a_too])
    }

    /// The candidates.
    pub fn iter(self) -> impl Iterator<Item = Partitioner> {
        Partitioner::ALL.into_iter().zip(self.0).filter_map(|(partitioner, possible)| possible.then_some(partitioner))
    }

    /// The only candidate, if there is just one.
    #[must_use]
    pub fn single(self) -> Option<Partitioner> {
        let mut candidates = self.iter();
        candidates.next().filter(|_| candidates.next().is_none())
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == [false; 3]
    }

    /// Whether any of them would put the key into this partition.
    #[must_use]
    pub fn place(self, key: &[u8], partition: i32, count: i32) -> bool {
        self.iter().any(|partitioner| partitioner.partition(key, count) == partition)
    }

    /// Names, joined by `or`.
    #[must_use]
    pub fn names(self) -> String {
        self.iter().map(Partitioner::name).collect::<Vec<_>>().join(" or ")
    }
}

/// Checks whether an account belongs to a task's partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionCheck {
    /// The partitioners that the input topics may have been written with.
    pub partitioners: Candidates,
    /// The task's partition of each topic.
    pub partition: i32,
    /// Partitions of each topic.
    pub partitions: i32,
}

impl PartitionCheck {
    /// Whether an account belongs to this partition.
    #[must_use]
    pub fn holds(&self, account: &str) -> bool {
        self.partitioners.place(account.as_bytes(), self.partition, self.partitions)
    }
}

/// Distinct keys of one topic, each with the partition it was found in.
#[derive(Clone, Debug, Default)]
pub struct Sample(BTreeSet<(i32, Vec<u8>)>);

impl Sample {
    /// One key in twenty may be in the wrong partition: its records become dead letters. Above that, the topic is refused.
    const STRAYS_PER_KEY: usize = 20;

    /// Enough keys to tell partitioners apart even if one of them is in the wrong partition.
    const KEYS_CERTAIN: usize = 20;

    /// Adds a key; returns whether it is new.
    pub fn add(&mut self, partition: i32, key: &[u8]) -> bool {
        self.0.insert((partition, key.to_vec()))
    }

    /// Distinct keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys are where the partitioner would put them.
    #[must_use]
    pub fn fitting(&self, partitioner: Partitioner, count: i32) -> usize {
        self.0.iter().filter(|(partition, key)| partitioner.partition(key, count) == *partition).count()
    }

    /// Whether there are enough keys to rely on [`Self::candidates`].
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.len() >= Self::KEYS_CERTAIN
    }

    /// The partitioners that the topic may have been written with; all of them while there are no keys.
    #[must_use]
    pub fn candidates(&self, count: i32) -> Candidates {
        Candidates(Partitioner::ALL.map(|partitioner| {
            let strays = self.len() - self.fitting(partitioner, count);
            strays * Self::STRAYS_PER_KEY <= self.len()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_matches_the_java_client() {
        // The values of Kafka's UtilsTest.testMurmur2.
        for (key, hash) in [("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn crc32_and_fnv1a_have_their_published_check_values() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        // 0xbf9cf968 is the published FNV-1a of "foobar"; as a signed number it is -1080231576.
        assert_eq!(fnv1a_partition(b"foobar", 1_000_000), 231_576);
    }

    #[test]
    fn partitions_are_in_range() {
        for partitioner in Partitioner::ALL {
            for key in 0..200_u32 {
                assert!((0..7).contains(&partitioner.partition(format!("account-{key}").as_bytes(), 7)));
            }
            assert_eq!(partitioner.partition(b"x", 0), 0);
        }
    }

    fn sample(partitioner: Partitioner, strays: i32) -> Sample {
        let mut sample = Sample::default();
        for key in 0..100 {
            let key = format!("account-{key}");
            sample.add(partitioner.partition(key.as_bytes(), 6), key.as_bytes());
        }
        (0..strays).for_each(|stray| assert!(sample.add(9, format!("stray-{stray}").as_bytes())));
        sample
    }

    #[test]
    fn the_partitioner_of_a_topic_is_recognised_despite_a_few_stray_keys() {
        for partitioner in Partitioner::ALL {
            for strays in [0, 5] {
                assert_eq!(sample(partitioner, strays).candidates(6).iter().collect::<Vec<_>>(), [partitioner]);
            }
            assert!(sample(partitioner, 50).candidates(6).is_empty());
        }
    }

    #[test]
    fn without_keys_any_partitioner_fits_and_differing_topics_share_none() {
        assert_eq!(Sample::default().candidates(6), Candidates::ANY);
        let both = sample(Partitioner::Murmur2, 0).candidates(6).and(sample(Partitioner::Crc32, 0).candidates(6));
        assert!(both.is_empty());
    }
}
