//! The loop that reads partitions to their ends, with one policy for errors.
//!
//! Restore, `topics reset` and the sampling of partitioners all use it. A missing right or a fatal error stops it; other errors are only
//! logged, because librdkafka retries by itself. Partitions that deliver nothing for [`STALL_LIMIT`] are an error too,
//! unless the visitor makes do with what has come.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::Offset;

use super::consumer::Consumer;
use super::error::Error;
use super::log;
use super::native::{ConsumerEvent, QueuedEvent, is_forbidden};
use super::record::Record;
use super::wait;
use crate::clock::{Deadline, monotonic};

/// How long all partitions together may deliver nothing before their ends are reached.
pub(crate) const STALL_LIMIT: Duration = wait::OUTAGE;
/// How often [`Visitor::tick`] runs, and how long one wait for an event lasts.
const TICK: Duration = Duration::from_millis(100);
/// Pause between log lines about a long read.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// What the caller does with the records.
pub(crate) trait Visitor {
    /// The caller's error.
    type Error: From<Error>;

    /// Handles one record; `Break` stops reading early.
    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Self::Error>;

    /// A partition has been read to its end, called once for each; `Break` stops reading early.
    fn end(&mut self, _topic: &str, _partition: i32) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Whether the end of this partition is still awaited; asked about every 100 ms. Once no open partition is, reading ends.
    fn awaits(&self, _topic: &str, _partition: i32) -> bool {
        true
    }

    /// Nothing has come for [`STALL_LIMIT`], and this partition has not been read to its end; `Break` makes do with what has come.
    fn stalled(&mut self, topic: &str, partition: i32) -> Result<ControlFlow<()>, Self::Error> {
        Err(Error::Stalled { topic: topic.to_owned(), partition, seconds: STALL_LIMIT.as_secs() }.into())
    }

    /// Called about every 100 ms, whether or not records arrive; `Break` stops reading early.
    fn tick(&mut self) -> Result<ControlFlow<()>, Self::Error> {
        Ok(ControlFlow::Continue(()))
    }
}

/// Reads the partitions until all that `visitor` awaits have reached their ends, or until it breaks off. Leaves the reader without an assignment.
///
/// # Errors
/// Those of `visitor`, and those listed at the top of this file.
pub(crate) fn read_to_end<'a, V: Visitor>(
    reader: &Consumer,
    partitions: impl IntoIterator<Item = (&'a str, i32, Offset)>,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let partitions: Vec<_> = partitions.into_iter().collect();
    let mut open: BTreeSet<(String, i32)> = partitions.iter().map(|(topic, partition, _)| ((*topic).to_owned(), *partition)).collect();
    reader.assign(partitions)?;
    let result = read(reader, &mut open, visitor);
    reader.assign([])?;
    result
}

