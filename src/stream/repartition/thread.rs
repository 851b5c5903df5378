//! A thread of the repartition stage: one member of the stage's group, one transactional producer, and whatever partitions the group has
//! assigned to it.
//!
//! ```text
//!   gather: poll, route, produce into the open transaction  ->  commit, with the next offset of every partition  ->  gather ...
//!                                                                  |
//!                                                                  +-- failed or unclear: new producer, read on from what is committed
//! ```
//! Nothing is ever produced again after a transaction whose outcome is unclear: what the thread reads next is decided by the committed
//! offsets alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::origin::{HEADER, Origin};
use super::positions::{self, Place};
use super::router::Routed;
use super::stage::Stage;
use crate::clock::{Deadline, monotonic};
use crate::config::section::OnBadRun;
use crate::engine::Outcome;
use crate::engine::bad_run::BadRun;
use crate::event::{Code, Headers, PerStream, Raw, Rejection};
use crate::fault;
use crate::kafka::{
    Consumer, ConsumerEvent, Inspector, Membership, Offset, Outgoing, Record, TRANSACTION_TIMEOUT, TopicId, TransactionError,
    TransactionalProducer, wait,
};
use crate::stop::Stop;
use crate::stream::catch_up::Position;
use crate::stream::cycle::give_up;
use crate::stream::dead_letter::DeadLetter;
use crate::stream::failure::Failure;
use crate::stream::group_event::{GroupEvent, note};
use crate::stream::identity::Identity;
use crate::stream::load::{Limits, Load};
use crate::stream::notices::Notices;
use crate::stream::options::Options;
use crate::stream::task::bad_run;
use crate::stream::values::{ReadRecord, Values};
use crate::telemetry::{Metrics, RecordOutcome, TransactionOutcome};
use crate::threads::{InputMetadata, STEP_LIMIT, StepClock, TaskMetadata, ThreadReport, Threads};

/// How long a transaction may take; the broker aborts one that lasts longer.
const COMMIT_LIMIT: Duration = TRANSACTION_TIMEOUT;
/// How long the last transaction before partitions are given up may take.
const REVOKE_LIMIT: Duration = Duration::from_secs(5);
/// How long a transaction stays open while a bad run is suspected.
const VERDICT_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for records.
const POLL_LIMIT: Duration = Duration::from_millis(100);
/// Events between two readings of the clock.
const BATCH: usize = 64;
/// The stage commits this many times per commit interval of the tasks, which wait for it.
const COMMITS_PER_INTERVAL: u32 = 4;

/// A partition that the thread reads.
struct Assigned {
    position: Position,
    run: BadRun,
    /// Whether its offset must be committed: it has moved, or was never committed.
    is_dirty: bool,
}

/// A thread and everything it owns.
pub(in crate::stream) struct RepartitionThread {
    number: usize,
    options: Arc<Options>,
    stage: Arc<Stage>,
    member: Consumer,
    /// Reads committed offsets; never joins the group.
    reader: Consumer,
    inspector: Inspector,
    transactional_id: String,
    producer: TransactionalProducer,
    events: VecDeque<GroupEvent>,
    membership: Option<Membership>,
    owned: Vec<Place>,
    partitions: BTreeMap<(usize, i32), Assigned>,
    /// Since when a transaction has been open.
    open: Option<Instant>,
    load: Load,
    limits: Limits,
    failed_in_a_row: usize,
    counted: Counted,
    routed: Routed,
    headers: Vec<(String, Option<Vec<u8>>)>,
    known: PerStream<bool>,
    last_commit: Instant,
    internal: String,
    notices: Notices,
    values: Values,
    report: Arc<ThreadReport>,
    metrics: Arc<Metrics>,
    clock: Arc<StepClock>,
    stop: Stop,
}

