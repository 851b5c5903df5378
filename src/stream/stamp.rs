//! The stamp: one changelog record per task that says up to which offset of each input its state was built.
//!
//! Every transaction writes it together with the state and the group's offsets, so the three always agree.

use serde::{Deserialize, Serialize};

use crate::account::section::{self, CodecError};
use crate::settings::StateVersion;

/// The key of the stamp; keys of accounts never start with this byte.
pub(super) const KEY: &[u8] = b"\0stamp";

/// The records that the state of one task was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// Each input topic, sorted by name.
    pub inputs: Vec<StampedInput>,
    /// The engine's part: stream clocks, costs, counts.
    pub engine: Vec<u8>,
}

/// One input topic of a stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StampedInput {
    /// The topic.
    pub topic: String,
    /// Its partition count when the stamp was written.
    pub partitions: i32,
    /// The next offset to read in the task's partition.
    pub next: i64,
}

impl Stamp {
    /// The next offset to read of a topic; `None` if the stamp does not contain the topic.
    pub(super) fn next(&self, topic: &str) -> Option<i64> {
        self.inputs.iter().find(|input| input.topic == topic).map(|input| input.next)
    }

    /// Encodes a version byte, then the fields.
    pub(super) fn encode(&self, version: StateVersion) -> Vec<u8> {
        section::encode(version, self)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If a newer version wrote it, or it is corrupt.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        section::decode(bytes).map_err(|error| match error {
            CodecError::Corrupt(_) => CodecError::Corrupt("stamp"),
            newer @ CodecError::NewerVersion(_) => newer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        let input = |topic: &str, next| StampedInput { topic: topic.to_owned(), partitions: 2, next };
        Stamp { inputs: vec![input("billing", 7), input("product-usage", 1 << 40)], engine: vec![1, 2, 3] }
    }

    #[test]
    fn an_encoded_stamp_decodes_to_itself() {
        for version in StateVersion::ALL {
            assert_eq!(Stamp::decode(&stamp().encode(version)), Ok(stamp()));
        }
        assert_eq!(stamp().next("billing"), Some(7));
        assert_eq!(stamp().next("support-tickets"), None);
    }

    #[test]
    fn version_1_stays_readable_and_can_be_written() {
        let shipped = b"\x01\x02\x07billing\x04\x0e\x0dproduct-usage\x04\x80\x80\x80\x80\x80\x40\x03\x01\x02\x03";
        assert_eq!(Stamp::decode(shipped), Ok(stamp()));
        assert_eq!(stamp().encode(StateVersion::V1), shipped);
    }

    #[test]
    fn a_newer_version_is_reported_and_garbage_is_refused() {
        assert_eq!(Stamp::decode(&[3, 0]), Err(CodecError::NewerVersion(3)));
        assert_eq!(Stamp::decode(&[]), Err(CodecError::Corrupt("stamp")));
        assert_eq!(Stamp::decode(&[1, 9]), Err(CodecError::Corrupt("stamp")));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(place in 0_usize..40, byte: u8, end in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut bytes = stamp().encode(StateVersion::NEWEST);
            if let Some(changed) = bytes.get_mut(place) {
                *changed = byte;
            }
            bytes.truncate(place + 1);
            bytes.extend(end);
            let _ = Stamp::decode(&bytes);
        }
    }
}
