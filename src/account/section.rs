//! How a section of an account's state becomes changelog records, and comes back from them.

use super::dedup;

/// The largest value of one changelog record, in bytes: 512 KiB.
pub const MAX_RECORD_BYTES: usize = 512 * 1024;

/// The largest part of a section: what a record holds besides the remembered ids that travel with it and their length.
pub const MAX_PART_BYTES: usize = MAX_RECORD_BYTES - dedup::MAX_TOGETHER_BYTES - size_of::<u32>();

/// A section that is written as one or more parts, each a changelog record of its own.
pub trait Section: Default {
    /// The section as (part number, bytes); numbers count from 0, no part is larger than [`MAX_PART_BYTES`], an empty section has no
    /// part. Equal state gives equal bytes.
    fn parts(&self) -> Vec<(u16, Vec<u8>)>;

    /// Takes back one part that [`Section::parts`] made, in any order of parts.
    ///
    /// # Errors
    /// When the bytes are not such a part, or of a version that is not known.
    fn restore(&mut self, part: u16, bytes: &[u8]) -> Result<(), CodecError>;
}

/// Room for most parts, so that they are written without growing.
const TYPICAL_PART_BYTES: usize = 1024;

/// A version byte and the value in postcard's compact binary.
///
/// # Panics
/// When the type cannot be written at all, as a map of unknown length: a mistake in the type that every test of it meets.
#[must_use]
#[expect(clippy::expect_used, reason = "a state that cannot be written must never pass as an empty one")]
pub fn encode<T: serde::Serialize>(version: u8, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPICAL_PART_BYTES);
    bytes.push(version);
    postcard::to_extend(value, bytes).expect("plain data with known lengths")
}

/// Reads what [`encode`] wrote with this version.
///
/// # Errors
/// When the version is newer, or the bytes are none of it.
pub fn decode<'a, T: serde::Deserialize<'a>>(version: u8, bytes: &'a [u8]) -> Result<T, CodecError> {
    postcard::from_bytes(of_version(version, bytes)?).map_err(|_| CodecError::Corrupt("wrong layout"))
}

/// The bytes after a version byte, which must be this one.
///
/// # Errors
/// When the version is newer, or there is none.
pub fn of_version(version: u8, bytes: &[u8]) -> Result<&[u8], CodecError> {
    match bytes.split_first() {
        Some((found, rest)) if *found == version => Ok(rest),
        Some((found, _)) if *found > version => Err(CodecError::NewerVersion(*found)),
        _ => Err(CodecError::Corrupt("no known version")),
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
