//! The events of some letters, and the transaction that writes them together with the memory and the progress. They are collected first and
//! written at once, so that no transaction stays open while letters are read.

use crate::clock::Deadline;
use crate::fault;
use crate::kafka::{COMMIT_LIMIT, Commit, Consumer, Membership, NextOffset, Outgoing, TransactionError, TransactionalProducer};
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::repartition::origin::{HEADER, Origin};
use crate::stream::repartition::router::{self, Routed};

/// Letters in one transaction.
pub(super) const LETTERS_MAX: usize = 1_000;
/// Bytes of events in one transaction; a single letter may exceed it.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Stands for the topic in the keys of declarations: a redrive reads letters in another order than the stage reads records.
const PLACE: &str = "redrive";

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    events: Vec<Event>,
    /// Records of the memory: key, and value or tombstone.
    memory: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Records of the aliases topic.
    declarations: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

#[derive(Debug)]
struct Event {
    origin: Vec<u8>,
    account: Option<Vec<u8>>,
    value: Vec<u8>,
    partition: i32,
    timestamp: Option<i64>,
}

impl Batch {
    /// Adds the events that a letter has become; returns how many.
    pub(super) fn add(&mut self, routed: &Routed, place: (&str, i32, i64), timestamp: Option<i64>) -> usize {
        let (topic, partition, offset) = place;
        let owned = |event: router::Outgoing<'_>| {
            let mut origin = Vec::new();
            Origin { stream: event.stream, topic, partition, offset }.write(&mut origin);
            let (account, value) = (event.account.map(<[u8]>::to_vec), event.value.to_vec());
            Event { origin, account, value, partition: event.partition, timestamp }
        };
        let before = self.events.len();
        self.events.extend(routed.events().map(owned));
        let written = routed.declarations().iter().map(|declaration| (declaration.key((PLACE, partition)), declaration.value()));
        self.declarations.extend(written);
        self.bytes += self.events.iter().skip(before).map(|event| event.value.len()).sum::<usize>();
        self.events.len() - before
    }

    /// Adds a record of the memory.
    pub(super) fn remember(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.memory.push((key, value));
    }

    /// Whether it must be written before more is added.
    pub(super) const fn is_full(&self) -> bool {
        self.memory.len() >= LETTERS_MAX || self.bytes >= BYTES_MAX
    }

    /// Whether there is nothing in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.events.is_empty()
    }
}

/// Writes batches. Its transactional id is the same for every redrive of the application, so a new one fences all others.
pub(super) struct Writer {
    producer: TransactionalProducer,
    membership: Membership,
    internal: String,
    memory: String,
    aliases: String,
}

impl Writer {
    /// Ends what an earlier redrive has left open, and fences it.
    ///
    /// # Errors
    /// If the transaction coordinator does not answer or a right is missing.
    pub(super) fn new(options: &Options, reader: &Consumer) -> Result<Self, Failure> {
        let group = || Failure::kafka("preparing the offsets of the redrive", &"the client has no group");
        Ok(Self {
            producer: TransactionalProducer::new(&options.properties, &options.redrive_group(), || ())?,
            membership: reader.membership_unchecked().ok_or_else(group)?,
            internal: options.repartition_topic(),
            memory: options.redriven_topic(),
            aliases: options.aliases_topic(),
        })
    }

    /// Writes a batch with the next offset of each partition of the dead letters. If one of its requests may have been repeated, the
    /// producer must not write another.
    ///
    /// # Errors
    /// If it was not committed, or may not have been: a redrive ends then, and another one goes on from what was committed.
    pub(super) fn write(&self, batch: &Batch, offsets: &[(String, i32, i64)]) -> Result<Commit, Failure> {
        fault::point("before-redrive-commit");
        let result = self.transact(batch, offsets, Deadline::after(COMMIT_LIMIT));
        fault::point("after-redrive-commit");
        // The abort may be what shows that another redrive has taken over.
        result.map_err(|error| failure(&self.producer.abort().err().unwrap_or(error)))
    }

    fn transact(&self, batch: &Batch, offsets: &[(String, i32, i64)], deadline: Deadline) -> Result<Commit, TransactionError> {
        self.producer.begin()?;
        for event in &batch.events {
            self.producer.send(
                &Outgoing {
                    topic: &self.internal,
                    partition: Some(event.partition),
                    key: event.account.as_deref(),
                    value: Some(&event.value),
                    headers: &[(HEADER.to_owned(), Some(event.origin.clone()))],
                    timestamp: event.timestamp,
                    remember: false,
                },
                deadline,
            )?;
        }
        let declarations = batch.declarations.iter().map(|(key, value)| (&self.aliases, key, Some(value)));
        let remembered = batch.memory.iter().filter(|_| !fault::is_mutant("redriven-not-remembered"));
        for (topic, key, value) in declarations.chain(remembered.map(|(key, value)| (&self.memory, key, value.as_ref()))) {
            let (key, value) = (Some(key.as_slice()), value.map(Vec::as_slice));
            self.producer
                .send(&Outgoing { topic, partition: None, key, value, headers: &[], timestamp: None, remember: false }, deadline)?;
        }
        let offsets: Vec<NextOffset> = offsets.iter().cloned().map(NextOffset::from).collect();
        self.producer.commit(&offsets, &self.membership.metadata, deadline)
    }
}

fn failure(error: &TransactionError) -> Failure {
    match error {
        TransactionError::Fenced(cause) => Failure::RedriveFenced { cause: cause.clone() },
        TransactionError::Aborted(cause) | TransactionError::Unclear(cause) | TransactionError::Fatal(cause) => {
            Failure::kafka("redriving (run it again: whatever was committed is remembered)", cause)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_by_letters_or_by_bytes() {
        let mut batch = Batch::default();
        (1..LETTERS_MAX).for_each(|letter| batch.remember(letter.to_string().into_bytes(), None));
        assert!(!batch.is_full() && !batch.is_empty());
        batch.remember(b"last".to_vec(), None);
        assert!(batch.is_full());
        assert!(Batch { bytes: BYTES_MAX, ..Batch::default() }.is_full());
    }

    #[test]
    fn being_fenced_by_another_redrive_is_named_and_everything_else_may_be_run_again() {
        assert_eq!(failure(&TransactionError::Fenced("epoch".to_owned())).code(), "fenced");
        let unclear = failure(&TransactionError::Unclear("late".to_owned()));
        assert!(unclear.to_string().contains("run it again"), "{unclear}");
    }
}
