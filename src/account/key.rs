//! The fixed-size key of an account in maps.

use xxhash_rust::xxh3::xxh3_64;

/// The 64-bit xxh3 hash of an account id. Two ids may share a hash, so maps also compare the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct AccountKey(pub u64);

impl AccountKey {
    /// The key of an id.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self(xxh3_64(id.as_bytes()))
    }
}
