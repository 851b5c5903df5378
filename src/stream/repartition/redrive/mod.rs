//! `churnwatch redrive`: dead letters whose alias has been declared since become events after all.
//!
//! ```text
//!   dead letters --(from the oldest that is still unknown)--> decode -> account (aliases) --> events -------+
//!                                                                                                          | one transaction
//!   memory of redriven letters --(read first)--> pass over  <---- origins of the letters, next offsets <----+ per batch
//! ```
//! The tasks read the events like all others of the internal topic. Their state is a function of the set of events, so it does not matter
//! that these come late. A letter takes effect once: its events and its entry in the [`memory`] are committed together, the memory is read
//! before the first letter, and a second redrive fences the first before that. A producer whose requests may have been repeated is replaced
//! by one with the same id, which keeps late requests out, and fences a redrive that has begun meanwhile; so the memory is read again.

mod batch;
mod letter;
mod memory;
mod tally;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use self::batch::{Batch, LETTERS_MAX, Writer};
use self::letter::{Letter, Read};
use self::memory::{Held, Memory, Place};
use self::tally::Outcome;
use super::accounts::aliases_now;
use super::positions;
use super::router::{Routed, Router};
use super::stage::router;
use crate::alias::Aliases;
use crate::event::{Code, Rejection};
use crate::kafka::{Consumer, Inspector, Offset, Record, Visitor, read_to_end, wait};
use crate::stop::Stop;
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::preflight::{Inputs, topics};
use crate::stream::values::Values;

pub(super) use memory::wait_until_stable;
pub use tally::Tally;

/// Redrives the letters of these codes. A dry run only counts them: it writes nothing and fences nobody. The options must describe a repartition
/// stage that resolves aliases.
///
/// # Errors
/// If the cluster does not answer or refuses, a topic is missing, or another redrive has begun.
pub fn redrive(options: &Options, codes: &'static [Code], is_dry_run: bool, stop: &Stop) -> Result<Tally, Failure> {
    let inspector = Inspector::new(&options.properties)?;
    let letters = &options.dead_letters_topic;
    let partitions = existing(letters, "; without dead letters there is nothing to redrive", &inspector)?;
    existing(&options.repartition_topic(), "; `churnwatch run` must have run with this configuration", &inspector)?;
    let mut inputs = Inputs::describe(options, &inspector)?;
    inputs.identify(options, &inspector)?;
    inputs.partitioning = crate::stream::preflight::sample::partitioning(options, &inputs, &inspector)?;
    let router = router(options, &inputs)?;
    let reader = Consumer::new(&options.properties.reader(&options.redrive_group()))?;
    let writer = if is_dry_run {
        None
    } else {
        topics::create_redriven(options, &inspector)?;
        // This fences an earlier redrive, so the memory that is read next is final.
        Some(Writer::new(options, &reader)?)
    };
    let held = held(letters, partitions, &inspector)?;
    let memory = recall(options, &reader, &inspector, &held, writer.is_some())?;
    let begins = begins(letters, &held, &reader)?;
    let values = Values::new(&options.schema_registry, wait::OUTAGE)?;
    values.probe()?;
    let aliases = aliases_now(options, stop)?;
    tracing::info!(aliases = aliases.len(), "the accounts topics have been read; letters are read from now on");
    let progress = begins.into_iter().map(|(partition, begin)| (partition, Progress { begin, next: begin, oldest_left: None })).collect();
    let (tally, batch, events) = (Tally::new(is_dry_run), Batch::default(), Routed::default());
    let mut pass = Pass {
        options,
        codes,
        router,
        aliases,
        values,
        memory,
        tally,
        batch,
        routed: events,
        progress,
        held,
        writer,
        inspector: &inspector,
        stop,
    };
    let places: Vec<(i32, i64)> = pass.progress.iter().map(|(partition, progress)| (*partition, progress.next)).collect();
    if !stop.is_requested() {
        let from = places.iter().map(|(partition, next)| (letters.as_str(), *partition, Offset::Offset(*next)));
        read_to_end(&reader, from, &mut pass)?;
    }
    pass.finish()?;
    Ok(pass.tally)
}

