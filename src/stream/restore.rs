//! Bringing back the state of tasks, so that it is what the group's committed offsets say.
//!
//! In this order, since any other can see half of a transaction:
//! 1. the group's committed offsets, read as stable: no transaction that would move them is open;
//! 2. then the changelog's end from a client that sees open transactions;
//! 3. wait until the last stable offset has come that far: whatever was open has ended;
//! 4. read the changelog up to its end;
//! 5. compare its stamp with the offsets of (1); a transaction may have ended in between, so a contradiction sends us back to (1).
//!
//! The member of the group is polled all the while, through `alive`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::Offset;

use super::failure::Failure;
use super::offsets::{self, Known, Resolved};
use super::options::{InputTopic, Options};
use super::preflight::Inputs;
use super::stamp::{self, Stamp};
use crate::clock::{Deadline, monotonic};
use crate::engine::{self, Directory};
use crate::fault;
use crate::kafka::{self, Consumer, Event, Inspector, Membership, TRANSACTION_TIMEOUT, What, is_forbidden, log};
use crate::partitioner::PartitionCheck;

/// How often a contradiction between offsets and stamp is looked at again.
const REPETITIONS: usize = 3;
/// How long an open transaction can hold us up: its own limit, and the broker's time to end it.
const STABLE_LIMIT: Duration = TRANSACTION_TIMEOUT.saturating_add(Duration::from_secs(30));
/// The time limit of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);
/// How long the changelog may give nothing while its end has not been reached.
const READ_LIMIT: Duration = Duration::from_mins(1);
/// How often the member of the group is polled meanwhile, and how long one wait lasts.
const STEP: Duration = Duration::from_millis(100);

