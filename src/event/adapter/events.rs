//! The events of one payload.

use crate::event::{Decoded, Record};

/// Collects the events of a payload. Most give one, so only a second one allocates.
#[derive(Debug, Default)]
pub(super) struct Events<'a> {
    first: Option<Record<'a>>,
    all: Vec<Record<'a>>,
}

impl<'a> Events<'a> {
    /// Adds an event, to be applied after those before it.
    pub(super) fn push(&mut self, record: Record<'a>) {
        match (self.first.take(), self.all.is_empty()) {
            (None, true) => self.first = Some(record),
            (first, _) => {
                self.all.extend(first);
                self.all.push(record);
            }
        }
    }

    /// What became of the payload.
    pub(super) fn decoded(self) -> Decoded<'a> {
        match self.first {
            Some(record) => Decoded::Record(record),
            None if self.all.is_empty() => Decoded::Ignored,
            None => Decoded::Records(self.all),
        }
    }
}