/// What became of the records since the last commit.
#[derive(Default)]
struct Counted {
    outcomes: BTreeMap<(&'static str, &'static str), u64>,
    letters: BTreeMap<(&'static str, Code), u64>,
}

impl RepartitionThread {
    /// Connects, and ends the transaction that an earlier run of the same instance left open.
    ///
    /// # Errors
    /// If a client is refused or the transaction coordinator does not answer.
    pub(in crate::stream) fn new(
        number: usize,
        options: &Arc<Options>,
        stage: &Arc<Stage>,
        threads: &Threads,
        metrics: Arc<Metrics>,
        stop: Stop,
    ) -> Result<Self, Failure> {
        let Identity { group_instance, transactional_id } = Identity::of_repartition(options, number);
        let group = options.repartition_group();
        let clock = threads.clock(format!("repartition thread {number}"), STEP_LIMIT);
        Ok(Self {
            number,
            member: Consumer::new(&options.properties.growing_member(&group, group_instance.as_deref()))?,
            reader: Consumer::new(&options.properties.reader(&group))?,
            inspector: Inspector::patient(&options.properties)?,
            producer: TransactionalProducer::new(&options.properties, &transactional_id, || clock.step())?,
            transactional_id,
            clock,
            report: threads.repartition().get(number).cloned().unwrap_or_default(),
            events: VecDeque::new(),
            membership: None,
            owned: Vec::new(),
            partitions: BTreeMap::new(),
            open: None,
            load: Load::default(),
            limits: Limits::default(),
            failed_in_a_row: 0,
            counted: Counted::default(),
            routed: Routed::default(),
            headers: vec![(HEADER.to_owned(), Some(Vec::new()))],
            known: PerStream::default(),
            last_commit: monotonic(),
            internal: options.repartition_topic(),
            notices: Notices::begin(monotonic()),
            values: Values::new(&options.schema_registry, wait::OUTAGE)?,
            options: Arc::clone(options),
            stage: Arc::clone(stage),
            metrics,
            stop,
        })
    }

    /// Runs until a shutdown is requested.
    ///
    /// # Errors
    /// Anything the process cannot recover from.
    pub(in crate::stream) fn run(&mut self) -> Result<(), Failure> {
        let result = self.work();
        if result.is_err() && self.open.is_some() {
            // The broker would abort it after its time-out, and hold back readers until then.
            let _ = self.producer.abort();
        }
        self.notices.sum_up();
        result
    }

    fn work(&mut self) -> Result<(), Failure> {
        while !self.stage.is_ready() && !self.stop.is_requested() {
            self.clock.step();
            drop(self.reader.poll(POLL_LIMIT));
        }
        let topics: Vec<&str> = self.stage.topics.iter().map(|topic| topic.name.as_str()).collect();
        self.member.subscribe(&topics)?;
        while !self.stop.is_requested() {
            self.clock.step();
            match self.events.pop_front() {
                Some(GroupEvent::Assigned(partitions)) => self.assigned(partitions)?,
                Some(GroupEvent::Revoked { lost }) => self.revoked(lost)?,
                Some(GroupEvent::OutOfRange) => self.read_on()?,
                None => {
                    self.gather()?;
                    self.commit_if_due()?;
                    self.notices.sum_up_if_due(monotonic());
                }
            }
        }
        let end = self.commit(REVOKE_LIMIT);
        self.clock.idle();
        end.map(drop)
    }

    /// Accepts an assignment.
    fn assigned(&mut self, partitions: Vec<Place>) -> Result<(), Failure> {
        self.member.assign([])?;
        self.membership = self.member.membership();
        self.owned = partitions;
        let generation = self.membership.as_ref().map(|membership| membership.generation);
        tracing::info!(thread = self.number, generation, partitions = self.owned.len(), "repartition stage: assigned");
        if self.membership.is_some() { self.read_on() } else { Ok(()) }
    }

    /// Reads every partition on from its committed offset.
    fn read_on(&mut self) -> Result<(), Failure> {
        self.member.assign([])?;
        self.partitions.clear();
        let committed = positions::committed(&self.reader, &self.owned, || self.clock.step())?;
        let read: BTreeSet<&str> = committed.keys().map(|(topic, _)| topic.as_str()).collect();
        for place in &self.owned {
            let Some(index) = self.stage.index(&place.0) else { continue };
            let permits = self.stage.permits(place, self.options.permits);
            let is_known = self.stage.is_known(&place.0) || read.contains(place.0.as_str());
            let resolved = positions::resolve(place, committed.get(place).copied(), is_known, &self.inspector, permits)?;
            let assigned = Assigned { position: Position::at(resolved.next), run: BadRun::default(), is_dirty: resolved.must_commit };
            self.partitions.insert((index, place.1), assigned);
            if is_known && let Some(topic) = self.stage.topics.get(index) {
                *self.known.of_mut(topic.stream) = true;
            }
        }
        let topics = &self.stage.topics;
        let places = self.partitions.iter().filter_map(|((index, partition), assigned)| {
            Some((topics.get(*index)?.name.as_str(), *partition, Offset::Offset(assigned.position.next)))
        });
        self.member.assign(places)?;
        self.report.states(Vec::new(), Vec::new(), true, monotonic());
        self.report_positions();
        Ok(())
    }

