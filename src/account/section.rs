//! Writes a section of an account's state to changelog records, and restores it from them.

use super::parts::SectionPart;
use crate::settings::StateVersion;

/// The largest value of one changelog record, in bytes: 512 KiB.
pub const MAX_RECORD_BYTES: usize = 512 * 1024;

/// Bytes reserved for remembered ids that are stored inline with a section: 64 ids, each on a day of its own in the worst case.
pub(super) const MAX_INLINE_BYTES: usize = 64 * 12;

/// The largest part of a section, in bytes: a record minus the inline ids and their length.
pub const MAX_PART_BYTES: usize = MAX_RECORD_BYTES - MAX_INLINE_BYTES - size_of::<u32>();

/// A section, written as one or more parts; each part is one changelog record.
///
/// **To add a field to version 2** (while no release writes it): write the field at the end of the record or entry if the version is
/// [`StateVersion::V2`], and read it if the record's version byte says so; data of version 1 reads as if the field were absent. A postcard
/// record needs one struct per version and a `From` between them, because postcard cannot skip a missing field at the end. If an account
/// uses the field, [`Section::least_version`] must return `V2`: the section is then written in version 2 even under `write_version = 1`, so
/// nothing is lost, and an older program stops at it before changing anything. There are two exceptions, which ordinary accounts get with
/// time, so that they would end every rolling upgrade: usage's count of earlier dates, and facts that count only if a deletion of the
/// account forgets earlier ones. Version 1 loses them instead. Once a release has written version 2, the next field starts version 3.
/// `tests/offline/driver/stored_state.rs` keeps a changelog of each version.
pub trait Section: Default {
    /// The section in the layout of `version`. No part is larger than [`MAX_PART_BYTES`], an empty section has no parts, and equal state
    /// gives equal parts.
    fn parts(&self, version: StateVersion) -> Vec<SectionPart>;

    /// The earliest version that can hold all its data.
    fn least_version(&self) -> StateVersion {
        StateVersion::V1
    }

    /// Restores one part written by [`Section::parts`]; parts may come in any order.
    ///
    /// # Errors
    /// When the bytes are not a valid part, or of an unknown version.
    fn restore(&mut self, part: u64, bytes: &[u8]) -> Result<(), CodecError>;
}

/// A section keeps its items in the first part up to this many bytes; beyond that, they are split into ranges of at most this size, so that
/// a change rewrites only one range.
pub(super) const PART_BYTES: usize = 32 * 1024;

/// Initial capacity: enough for most parts to be written without growing.
const TYPICAL_PART_BYTES: usize = 1024;

/// A version byte and the value in postcard's compact binary.
///
/// # Panics
/// When the type cannot be serialized at all, such as a map of unknown length: a programming error that any test of the type finds.
#[must_use]
#[expect(clippy::expect_used, reason = "state that cannot be written must never be mistaken for empty state")]
pub fn encode<T: serde::Serialize>(version: StateVersion, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPICAL_PART_BYTES);
    bytes.push(version as u8);
    postcard::to_extend(value, bytes).expect("plain data with known lengths")
}

/// Reads what [`encode`] wrote, for a type with the same layout in every version.
///
/// # Errors
/// When the version is newer than this program, or the bytes are not a valid value.
pub fn decode<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    let (_, value) = split_version(bytes)?;
    postcard::from_bytes(value).map_err(|_| CodecError::Corrupt("wrong layout"))
}

/// Splits off the leading version byte.
///
/// # Errors
/// When the version is newer than this program, or missing.
pub fn split_version(bytes: &[u8]) -> Result<(StateVersion, &[u8]), CodecError> {
    match bytes.split_first() {
        Some((0, _)) | None => Err(CodecError::Corrupt("unknown version")),
        Some((byte, rest)) => StateVersion::numbered(*byte).map(|version| (version, rest)).ok_or(CodecError::NewerVersion(*byte)),
    }
}

/// Bytes of a changelog record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Written by a newer program.
    #[error("state format {0} is newer than this program knows")]
    NewerVersion(u8),
    /// Not written by any known version.
    #[error("state cannot be decoded: {0}")]
    Corrupt(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "plain data with known lengths")]
    fn a_value_that_cannot_be_encoded_is_never_written_as_an_empty_one() {
        struct Unencodable;
        impl serde::Serialize for Unencodable {
            fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("no"))
            }
        }
        drop(encode(StateVersion::NEWEST, &Unencodable));
    }
}
