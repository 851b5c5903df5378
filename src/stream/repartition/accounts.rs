//! Follows the accounts topics and the aliases topic, all partitions of them, for the table of aliases: read to their ends before the first
//! record is resolved, and from then on as they grow.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::declaration::declared_by;
use super::table::SharedAliases;
use crate::alias::{Aliases, Noted};
use crate::clock::Deadline;
use crate::event::{DecodeContext, Format, Headers, Raw, Stream};
use crate::kafka::{Consumer, ConsumerEvent, ErrorCode, Inspector, Offset, Record, TopicId, Visitor, log, read_to_end, wait};
use crate::stop::Stop;
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::values::{ReadRecord, Values};
use crate::threads::{STEP_LIMIT, StepClock, Threads};

/// How often the topics are checked for new partitions.
const GROWTH_PERIOD: Duration = Duration::from_secs(10);
/// Most events between two reports of the table's size.
const BATCH: usize = 256;

/// A topic that declares aliases.
struct Source {
    name: String,
    format: Arc<Format>,
    context: DecodeContext,
    /// Whether it is the aliases topic.
    is_own: bool,
}

/// Reads the topics.
pub(in crate::stream) struct Follower {
    reader: Consumer,
    inspector: Inspector,
    topics: Vec<Source>,
    /// The ids that the topics had when they were first looked up, where brokers give them ids.
    ids: BTreeMap<String, TopicId>,
    next: BTreeMap<(String, i32), i64>,
    /// Whether a broker has no record at the next offset of some partition.
    is_out_of_range: bool,
    values: Values,
    shared: Arc<SharedAliases>,
    clock: Arc<StepClock>,
    stop: Stop,
}

impl Follower {
    /// A reader of the accounts topics.
    ///
    /// # Errors
    /// If a client is refused.
    pub(in crate::stream) fn new(
        options: &Options,
        shared: &Arc<SharedAliases>,
        clock: Arc<StepClock>,
        stop: Stop,
    ) -> Result<Self, Failure> {
        let context = options.settings.decode_context();
        let accounts = options.inputs.iter().filter(|input| input.stream == Stream::Accounts).map(|input| Source {
            name: input.name.clone(),
            format: Arc::clone(&input.format),
            context: context.clone(),
            is_own: false,
        });
        let own = Source {
            name: options.aliases_topic(),
            format: Arc::default(),
            context: DecodeContext::of_accepted(options.settings.limits.text_bytes),
            is_own: true,
        };
        Ok(Self {
            reader: Consumer::new(&options.properties.follower(&options.repartition_group()))?,
            inspector: Inspector::patient(&options.properties)?,
            topics: accounts.chain([own]).collect(),
            ids: BTreeMap::new(),
            next: BTreeMap::new(),
            is_out_of_range: false,
            values: Values::new(&options.schema_registry, wait::OUTAGE)?,
            shared: Arc::clone(shared),
            clock,
            stop,
        })
    }

    /// Reads until a shutdown is requested.
    ///
    /// # Errors
    /// If the topics cannot be read.
    pub(in crate::stream) fn run(&mut self) -> Result<(), Failure> {
        self.find_partitions()?;
        self.read_to_ends()?;
        let (aliases, disputed) = {
            let table = self.shared.table();
            (table.len(), table.disputed())
        };
        tracing::info!(aliases, disputed, "the accounts topics have been read; records are resolved from now on");
        self.shared.complete();
        self.assign()?;
        let mut growth = Deadline::after(GROWTH_PERIOD);
        while !self.stop.is_requested() {
            self.clock.step();
            self.follow()?;
            if std::mem::take(&mut self.is_out_of_range) {
                self.go_back()?;
            }
            self.shared.report();
            if growth.passed() {
                growth = Deadline::after(GROWTH_PERIOD);
                if self.find_partitions()? {
                    self.assign()?;
                }
            }
        }
        self.clock.idle();
        Ok(())
    }