    /// Gives up all partitions: after a last commit, or at once if other members own them already.
    fn revoked(&mut self, lost: bool) -> Result<(), Failure> {
        tracing::info!(thread = self.number, lost, partitions = self.owned.len(), "repartition stage: revoked");
        let failed = if lost {
            let was_open = self.open.is_some();
            self.forget();
            was_open
        } else {
            !self.commit(REVOKE_LIMIT)?
        };
        if lost && failed {
            let _ = self.producer.abort();
        }
        self.partitions.clear();
        self.owned.clear();
        self.membership = None;
        self.report.revoked(monotonic());
        self.member.unassign()?;
        if failed { self.replace_producer() } else { Ok(()) }
    }

    /// Polls and routes until a commit is due, the transaction is nearly full, or a rebalance begins.
    fn gather(&mut self) -> Result<(), Failure> {
        let until = monotonic() + POLL_LIMIT.min(self.interval());
        loop {
            let left = until.saturating_duration_since(monotonic());
            if left.is_zero() || !self.events.is_empty() || self.stop.is_requested() || self.is_nearly_full() {
                return Ok(());
            }
            if let Err(error) = self.process_batch(left)? {
                return self.failed(&error);
            }
        }
    }

    fn process_batch(&mut self, mut wait: Duration) -> Result<Result<(), TransactionError>, Failure> {
        let stage = Arc::clone(&self.stage);
        for _ in 0..BATCH {
            // The event borrows the consumer while the record is routed.
            let Some(event) = self.member.poll(wait) else { break };
            wait = Duration::ZERO;
            match event.content() {
                ConsumerEvent::Record(record) => {
                    let Some(index) = stage.index(record.topic()) else { continue };
                    let Some(assigned) = self.partitions.get_mut(&(index, record.partition())) else { continue };
                    // A fetch from before the last assignment may still be delivered.
                    if record.offset() < assigned.position.next {
                        continue;
                    }
                    let step = || {
                        self.clock.step();
                        !self.stop.is_requested()
                    };
                    let Some(read) = self.values.read(record, step)? else { break };
                    assigned.position.pass(record.offset(), record.timestamp().map(|(timestamp, _)| timestamp));
                    assigned.is_dirty = true;
                    let writer = Writer {
                        producer: &self.producer,
                        open: &mut self.open,
                        load: &mut self.load,
                        headers: &mut self.headers,
                        internal: &self.internal,
                        options: &self.options,
                    };
                    let Some(topic) = stage.topics.get(index) else { continue };
                    let (outcome, written) = writer.record(&read, topic, &stage, &mut self.routed);
                    if let Err(error) = written {
                        return Ok(Err(error));
                    }
                    self.counted.count(topic.stream.name(), &outcome, &self.routed, &self.metrics);
                    match &outcome {
                        Outcome::DeadLetter(rejection) => self.notices.dead_letter(topic, &read, rejection),
                        Outcome::Ignored => self.notices.unknown_type(topic, &read),
                        _ => *self.known.of_mut(topic.stream) = true,
                    }
                    let is_known = *self.known.of(topic.stream);
                    let finding = assigned.run.count(&outcome, is_known, self.options.bad_run);
                    if let Some(finding) = finding.filter(|_| self.options.on_bad_run == OnBadRun::Exit) {
                        let shape = crate::stream::notices::shape(&read, topic);
                        return Err(bad_run(topic, record, finding, shape));
                    }
                }
                ConsumerEvent::End(topic, partition, offset) => {
                    if let Some(index) = stage.index(&topic)
                        && let Some(assigned) = self.partitions.get_mut(&(index, partition))
                    {
                        assigned.position.reach_end(offset);
                    }
                }
                other => note(other, || self.member.assignment_lost(), &mut self.events)?,
            }
        }
        Ok(Ok(()))
    }

    fn interval(&self) -> Duration {
        self.options.commit_interval / COMMITS_PER_INTERVAL
    }

    fn is_nearly_full(&self) -> bool {
        self.limits.are_nearly_reached(self.load)
    }

    fn commit_if_due(&mut self) -> Result<(), Failure> {
        let since = self.open.unwrap_or(self.last_commit);
        let age = monotonic().saturating_duration_since(since);
        let awaits_verdict = self.options.on_bad_run == OnBadRun::Exit
            && age < VERDICT_LIMIT
            && self.partitions.values().any(|assigned| assigned.run.is_open(self.options.bad_run) && !assigned.position.at_end);
        if self.is_nearly_full() || (age >= self.interval() && !awaits_verdict) {
            self.commit(COMMIT_LIMIT)?;
        }
        Ok(())
    }

