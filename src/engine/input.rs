//! What goes into a task and what comes out of it.

use crate::event::{Rejection, Stream};
use crate::time::Timestamp;

/// A record of an input topic.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The stream that its topic carries.
    pub stream: Stream,
    /// The key: the account, where the payload names none.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The producer's timestamp (`CreateTime`), event time where the payload has none.
    pub timestamp: Option<Timestamp>,
    /// The record's timestamp whatever its type: silence and observation are measured by it. `None` in files, where event time
    /// stands in.
    pub broker_timestamp: Option<Timestamp>,
}

/// How a record ended: every record ends in exactly one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the state, or waits for its time.
    Applied,
    /// It was read before.
    Duplicate,
    /// Too old for any window.
    Late,
    /// Of a type that is not known.
    Ignored,
    /// It cannot be applied.
    DeadLetter(Rejection),
}

/// A record to publish on the changes topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRecord {
    /// The account id.
    pub key: String,
    /// JSON; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(&'static str, Vec<u8>)>,
}

impl OutputRecord {
    /// Bytes of key, value and headers.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.value.as_ref().map_or(0, Vec::len) + headers
    }

    /// A record that deletes what was published of an account.
    #[must_use]
    pub const fn tombstone(key: String) -> Self {
        Self { key, value: None, headers: Vec::new() }
    }
}
