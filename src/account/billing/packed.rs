//! State that stays encoded in memory: the billing of an account is needed a few times a month, and most accounts are idle.

use serde::{Deserialize, Serialize};

/// A value that is kept encoded. What would be in force if earlier facts were forgotten follows it, and the byte [`OUTRANKED`] ends that; a
/// value without such facts has neither.
pub(super) trait Packed<'a>: Serialize + Deserialize<'a> {
    /// A fact that an earlier one outranks.
    type Outranked: Serialize + Deserialize<'a>;

    fn outranked(&self) -> &[Self::Outranked];

    fn set_outranked(&mut self, outranked: Vec<Self::Outranked>);
}

/// The last byte of a value with outranked facts. No subscription without them ends in it: they end in a text or in 0.
const OUTRANKED: u8 = 0xff;

/// Encoded values by the 64-bit hash of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PackedTable(Vec<(u64, Box<[u8]>)>);

/// From values in order of hash.
impl FromIterator<(u64, Box<[u8]>)> for PackedTable {
    fn from_iter<I: IntoIterator<Item = (u64, Box<[u8]>)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl PackedTable {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All values as bytes, in order of hash.
    pub fn bytes(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.0.iter().map(|(hash, bytes)| (*hash, &**bytes))
    }

    /// All values, in order of hash.
    pub fn iter<'a, T: Packed<'a>>(&'a self) -> impl Iterator<Item = (u64, T)> {
        self.bytes().map(|(hash, bytes)| (hash, unpack(bytes)))
    }

    /// The value of a hash, as bytes.
    pub fn packed(&self, hash: u64) -> Option<&[u8]> {
        self.0.get(self.position(hash).ok()?).map(|(_, bytes)| &**bytes)
    }

    /// The value of a hash.
    pub fn get<'a, T: Packed<'a>>(&'a self, hash: u64) -> Option<T> {
        self.packed(hash).map(unpack)
    }

    /// Sets the value of a hash to bytes from [`pack`], or bytes that were checked.
    pub fn put(&mut self, hash: u64, bytes: Box<[u8]>) {
        match self.position(hash) {
            Ok(position) => {
                if let Some(entry) = self.0.get_mut(position) {
                    entry.1 = bytes;
                }
            }
            Err(position) => {
                self.0.reserve_exact(1);
                self.0.insert(position, (hash, bytes));
            }
        }
    }

    /// Removes the value of a hash.
    pub fn remove(&mut self, hash: u64) {
        if let Ok(position) = self.position(hash) {
            self.0.remove(position);
        }
    }

    fn position(&self, hash: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&hash, |(known, _)| *known)
    }
}

/// Initial capacity: enough for most values to be written without growing.
const TYPICAL_BYTES: usize = 1024;

/// Encodes a value.
pub(super) fn pack<'a, T: Packed<'a>>(value: &T) -> Box<[u8]> {
    let mut bytes = encode_into(value, Vec::with_capacity(TYPICAL_BYTES));
    if !value.outranked().is_empty() {
        bytes = encode_into(value.outranked(), bytes);
        bytes.push(OUTRANKED);
    }
    bytes.into()
}

/// Encodes the start of a value, followed by its other bytes.
pub(super) fn pack_before(value: &impl Serialize, rest: &[u8]) -> Box<[u8]> {
    let mut bytes = encode_into(value, Vec::with_capacity(TYPICAL_BYTES + rest.len()));
    bytes.extend_from_slice(rest);
    bytes.into()
}

#[expect(clippy::expect_used, reason = "plain structs into a growing vector: the encoder has no error to give")]
fn encode_into<T: Serialize + ?Sized>(value: &T, bytes: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, bytes).expect("plain structs are always encoded")
}

#[expect(clippy::expect_used, reason = "the bytes are our own or were checked; to go on without them would lose history in silence")]
pub(super) fn unpack<'a, T: Packed<'a>>(bytes: &'a [u8]) -> T {
    read(bytes).expect("bytes of our own are always decoded")
}

/// Decodes a value; `None` if the bytes are none.
pub(super) fn read<'a, T: Packed<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (mut value, rest): (T, _) = postcard::take_from_bytes(bytes).ok()?;
    if rest.is_empty() {
        return Some(value);
    }
    let (outranked, end) = postcard::take_from_bytes(rest).ok()?;
    value.set_outranked(outranked);
    (end == [OUTRANKED]).then_some(value)
}

/// Whether a packed subscription has outranked facts.
pub(super) fn has_outranked(subscription: &[u8]) -> bool {
    subscription.last() == Some(&OUTRANKED)
}

/// A packed value without its outranked facts.
pub(super) fn without_outranked<'a, T: Packed<'a>>(bytes: &'a [u8]) -> &'a [u8] {
    let outranked = postcard::take_from_bytes::<T>(bytes).map_or(0, |(_, rest)| rest.len());
    bytes.get(..bytes.len() - outranked).unwrap_or(bytes)
}