/// Why a restore ended early.
pub(super) enum Halt {
    /// It cannot succeed.
    Failed(Failure),
    /// The group or the operator wants something else; nothing was kept.
    Interrupted,
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<kafka::Error> for Halt {
    fn from(error: kafka::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Polls the member of the group; false when the restore is of no use any more.
pub(super) type Alive<'a> = dyn FnMut() -> Result<bool, Failure> + 'a;

/// What was committed last for one task: equal marks mean equal state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The group's offset of each input, in the order of [`Inputs::topics`].
    pub group: Vec<Option<i64>>,
    /// The offset after the changelog's last record, control records included.
    pub changelog_end: i64,
}

/// One task, restored.
pub(super) struct Restored {
    /// Its state.
    pub engine: engine::Task,
    /// Where to read each input from, in the order of [`Inputs::topics`].
    pub resolved: Vec<Resolved>,
    /// What its state corresponds to.
    pub marks: Marks,
}

/// Reads changelogs.
pub(super) struct Restorer {
    options: Arc<Options>,
    directory: Arc<Directory>,
    inputs: Arc<Inputs>,
    reader: Consumer,
    inspector: Inspector,
    changelog: String,
}

impl Restorer {
    /// Connects to nothing yet.
    pub(super) fn new(options: &Arc<Options>, directory: &Arc<Directory>, inputs: &Arc<Inputs>) -> Result<Self, Failure> {
        Ok(Self {
            reader: Consumer::new(&options.properties.reader(&options.application))?,
            inspector: Inspector::new(&options.properties)?,
            changelog: options.changelog_topic(),
            options: Arc::clone(options),
            directory: Arc::clone(directory),
            inputs: Arc::clone(inputs),
        })
    }

    /// The group as somebody knows it who is no member of it: for a mutant.
    pub(super) fn membership_of_nobody(&self) -> Option<Membership> {
        self.reader.membership_unchecked()
    }

    /// Refuses to go on with other partition counts than those at the start.
    pub(super) fn verify_partition_counts(&self) -> Result<(), Failure> {
        let names = self.inputs.topics.iter().map(|input| input.name.as_str()).chain([self.changelog.as_str()]);
        for topic in names {
            let found = self.inspector.partitions_in_time(topic, STABLE_LIMIT)?.unwrap_or(0);
            if found != self.inputs.partitions {
                return Err(Failure::PartitionCountChanged { topic: topic.to_owned(), expected: self.inputs.partitions, found });
            }
        }
        Ok(())
    }

    /// Restores tasks; those whose `held` marks still say what was committed last are left out.
    pub(super) fn restore(
        &self,
        tasks: &[i32],
        held: &BTreeMap<i32, Marks>,
        alive: &mut Alive<'_>,
    ) -> Result<BTreeMap<i32, Restored>, Halt> {
        let mut restored = BTreeMap::new();
        let mut left = tasks.to_vec();
        for repetition in 0..=REPETITIONS {
            let marks = self.marks(&left, alive)?;
            let uncompared = fault::is_mutant("state-kept-after-abort") || fault::is_mutant("unclear-outcome-repeated");
            left.retain(|task| held.get(task).is_none() || !uncompared && held.get(task) != marks.get(task));
            self.wait_until_stable(&left, &marks, alive)?;
            let mut contradictory = Vec::new();
            for (task, read) in self.read(&left, alive)? {
                let Some(marks) = marks.get(&task) else { continue };
                let known = self.known(task, &read, marks)?;
                if repetition < REPETITIONS && known.iter().any(offsets::contradict) {
                    contradictory.push(task);
                } else {
                    restored.insert(task, self.finish(task, read, &known, marks.clone())?);
                }
            }
            left = contradictory;
            if left.is_empty() {
                break;
            }
            tracing::info!(tasks = ?left, "offsets and state differ; looking again");
        }
        Ok(restored)
    }

    /// Steps (1) and (2).
    fn marks(&self, tasks: &[i32], alive: &mut Alive<'_>) -> Result<BTreeMap<i32, Marks>, Halt> {
        let mut marks = self.committed(tasks, alive)?;
        for (task, marks) in &mut marks {
            (_, marks.changelog_end) = self.inspector.watermarks(&self.changelog, *task)?;
            keep_alive(alive)?;
        }
        Ok(marks)
    }

    fn committed(&self, tasks: &[i32], alive: &mut Alive<'_>) -> Result<BTreeMap<i32, Marks>, Halt> {
        let deadline = Deadline::after(STABLE_LIMIT);
        let places = || tasks.iter().flat_map(|task| self.inputs.topics.iter().map(|input| (input.name.as_str(), *task)));
        let committed = loop {
            keep_alive(alive)?;
            match self.reader.committed(places(), REQUEST_LIMIT) {
                Ok(committed) => break committed,
                Err(error) if deadline.passed() => return Err(Failure::kafka("reading the group's committed offsets", &error).into()),
                Err(error) => tracing::debug!(%error, "the group's committed offsets are not stable yet"),
            }
            self.drain_reader();
        };
        let offset = |topic: &str, task| committed.iter().find(|(t, p, _)| t == topic && *p == task).and_then(|(_, _, next)| *next);
        let group = |task| self.inputs.topics.iter().map(|input| offset(&input.name, task)).collect();
        Ok(tasks.iter().map(|task| (*task, Marks { group: group(*task), changelog_end: 0 })).collect())
    }

    /// Step (3).
    fn wait_until_stable(&self, tasks: &[i32], marks: &BTreeMap<i32, Marks>, alive: &mut Alive<'_>) -> Result<(), Halt> {
        let deadline = Deadline::after(STABLE_LIMIT);
        for task in tasks {
            let end = marks.get(task).map_or(0, |marks| marks.changelog_end);
            loop {
                keep_alive(alive)?;
                match self.reader.stable_watermarks(&self.changelog, *task, REQUEST_LIMIT) {
                    Ok((_, stable)) if stable >= end => break,
                    Ok((_, stable)) => tracing::debug!(task, stable, end, "a transaction is open in the changelog"),
                    Err(error) => tracing::debug!(task, %error, "the changelog's end is not known yet"),
                }
                if deadline.passed() {
                    let waiting_for = "a transaction stays open";
                    return Err(Failure::RestoreStuck {
                        topic: self.changelog.clone(),
                        partition: *task,
                        waiting_for,
                        seconds: STABLE_LIMIT.as_secs(),
                    }
                    .into());
                }
                // A poll of an idle consumer is the wait.
                drop(self.reader.poll(STEP));
            }
        }
        Ok(())
    }

    /// Step (4).
    fn read(&self, tasks: &[i32], alive: &mut Alive<'_>) -> Result<BTreeMap<i32, Reading>, Halt> {
        let new = |task: &i32| (*task, Reading::new(self.task(*task)));
        let mut readings: BTreeMap<i32, Reading> = tasks.iter().map(new).collect();
        let mut open = tasks.len();
        self.reader.assign(tasks.iter().map(|task| (self.changelog.as_str(), *task, Offset::Beginning)))?;
        let result = self.read_to_ends(&mut readings, &mut open, alive);
        self.reader.assign([])?;
        result.map(|()| readings)
    }

    fn read_to_ends(&self, readings: &mut BTreeMap<i32, Reading>, open: &mut usize, alive: &mut Alive<'_>) -> Result<(), Halt> {
        let (mut stalled, mut next_alive) = (Deadline::after(READ_LIMIT), monotonic() + STEP);
        while *open > 0 {
            match self.reader.poll(STEP).as_ref().map(Event::what) {
                Some(What::Record(record)) => {
                    fault::point("in-restore");
                    if let Some(reading) = readings.get_mut(&record.partition()) {
                        reading.take(&self.changelog, record.partition(), record.key().unwrap_or_default(), record.value())?;
                    }
                    stalled = Deadline::after(READ_LIMIT);
                }
                Some(What::End(_, partition)) => {
                    let reached = readings.get_mut(&partition).is_some_and(|reading| !std::mem::replace(&mut reading.ended, true));
                    *open -= usize::from(reached);
                }
                Some(What::Failed { code, reason, .. }) if is_forbidden(code) => {
                    return Err(Failure::forbidden(&format!("reading {}", self.changelog), &reason).into());
                }
                Some(What::Failed { code, reason, .. }) => log::client_error("reading the changelog", Some(code), &reason),
                Some(What::Log(level, facility, text)) => log::librdkafka(level, &facility, &text),
                _ => {}
            }
            if monotonic() >= next_alive {
                keep_alive(alive)?;
                self.inspector.serve();
                next_alive = monotonic() + STEP;
            }
            if stalled.passed() {
                let partition = readings.iter().find(|(_, reading)| !reading.ended).map_or(-1, |(task, _)| *task);
                let waiting_for = "nothing could be read";
                return Err(
                    Failure::RestoreStuck { topic: self.changelog.clone(), partition, waiting_for, seconds: READ_LIMIT.as_secs() }.into()
                );
            }
        }
        Ok(())
    }

    fn task(&self, number: i32) -> engine::Task {
        let mut task = engine::Task::new(number, self.directory.settings(), Arc::clone(&self.directory));
        if let Some(partitioners) = self.inputs.partitioners {
            task.set_partition_check(PartitionCheck { partitioners, partition: number, partitions: self.inputs.partitions });
        }
        task
    }

    /// What is known of each input of a task.
    fn known(&self, task: i32, reading: &Reading, marks: &Marks) -> Result<Vec<Known>, Failure> {
        let inputs = self.inputs.topics.iter().zip(&marks.group);
        let known = |(input, group): (&InputTopic, &Option<i64>)| {
            let (log_start, log_end) = self.inspector.watermarks(&input.name, task)?;
            let stamp = reading.stamp.as_ref().and_then(|stamp| stamp.next(&input.name));
            let stamp = if fault::is_mutant("stamp-not-compared") { group.or(stamp) } else { stamp };
            Ok(Known { group: *group, stamp, log_start, log_end })
        };
        inputs.map(known).collect()
    }

    /// Step (5), once nothing can change any more.
    fn finish(&self, task: i32, reading: Reading, known: &[Known], marks: Marks) -> Result<Restored, Failure> {
        let Reading { mut engine, stamp, .. } = reading;
        for stamped in stamp.iter().flat_map(|stamp| &stamp.inputs) {
            if stamped.partitions != self.inputs.partitions && self.inputs.index(&stamped.topic).is_some() {
                let (expected, found) = (stamped.partitions, self.inputs.partitions);
                return Err(Failure::PartitionCountChanged { topic: stamped.topic.clone(), expected, found });
            }
        }
        let resolve = |(input, known): (&InputTopic, &Known)| offsets::resolve(&input.name, task, known, self.options.permits);
        let resolved = self.inputs.topics.iter().zip(known).map(resolve).collect::<Result<Vec<_>, _>>()?;
        engine.finish_restore(stamp.as_ref().map(|stamp| stamp.engine.as_slice())).map_err(|error| Failure::StateUnreadable {
            topic: self.changelog.clone(),
            partition: task,
            error,
        })?;
        Ok(Restored { engine, resolved, marks })
    }

    fn drain_reader(&self) {
        while let Some(event) = self.reader.poll(Duration::ZERO) {
            if let What::Log(level, facility, text) = event.what() {
                log::librdkafka(level, &facility, &text);
            }
        }
    }
}

fn keep_alive(alive: &mut Alive<'_>) -> Result<(), Halt> {
    if alive()? { Ok(()) } else { Err(Halt::Interrupted) }
}

/// A changelog partition being read.
struct Reading {
    engine: engine::Task,
    stamp: Option<Stamp>,
    ended: bool,
}

impl Reading {
    fn new(engine: engine::Task) -> Self {
        Self { engine, stamp: None, ended: false }
    }

    fn take(&mut self, topic: &str, partition: i32, key: &[u8], value: Option<&[u8]>) -> Result<(), Failure> {
        let forgotten = matches!(key, [1, 0, ..] if fault::is_mutant("scores-not-restored"));
        if key != stamp::KEY {
            if !forgotten {
                self.engine.restore(key, value);
            }
            return Ok(());
        }
        let stamp = value.map(Stamp::decode).transpose();
        self.stamp = stamp.map_err(|error| Failure::StateUnreadable { topic: topic.to_owned(), partition, error })?;
        Ok(())
    }
}
