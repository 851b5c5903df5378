//! The native format: one JSON object per record.
//!
//! [`decode()`] goes from bytes to [`Record`](super::Record) and runs the checks in the order that decides which code a bad record gets.
//! `document` checks the text as a whole, `fields` makes the single pass over the JSON, and `value` reads each field as its type or
//! rejects it. Each stream has a file with its event types.

mod billing;
mod context;
mod decode;
mod document;
mod encode;
mod event_type;
mod feedback;
mod field;
mod fields;
mod framing;
mod number;
mod place;
mod profile;
mod reading;
mod support;
mod usage;
mod value;

pub use context::{DecodeContext, Raw};
pub use decode::decode;
pub(super) use decode::known_type;
pub(super) use decode::{check_time, decode_members, decode_with_type, record_time};
pub(super) use document::{check_depth, has_lone_surrogate, text_of_any_depth};
pub use encode::encode;
pub(super) use framing::needs_registry;
pub use framing::{framed, is_json_object};
pub(super) use reading::Reading;
pub(super) use value::{MAX_COUNT, MAX_VALUES, Unit, Value};

#[cfg(test)]
pub(super) mod testing {
    //! Decoding with test limits, shared by the tests of this folder.

    use super::{DecodeContext, Raw, decode};
    use crate::event::{Code, Decoded, Event, Headers, Record, Rejection, Stream};
    use crate::money::{Currency, RateTable, Rates};
    use crate::time::Timestamp;

    /// USD is the reporting currency; EUR and JPY have rates.
    pub(super) fn rates() -> Rates {
        let rate = |code: &str| (Currency::parse(code).unwrap(), rust_decimal::Decimal::ONE);
        Rates::new(Currency::USD, vec![RateTable { valid_from: Timestamp(0), rates: vec![rate("EUR"), rate("JPY")] }])
    }

    /// Limits small enough to reach.
    pub(in crate::event) fn context() -> DecodeContext {
        DecodeContext {
            record_bytes: 4096,
            text_bytes: 16,
            id_bytes: 16,
            earliest: Timestamp(0),
            max_future_ms: 1000,
            rates: Some(rates()),
        }
    }

    pub(super) fn decode_raw<'a>(raw: &Raw<'a>) -> Result<Decoded<'a>, Rejection> {
        decode(raw, &context())
    }

    /// Decodes a value under the key `key`, with no record timestamp.
    pub(super) fn decode_bytes(stream: Stream, value: &[u8]) -> Result<Decoded<'_>, Rejection> {
        decode_raw(&Raw { stream, key: Some(b"key"), value: Some(value), headers: Headers::NONE, timestamp: None, future_reference: None })
    }

    /// An event at epoch second 1; `fields` is JSON text such as `"count":2`.
    pub(super) fn json(type_name: &str, fields: &str) -> String {
        let comma = if fields.is_empty() { "" } else { "," };
        format!(r#"{{"type":"{type_name}","occurred_at":1{comma}{fields}}}"#)
    }

    pub(super) fn record(stream: Stream, text: &str) -> Record<'_> {
        match decode_bytes(stream, text.as_bytes()) {
            Ok(Decoded::Record(record)) => record,
            other => panic!("{text} gives {other:?}"),
        }
    }

    pub(super) fn event(stream: Stream, text: &str) -> Event<'_> {
        record(stream, text).event
    }

    /// The code and reason with which a value is rejected.
    pub(super) fn refusal(stream: Stream, text: &str) -> (Code, String) {
        match decode_bytes(stream, text.as_bytes()) {
            Err(rejection) => (rejection.code, rejection.reason.into_owned()),
            other => panic!("{text} gives {other:?}"),
        }
    }
}
