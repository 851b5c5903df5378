//! Warnings about records that change nothing: dead letters and unknown types.
//!
//! The first of each topic and code is described at once, with its offset and what to do about it. The others are counted, and summed up
//! once a minute while they continue, so that a flood cannot fill the log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::options::InputTopic;
use super::read_record::ReadRecord;
use crate::event::{Code, Place, Rejection, Shape};

/// How often the others are summed up.
const INTERVAL: Duration = Duration::from_mins(1);

/// What a stream thread has warned about.
#[derive(Debug)]
pub(super) struct Notices {
    /// By topic and code; without a code: unknown types.
    seen: BTreeMap<(String, Option<Code>), Counted>,
    due: Instant,
}

/// Records of one topic and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    /// Not reported yet.
    unreported: u64,
    /// Partition and offset of the last one.
    last: (i32, i64),
}

/// Records counted since the last summary.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    topic: String,
    code: Option<Code>,
    records: u64,
    /// Partition and offset of the last one.
    last: (i32, i64),
}

impl Notices {
    /// No warnings so far.
    pub(super) const fn begin(now: Instant) -> Self {
        Self { seen: BTreeMap::new(), due: now }
    }

    /// Warns of a dead letter, or counts it if it is not the first of its kind.
    pub(super) fn dead_letter(&mut self, topic: &InputTopic, read: &ReadRecord<'_>, rejection: &Rejection) {
        let (partition, offset, code) = (read.record.partition, read.record.offset, rejection.code);
        if self.is_first(&topic.name, Some(code), (partition, offset)) {
            let advice = advice(read, topic).unwrap_or_else(|| code.remedy().to_owned());
            let (topic, code, reason) = (&topic.name, code.name(), &*rejection.reason);
            tracing::warn!(topic, partition, offset, code, reason, advice, "first dead letter with this code");
        }
    }

    /// Warns of a record of an unknown type, or counts it if it is not the first one.
    pub(super) fn unknown_type(&mut self, topic: &InputTopic, read: &ReadRecord<'_>) {
        let (partition, offset) = (read.record.partition, read.record.offset);
        // Formats of other providers have types that nothing here needs.
        if topic.format.is_native() && self.is_first(&topic.name, None, (partition, offset)) {
            let advice = advice(read, topic).unwrap_or_else(|| Shape::UnknownType.advice(Place::Topic));
            tracing::warn!(topic = topic.name, partition, offset, advice, "first record of an unknown type, ignored");
        }
    }

    /// Sums up what has been counted, if a minute has passed.
    pub(super) fn sum_up_if_due(&mut self, now: Instant) {
        if now >= self.due {
            self.due = now + INTERVAL;
            self.sum_up();
        }
    }

    /// Sums up what has been counted.
    pub(super) fn sum_up(&mut self) {
        for Summary { topic, code, records, last: (partition, offset) } in self.take_unreported() {
            if let Some(code) = code.map(Code::name) {
                tracing::warn!(topic, code, records, partition, offset, "more dead letters; the last is at this offset");
            } else {
                tracing::warn!(topic, records, partition, offset, "more records of unknown types; the last is at this offset");
            }
        }
    }

    /// What has been counted since the last call.
    fn take_unreported(&mut self) -> Vec<Summary> {
        let counted = self.seen.iter_mut().filter(|(_, counted)| counted.unreported > 0);
        let summary = |((topic, code), counted): (&(String, Option<Code>), &mut Counted)| Summary {
            topic: topic.clone(),
            code: *code,
            records: std::mem::take(&mut counted.unreported),
            last: counted.last,
        };
        counted.map(summary).collect()
    }

    /// Whether this is the first of its topic and code; any other is counted.
    fn is_first(&mut self, topic: &str, code: Option<Code>, place: (i32, i64)) -> bool {
        if let Some(counted) = self.seen.get_mut(&(topic.to_owned(), code)) {
            (counted.unreported, counted.last) = (counted.unreported + 1, place);
            return false;
        }
        self.seen.insert((topic.to_owned(), code), Counted { unreported: 0, last: place });
        true
    }
}

/// The shape of a record that is not an event of its stream.
pub(super) fn shape(read: &ReadRecord<'_>, topic: &InputTopic) -> Option<Shape> {
    let of_value = Shape::of_value(read.readable()?, topic.stream);
    let shape = match of_value {
        Some(Shape::Untyped | Shape::UnknownType) => {
            Shape::of_headers(read.record.headers().iter().map(|(name, _)| name.as_str())).or(of_value)
        }
        _ => of_value,
    };
    shape?.under(&topic.format)
}

fn advice(read: &ReadRecord<'_>, topic: &InputTopic) -> Option<String> {
    shape(read, topic).map(|shape| shape.advice(Place::Topic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    fn summary(topic: &str, code: Option<Code>, records: u64, last: (i32, i64)) -> Summary {
        Summary { topic: topic.to_owned(), code, records, last }
    }

    #[test]
    fn the_first_of_each_topic_and_code_is_described_and_the_others_are_counted() {
        let mut notices = Notices::begin(monotonic());
        assert!(notices.is_first("usage", Some(Code::InvalidJson), (0, 5)));
        assert!(!notices.is_first("usage", Some(Code::InvalidJson), (1, 7)));
        assert!(notices.is_first("usage", Some(Code::WrongType), (0, 8)));
        assert!(notices.is_first("usage", None, (0, 9)));
        assert!(notices.is_first("billing", Some(Code::InvalidJson), (0, 5)));
        assert!(!notices.is_first("usage", Some(Code::InvalidJson), (2, 9)));
        assert_eq!(notices.take_unreported(), [summary("usage", Some(Code::InvalidJson), 2, (2, 9))]);
    }

    #[test]
    fn what_has_stopped_is_not_summed_up_again() {
        let mut notices = Notices::begin(monotonic());
        (0..3).for_each(|offset| _ = notices.is_first("usage", None, (0, offset)));
        assert_eq!(notices.take_unreported().len(), 1);
        assert_eq!(notices.take_unreported(), []);
        assert!(!notices.is_first("usage", None, (0, 3)), "and is never the first again");
        assert_eq!(notices.take_unreported(), [summary("usage", None, 1, (0, 3))]);
    }

    #[test]
    fn a_minute_passes_between_two_summaries() {
        let now = monotonic();
        let mut notices = Notices::begin(now);
        notices.sum_up_if_due(now);
        (0..3).for_each(|offset| _ = notices.is_first("usage", None, (0, offset)));
        notices.sum_up_if_due(now + INTERVAL.saturating_sub(Duration::from_millis(1)));
        assert_eq!(notices.take_unreported(), [summary("usage", None, 2, (0, 2))], "not summed up yet");
        (3..5).for_each(|offset| _ = notices.is_first("usage", None, (0, offset)));
        notices.sum_up_if_due(now + INTERVAL);
        assert_eq!(notices.take_unreported(), []);
    }
}
