//! Parts of the state that are kept encoded: an account's billing is touched a few times a month, and most accounts are idle.

use serde::{Deserialize, Serialize};

/// The bytes of a value.
#[expect(clippy::expect_used, reason = "plain structs into a growing vector: the encoder has no error to give")]
pub(super) fn pack(value: &impl Serialize) -> Box<[u8]> {
    postcard::to_stdvec(value).expect("plain structs are always encoded").into_boxed_slice()
}

/// The value of bytes that [`pack`] made in this process, or that were checked when they were restored.
#[expect(clippy::expect_used, reason = "the bytes are our own; going on without them would lose an account's history in silence")]
pub(super) fn unpack<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> T {
    postcard::from_bytes(bytes).expect("bytes of our own are always decoded")
}
