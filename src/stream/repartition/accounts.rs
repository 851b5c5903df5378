//! Follows the accounts topics, all partitions of them, for the table of aliases: read to their ends before the first record is resolved,
//! and from then on as they grow.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::router::note_profile;
use crate::alias::Aliases;
use crate::clock::Deadline;
use crate::event::{DecodeContext, Format, Headers, Raw, Stream};
use crate::kafka::{Consumer, ConsumerEvent, Inspector, Offset, Record, Visitor, log, read_to_end, wait};
use crate::stop::Stop;
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::values::{ReadRecord, Values};
use crate::threads::{STEP_LIMIT, StepClock, Threads};

/// How often the topics are checked for new partitions.
const GROWTH_PERIOD: std::time::Duration = std::time::Duration::from_secs(10);

/// The table of aliases, shared by the threads of the stage.
#[derive(Debug, Default)]
pub(in crate::stream) struct AccountAliases {
    /// The table.
    pub table: RwLock<Aliases>,
    is_complete: AtomicBool,
}

impl AccountAliases {
    /// Whether the accounts topics have been read to their ends.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }
}

/// Reads the accounts topics.
pub(in crate::stream) struct Follower {
    reader: Consumer,
    inspector: Inspector,
    topics: Vec<(String, Arc<Format>)>,
    next: BTreeMap<(String, i32), i64>,
    context: DecodeContext,
    values: Values,
    shared: Arc<AccountAliases>,
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
        shared: &Arc<AccountAliases>,
        clock: Arc<StepClock>,
        stop: Stop,
    ) -> Result<Self, Failure> {
        let accounts = options.inputs.iter().filter(|input| input.stream == Stream::Accounts);
        Ok(Self {
            reader: Consumer::new(&options.properties.reader(&options.repartition_group()))?,
            inspector: Inspector::patient(&options.properties)?,
            topics: accounts.map(|input| (input.name.clone(), Arc::clone(&input.format))).collect(),
            next: BTreeMap::new(),
            context: options.settings.decode_context(),
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
        let (aliases, disputed) = self.shared.table.read().map_or((0, 0), |table| (table.len(), table.disputed()));
        tracing::info!(aliases, disputed, "the accounts topics have been read; records are resolved from now on");
        self.shared.is_complete.store(true, Ordering::Release);
        self.assign()?;
        let mut growth = Deadline::after(GROWTH_PERIOD);
        while !self.stop.is_requested() {
            self.clock.step();
            self.follow()?;
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
        let before = self.next.len();
        for (topic, _) in &self.topics {
            let missing = || Failure::TopicMissing { topic: topic.clone(), hint: "; input topics are not created" };
            for partition in 0..self.inspector.partitions_in_time(topic, wait::KNOWN_TOPIC)?.ok_or_else(missing)? {
                // -1: from the start of the log.
                self.next.entry((topic.clone(), partition)).or_insert(-1);
            }
        }
        Ok(self.next.len() > before)
    }

    fn read_to_ends(&mut self) -> Result<(), Failure> {
        let places: Vec<(String, i32)> = self.next.keys().cloned().collect();
        let Self { reader, topics, next, context, values, shared, clock, stop, .. } = self;
        let mut reading = Reading { topics, next, context, values, shared, clock, stop };
        read_to_end(reader, places.iter().map(|(topic, partition)| (topic.as_str(), *partition, Offset::Beginning)), &mut reading)
    }

    fn assign(&self) -> Result<(), Failure> {
        let places = self.next.iter().map(|((topic, partition), next)| {
            let offset = if *next < 0 { Offset::Beginning } else { Offset::Offset(*next) };
            (topic.as_str(), *partition, offset)
        });
        Ok(self.reader.assign(places)?)
    }

    fn follow(&mut self) -> Result<(), Failure> {
        let Some(event) = self.reader.poll(wait::STEP) else { return Ok(()) };
        match event.content() {
            ConsumerEvent::Record(record) => {
                if let Some(read) = self.values.read(record, || goes_on(&self.clock, &self.stop))? {
                    take(&read, &self.topics, &mut self.next, &self.context, &self.shared);
                }
            }
            ConsumerEvent::Failed { fatal: true, reason, .. } => return Err(Failure::kafka("reading the accounts topics", &reason)),
            ConsumerEvent::Failed { code, reason, .. } => log::client_error("accounts reader", Some(code), &reason),
            ConsumerEvent::Log(level, facility, text) => log::librdkafka(level, &facility, &text),
            _ => {}
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
    let shared = Arc::<AccountAliases>::default();
    let clock = Threads::new(0, 0).clock("the reader of the accounts topics".to_owned(), STEP_LIMIT);
    let mut follower = Follower::new(options, &shared, clock, stop.clone())?;
    follower.find_partitions()?;
    follower.read_to_ends()?;
    let mut table = shared.table.write().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *table))
}

/// The first pass, to the ends.
struct Reading<'f> {
    topics: &'f [(String, Arc<Format>)],
    next: &'f mut BTreeMap<(String, i32), i64>,
    context: &'f DecodeContext,
    values: &'f mut Values,
    shared: &'f AccountAliases,
    clock: &'f StepClock,
    stop: &'f Stop,
}

impl Visitor for Reading<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        let Some(read) = self.values.read(record, || goes_on(self.clock, self.stop))? else { return Ok(ControlFlow::Break(())) };
        take(&read, self.topics, self.next, self.context, self.shared);
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
fn take(
    read: &ReadRecord<'_>,
    topics: &[(String, Arc<Format>)],
    next: &mut BTreeMap<(String, i32), i64>,
    context: &DecodeContext,
    shared: &AccountAliases,
) {
    let record = read.record;
    if let Some(next) = next.get_mut(&(record.topic().to_owned(), record.partition())) {
        *next = record.offset() + 1;
    }
    let Some((_, format)) = topics.iter().find(|(topic, _)| topic == record.topic()) else { return };
    let Ok(value) = read.value else { return };
    let timestamp = record.timestamp();
    let raw = Raw {
        stream: Stream::Accounts,
        key: record.key(),
        value,
        headers: Headers::of(&record),
        timestamp: timestamp.filter(|(_, by_producer)| *by_producer).map(|(timestamp, _)| timestamp),
        future_reference: timestamp.map(|(timestamp, _)| timestamp),
    };
    let Ok(mut table) = shared.table.write() else { return };
    let disputes = note_profile(&raw, format, context, &mut table);
    drop(table);
    if disputes > 0 {
        let (topic, partition, offset) = (record.topic(), record.partition(), record.offset());
        tracing::warn!(topic, partition, offset, "an alias is declared by two accounts; the newest declaration has it");
    }
}
