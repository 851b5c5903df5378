//! A record as a consumer delivers it, by reference: where it comes from, and its bytes in the consumer's memory.

use std::fmt;

use crate::event::HeaderLookup;
use crate::time::Timestamp;

/// The headers of a record, which are parsed only when somebody asks for them.
pub trait RecordHeaders: HeaderLookup {
    /// All of them, in order, copied.
    fn list(&self) -> Vec<(String, Option<Vec<u8>>)>;
}

/// A record in the memory of its consumer.
#[derive(Clone, Copy)]
pub struct Record<'e> {
    /// The topic.
    pub topic: &'e str,
    /// The partition.
    pub partition: i32,
    /// The offset of this record, not of the next.
    pub offset: i64,
    /// The timestamp, and whether the producer set it.
    pub timestamp: Option<(Timestamp, bool)>,
    /// The key; `None` differs from an empty key.
    pub key: Option<&'e [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'e [u8]>,
    /// The headers.
    pub headers: &'e dyn RecordHeaders,
}

impl Record<'_> {
    /// The headers, in order, copied.
    pub(crate) fn headers(self) -> Vec<(String, Option<Vec<u8>>)> {
        self.headers.list()
    }
}

impl fmt::Debug for Record<'_> {
    /// Keys, values and headers are payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}] at {}", self.topic, self.partition, self.offset)
    }
}

impl HeaderLookup for Record<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.header(name)
    }

    fn find<'h>(&'h self, names: &[&str], values: &mut [Option<&'h [u8]>]) {
        self.headers.find(names, values);
    }
}

impl RecordHeaders for Vec<(String, Vec<u8>)> {
    fn list(&self) -> Vec<(String, Option<Vec<u8>>)> {
        self.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect()
    }
}
