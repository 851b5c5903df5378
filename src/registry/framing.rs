//! The framing of Confluent's serializers: a zero byte, the schema id in four bytes, most significant first, then the payload.

const HEADER_BYTES: usize = 5;

/// The schema id and the payload of a framed value; `None` if the value is not framed.
pub(super) fn split(value: &[u8]) -> Option<(u32, &[u8])> {
    let (header, payload) = value.split_first_chunk::<HEADER_BYTES>()?;
    let [0, id @ ..] = *header else { return None };
    Some((u32::from_be_bytes(id), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framed_value_has_an_id_and_a_payload() {
        assert_eq!(split(b"\0\0\0\x01\x02rest"), Some((258, &b"rest"[..])));
        assert_eq!(split(b"\0\0\0\0\x07"), Some((7, &b""[..])));
    }

    #[test]
    fn json_and_short_values_are_not_framed() {
        for value in [&b"{\"a\":1}"[..], b"\0\0\0\0", b"", b"\x01\0\0\0\x01{}"] {
            assert_eq!(split(value), None);
        }
    }
}