    /// Commits what has been read and written. Returns whether that succeeded; after a failure, everything is read again.
    fn commit(&mut self, limit: Duration) -> Result<bool, Failure> {
        let Some(membership) = &self.membership else { return Ok(true) };
        self.last_commit = monotonic();
        if self.open.is_none() && !self.partitions.values().any(|assigned| assigned.is_dirty) {
            self.report_positions();
            return Ok(true);
        }
        fault::point("before-repartition-commit");
        let began = self.open.unwrap_or_else(monotonic);
        let deadline = Deadline::after(limit.saturating_sub(monotonic().saturating_duration_since(began)));
        let open = if self.open.is_none() { self.producer.begin() } else { Ok(()) };
        let offsets = self.offsets();
        let committed = open.and_then(|()| self.producer.commit(&offsets, &membership.metadata, deadline).map(drop));
        let lasted = monotonic().duration_since(self.last_commit);
        if let Err(error) = committed {
            if lasted >= limit / 2 {
                self.limits.shrink();
            }
            self.failed(&error)?;
            return Ok(false);
        }
        fault::point("after-repartition-commit");
        self.failed_in_a_row = 0;
        self.limits.committed(lasted, limit);
        self.metrics.transaction(TransactionOutcome::Committed, lasted);
        self.stage.started(self.owned.iter());
        for assigned in self.partitions.values_mut() {
            assigned.is_dirty = false;
        }
        std::mem::take(&mut self.counted).report(&self.metrics);
        (self.open, self.load) = (None, Load::default());
        self.report.committed(self.options.clock.now());
        self.report_positions();
        Ok(true)
    }

    /// The next offset of every partition, moved or not: sending them fences a thread that the group has replaced.
    fn offsets(&self) -> Vec<(String, i32, i64)> {
        if fault::is_mutant("repartition-offsets-left-out") {
            return Vec::new();
        }
        let next = |((index, partition), assigned): (&(usize, i32), &Assigned)| {
            Some((self.stage.topics.get(*index)?.name.clone(), *partition, assigned.position.next))
        };
        self.partitions.iter().filter_map(next).collect()
    }

    /// After a transaction that failed or may have failed: ends it, and reads on from the committed offsets.
    fn failed(&mut self, error: &TransactionError) -> Result<(), Failure> {
        self.failed_in_a_row += 1;
        // The abort may be what shows that another process has taken over.
        let found = self.producer.abort().err();
        let error = found.as_ref().unwrap_or(error);
        let unclear = matches!(error, TransactionError::Unclear(_));
        let outcome = if unclear { TransactionOutcome::Unclear } else { TransactionOutcome::Aborted };
        self.metrics.transaction(outcome, Duration::ZERO);
        tracing::warn!(thread = self.number, ?error, in_a_row = self.failed_in_a_row, "transaction of the repartition stage failed");
        give_up(error, self.failed_in_a_row, self.options.instance.is_some()).map_or(Ok(()), Err)?;
        self.forget();
        self.member.assign([])?;
        while let Some(event) = self.member.poll(Duration::ZERO) {
            note(event.content(), || self.member.assignment_lost(), &mut self.events)?;
        }
        self.replace_producer()?;
        // A rebalance that has begun decides what is read next.
        if self.events.is_empty() { self.read_on() } else { Ok(()) }
    }

    /// Drops what was counted for the open transaction.
    fn forget(&mut self) {
        (self.open, self.load, self.counted) = (None, Load::default(), Counted::default());
        self.partitions.clear();
    }

    fn replace_producer(&mut self) -> Result<(), Failure> {
        self.open = None;
        self.producer = TransactionalProducer::new(&self.options.properties, &self.transactional_id, || self.clock.step())?;
        Ok(())
    }

