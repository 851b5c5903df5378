//! A record, and what a schema registry makes of its value.

use crate::event::Rejection;
use crate::kafka::Record;

/// A record, and its value as the formats read it.
pub struct ReadRecord<'a> {
    /// The record as it is in the topic.
    pub record: Record<'a>,
    /// Its value as the formats read it, or why it cannot be read.
    pub value: Result<Option<&'a [u8]>, Rejection>,
}

impl ReadRecord<'_> {
    /// The value that could not be understood; `None` if it could not even be read.
    #[must_use]
    pub fn readable(&self) -> Option<&[u8]> {
        self.value.as_ref().ok().copied().flatten()
    }
}