    /// Takes note of partitions that are not read yet; returns whether there are any.
    fn find_partitions(&mut self) -> Result<bool, Failure> {
        self.check_ids()?;
        let before = self.next.len();
        for Source { name: topic, .. } in &self.topics {
            let missing = || Failure::TopicMissing { topic: topic.clone(), hint: "; input topics are not created" };
            for partition in 0..self.inspector.partitions_in_time(topic, wait::KNOWN_TOPIC)?.ok_or_else(missing)? {
                // -1: from the start of the log.
                self.next.entry((topic.clone(), partition)).or_insert(-1);
            }
        }
        Ok(self.next.len() > before)
    }

    /// A topic that was deleted and created again lacks what the table has from its predecessor, and would be read on from the middle.
    fn check_ids(&mut self) -> Result<(), Failure> {
        let names: Vec<&str> = self.topics.iter().map(|source| source.name.as_str()).collect();
        for (topic, described) in self.inspector.describe(&names, wait::LOOK) {
            // Whoever looks for the partitions says if a topic is missing.
            let Some(found) = described.ok().and_then(|description| description.id) else { continue };
            let expected = *self.ids.entry(topic.clone()).or_insert(found);
            if expected != found {
                return Err(Failure::TopicReplaced { topic, expected, found });
            }
        }
        Ok(())
    }

    /// Reads partitions from their starts again if their next records are gone, as an instance that starts now would: the table depends on
    /// the set of profiles alone, so what is read twice changes nothing.
    fn go_back(&mut self) -> Result<(), Failure> {
        self.check_ids()?;
        for ((topic, partition), next) in &mut self.next {
            let (start, end) = self.inspector.watermarks(topic, *partition)?;
            if *next >= 0 && !(start..=end).contains(next) {
                tracing::warn!(
                    topic,
                    partition,
                    next,
                    start,
                    end,
                    "the next records of a topic with aliases were deleted before they were read; it is read from its start again"
                );
                *next = -1;
            }
        }
        self.assign()
    }

    fn read_to_ends(&mut self) -> Result<(), Failure> {
        let places: Vec<(String, i32)> = self.next.keys().cloned().collect();
        let Self { reader, topics, next, values, shared, clock, stop, .. } = self;
        let mut reading = Reading { topics, next, values, shared, clock, stop };
        read_to_end(reader, places.iter().map(|(topic, partition)| (topic.as_str(), *partition, Offset::Beginning)), &mut reading)
    }

    fn assign(&self) -> Result<(), Failure> {
        let places = self.next.iter().map(|((topic, partition), next)| {
            let offset = if *next < 0 { Offset::Beginning } else { Offset::Offset(*next) };
            (topic.as_str(), *partition, offset)
        });
        Ok(self.reader.assign(places)?)
    }

    /// Takes up to one batch of events; waits for the first one only.
    fn follow(&mut self) -> Result<(), Failure> {
        let Self { reader, topics, next, values, shared, clock, stop, is_out_of_range, .. } = self;
        let mut reading = Reading { topics, next, values, shared, clock, stop };
        for limit in std::iter::once(wait::STEP).chain(std::iter::repeat_n(Duration::ZERO, BATCH - 1)) {
            let Some(event) = reader.poll(limit) else { break };
            match event.content() {
                ConsumerEvent::Failed { code: ErrorCode::AutoOffsetReset, .. } => *is_out_of_range = true,
                other => reading.event(other)?,
            }
        }
        Ok(())
    }
}

/// The table of aliases as of now, for a command that does not follow the topics. If a shutdown is requested meanwhile, the table is
/// incomplete.
///
/// # Errors
/// If the topics cannot be read.
pub(super) fn aliases_now(options: &Options, stop: &Stop) -> Result<Aliases, Failure> {
    let shared = Arc::new(SharedAliases::new(options.settings.limits.aliases, None));
    let clock = Threads::new(0, 0).clock("the reader of the accounts topics".to_owned(), STEP_LIMIT);
    let mut follower = Follower::new(options, &shared, clock, stop.clone())?;
    follower.find_partitions()?;
    follower.read_to_ends()?;
    Ok(shared.take())
}

