//! The options of one input topic: format, partitioning, and when its stream is stale.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::event::{Format, Stream};
use crate::partitioner::Partitioner;

/// An input topic with all of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The stream that it carries.
    pub stream: Stream,
    /// The format of its records.
    pub format: Arc<Format>,
    /// How its producers choose partitions.
    pub partitioner: Partitioning,
    /// Whether the repartition stage reads it, because it is not keyed by account or has another number of partitions.
    pub repartition: bool,
}

/// How the producers of a topic choose the partition of a keyed record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partitioning {
    /// Unknown: detected from a sample of records.
    #[default]
    Auto,
    /// By this partitioner.
    By(Partitioner),
    /// By another one; the user vouches that equal keys have equal partition numbers in every topic.
    Custom,
}

/// When a stream without records is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleAfter {
    /// After this many hours.
    Hours(i64),
    /// Never.
    Never,
}

impl<'de> Deserialize<'de> for Partitioning {
    /// Accepts our names and librdkafka's; variants that differ only for records without a key count as the same.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &["auto", "murmur2", "crc32", "fnv1a", "custom"];
        match String::deserialize(deserializer)?.as_str() {
            "auto" => Ok(Self::Auto),
            "murmur2" | "murmur2_random" => Ok(Self::By(Partitioner::Murmur2)),
            "crc32" | "consistent" | "consistent_random" => Ok(Self::By(Partitioner::Crc32)),
            "fnv1a" | "fnv1a_random" => Ok(Self::By(Partitioner::Fnv1a)),
            "custom" => Ok(Self::Custom),
            name => Err(D::Error::unknown_variant(name, NAMES)),
        }
    }
}

/// Longest time until a stream is stale, hours.
const STALE_HOURS_MAX: i64 = 8_760;

impl<'de> Deserialize<'de> for StaleAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HoursOrNever;
        impl Visitor<'_> for HoursOrNever {
            type Value = StaleAfter;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "1 to {STALE_HOURS_MAX} hours, or \"never\"")
            }

            fn visit_i64<E: Error>(self, hours: i64) -> Result<StaleAfter, E> {
                let within = (1..=STALE_HOURS_MAX).contains(&hours);
                if within { Ok(StaleAfter::Hours(hours)) } else { Err(E::invalid_value(Unexpected::Signed(hours), &self)) }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<StaleAfter, E> {
                if text == "never" { Ok(StaleAfter::Never) } else { Err(E::invalid_type(Unexpected::Str(text), &self)) }
            }
        }
        deserializer.deserialize_any(HoursOrNever)
    }
}
