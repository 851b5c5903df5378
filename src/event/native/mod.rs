//! The native format: one JSON object a record.
//!
//! [`decode()`] is the whole way from bytes to [`Record`](super::Record), in the order in which the checks name a code. `document` is
//! everything before the first field, `fields` the one pass over the JSON, and `value` reads a field as what the contract says or names
//! the code; each stream has a file with its event types.

mod billing;
mod decode;
mod document;
mod feedback;
mod field;
mod fields;
mod number;
mod place;
mod profile;
mod support;
mod usage;
mod value;

pub use decode::{DecodeContext, Decoded, Raw, decode};

use super::{Event, Rejection, Stream};
use fields::Fields;

/// Reads the fields of one event type.
type Read = for<'a> fn(&Fields<'a, '_>) -> Result<Event<'a>, Rejection>;

/// An event type of the contract.
struct EventType {
    /// The name in `type`.
    name: &'static str,
    /// Whether it belongs to an account.
    of_account: bool,
    /// Reads its fields, in the order of the contract.
    read: Read,
}

impl EventType {
    const fn new(name: &'static str, read: Read) -> Self {
        Self { name, of_account: true, read }
    }

    const fn without_account(name: &'static str, read: Read) -> Self {
        Self { name, of_account: false, read }
    }

    /// The type of this name, in any case, among those of a stream.
    fn of_stream(stream: Stream, name: &str) -> Option<&'static Self> {
        let types: &'static [Self] = match stream {
            Stream::Usage => &usage::TYPES,
            Stream::Billing => &billing::TYPES,
            Stream::Support => &support::TYPES,
            Stream::Feedback => &feedback::TYPES,
            Stream::Accounts => &profile::TYPES,
        };
        types.iter().find(|known| known.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod testing {
    //! Decoding with the default limits, for the tests of every file here.

    use super::{DecodeContext, Decoded, Raw, decode};
    use crate::event::{Code, Event, Record, Rejection, Stream};
    use crate::money::{Currency, RateTable, Rates};
    use crate::time::Timestamp;

    /// USD is the reporting currency; EUR and JPY have a rate.
    pub(super) fn rates() -> Rates {
        let rate = |code: &str| (Currency::parse(code).unwrap(), rust_decimal::Decimal::ONE);
        Rates::new(Currency::USD, vec![RateTable { valid_from: Timestamp(0), rates: vec![rate("EUR"), rate("JPY")] }])
    }

    /// Limits small enough to reach.
    pub(super) fn context() -> DecodeContext {
        DecodeContext { record_bytes: 4096, text_bytes: 16, max_future_ms: 1000, rates: rates() }
    }

    pub(super) fn decode_raw<'a>(raw: &Raw<'a>) -> Result<Decoded<'a>, Rejection> {
        decode(raw, &context())
    }

    /// Decodes a value under the key `key`, with no record timestamp.
    pub(super) fn decode_bytes(stream: Stream, value: &[u8]) -> Result<Decoded<'_>, Rejection> {
        decode_raw(&Raw { stream, key: Some(b"key"), value: Some(value), timestamp: None, future_reference: None })
    }

    /// An event of this type at epoch second 1, with more fields as JSON text: `"count":2`.
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

    /// The code and reason by which a value is refused.
    pub(super) fn refusal(stream: Stream, text: &str) -> (Code, String) {
        match decode_bytes(stream, text.as_bytes()) {
            Err(rejection) => (rejection.code, rejection.reason.into_owned()),
            other => panic!("{text} gives {other:?}"),
        }
    }
}
