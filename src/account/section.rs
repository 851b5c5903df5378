//! How a section of an account's state becomes changelog records, and comes back from them.

use super::parts::SectionPart;
use crate::settings::StateVersion;

/// The largest value of one changelog record, in bytes: 512 KiB.
pub const MAX_RECORD_BYTES: usize = 512 * 1024;

/// The room for remembered ids that travel with a section, in bytes: 64 ids, each at most on a day of its own.
pub(super) const MAX_INLINE_BYTES: usize = 64 * 12;

/// The largest part of a section: what a record holds besides the remembered ids that travel with it and their length.
pub const MAX_PART_BYTES: usize = MAX_RECORD_BYTES - MAX_INLINE_BYTES - size_of::<u32>();

/// A section that is written as one or more parts, each a changelog record of its own.
///
/// **To add a field to version 2**, while no release has written it: write it at the end of the record or entry where the version is
/// [`StateVersion::V2`], and read it where the record's version byte says so; what version 1 wrote reads as if the field were absent.
/// A record in postcard needs a struct per version and a `From` between them, since postcard has no optional end. Where an account has
/// such a fact, let [`Section::least_version`] return `V2`: the section is then written in version 2 under `write_version = 1` too, so
/// that nothing is lost, and an older program that meets it stops before it changes anything. Once a release has written version 2,
/// the next field begins version 3. `tests/offline/driver/stored_state.rs` keeps a changelog of each version.
pub trait Section: Default {
    /// The section in the layout of a version. No part is larger than [`MAX_PART_BYTES`], an empty section has no part, and equal state
    /// gives equal parts.
    fn parts(&self, version: StateVersion) -> Vec<SectionPart>;

    /// The earliest version that holds every fact of it.
    fn least_version(&self) -> StateVersion {
        StateVersion::V1
    }

    /// Takes back one part that [`Section::parts`] made, in any order of parts.
    ///
    /// # Errors
    /// When the bytes are not such a part, or of a version that is not known.
    fn restore(&mut self, part: u64, bytes: &[u8]) -> Result<(), CodecError>;
}

/// Items of a section travel in its first part up to this many bytes, and are else cut into ranges of at most as many: a change writes
/// one of them.
pub(super) const PART_BYTES: usize = 32 * 1024;

/// Room for most parts, so that they are written without growing.
const TYPICAL_PART_BYTES: usize = 1024;

/// A version byte and the value in postcard's compact binary.
///
/// # Panics
/// When the type cannot be written at all, as a map of unknown length: a mistake in the type that every test of it meets.
#[must_use]
#[expect(clippy::expect_used, reason = "a state that cannot be written must never pass as an empty one")]
pub fn encode<T: serde::Serialize>(version: StateVersion, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPICAL_PART_BYTES);
    bytes.push(version as u8);
    postcard::to_extend(value, bytes).expect("plain data with known lengths")
}

/// Reads what [`encode`] wrote, of a type that looks the same in every version.
///
/// # Errors
/// When the version is newer, or the bytes are not such a value.
pub fn decode<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CodecError> {
    let (_, value) = split_version(bytes)?;
    postcard::from_bytes(value).map_err(|_| CodecError::Corrupt("wrong layout"))
}

/// The version that a record begins with, and what follows.
///
/// # Errors
/// When the version is newer, or there is none.
pub fn split_version(bytes: &[u8]) -> Result<(StateVersion, &[u8]), CodecError> {
    match bytes.split_first() {
        Some((0, _)) | None => Err(CodecError::Corrupt("no known version")),
        Some((byte, rest)) => StateVersion::numbered(*byte).map(|version| (version, rest)).ok_or(CodecError::NewerVersion(*byte)),
    }
}

/// Bytes of a changelog record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Written by a newer program.
    #[error("state format {0} is newer than this program knows")]
    NewerVersion(u8),
    /// Not what any version wrote.
    #[error("state cannot be decoded: {0}")]
    Corrupt(&'static str),
}
