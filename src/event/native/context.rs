//! The input of decoding: a record's raw bytes, and the limits that apply to them.

use crate::event::{Headers, Stream};
use crate::money::Rates;
use crate::time::Timestamp;

/// The settings that decoding needs; built once per task and reused for every record.
#[derive(Clone, Debug)]
pub struct DecodeContext {
    /// `limits.record_bytes`: a larger value is `too_large`.
    pub record_bytes: usize,
    /// `limits.text_bytes`: other text than ids is truncated at this length.
    pub text_bytes: usize,
    /// The same for ids: a longer one is `out_of_range`.
    pub id_bytes: usize,
    /// `time.earliest`: an event before it is `out_of_range`.
    pub earliest: Timestamp,
    /// `time.max_future_hours` in milliseconds: an event further ahead of its reference is `future_time`.
    pub max_future_ms: i64,
    /// A currency without a rate is `unknown_currency`; `None`: every currency is known.
    pub rates: Option<Rates>,
}

impl DecodeContext {
    /// For records that were accepted under an earlier configuration: nothing that depends on the configuration refuses them.
    #[must_use]
    pub const fn of_accepted(text_bytes: usize) -> Self {
        Self { record_bytes: usize::MAX, text_bytes, id_bytes: usize::MAX, earliest: Timestamp::MIN, max_future_ms: i64::MAX, rates: None }
    }
}

/// A record before decoding.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The stream of its topic.
    pub stream: Stream,
    /// The record key: the account if the payload names none.
    pub key: Option<&'a [u8]>,
    /// The value; `None` for a null value, which deletes an account.
    pub value: Option<&'a [u8]>,
    /// The record's headers, which some formats read.
    pub headers: Headers<'a>,
    /// A `CreateTime` record timestamp: the event time if the payload has none. `None` for lines of files.
    pub timestamp: Option<Timestamp>,
    /// The event time may be ahead of this by `max_future_ms` at most: the broker timestamp or, in a replay, the instant of the report.
    pub future_reference: Option<Timestamp>,
}
