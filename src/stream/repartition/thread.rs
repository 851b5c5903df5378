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
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counted::Counted;
use super::frontier::Frontier;
use super::lane::Backlog;
use super::origin::HEADER;
use super::positions::{self, Place};
use super::router::Routed;
use super::stage::Stage;
use super::writer::Writer;
use crate::clock::{Deadline, monotonic};
use crate::config::section::OnBadRun;
use crate::engine::Outcome;
use crate::engine::bad_run::BadRun;
use crate::event::PerStream;
use crate::kafka::{Consumer, ConsumerEvent, Inspector, Membership, Offset, Record, TransactionError, TransactionalProducer, wait};
use crate::stop::Stop;
use crate::stream::failure::Failure;
use crate::stream::group_event::{GroupEvent, note};
use crate::stream::identity::Identity;
use crate::stream::joining::{is_wanted, join};
use crate::stream::machine::catch_up::Position;
use crate::stream::machine::load::{Limits, Load};
use crate::stream::machine::task::bad_run;
use crate::stream::machine::transaction::unrecoverable;
use crate::stream::namesake::{Namesake, first_producer};
use crate::stream::notices::Notices;
use crate::stream::options::Options;
use crate::stream::shared::Shared;
use crate::stream::values::Values;
use crate::telemetry::Metrics;
use crate::threads::{InputMetadata, STEP_LIMIT, StepClock, TaskMetadata, ThreadReport};

/// How long the last transaction before partitions are given up may take.
pub(super) const REVOKE_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for records.
const POLL_LIMIT: Duration = Duration::from_millis(100);
/// Longest wait for aliases that the predecessors of a thread have declared.
const ALIASES_LIMIT: Duration = Duration::from_secs(10);
/// Events between two readings of the clock.
pub(super) const BATCH: usize = 64;

/// A partition that the thread reads.
pub(super) struct Assigned {
    /// How far it has been read.
    pub position: Position,
    /// Bad records in a row.
    pub run: BadRun,
    /// Whether its offset must be committed: it has moved, or was never committed.
    pub is_dirty: bool,
    /// What is noted about its backlog with the next commit.
    pub frontier: Frontier,
    /// What was noted with the last one.
    pub noted: Option<Frontier>,
}

/// A thread and everything it owns.
pub(in crate::stream) struct RepartitionThread {
    pub(super) number: usize,
    pub(super) options: Arc<Options>,
    pub(super) stage: Arc<Stage>,
    /// What is left of the backlog; its queues belong to the member.
    pub(super) backlog: Backlog,
    pub(super) member: Rc<Consumer>,
    /// Reads committed offsets; never joins the group.
    pub(super) reader: Consumer,
    inspector: Inspector,
    namesake: Option<Namesake>,
    pub(super) transactional_id: String,
    pub(super) producer: TransactionalProducer,
    pub(super) events: VecDeque<GroupEvent>,
    pub(super) membership: Option<Membership>,
    pub(super) owned: Vec<Place>,
    pub(super) partitions: BTreeMap<(usize, i32), Assigned>,
    /// Since when a transaction has been open.
    pub(super) open: Option<Instant>,
    pub(super) load: Load,
    pub(super) limits: Limits,
    pub(super) failed_in_a_row: usize,
    pub(super) counted: Counted,
    routed: Routed,
    headers: Vec<(String, Option<Vec<u8>>)>,
    known: PerStream<bool>,
    pub(super) last_commit: Instant,
    internal: String,
    aliases: String,
    /// The end of the aliases topic when the partitions were assigned, open transactions included.
    pub(super) aliases_before: Option<i64>,
    notices: Notices,
    values: Values,
    pub(super) report: Arc<ThreadReport>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Arc<StepClock>,
    stop: Stop,
}

