//! The records that a sample should hold, and how many of them did not come.

use std::collections::BTreeMap;
use std::fmt;

use crate::kafka::{Offset, wait};
use crate::stream::failure::Failure;

/// A sample that lacks records because the broker did not deliver them in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// Records that came.
    pub sampled: i64,
    /// Records that should have come. Offsets without a record, such as those of transaction markers, count too.
    pub of: i64,
}

impl Shortfall {
    /// Why nothing certain can be said about a topic.
    pub(super) fn failure(self, topic: &str) -> Failure {
        Failure::kafka(format!("reading the newest records of {topic}"), &self)
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sampled, of } = self;
        write!(f, "sampled {sampled} of {of} records; the broker did not answer within {} s", wait::SAMPLE.as_secs())
    }
}

/// The newest offsets of one partition.
#[derive(Clone, Copy, Debug)]
struct Tail {
    begin: i64,
    next: i64,
    end: i64,
}

/// The newest offsets of several partitions while they are being read.
#[derive(Debug, Default)]
pub(super) struct Expected(BTreeMap<(String, i32), Tail>);

impl Expected {
    /// The records of a partition from `begin` on, before `end`.
    pub(super) fn add(&mut self, topic: &str, partition: i32, begin: i64, end: i64) {
        self.0.insert((topic.to_owned(), partition), Tail { begin, next: begin, end });
    }

    /// Where to begin to read each partition.
    pub(super) fn places(&self) -> Vec<(String, i32, Offset)> {
        self.0.iter().map(|((topic, partition), tail)| (topic.clone(), *partition, Offset::Offset(tail.begin))).collect()
    }

    /// A record came.
    pub(super) fn record(&mut self, topic: &str, partition: i32, offset: i64) {
        if let Some(tail) = self.0.get_mut(&(topic.to_owned(), partition)) {
            tail.next = tail.end.min(offset.saturating_add(1)).max(tail.next);
        }
    }

    /// A partition was read to its end.
    pub(super) fn end(&mut self, topic: &str, partition: i32) {
        if let Some(tail) = self.0.get_mut(&(topic.to_owned(), partition)) {
            tail.next = tail.end;
        }
    }

    /// What of a topic did not come; `None` if everything did.
    pub(super) fn shortfall(&self, topic: &str) -> Option<Shortfall> {
        let tails = self.0.iter().filter(|((name, _), _)| name == topic).map(|(_, tail)| tail);
        let (sampled, of) = tails.fold((0, 0), |(sampled, of), tail| (sampled + tail.next - tail.begin, of + tail.end - tail.begin));
        (sampled < of).then_some(Shortfall { sampled, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_whole_once_every_partition_has_come_to_the_end_that_it_had_at_first() {
        let mut expected = Expected::default();
        expected.add("t", 0, 100, 200);
        expected.add("t", 1, 0, 100);
        expected.add("empty", 0, 7, 7);
        assert_eq!(expected.shortfall("empty"), None);
        expected.record("t", 0, 119);
        expected.record("t", 1, 99);
        let short = expected.shortfall("t").unwrap();
        assert_eq!(short.to_string(), "sampled 120 of 200 records; the broker did not answer within 60 s");
        expected.record("t", 0, 250);
        assert_eq!(expected.shortfall("t"), None, "a record that was written meanwhile is beyond the sample");
    }

    #[test]
    fn offsets_without_records_are_not_missed_once_the_end_is_reached() {
        let mut expected = Expected::default();
        expected.add("t", 0, 0, 10);
        expected.record("t", 0, 8);
        assert!(expected.shortfall("t").is_some());
        expected.end("t", 0);
        assert_eq!(expected.shortfall("t"), None);
    }
}