/// The partitions of a topic that must exist.
fn existing(topic: &str, hint: &'static str, inspector: &Inspector) -> Result<i32, Failure> {
    inspector.partitions(topic)?.ok_or_else(|| Failure::TopicMissing { topic: topic.to_owned(), hint })
}

/// What the dead letters topic holds.
fn held(letters: &str, partitions: i32, inspector: &Inspector) -> Result<Held, Failure> {
    let described = inspector.describe_within(&[letters], wait::KNOWN_TOPIC)?;
    let topic_id = described.get(letters).and_then(|found| found.as_ref().ok()?.id).map(|id| id.to_string());
    let start = |partition| Ok((partition, inspector.watermarks(letters, partition)?.0));
    Ok(Held { topic_id, starts: (0..partitions).map(start).collect::<Result<_, Failure>>()? })
}

/// Reads the memory. `is_final`: earlier redrives have been fenced, so that none can add to it.
fn recall(options: &Options, reader: &Consumer, inspector: &Inspector, held: &Held, is_final: bool) -> Result<Memory, Failure> {
    let topic = options.redriven_topic();
    let Some(partitions) = inspector.partitions(&topic)? else { return Ok(Memory::default()) };
    if is_final {
        memory::wait_until_stable(reader, inspector, &topic, partitions)?;
    }
    Memory::restore(reader, &topic, partitions, held)
}

/// Where to begin in each partition: at the group's offset, unless the letter there is gone or never was.
fn begins(letters: &str, held: &Held, reader: &Consumer) -> Result<BTreeMap<i32, i64>, Failure> {
    let places: Vec<positions::Place> = held.starts.keys().map(|partition| (letters.to_owned(), *partition)).collect();
    let committed = positions::committed(reader, &places, || ())?;
    let mut begins = BTreeMap::new();
    for ((topic, partition), start) in places.iter().zip(held.starts.values()) {
        let failed = |error| Failure::kafka(format!("asking for the end of {topic} [{partition}]"), &error);
        let end = reader.stable_watermarks(topic, *partition, wait::REQUEST).map_err(failed)?.1;
        // An offset beyond the end is one of a topic that was deleted and created again. The memory protects what is read twice.
        let known = committed.get(&(topic.clone(), *partition)).copied().filter(|next| *next <= end);
        begins.insert(*partition, known.unwrap_or(*start).max(*start));
    }
    Ok(begins)
}

/// How far a partition of the dead letters has been read.
struct Progress {
    begin: i64,
    next: i64,
    /// The oldest letter that a later redrive must read again.
    oldest_left: Option<i64>,
}

impl Progress {
    fn offset(&self) -> i64 {
        self.oldest_left.unwrap_or(self.next)
    }
}

/// One pass over the dead letters.
struct Pass<'p> {
    options: &'p Options,
    codes: &'static [Code],
    router: Router,
    aliases: Aliases,
    values: Values,
    memory: Memory,
    tally: Tally,
    batch: Batch,
    routed: Routed,
    progress: BTreeMap<i32, Progress>,
    held: Held,
    /// `None` in a dry run.
    writer: Option<Writer>,
    inspector: &'p Inspector,
    stop: &'p Stop,
}

