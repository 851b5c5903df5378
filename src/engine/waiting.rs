//! Records with an event time in the future: they count as applied, and take effect once a scoring round reaches their event time.

use std::collections::BTreeMap;

use super::Input;
use crate::event::{self, Format, Record, Stream};
use crate::time::Timestamp;

/// Waiting records, at most.
const MAX_RECORDS: usize = 10_000;
/// Bytes of the waiting keys and values, at most.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one waiting record, at most: it must fit into a changelog record.
const MAX_RECORD_BYTES: usize = 256 * 1024;

/// A record that waits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct WaitingRecord {
    pub(super) at: Timestamp,
    pub(super) stream: Stream,
    pub(super) key: Option<Box<[u8]>>,
    pub(super) value: Option<Box<[u8]>>,
    pub(super) timestamp: Option<Timestamp>,
}

impl WaitingRecord {
    /// An event, to be applied at its time: the record as it was read or, of another format, the event in the native one.
    pub(super) fn of(input: &Input<'_>, record: &Record<'_>) -> Self {
        let (at, stream) = (record.occurred_at, record.event.stream());
        if *input.format == Format::Native {
            return Self { at, stream, key: input.key.map(Box::from), value: input.value.map(Box::from), timestamp: input.timestamp };
        }
        let mut value = Vec::new();
        event::encode(record, &mut value);
        Self { at, stream, key: None, value: Some(value.into()), timestamp: Some(at) }
    }

    fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, |key| key.len()) + self.value.as_ref().map_or(0, |value| value.len())
    }
}

/// The waiting records, by their number in changelog keys.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    records: BTreeMap<u64, WaitingRecord>,
    by_time: std::collections::BTreeSet<(Timestamp, u64)>,
    bytes: usize,
    next: u64,
}

impl Waiting {
    /// Whether this record fits within the limits.
    pub(super) fn has_room_for(&self, record: &WaitingRecord) -> bool {
        let bytes = record.bytes();
        self.records.len() < MAX_RECORDS && self.bytes + bytes <= MAX_BYTES && bytes <= MAX_RECORD_BYTES
    }

    /// Adds a record and returns its number.
    pub(super) fn push(&mut self, record: WaitingRecord) -> u64 {
        let number = self.next;
        self.put(number, record);
        number
    }

    /// Restores a record under its number.
    pub(super) fn put(&mut self, number: u64, record: WaitingRecord) {
        self.next = self.next.max(number + 1);
        self.bytes += record.bytes();
        self.by_time.insert((record.at, number));
        self.records.insert(number, record);
    }

    /// Whether a record has an event time of at most `now`.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.by_time.first().is_some_and(|(at, _)| *at <= now)
    }

    /// Removes the next record with an event time of at most `now`; returns it with its number.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(u64, WaitingRecord)> {
        let (_, number) = self.by_time.first().filter(|(at, _)| *at <= now).copied()?;
        Some((number, self.remove(number)?))
    }

    /// Removes a record.
    pub(super) fn remove(&mut self, number: u64) -> Option<WaitingRecord> {
        let record = self.records.remove(&number)?;
        self.by_time.remove(&(record.at, number));
        self.bytes -= record.bytes();
        Some(record)
    }

    pub(super) fn get(&self, number: u64) -> Option<&WaitingRecord> {
        self.records.get(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(at: i64, bytes: usize) -> WaitingRecord {
        WaitingRecord { at: Timestamp(at), stream: Stream::Usage, key: None, value: Some(vec![0; bytes].into()), timestamp: None }
    }

    #[test]
    fn due_records_leave_in_order_of_event_time() {
        let mut waiting = Waiting::default();
        for at in [30, 10, 20] {
            waiting.push(record(at, 1));
        }
        let due: Vec<i64> = std::iter::from_fn(|| waiting.pop_due(Timestamp(20))).map(|(_, record)| record.at.0).collect();
        assert_eq!(due, [10, 20]);
    }

    #[test]
    fn a_full_list_has_no_room_until_a_record_leaves() {
        let mut waiting = Waiting::default();
        assert!(!waiting.has_room_for(&record(1, MAX_RECORD_BYTES + 1)));
        for _ in 0..MAX_RECORDS {
            assert!(waiting.has_room_for(&record(1, 1)));
            waiting.push(record(1, 1));
        }
        assert!(!waiting.has_room_for(&record(1, 1)));
        waiting.remove(0);
        assert!(waiting.has_room_for(&record(1, 1)));
    }
}