    /// Reports how far each partition has been read; partitions with the same number make one entry.
    fn report_positions(&self) {
        let mut tasks: BTreeMap<i32, TaskMetadata> = BTreeMap::new();
        for ((index, partition), assigned) in &self.partitions {
            let Some(topic) = self.stage.topics.get(*index) else { continue };
            let position = &assigned.position;
            let end = self.member.known_end(&topic.name, *partition).max(self.report.end(&topic.name, *partition));
            tasks.entry(*partition).or_default().inputs.push(InputMetadata {
                topic: topic.name.clone(),
                next: position.next,
                is_read: true,
                read_to: position.read_to,
                at_end: position.at_end,
                lag: position.lag(end),
            });
        }
        self.report.tasks(tasks);
    }
}

/// Writes what becomes of one record into the open transaction.
struct Writer<'t> {
    producer: &'t TransactionalProducer,
    open: &'t mut Option<Instant>,
    load: &'t mut Load,
    headers: &'t mut Vec<(String, Option<Vec<u8>>)>,
    internal: &'t str,
    options: &'t Options,
}

impl Writer<'_> {
    fn record(
        mut self,
        read: &ReadRecord<'_>,
        topic: &crate::stream::options::InputTopic,
        stage: &Stage,
        routed: &mut Routed,
    ) -> (Outcome, Result<(), TransactionError>) {
        let record = read.record;
        let timestamp = record.timestamp();
        let raw = |value| Raw {
            stream: topic.stream,
            key: record.key(),
            value,
            headers: Headers::of(&record),
            timestamp: timestamp.filter(|(_, by_producer)| *by_producer).map(|(timestamp, _)| timestamp),
            future_reference: Some(timestamp.map_or_else(|| self.options.clock.now(), |(timestamp, _)| timestamp)),
        };
        let result = read.value.clone().and_then(|value| match stage.table().map(|table| table.read()) {
            Some(Ok(table)) => stage.router.route(&raw(value), &topic.format, record.partition(), Some(&table), routed),
            _ => stage.router.route(&raw(value), &topic.format, record.partition(), None, routed),
        });
        match result {
            Ok(()) if routed.is_empty() => (Outcome::Ignored, Ok(())),
            Ok(()) => {
                let written = routed.events().try_for_each(|event| {
                    let origin =
                        Origin { stream: event.stream, topic: &topic.name, partition: record.partition(), offset: record.offset() };
                    self.event(&event, &origin, timestamp.map(|(timestamp, _)| timestamp.millis()))
                });
                (Outcome::Applied, written)
            }
            Err(rejection) => {
                let written = self.dead_letter(record, stage.topic_id(&topic.name), &rejection);
                (Outcome::DeadLetter(rejection), written)
            }
        }
    }

    fn event(&mut self, event: &super::router::Outgoing<'_>, origin: &Origin<'_>, timestamp: Option<i64>) -> Result<(), TransactionError> {
        if let Some((_, Some(value))) = self.headers.first_mut() {
            value.clear();
            origin.write(value);
        }
        let headers = std::mem::take(self.headers);
        let sent = self.send(&Outgoing {
            topic: self.internal,
            partition: Some(event.partition),
            key: event.account,
            value: Some(event.value),
            headers: &headers,
            timestamp,
            remember: false,
        });
        *self.headers = headers;
        sent
    }

    fn dead_letter(&mut self, record: Record<'_>, topic_id: Option<TopicId>, rejection: &Rejection) -> Result<(), TransactionError> {
        let letter = DeadLetter::of_stage(record, topic_id, rejection, self.options);
        let topic = self.options.dead_letters_topic.clone();
        self.send(&letter.outgoing(&topic))
    }

    fn send(&mut self, record: &Outgoing<'_>) -> Result<(), TransactionError> {
        if self.open.is_none() {
            self.producer.begin()?;
            *self.open = Some(monotonic());
        }
        self.load.records += 1;
        self.load.bytes += record.size();
        self.producer.send(record, Deadline::after(COMMIT_LIMIT))
    }
}

impl Counted {
    fn count(&mut self, stream: &'static str, outcome: &Outcome, routed: &Routed, metrics: &Metrics) {
        let name = match outcome {
            Outcome::DeadLetter(rejection) => {
                *self.letters.entry((stream, rejection.code)).or_default() += 1;
                RecordOutcome::DeadLetter.name()
            }
            Outcome::Ignored => RecordOutcome::Ignored.name(),
            _ => "written",
        };
        *self.outcomes.entry((stream, name)).or_default() += 1;
        if routed.cut_text && name == "written" {
            metrics.text_cut();
        }
        if routed.unexpanded_discount && name == "written" {
            metrics.unexpanded_discount();
        }
    }

    fn report(self, metrics: &Metrics) {
        for ((stream, outcome), records) in self.outcomes {
            metrics.repartitioned(stream, outcome, records);
        }
        for ((stream, code), records) in self.letters {
            metrics.dead_letters_of_stage(stream, code, records);
        }
    }
}
