//! What decoding reads of the settings.

use crate::money::Rates;

/// What decoding reads of the settings. Filled once per task and reused for every record.
#[derive(Clone, Debug)]
pub struct DecodeContext {
    /// `limits.record_bytes`: a larger value is `too_large`.
    pub record_bytes: usize,
    /// `limits.text_bytes`: a longer id, name or other kept text is `out_of_range`.
    pub text_bytes: usize,
    /// `time.max_future_hours` in milliseconds: a record further ahead of its reference is `future_time`.
    pub max_future_ms: i64,
    /// A currency that these do not know is `unknown_currency`.
    pub rates: Rates,
}
