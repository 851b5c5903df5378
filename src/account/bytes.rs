//! Compact encoding for the sections that are written most often.

/// Reads from the front of a slice; `None` if it ends too early.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn text(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.varint()?).ok()?;
        self.take(count)
    }

    pub fn word(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A count and that many items of at least `min_bytes` each. Checked before allocating: a corrupt count must not allocate memory.
    pub fn many<T>(&mut self, min_bytes: usize, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.varint()?).ok()?;
        if count.checked_mul(min_bytes)? > self.0.len() {
            return None;
        }
        let mut things = Vec::with_capacity(count);
        for _ in 0..count {
            things.push(read(self)?);
        }
        Some(things)
    }

    /// Seven bits per byte, least significant first; a set high bit means that more follow.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}

/// Appends to a vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn text(&mut self, text: &[u8]) {
        self.varint(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time are wanted")]
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn signed(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }
}

/// Reserves room for more items. Small vectors grow to the next size class of the allocator; large ones get an eighth to spare, because
/// there copying costs more than the memory.
pub(super) fn make_room<T>(items: &mut Vec<T>, more: usize) {
    if items.capacity() - items.len() < more {
        let bytes = (items.len() + more) * size_of::<T>();
        let spare = if bytes < MANY_BYTES { bytes.next_multiple_of(STEP_BYTES) - bytes } else { bytes / 8 };
        items.reserve_exact(more + spare / size_of::<T>());
    }
}

/// Above this size [`make_room`] leaves an eighth to spare; below, it rounds up to [`STEP_BYTES`].
const MANY_BYTES: usize = 2048;
const STEP_BYTES: usize = 32;
