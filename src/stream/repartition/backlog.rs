//! How a thread of the stage reads a backlog: its partitions in the order of their records' timestamps, and never far ahead of the other
//! threads. Every partition has a queue of its own meanwhile, so that one which is ahead just waits, with what has been fetched of it. Once
//! all have caught up, they are read as they come.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::frontier::slack_ms;
use super::lane::{Backlog, Lane};
use super::order::{self, Turn};
use super::thread::{BATCH, RepartitionThread};
use crate::clock::monotonic;
use crate::event::PerStream;
use crate::fault;
use crate::kafka::{ConsumerEvent, Next, PartitionQueue, TransactionError};
use crate::stream::failure::Failure;
use crate::stream::group_event::note;
use crate::time::Timestamp;

/// How long a thread whose next records have not arrived waits before it looks again.
const PAUSE: Duration = Duration::from_millis(2);
/// How often the thread looks up how far other processes are.
const LOOK_UP_EVERY: Duration = Duration::from_millis(500);
/// How long a look-up may take.
const LOOK_UP_LIMIT: Duration = Duration::from_secs(1);

impl RepartitionThread {
    /// Separates the partitions that are about to be assigned.
    pub(super) fn begin_backlog(&mut self) -> Result<(), Failure> {
        self.backlog.lanes.clear();
        let (mut lanes, mut places) = (Vec::new(), Vec::new());
        for (index, partition) in self.partitions.keys() {
            let Some(topic) = self.stage.topics.get(*index) else { continue };
            let place = (topic.name.clone(), *partition);
            places.push((place, topic.stream));
            let queue = PartitionQueue::separate(&self.member, &topic.name, *partition)?;
            lanes.push(Lane { key: (*index, *partition), turn: Turn::new(topic.stream), queue });
        }
        self.stage.frontiers.own(self.number, &places, monotonic());
        if fault::is_mutant("backlog-out-of-order") {
            for lane in lanes.drain(..) {
                lane.queue.rejoin();
            }
        }
        self.backlog = Backlog { lanes, looked_up: None };
        Ok(())
    }

    /// No partition is read any more.
    pub(super) fn leave_backlog(&mut self) {
        self.backlog = Backlog::default();
        self.stage.frontiers.own(self.number, &[], monotonic());
    }

    /// Routes up to one batch of records in their order; waits for at most `wait` if none may be read yet.
    pub(super) fn process_in_order(&mut self, wait: Duration) -> Result<Result<(), TransactionError>, Failure> {
        self.serve_group(Duration::ZERO)?;
        let limits = self.exchange();
        // A lane is borrowed while its record is routed.
        let mut lanes = std::mem::take(&mut self.backlog.lanes);
        let result = self.process_lanes(&mut lanes, &limits);
        self.backlog.lanes = lanes;
        let has_read = match result? {
            Ok(has_read) => has_read,
            Err(error) => return Ok(Err(error)),
        };
        if self.backlog.lanes.iter().all(|lane| lane.turn.is_caught_up()) {
            return self.end_backlog();
        }
        if !has_read {
            self.serve_group(wait.min(PAUSE))?;
        }
        Ok(Ok(()))
    }

    /// Returns whether a record was read.
    fn process_lanes(
        &mut self,
        lanes: &mut [Lane],
        limits: &PerStream<Option<Timestamp>>,
    ) -> Result<Result<bool, TransactionError>, Failure> {
        let (now, instant) = (self.options.clock.now(), monotonic());
        for lane in &mut *lanes {
            self.advance(lane, now, instant)?;
        }
        for read in 0..BATCH {
            let next = order::next(lanes.iter().map(|lane| &lane.turn), limits, instant);
            let Some(lane) = next.and_then(|place| lanes.get_mut(place)).filter(|_| !self.is_nearly_full() || read == 0) else {
                return Ok(Ok(read > 0));
            };
            if let Some(record) = lane.queue.head() {
                match self.process_record(record)? {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return Ok(Err(error)),
                    None => return Ok(Ok(true)),
                }
            }
            lane.turn.passed();
            lane.queue.pass();
            self.advance(lane, now, instant)?;
        }
        Ok(Ok(true))
    }

    /// Looks for the next record of a partition.
    fn advance(&mut self, lane: &mut Lane, now: Timestamp, instant: Instant) -> Result<(), Failure> {
        if lane.turn.has_head() {
            return Ok(());
        }
        let slack_ms = slack_ms(self.options.settings.time.dedup_ms);
        loop {
            match lane.queue.advance() {
                Next::Record(record) => {
                    lane.turn.arrived(record.timestamp.map(|(timestamp, _)| timestamp), now, slack_ms);
                    return Ok(());
                }
                Next::Event(event) => match event.content() {
                    ConsumerEvent::End(_, _, offset) => {
                        lane.turn.reached_end();
                        if let Some(assigned) = self.partitions.get_mut(&lane.key) {
                            assigned.position.reach_end(offset);
                        }
                    }
                    other => note(other, || self.member.assignment_lost(), &mut self.events)?,
                },
                Next::Nothing => {
                    lane.turn.awaits(instant);
                    return Ok(());
                }
            }
        }
    }

    /// Takes note of rebalances and of what librdkafka logs; waits for them for at most `wait`.
    fn serve_group(&mut self, mut wait: Duration) -> Result<(), Failure> {
        let member = Rc::clone(&self.member);
        while let Some(event) = member.poll(wait) {
            wait = Duration::ZERO;
            note(event.content(), || member.assignment_lost(), &mut self.events)?;
        }
        Ok(())
    }

    /// Looks up how far the other threads are, and returns how far this one may read.
    fn exchange(&mut self) -> PerStream<Option<Timestamp>> {
        let (frontiers, now) = (&self.stage.frontiers, monotonic());
        if self.backlog.looked_up.is_none_or(|at| now.saturating_duration_since(at) >= LOOK_UP_EVERY) {
            self.backlog.looked_up = Some(now);
            let places = frontiers.elsewhere();
            let names = places.iter().map(|(topic, partition)| (topic.as_str(), *partition));
            // If the group does not answer, what was known of the others holds.
            let committed =
                if places.is_empty() { Vec::new() } else { self.reader.committed_notes(names, LOOK_UP_LIMIT).unwrap_or_default() };
            for (topic, partition, committed) in committed {
                frontiers.learn(&(topic, partition), committed.as_ref().map(|(next, note)| (*next, note.as_str())), now);
            }
        }
        frontiers.limits(self.number, slack_ms(self.options.settings.time.dedup_ms), now)
    }

    /// Reads the records that are waiting for their turn, and lets the consumer deliver all partitions together from then on.
    fn end_backlog(&mut self) -> Result<Result<(), TransactionError>, Failure> {
        let (unlimited, now) = (PerStream::default(), monotonic());
        while let Some(place) = order::next(self.backlog.lanes.iter().map(|lane| &lane.turn), &unlimited, now) {
            let mut lane = self.backlog.lanes.swap_remove(place);
            let processed = match lane.queue.head() {
                Some(record) => self.process_record(record)?,
                None => Some(Ok(())),
            };
            if matches!(processed, Some(Ok(()))) {
                lane.turn.passed();
                lane.queue.pass();
            }
            self.backlog.lanes.push(lane);
            match processed {
                Some(Ok(())) => {}
                Some(Err(error)) => return Ok(Err(error)),
                None => return Ok(Ok(())),
            }
        }
        for lane in std::mem::take(&mut self.backlog.lanes) {
            lane.queue.rejoin();
        }
        tracing::info!(thread = self.number, "repartition stage: the backlog has been read");
        Ok(Ok(()))
    }
}
