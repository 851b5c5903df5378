//! The stamp: one changelog record per task that says up to which offset of each input its state was built.
//!
//! Every transaction writes it together with the state and the group's offsets, so the three always agree.
//!
//! **To add a field** append a block of its own, as [`Basis`] is one: a program that does not know a block ignores it, and a stamp without
//! the block reads as `None`.

use serde::{Deserialize, Serialize};

use super::live_keys::KeyDigest;
use crate::account::section::{self, CodecError};
use crate::kafka::TopicId;
use crate::partitioner::Partitioner;
use crate::settings::StateVersion;

/// The key of the stamp; keys of accounts never start with this byte.
pub const KEY: &[u8] = b"\0stamp";

/// The records that the state of one task was built from, and what else it is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Each input topic, sorted by name.
    pub inputs: Vec<StampedInput>,
    /// The engine's part: stream clocks, costs, counts.
    pub engine: Vec<u8>,
    /// Since version 2, and absent from the earliest stamps of that version.
    pub(in crate::stream) basis: Option<Basis>,
}

/// The block that every stamp begins with.
#[derive(Serialize, Deserialize)]
struct Records<I, E> {
    inputs: I,
    engine: E,
}

/// What a state is based on besides its records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stream) struct Basis {
    /// The id of each input topic, in the order of [`Stamp::inputs`]; `None` until a broker has reported it.
    pub topic_ids: Vec<Option<TopicId>>,
    /// `money.reporting_currency`.
    pub currency: String,
    /// `time.reporting_time_zone`.
    pub zone: String,
    /// The partitioner of the keys, once it is established.
    pub partitioner: Option<Partitioner>,
    /// The keys that the changelog holds.
    pub keys: KeyDigest,
}

/// One input topic of a stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampedInput {
    /// The topic.
    pub topic: String,
    /// Its partition count when the stamp was written.
    pub partitions: i32,
    /// The next offset to read in the task's partition.
    pub next: i64,
}

impl Stamp {
    /// The next offset to read of a topic; `None` if the stamp does not contain the topic.
    #[must_use]
    pub fn next(&self, topic: &str) -> Option<i64> {
        self.inputs.iter().find(|input| input.topic == topic).map(|input| input.next)
    }

    /// The id of a topic, if it is known.
    pub(in crate::stream) fn topic_id(&self, topic: &str) -> Option<TopicId> {
        let index = self.inputs.iter().position(|input| input.topic == topic)?;
        self.basis.as_ref()?.topic_ids.get(index).copied().flatten()
    }

    /// Encodes each block as a version byte and its fields. Version 1 has the first block only.
    pub(in crate::stream) fn encode(&self, version: StateVersion) -> Vec<u8> {
        let mut bytes = section::encode(version, &Records { inputs: &self.inputs, engine: &self.engine });
        if let Some(basis) = self.basis.as_ref().filter(|_| version > StateVersion::V1) {
            bytes.extend(section::encode(version, basis));
        }
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If a newer version wrote it, or it is corrupt.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::decode_blocks(bytes).map_err(|error| match error {
            CodecError::Corrupt(_) => CodecError::Corrupt("stamp"),
            newer @ CodecError::NewerVersion(_) => newer,
        })
    }

    fn decode_blocks(bytes: &[u8]) -> Result<Self, CodecError> {
        let (Records { inputs, engine }, rest) = decode_block(bytes)?;
        let basis = if rest.is_empty() { None } else { Some(decode_block(rest)?.0) };
        Ok(Self { inputs, engine, basis })
    }
}

/// Decodes one block; returns what follows it.
fn decode_block<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), CodecError> {
    let (_, fields) = section::split_version(bytes)?;
    postcard::take_from_bytes(fields).map_err(|_| CodecError::Corrupt("wrong layout"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        let input = |topic: &str, next| StampedInput { topic: topic.to_owned(), partitions: 2, next };
        Stamp { inputs: vec![input("billing", 7), input("product-usage", 1 << 40)], engine: vec![1, 2, 3], basis: None }
    }

    fn with_basis() -> Stamp {
        let basis = Basis {
            topic_ids: vec![None, TopicId::of(1, 2)],
            currency: "EUR".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            partitioner: Some(Partitioner::Crc32),
            keys: KeyDigest { level: 1, count: 2, sum: 3 },
        };
        Stamp { basis: Some(basis), ..stamp() }
    }

    #[test]
    fn an_encoded_stamp_decodes_to_itself_and_version_1_has_no_basis() {
        for version in StateVersion::ALL {
            assert_eq!(Stamp::decode(&stamp().encode(version)), Ok(stamp()));
        }
        assert_eq!(Stamp::decode(&with_basis().encode(StateVersion::V2)), Ok(with_basis()));
        assert_eq!(Stamp::decode(&with_basis().encode(StateVersion::V1)), Ok(stamp()));
        assert_eq!(stamp().next("billing"), Some(7));
        assert_eq!(stamp().next("support-tickets"), None);
    }

    #[test]
    fn topic_ids_are_found_by_name() {
        assert_eq!(with_basis().topic_id("product-usage"), TopicId::of(1, 2));
        assert_eq!((with_basis().topic_id("billing"), with_basis().topic_id("other"), stamp().topic_id("billing")), (None, None, None));
    }

    #[test]
    fn a_program_that_knows_only_the_first_block_reads_a_stamp_with_a_basis() {
        let bytes = with_basis().encode(StateVersion::V2);
        let Records { inputs, engine } = section::decode::<Records<Vec<StampedInput>, Vec<u8>>>(&bytes).unwrap();
        assert_eq!(Stamp { inputs, engine, basis: None }, stamp());
    }

    #[test]
    fn the_earliest_stamps_of_version_2_stay_readable() {
        let shipped = b"\x02\x02\x07billing\x04\x0e\x0dproduct-usage\x04\x80\x80\x80\x80\x80\x40\x03\x01\x02\x03";
        assert_eq!(Stamp::decode(shipped), Ok(stamp()));
    }

    #[test]
    fn a_basis_of_a_newer_version_is_reported() {
        let newer = [stamp().encode(StateVersion::V2), vec![3, 0]].concat();
        assert_eq!(Stamp::decode(&newer), Err(CodecError::NewerVersion(3)));
    }

    #[test]
    fn version_1_stays_readable_and_can_be_written() {
        let shipped = b"\x01\x02\x07billing\x04\x0e\x0dproduct-usage\x04\x80\x80\x80\x80\x80\x40\x03\x01\x02\x03";
        assert_eq!(Stamp::decode(shipped), Ok(stamp()));
        assert_eq!(with_basis().encode(StateVersion::V1), shipped);
    }

    #[test]
    fn a_newer_version_is_reported_and_garbage_is_refused() {
        assert_eq!(Stamp::decode(&[3, 0]), Err(CodecError::NewerVersion(3)));
        assert_eq!(Stamp::decode(&[]), Err(CodecError::Corrupt("stamp")));
        assert_eq!(Stamp::decode(&[1, 9]), Err(CodecError::Corrupt("stamp")));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(place in 0_usize..120, byte: u8, end in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut bytes = with_basis().encode(StateVersion::NEWEST);
            if let Some(changed) = bytes.get_mut(place) {
                *changed = byte;
            }
            bytes.truncate(place + 1);
            bytes.extend(end);
            let _ = Stamp::decode(&bytes);
        }
    }
}
