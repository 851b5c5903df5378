//! A request whose connection breaks before the broker has seen it, and that arrives all the same, in the middle of a later transaction.

use super::proxy::Api;

/// A request that is held back.
#[derive(Debug)]
pub struct Late {
    /// The first request of this kind is held.
    of: Api,
    /// It is delivered before a later request of this kind.
    before: Api,
    /// How many of those pass first.
    skip: u64,
    held: Option<Vec<u8>>,
    is_delivered: bool,
}

/// What the proxy does with a request.
pub enum Step {
    /// Keeps it and cuts the connection.
    Hold,
    /// Delivers this one first.
    Deliver(Vec<u8>),
}

impl Late {
    /// Offsets of a transaction that arrive just before the end of the next one.
    pub fn offsets() -> Self {
        Self { of: Api::TxnOffsetCommit, before: Api::EndTxn, skip: 1, held: None, is_delivered: false }
    }

    /// The end of a transaction that arrives when the records of the next one are written, but not its offsets.
    pub fn end() -> Self {
        Self { of: Api::EndTxn, before: Api::AddOffsetsToTxn, skip: 0, held: None, is_delivered: false }
    }

    /// The end of a transaction that arrives between two writes of the next one.
    pub fn end_between_writes() -> Self {
        Self { of: Api::EndTxn, before: Api::Produce, skip: 1, held: None, is_delivered: false }
    }

    pub const fn is_delivered(&self) -> bool {
        self.is_delivered
    }

    /// Takes notice of a request.
    pub fn step(&mut self, api: i16, frame: &[u8]) -> Option<Step> {
        match &self.held {
            None if !self.is_delivered && api == self.of as i16 => {
                self.held = Some(frame.to_vec());
                Some(Step::Hold)
            }
            Some(_) if api == self.before as i16 && self.skip > 0 => {
                self.skip -= 1;
                None
            }
            Some(_) if api == self.before as i16 => {
                self.is_delivered = true;
                self.held.take().map(Step::Deliver)
            }
            _ => None,
        }
    }
}
