//! One simulated record, and the fields common to all native events.

use serde::Serialize;

use crate::event::Stream;
use crate::time::Timestamp;

/// One record as a producer sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedRecord {
    /// The stream whose topic it goes to.
    pub stream: Stream,
    /// The key: the account, or `company` for costs.
    pub account: String,
    /// When it is sent: its event time, unless disturbed.
    pub at: Timestamp,
    /// The value: one native event, without a line end.
    pub json: String,
}

/// A native event: the common fields, then those of its type.
#[derive(Serialize)]
pub struct Native<'a, B> {
    /// Unique within the run and stable for a seed.
    pub id: String,
    /// The `type` of the contract.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// `None` only for costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<&'a str>,
    /// Event time.
    #[serde(serialize_with = "crate::time::rfc3339")]
    pub occurred_at: Timestamp,
    /// The fields of its type.
    #[serde(flatten)]
    pub body: B,
}

impl<B: Serialize> Native<'_, B> {
    /// The event as one line of JSON.
    #[expect(clippy::expect_used, reason = "the bodies hold strings, numbers and lists alone")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain fields serialise")
    }
}
