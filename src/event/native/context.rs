//! What a record is decoded from: its bytes as they were read, and the limits that they are held to.

use crate::event::Stream;
use crate::money::Rates;
use crate::time::Timestamp;

/// What decoding reads of the settings. Filled once per task and reused for every record.
#[derive(Clone, Debug)]
pub struct DecodeContext {
    /// `limits.record_bytes`: a larger value is `too_large`.
    pub record_bytes: usize,
    /// `limits.text_bytes`: a longer id is `out_of_range`, longer other text is cut there.
    pub text_bytes: usize,
    /// `time.earliest`: an event before it is `out_of_range`.
    pub earliest: Timestamp,
    /// `time.max_future_hours` in milliseconds: a record further ahead of its reference is `future_time`.
    pub max_future_ms: i64,
    /// A currency that these do not know is `unknown_currency`.
    pub rates: Rates,
}

/// A record as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The stream of its topic.
    pub stream: Stream,
    /// The record key: the account where the payload names none.
    pub key: Option<&'a [u8]>,
    /// The value; `None` for a null value, which deletes an account.
    pub value: Option<&'a [u8]>,
    /// The record timestamp where it is `CreateTime`: the event time where the payload has none. Lines of files have none.
    pub timestamp: Option<Timestamp>,
    /// What the event time may not be too far ahead of: the broker timestamp of the record, in replay the instant of the report.
    pub future_reference: Option<Timestamp>,
}
