//! The id by which brokers distinguish topics that have had the same name (KIP-516).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The id of a topic: a topic that is deleted and created again gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TopicId([u8; 16]);

impl TopicId {
    /// From the two halves of a UUID; `None` for zero, which brokers older than 2.8 return.
    pub(crate) fn of(most_significant: i64, least_significant: i64) -> Option<Self> {
        let id = u128::from(most_significant.cast_unsigned()) << 64 | u128::from(least_significant.cast_unsigned());
        (id != 0).then(|| Self(id.to_be_bytes()))
    }
}

/// As Kafka's own tools print it.
impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printed_as_kafka_prints_it_and_zero_is_none() {
        // Kafka's metadata topic has this id.
        assert_eq!(TopicId::of(0, 1).unwrap().to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(TopicId::of(-1, -1).unwrap().to_string(), "_____________________w");
        assert_eq!(TopicId::of(0, 0), None);
    }
}
