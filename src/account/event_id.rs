//! Event ids as sections keep them.
//!
//! Sections order events of one instant by id, and recognise duplicates by id. `limits.text_bytes` may allow ids that are too long to be
//! kept by the hundred; these are shortened, and different ids stay different.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_128;

/// Bytes kept of an id.
pub(super) const MAX_ID_BYTES: usize = 256;
/// Bytes of a hash as hexadecimal digits.
const HASH_BYTES: usize = 32;

/// The id, or, if it is too long, its beginning and a hash of the whole id.
pub(super) fn shortened(id: &str) -> Cow<'_, str> {
    if id.len() <= MAX_ID_BYTES {
        return Cow::Borrowed(id);
    }
    let beginning = id.get(..id.floor_char_boundary(MAX_ID_BYTES - HASH_BYTES)).unwrap_or_default();
    Cow::Owned(format!("{beginning}{:032x}", xxh3_128(id.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_with_the_same_beginning_stay_different() {
        let id = |end: &str| "\u{e9}".repeat(200) + end;
        assert_ne!(shortened(&id("1")), shortened(&id("2")));
        assert_eq!(shortened(&id("1")), shortened(&id("1")));
        assert!(shortened(&id("1")).len() <= MAX_ID_BYTES && shortened(&id("1")).starts_with("\u{e9}\u{e9}"));
        assert_eq!(shortened(&"i".repeat(256)), "i".repeat(256));
    }
}
