//! Schema-registry framing: a zero byte and a schema id of four bytes before the value, as Confluent's serializers write it.

use crate::event::{Code, Rejection};

/// The zero byte and the schema id.
const HEADER_BYTES: usize = 5;

/// The value without its framing. JSON Schema leaves the JSON as it is behind the header; Avro and Protobuf cannot be read without the
/// schema.
pub(super) fn unframed(value: &[u8]) -> Result<&[u8], Rejection> {
    match payload(value) {
        None => Ok(value),
        Some(payload) if is_json_object(payload) => Ok(payload),
        Some(_) => Err(Rejection::new(
            Code::InvalidJson,
            "framed for a schema registry, but not JSON: Avro and Protobuf are read from topics, with [schema_registry]",
        )),
    }
}

/// Whether a value is framed, but its payload is not JSON.
pub(in crate::event) fn needs_registry(value: &[u8]) -> bool {
    payload(value).is_some_and(|payload| !is_json_object(payload))
}

/// The schema id, most significant byte first, and the payload of a framed value; `None` if the value is not framed.
#[must_use]
pub fn framed(value: &[u8]) -> Option<(u32, &[u8])> {
    let (header, payload) = value.split_first_chunk::<HEADER_BYTES>()?;
    let [0, id @ ..] = *header else { return None };
    Some((u32::from_be_bytes(id), payload))
}

fn payload(value: &[u8]) -> Option<&[u8]> {
    framed(value).map(|(_, payload)| payload).filter(|payload| !payload.is_empty())
}

/// Whether a payload is JSON, which needs no schema. No Avro or Protobuf value starts like this: it would be a negative length, or a
/// negative number of message indexes.
#[must_use]
pub fn is_json_object(payload: &[u8]) -> bool {
    payload.trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode_bytes, json};
    use super::*;
    use crate::event::{Decoded, Stream};

    fn code(value: &[u8]) -> Code {
        decode_bytes(Stream::Usage, value).unwrap_err().code
    }

    #[test]
    fn json_behind_a_schema_id_is_read() {
        let text = json("feature_used", r#""user_id":"u","feature":"f""#);
        let framed = [b"\0\0\0\x01\x02", text.as_bytes()].concat();
        let plain = decode_bytes(Stream::Usage, text.as_bytes());
        assert!(matches!(plain, Ok(Decoded::Record(_))));
        assert_eq!(decode_bytes(Stream::Usage, &framed), plain);
        assert!(!needs_registry(&framed));
    }

    #[test]
    fn avro_and_protobuf_are_named_in_the_reason() {
        for value in [&b"\0\0\0\x01\x02\x08acme"[..], b"\0\0\0\0\x07\x00\x0a\x04acme", b"\0\0\0\0\x07\xff\xff"] {
            assert!(needs_registry(value));
            let rejection = decode_bytes(Stream::Usage, value).unwrap_err();
            assert_eq!(rejection.code, Code::InvalidJson);
            assert!(rejection.reason.contains("schema registry"), "{rejection}");
        }
    }

    #[test]
    fn a_lone_zero_byte_or_a_header_without_payload_is_not_framing() {
        for value in [&b"\0"[..], b"\0\0\0\0\x01", b"", b"\x01\0\0\0\0{}"] {
            assert!(!needs_registry(value));
            assert_eq!(code(value), Code::InvalidJson);
        }
    }

    #[test]
    fn a_framed_value_has_an_id_and_a_payload() {
        assert_eq!(framed(b"\0\0\0\x01\x02rest"), Some((258, &b"rest"[..])));
        assert_eq!(framed(b"\0\0\0\0\x07"), Some((7, &b""[..])));
    }

    #[test]
    fn json_and_short_values_are_not_framed() {
        for value in [&b"{\"a\":1}"[..], b"\0\0\0\0", b"", b"\x01\0\0\0\x01{}"] {
            assert_eq!(framed(value), None);
        }
    }
}
