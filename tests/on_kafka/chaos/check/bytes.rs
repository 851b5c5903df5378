//! Just enough decoding to read the records from outside: Kafka's big-endian fields and the changelog's varints.

/// Bytes still to be read. Reading past the end fails the test.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    pub fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    pub fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take(8).try_into().unwrap())
    }

    /// A length as i16, then text.
    pub fn text(&mut self) -> String {
        let length = usize::try_from(self.i16()).unwrap();
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }

    /// Seven bits per byte, lowest first, up to a byte without the highest bit.
    pub fn varint(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }

    /// A zigzag varint: the sign is the lowest bit.
    pub fn signed(&mut self) -> i64 {
        let value = self.varint();
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
    }

    /// A length as a varint, then text.
    pub fn compact_text(&mut self) -> String {
        let length = usize::try_from(self.varint()).unwrap();
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn signed_and_unsigned_varints_are_read() {
        let mut bytes = Bytes(b"\x00\x05\x00\x00\x00\x07\xac\x02\x03\x04\x02ok");
        assert_eq!((bytes.i16(), bytes.i32(), bytes.varint(), bytes.signed(), bytes.signed()), (5, 7, 300, -2, 2));
        assert_eq!(bytes.compact_text(), "ok");
    }
}