/// What a record takes to be read.
struct Reading<'f> {
    topics: &'f [Source],
    next: &'f mut BTreeMap<(String, i32), i64>,
    values: &'f mut Values,
    shared: &'f SharedAliases,
    clock: &'f StepClock,
    stop: &'f Stop,
}

impl Reading<'_> {
    /// Takes one event after the first pass.
    fn event(&mut self, event: ConsumerEvent<'_>) -> Result<(), Failure> {
        match event {
            ConsumerEvent::Record(record) => drop(self.record(record)?),
            // Behind the last record there may be ends of transactions.
            ConsumerEvent::End(topic, _, end) if self.topics.iter().any(|source| source.is_own && source.name == topic) => {
                self.shared.reach(end);
            }
            ConsumerEvent::Failed { fatal: true, reason, .. } => return Err(Failure::kafka("reading the accounts topics", &reason)),
            ConsumerEvent::Failed { code, reason, .. } => log::client_error("accounts reader", Some(code), &reason),
            ConsumerEvent::Log(level, facility, text) => log::librdkafka(level, &facility, &text),
            _ => {}
        }
        Ok(())
    }
}

impl Visitor for Reading<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        let Some(read) = self.values.read(record, || goes_on(self.clock, self.stop))? else { return Ok(ControlFlow::Break(())) };
        take(&read, self.topics, self.next, self.shared);
        Ok(ControlFlow::Continue(()))
    }

    fn tick(&mut self) -> Result<ControlFlow<()>, Failure> {
        self.clock.step();
        Ok(if self.stop.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

/// One more step of a thread that waits; whether it is to go on.
fn goes_on(clock: &StepClock, stop: &Stop) -> bool {
    clock.step();
    !stop.is_requested()
}

/// Takes note of one record. What is wrong with it is for the tasks to say, which read it too.
fn take(read: &ReadRecord<'_>, topics: &[Source], next: &mut BTreeMap<(String, i32), i64>, shared: &SharedAliases) {
    let record = read.record;
    if let Some(next) = next.get_mut(&(record.topic.to_owned(), record.partition)) {
        *next = record.offset + 1;
    }
    let Some(source) = topics.iter().find(|source| source.name == record.topic) else { return };
    let timestamp = record.timestamp;
    match (&read.value, record.key) {
        (Ok(None), Some(key)) if source.is_own => shared.deletions().removed(key),
        (Ok(value), key) => {
            let raw = Raw {
                stream: Stream::Accounts,
                key,
                value: *value,
                headers: Headers::of(&record),
                timestamp: timestamp.filter(|(_, by_producer)| *by_producer).map(|(timestamp, _)| timestamp),
                future_reference: timestamp.map(|(timestamp, _)| timestamp),
            };
            for declaration in declared_by(&raw, &source.format, &source.context) {
                let noted = shared.change(|table| declaration.note(table));
                warn_of_conflicts(noted, (record.topic, record.partition, record.offset));
                match key {
                    Some(key) if source.is_own => shared.deletions().declared(&declaration, key),
                    _ => shared.deletions().found(declaration),
                }
            }
        }
        (Err(_), _) => {}
    }
    if source.is_own {
        shared.reach(record.offset + 1);
    }
}

/// Says where a profile was read that disagrees with others, or for whose aliases there was no room.
pub(super) fn warn_of_conflicts(noted: Noted, (topic, partition, offset): (&str, i32, i64)) {
    if noted.disputed > 0 {
        tracing::warn!(topic, partition, offset, "an alias is declared by two accounts; the newest declaration has it");
    }
    if noted.cyclic > 0 {
        tracing::warn!(topic, partition, offset, "two accounts have each other's id as an alias; aliases of aliases are not followed");
    }
    if noted.refused > 0 {
        tracing::warn!(topic, partition, offset, "no room for an alias; raise limits.aliases, restart, and redrive unknown_account");
    }
}