fn read<V: Visitor>(reader: &Consumer, open: &mut BTreeSet<(String, i32)>, visitor: &mut V) -> Result<(), V::Error> {
    let (mut stalled, mut next_tick) = (Deadline::after(STALL_LIMIT), Deadline::after(TICK));
    let mut pace = Pace::new();
    while let Some((topic, partition)) = open.first() {
        if stalled.passed() {
            if visitor.stalled(topic, *partition)?.is_break() {
                return Ok(());
            }
            stalled = Deadline::after(STALL_LIMIT);
        }
        let flow = match reader.poll(TICK).as_ref().map(QueuedEvent::content) {
            Some(ConsumerEvent::Record(record)) => {
                stalled = Deadline::after(STALL_LIMIT);
                pace.records += 1;
                visitor.record(record)?
            }
            Some(ConsumerEvent::End(topic, partition, _)) => {
                stalled = Deadline::after(STALL_LIMIT);
                ended(open, topic, partition, visitor)
            }
            Some(other) => {
                pass_on(other)?;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            return Ok(());
        }
        if next_tick.passed() {
            next_tick = Deadline::after(TICK);
            pace.log(open.len());
            if visitor.tick()?.is_break() || !open.iter().any(|(topic, partition)| visitor.awaits(topic, *partition)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How fast a long read goes, for the log.
struct Pace {
    records: u64,
    begun: Instant,
    next_line: Deadline,
}

impl Pace {
    fn new() -> Self {
        Self { records: 0, begun: monotonic(), next_line: Deadline::after(LOG_PAUSE) }
    }

    fn log(&mut self, partitions_left: usize) {
        if self.next_line.passed() {
            self.next_line = Deadline::after(LOG_PAUSE);
            let per_second = self.records / self.begun.elapsed().as_secs().max(1);
            tracing::info!(records = self.records, per_second, partitions_left, "reading to the ends of partitions");
        }
    }
}

/// Closes a partition. librdkafka reports its end again whenever more records have arrived in the meantime.
fn ended<V: Visitor>(open: &mut BTreeSet<(String, i32)>, topic: String, partition: i32, visitor: &mut V) -> ControlFlow<()> {
    let place = (topic, partition);
    if open.remove(&place) { visitor.end(&place.0, partition) } else { ControlFlow::Continue(()) }
}

/// The policy for everything but records and ends.
fn pass_on(what: ConsumerEvent<'_>) -> Result<(), Error> {
    match what {
        ConsumerEvent::Failed { code, reason, .. } if is_forbidden(code) => Err(Error::forbidden("reading", &reason)),
        ConsumerEvent::Failed { fatal: true, reason, .. } => Err(Error::call("reading", &reason)),
        ConsumerEvent::Failed { code, reason, .. } => {
            log::client_error("reader", Some(code), &reason);
            Ok(())
        }
        ConsumerEvent::Log(level, facility, text) => {
            log::librdkafka(level, &facility, &text);
            Ok(())
        }
        ConsumerEvent::Record(_)
        | ConsumerEvent::End(..)
        | ConsumerEvent::Assigned(_)
        | ConsumerEvent::Revoked
        | ConsumerEvent::Nothing => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::mock::EmbeddedBroker;

    #[derive(Default)]
    struct Collected {
        values: Vec<(i32, Vec<u8>)>,
        ends: Vec<i32>,
        enough: Option<usize>,
        /// A partition whose end is not awaited any more.
        not_awaited: Option<i32>,
    }

    impl Visitor for Collected {
        type Error = Error;

        fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Error> {
            self.values.push((record.partition, record.value.unwrap().to_vec()));
            let enough = self.enough == Some(self.values.len());
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        }

        fn end(&mut self, _topic: &str, partition: i32) -> ControlFlow<()> {
            self.ends.push(partition);
            ControlFlow::Continue(())
        }

        fn awaits(&self, _topic: &str, partition: i32) -> bool {
            self.not_awaited != Some(partition)
        }
    }

    /// Two partitions: three records in the first, none in the second.
    fn read_from(offset: Offset, enough: Option<usize>) -> Collected {
        let broker = EmbeddedBroker::start().unwrap();
        broker.create_topic("t", 2).unwrap();
        broker.write("t", 0, &[b"a", b"b", b"c"]);
        let reader = Consumer::new(&broker.properties().reader("g")).unwrap();
        let mut collected = Collected { enough, ..Collected::default() };
        read_to_end(&reader, [("t", 0, offset), ("t", 1, Offset::Beginning)], &mut collected).unwrap();
        collected
    }

    #[test]
    fn every_record_is_read_and_an_empty_partition_ends_at_once() {
        let mut collected = read_from(Offset::Beginning, None);
        collected.ends.sort_unstable();
        assert_eq!(collected.values, [b"a", b"b", b"c"].map(|value| (0, value.to_vec())));
        assert_eq!(collected.ends, [0, 1]);
    }

    #[test]
    fn a_repeated_end_of_one_partition_does_not_count_for_another() {
        let mut open = BTreeSet::from([("t".to_owned(), 0), ("t".to_owned(), 1)]);
        let mut collected = Collected::default();
        for partition in [0, 0, 1, 0] {
            let _ = ended(&mut open, "t".to_owned(), partition, &mut collected);
        }
        assert_eq!(collected.ends, [0, 1]);
    }

    #[test]
    fn reading_starts_at_the_given_offset_and_stops_when_the_visitor_breaks_off() {
        assert_eq!(read_from(Offset::Offset(1), None).values.len(), 2);
        assert_eq!(read_from(Offset::Beginning, Some(2)).values.len(), 2);
    }

    #[test]
    fn a_partition_that_is_not_awaited_any_more_keeps_nobody_waiting() {
        let broker = EmbeddedBroker::start().unwrap();
        broker.create_topic("t", 1).unwrap();
        let reader = Consumer::new(&broker.properties().reader("g")).unwrap();
        let mut collected = Collected { not_awaited: Some(7), ..Collected::default() };
        // Partition 7 does not exist, so its end never comes.
        read_to_end(&reader, [("t", 0, Offset::Beginning), ("t", 7, Offset::Beginning)], &mut collected).unwrap();
        assert_eq!(collected.ends, [0]);
    }

    #[test]
    fn only_a_missing_right_or_a_fatal_error_stops_reading() {
        use rdkafka::types::RDKafkaErrorCode::{AllBrokersDown, Fatal, TopicAuthorizationFailed};
        let failed = |code, fatal| pass_on(ConsumerEvent::Failed { code, fatal, reason: "why".to_owned() });
        assert!(failed(TopicAuthorizationFailed, false).unwrap_err().to_string().contains("churnwatch check"));
        assert_eq!(failed(Fatal, true).unwrap_err().to_string(), "reading: why");
        assert!(failed(AllBrokersDown, false).is_ok());
    }
}