impl RepartitionThread {
    /// Connects, and ends the transaction that an earlier run of the same instance left open.
    ///
    /// # Errors
    /// If a client is refused or the transaction coordinator does not answer.
    pub(in crate::stream) fn new(number: usize, shared: &Shared, stage: &Arc<Stage>) -> Result<Self, Failure> {
        let Shared { options, metrics, threads, stop, names, .. } = shared;
        let Identity { group_instance, transactional_id } = Identity::of_repartition(options, number);
        let group = options.repartition_group();
        let clock = threads.clock(format!("repartition thread {number}"), STEP_LIMIT);
        let namesake = Namesake::of(&group, group_instance.as_deref(), options, names)?;
        let step = || is_wanted(&clock, stop);
        Ok(Self {
            number,
            backlog: Backlog::default(),
            member: Rc::new(Consumer::new(&options.properties.growing_member(&group, group_instance.as_deref()))?),
            reader: Consumer::new(&options.properties.reader(&group))?,
            inspector: Inspector::patient(&options.properties)?,
            producer: first_producer(namesake.as_ref(), &options.properties, &transactional_id, step)?,
            namesake,
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
            aliases: options.aliases_topic(),
            aliases_before: None,
            notices: Notices::begin(monotonic()),
            values: Values::new(&options.schema_registry, wait::OUTAGE)?,
            options: Arc::clone(options),
            stage: Arc::clone(stage),
            metrics: Arc::clone(metrics),
            stop: stop.clone(),
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
        join(&self.member, &topics, self.namesake.as_ref(), || is_wanted(&self.clock, &self.stop), || ())?;
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
        let is_committed = self.commit(REVOKE_LIMIT);
        self.clock.idle();
        if is_committed? { Ok(()) } else { Err(Failure::last_commit_failed()) }
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
    pub(super) fn read_on(&mut self) -> Result<(), Failure> {
        self.member.assign([])?;
        self.partitions.clear();
        let committed = positions::committed(&self.reader, &self.owned, || self.clock.step())?;
        // What predecessors have written of aliases is below this: their transactions ended before their offsets were known.
        let end = self.stage.table().and_then(|_| self.inspector.watermarks(&self.aliases, 0).ok());
        self.aliases_before = end.map(|(_, end)| end);
        self.await_aliases();
        let read: BTreeSet<&str> = committed.keys().map(|(topic, _)| topic.as_str()).collect();
        for place in &self.owned {
            let Some(index) = self.stage.index(&place.0) else { continue };
            let permits = self.stage.permits(place, self.options.permits);
            let is_known = self.stage.is_known(&place.0) || read.contains(place.0.as_str());
            let resolved = positions::resolve(place, committed.get(place).copied(), is_known, &self.inspector, permits)?;
            let (position, run, is_dirty) = (Position::at(resolved.next), BadRun::default(), resolved.must_commit);
            let assigned = Assigned { position, run, is_dirty, frontier: Frontier::Unknown, noted: None };
            self.partitions.insert((index, place.1), assigned);
            if is_known && let Some(topic) = self.stage.topics.get(index) {
                *self.known.of_mut(topic.stream) = true;
            }
        }
        self.begin_backlog()?;
        let topics = &self.stage.topics;
        let places = self.partitions.iter().filter_map(|((index, partition), assigned)| {
            Some((topics.get(*index)?.name.as_str(), *partition, Offset::Offset(assigned.position.next)))
        });
        self.member.assign(places)?;
        self.report.states(Vec::new(), Vec::new(), true, monotonic());
        self.report_positions();
        Ok(())
    }

    /// Waits until the table holds what the threads that read these partitions before have declared, since the next record may need it. Goes
    /// on without if that takes too long: what cannot be resolved can be redriven.
    fn await_aliases(&self) {
        let Some(table) = self.stage.table() else { return };
        let (deadline, mut end) = (Deadline::after(ALIASES_LIMIT), None);
        while !deadline.passed() && !self.stop.is_requested() {
            self.clock.step();
            let watermarks = || self.reader.stable_watermarks(&self.aliases, 0, wait::REQUEST).ok();
            end = end.or_else(|| Some(watermarks()?.1));
            if end.is_some_and(|end| table.has_reached(end)) {
                return;
            }
            drop(self.reader.poll(wait::STEP));
        }
        tracing::warn!(
            thread = self.number,
            "the aliases topic could not be read to its end in time; reading on without its newest aliases"
        );
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
            // A named instance that lost its partitions may have lost its name as well.
            self.producer.abort().or_else(|error| unrecoverable(&error, 0, self.options.instance.is_some()).map_or(Ok(()), Err))?;
        }
        // To give partitions up is to join again, by the name alone if the session of this member has ended meanwhile.
        if let Some(namesake) = &self.namesake {
            let own = self.membership.as_ref().map(|own| own.member.as_str());
            namesake.check(own, || is_wanted(&self.clock, &self.stop))?;
        }
        self.partitions.clear();
        self.owned.clear();
        self.leave_backlog();
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
            let processed = if self.backlog.is_read() { self.process_in_order(left)? } else { self.process_batch(left)? };
            if let Err(error) = processed {
                return self.failed(&error);
            }
        }
    }

    fn process_batch(&mut self, mut wait: Duration) -> Result<Result<(), TransactionError>, Failure> {
        // An event borrows the consumer while its record is routed.
        let member = Rc::clone(&self.member);
        for polled in 0..BATCH {
            if polled > 0 && self.is_nearly_full() {
                break;
            }
            let Some(event) = member.poll(wait) else { break };
            wait = Duration::ZERO;
            match event.content() {
                ConsumerEvent::Record(record) => match self.process_record(record)? {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return Ok(Err(error)),
                    None => break,
                },
                ConsumerEvent::End(topic, partition, offset) => {
                    if let Some(index) = self.stage.index(&topic)
                        && let Some(assigned) = self.partitions.get_mut(&(index, partition))
                    {
                        assigned.position.reach_end(offset);
                    }
                }
                other => note(other, || member.assignment_lost(), &mut self.events)?,
            }
        }
        Ok(Ok(()))
    }

    /// Routes one record; `None` if a shutdown was requested before that.
    pub(super) fn process_record(&mut self, record: Record<'_>) -> Result<Option<Result<(), TransactionError>>, Failure> {
        let stage = Arc::clone(&self.stage);
        let place = stage.index(record.topic).and_then(|index| Some((index, stage.topics.get(index)?)));
        let Some((index, topic)) = place else { return Ok(Some(Ok(()))) };
        let Some(assigned) = self.partitions.get_mut(&(index, record.partition)) else { return Ok(Some(Ok(()))) };
        // A fetch from before the last assignment may still be delivered.
        if record.offset < assigned.position.next {
            return Ok(Some(Ok(())));
        }
        let step = || {
            self.clock.step();
            !self.stop.is_requested()
        };
        let Some(read) = self.values.read(record, step)? else { return Ok(None) };
        assigned.position.pass(record.offset, record.timestamp.map(|(timestamp, _)| timestamp));
        assigned.is_dirty = true;
        let writer = Writer {
            producer: &self.producer,
            open: &mut self.open,
            load: &mut self.load,
            headers: &mut self.headers,
            internal: &self.internal,
            aliases: &self.aliases,
            options: &self.options,
        };
        let (outcome, written) = writer.record(&read, topic, &stage, &mut self.routed);
        if written.is_err() {
            return Ok(Some(written));
        }
        self.counted.count(topic.stream, &outcome, &self.routed, &self.metrics);
        match &outcome {
            Outcome::DeadLetter(rejection) => self.notices.dead_letter(topic, &read, rejection),
            Outcome::Ignored => self.notices.unknown_type(topic, &read),
            _ => *self.known.of_mut(topic.stream) = true,
        }
        let is_known = *self.known.of(topic.stream);
        let finding = assigned.run.count(&outcome, is_known, self.options.bad_run);
        match finding.filter(|_| self.options.on_bad_run == OnBadRun::Exit) {
            Some(finding) => Err(bad_run(topic, record, finding, crate::stream::notices::shape(&read, topic))),
            None => Ok(Some(Ok(()))),
        }
    }

    /// Reports how far each partition has been read; partitions with the same number make one entry.
    pub(super) fn report_positions(&self) {
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
