//! What goes into a task and what comes out of it.

use crate::event::{Format, Headers, Rejection, Stream};
use crate::time::Timestamp;

/// A record of an input topic.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The stream of its topic.
    pub stream: Stream,
    /// The key: the account id if the payload has none.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The headers, which some formats read.
    pub headers: Headers<'a>,
    /// The format of its topic.
    pub format: &'a Format,
    /// The producer's timestamp (`CreateTime`): the event time if the payload has none.
    pub timestamp: Option<Timestamp>,
    /// The record's timestamp, whatever its type: it tells how long a stream has been observed, and whether it has gone silent. `None`
    /// in files, where event time is used instead.
    pub broker_timestamp: Option<Timestamp>,
}

/// What became of a record. Every record ends in exactly one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In the state, or waiting for its event time.
    Applied,
    /// Read before.
    Duplicate,
    /// Too old for any window.
    Late,
    /// Of an unknown type.
    Ignored,
    /// Cannot be applied.
    DeadLetter(Rejection),
}

impl Outcome {
    /// The outcome of a record with several events, in order: applied if any of them is, else the first.
    #[must_use]
    pub fn of_events(self, next: Self) -> Self {
        if next == Self::Applied { next } else { self }
    }
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

    /// A record that deletes everything published about an account.
    #[must_use]
    pub const fn tombstone(key: String) -> Self {
        Self { key, value: None, headers: Vec::new() }
    }
}