impl Visitor for Pass<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        let (outcome, letter) = match Letter::read(record.headers(), self.codes, &self.options.application) {
            Read::Other => (Outcome::Other, None),
            Read::OfAnother => (Outcome::OfAnother, None),
            Read::Truncated(letter) => (Outcome::Truncated, Some(letter)),
            Read::Whole(letter) => match self.letter(&letter, record)? {
                Some(outcome) => (outcome, Some(letter)),
                // A shutdown was requested while the schema registry did not answer.
                None => return Ok(ControlFlow::Break(())),
            },
        };
        self.tally.count(&outcome, letter.as_ref().map(|letter| (letter.topic.as_str(), letter.partition, letter.offset)));
        if let Some(progress) = self.progress.get_mut(&record.partition) {
            progress.next = record.offset + 1;
            if outcome.may_change() {
                progress.oldest_left.get_or_insert(record.offset);
            }
        }
        if self.batch.is_full() {
            self.flush()?;
        }
        Ok(if self.stop.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn tick(&mut self) -> Result<ControlFlow<()>, Failure> {
        Ok(if self.stop.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

impl Pass<'_> {
    /// Adds what the letter has become to the batch; `None` if a shutdown was requested before that could be found out.
    fn letter(&mut self, letter: &Letter, record: Record<'_>) -> Result<Option<Outcome>, Failure> {
        let Some(topic) = self.options.repartitioned().find(|topic| topic.name == letter.topic) else {
            return Ok(Some(Outcome::NotRepartitioned));
        };
        let (key, place) = (letter.key(topic.stream), self.place(record));
        if self.memory.holds(&key) {
            if self.memory.remember(&key, &place) {
                self.batch.remember(key, Some(place.encoded()));
            }
            return Ok(Some(Outcome::AlreadyRedriven));
        }
        let stop = self.stop;
        let Some(read) = self.values.read(record, || !stop.is_requested())? else { return Ok(None) };
        let now = self.options.clock.now();
        let routed = read.value.and_then(|value| {
            let raw = letter.raw(topic.stream, record.key, value, now);
            self.router.route(&raw, &topic.format, letter.partition, Some(&self.aliases), &mut self.routed)
        });
        Ok(Some(match routed {
            Ok(()) if self.routed.is_empty() => {
                Outcome::Undecodable(Rejection::new(Code::UnknownAccount, "the format of its topic has no use for such events any more"))
            }
            Ok(()) => {
                let of_record = (letter.topic.as_str(), letter.partition, letter.offset);
                let events = self.batch.add(&self.routed, of_record, letter.timestamp());
                for declaration in self.routed.declarations() {
                    declaration.note(&mut self.aliases);
                }
                self.memory.remember(&key, &place);
                self.batch.remember(key, Some(place.encoded()));
                Outcome::Redriven(events)
            }
            Err(rejection) if self.codes.contains(&rejection.code) => Outcome::StillUnknown,
            Err(rejection) => Outcome::Undecodable(rejection),
        }))
    }

    fn place(&self, record: Record<'_>) -> Place {
        Place { topic_id: self.held.topic_id.clone(), partition: record.partition, offset: record.offset }
    }

    /// Writes what has been collected, and how far the letters were read.
    fn flush(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let Some(writer) = &self.writer else { return Ok(()) };
        let letters = &self.options.dead_letters_topic;
        let offsets: Vec<_> = self.progress.iter().map(|(partition, progress)| (letters.clone(), *partition, progress.offset())).collect();
        let committed = writer.write(&batch, &offsets)?;
        if committed.may_be_repeated { self.renew() } else { Ok(()) }
    }

    /// Replaces the producer, and reads the memory again: another redrive may have written since it was read.
    fn renew(&mut self) -> Result<(), Failure> {
        tracing::info!("a request of the last transaction may have been sent twice: its producer is replaced, and the memory read again");
        // The letters are being read by the other client.
        let reader = Consumer::new(&self.options.properties.reader(&self.options.redrive_group()))?;
        // The old producer must not end anything of the new one's.
        self.writer = None;
        self.writer = Some(Writer::new(self.options, &reader)?);
        self.memory = recall(self.options, &reader, self.inspector, &self.held, true)?;
        Ok(())
    }

    /// Writes the rest, and forgets letters that the dead letters topic does not hold any more.
    fn finish(&mut self) -> Result<(), Failure> {
        loop {
            for key in self.memory.forgettable(LETTERS_MAX) {
                self.batch.remember(key, None);
            }
            if !self.batch.is_empty() || self.progress.values().any(|progress| progress.offset() != progress.begin) {
                self.flush()?;
            }
            if self.writer.is_none() || !self.memory.has_forgettable() {
                return Ok(());
            }
        }
    }
}
