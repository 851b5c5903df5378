//! Which letters were redriven: a compacted topic keyed by the origin of the record. Its records are written in the transactions that
//! write the events, so a letter is remembered exactly if its events were written.
//!
//! The value says where the letter was. Once the dead letters topic does not hold it any more, it cannot be read again, and is forgotten:
//! the memory has no more entries than the dead letters topic has letters.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::clock::Deadline;
use crate::kafka::{Consumer, Inspector, Offset, Record, Visitor, read_to_end, wait};
use crate::stream::failure::Failure;

/// Where a letter is in the dead letters topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The id of the topic, if the broker has ids.
    pub topic_id: Option<String>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl Place {
    /// As the value of a record.
    pub(super) fn encoded(&self) -> Vec<u8> {
        // A struct of a text and two numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What the dead letters topic still holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The id of the topic, if the broker has ids.
    pub topic_id: Option<String>,
    /// The first offset of each partition.
    pub starts: BTreeMap<i32, i64>,
}

impl Held {
    fn holds(&self, place: &Place) -> bool {
        let is_other = matches!((&self.topic_id, &place.topic_id), (Some(ours), Some(theirs)) if ours != theirs);
        !is_other && self.starts.get(&place.partition).is_none_or(|start| place.offset >= *start)
    }
}

/// The letters that were redriven.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By the hash of the origin. Of 10^9 letters, two share one with a probability below 10^-20. `None`: its place cannot be read.
    known: HashMap<u128, Option<Place>>,
    /// Origins of letters that are not held any more.
    gone: HashMap<u128, Vec<u8>>,
}

impl Memory {
    /// Reads the topic. It must be stable: no transaction of an earlier redrive may still be open.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn restore(reader: &Consumer, topic: &str, partitions: i32, held: &Held) -> Result<Self, Failure> {
        let mut restoring = Restoring { memory: Self::default(), held };
        read_to_end(reader, (0..partitions).map(|partition| (topic, partition, Offset::Beginning)), &mut restoring)?;
        Ok(restoring.memory)
    }

    fn note(&mut self, key: &[u8], value: Option<&[u8]>, held: &Held) {
        let hash = xxh3_128(key);
        let Some(value) = value else {
            self.known.remove(&hash);
            self.gone.remove(&hash);
            return;
        };
        let place: Option<Place> = serde_json::from_slice(value).ok();
        if place.as_ref().is_none_or(|place| held.holds(place)) {
            self.known.insert(hash, place);
            self.gone.remove(&hash);
        } else {
            self.known.remove(&hash);
            self.gone.insert(hash, key.to_vec());
        }
    }

    /// Whether a letter with this origin was redriven.
    pub(super) fn holds(&self, key: &[u8]) -> bool {
        self.known.contains_key(&xxh3_128(key))
    }

    /// Takes note of a letter; returns whether that must be written: it is new, or a repetition further on, which is held for longer.
    pub(super) fn remember(&mut self, key: &[u8], place: &Place) -> bool {
        let known = self.known.get(&xxh3_128(key));
        let is_new = match known {
            None => true,
            Some(Some(before)) => before.partition == place.partition && before.offset < place.offset,
            Some(None) => false,
        };
        if is_new {
            self.known.insert(xxh3_128(key), Some(place.clone()));
        }
        is_new
    }

    /// Origins to be forgotten, at most this many; each is returned once.
    pub(super) fn forgettable(&mut self, most: usize) -> Vec<Vec<u8>> {
        let hashes: Vec<u128> = self.gone.keys().copied().take(most).collect();
        hashes.iter().filter_map(|hash| self.gone.remove(hash)).collect()
    }

    /// Whether there is something to be forgotten.
    pub(super) fn has_forgettable(&self) -> bool {
        !self.gone.is_empty()
    }
}

struct Restoring<'h> {
    memory: Memory,
    held: &'h Held,
}

impl Visitor for Restoring<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        if let Some(key) = record.key {
            self.memory.note(key, record.value, self.held);
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Waits until no transaction is open in the topic: what an earlier redrive has committed can then be read to its end.
///
/// # Errors
/// If that takes longer than any transaction may last.
pub(in crate::stream::repartition) fn wait_until_stable(
    reader: &Consumer,
    inspector: &Inspector,
    topic: &str,
    partitions: i32,
) -> Result<(), Failure> {
    let deadline = Deadline::after(wait::OPEN_TRANSACTION);
    for partition in 0..partitions {
        let end = inspector.watermarks(topic, partition)?.1;
        loop {
            let failed = |error| Failure::kafka(format!("asking for the end of {topic} [{partition}]"), &error);
            if reader.stable_watermarks(topic, partition, wait::REQUEST).map_err(failed)?.1 >= end {
                break;
            }
            if deadline.passed() {
                let seconds = wait::OPEN_TRANSACTION.as_secs();
                return Err(Failure::RestoreStuck { topic: topic.to_owned(), partition, waiting_for: "a transaction is open", seconds });
            }
            inspector.wait(wait::STEP);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i64) -> Place {
        Place { topic_id: Some("A".to_owned()), partition: 0, offset }
    }

    fn held(start: i64) -> Held {
        Held { topic_id: Some("A".to_owned()), starts: BTreeMap::from([(0, start)]) }
    }

    #[test]
    fn a_letter_is_remembered_for_as_long_as_its_topic_holds_it() {
        let mut memory = Memory::default();
        memory.note(b"k", Some(&place(5).encoded()), &held(5));
        assert!(memory.holds(b"k") && !memory.has_forgettable());
        memory.note(b"k", Some(&place(5).encoded()), &held(6));
        assert!(!memory.holds(b"k"));
        assert_eq!(memory.forgettable(10), [b"k".to_vec()]);
        assert!(!memory.has_forgettable(), "each is forgotten once");
    }

    #[test]
    fn a_letter_of_a_topic_that_was_recreated_is_gone() {
        let mut memory = Memory::default();
        memory.note(b"k", Some(&place(5).encoded()), &Held { topic_id: Some("B".to_owned()), ..held(0) });
        assert!(!memory.holds(b"k") && memory.has_forgettable());
    }

    #[test]
    fn a_tombstone_forgets_and_a_value_of_unknown_form_does_not() {
        let mut memory = Memory::default();
        memory.note(b"k", Some(b"?"), &held(9));
        assert!(memory.holds(b"k"));
        memory.note(b"k", None, &held(9));
        assert!(!memory.holds(b"k"));
    }

    #[test]
    fn a_repetition_further_on_keeps_the_memory_for_longer() {
        let mut memory = Memory::default();
        assert!(memory.remember(b"k", &place(5)));
        assert!(!memory.remember(b"k", &place(5)) && !memory.remember(b"k", &place(4)));
        assert!(memory.remember(b"k", &place(8)));
    }
}
