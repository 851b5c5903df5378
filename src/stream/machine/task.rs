//! A task as its stream thread owns it: the state in the engine, how far each input has been read, and the output waiting for the next
//! transaction.

use std::time::{Duration, Instant};

use super::catch_up::{CatchUp, CatchUpLog, Mode, Position};
use super::commit_point::CommitPoint;
use super::event::Now;
use super::live_keys::LiveKeys;
use super::load::Load;
use super::restored::Restored;
use super::stamp::{Basis, Stamp, StampedInput};
use crate::config::section::OnBadRun;
use crate::directory::SharedTask;
use crate::engine::bad_run::{BadRun, Finding};
use crate::engine::{Input, Outcome, OutputRecord, RoundOptions};
use crate::event::{Headers, Place, Rejection, Shape, Stream};
use crate::fault;
use crate::kafka::Record;
use crate::stream::dead_letter::DeadLetter;
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;
use crate::stream::notices::{self, Notices};
use crate::stream::options::{InputTopic, Options, Route};
use crate::stream::read_record::ReadRecord;
use crate::stream::repartition::{Origin, origin_of};
use crate::telemetry::{Metrics, TaskMeter};
use crate::threads::{InputMetadata, TaskMetadata};
use crate::time::Timestamp;

/// A task and its position in the inputs.
pub(in crate::stream) struct StreamTask {
    /// Accounts, scores, and what the changelog does not hold yet.
    pub shared: SharedTask,
    /// In the order of [`Inputs::topics`].
    pub positions: Vec<Position>,
    /// What was committed in Kafka when the state last matched it.
    pub commit_point: CommitPoint,
    /// Dead letters for the next transaction.
    pub letters: Vec<DeadLetter>,
    /// Changes for the next transaction.
    pub changes: Vec<OutputRecord>,
    /// The mode of the last round.
    pub mode: Mode,
    /// The keys that the changelog holds once what was last written to it is committed.
    pub live_keys: LiveKeys,
    basis: Basis,
    /// Whether the accounts topics have been read to their ends since the last assignment.
    has_deletions: bool,
    letters_bytes: usize,
    changes_bytes: usize,
    runs: Vec<BadRun>,
    catch_up: CatchUp,
    catch_up_log: CatchUpLog,
    /// Records read since the last commit.
    read: u64,
    /// Their size. The state grows by about as much.
    read_bytes: usize,
    /// Size of what an expected changelog record became, as written lately or, after a restore, as read: a large section becomes several.
    /// It rises at once and falls slowly.
    record_bytes: usize,
    /// Whether the offsets must be committed even if nothing was read.
    must_commit: bool,
    /// Whether the last round left waiting records or unscored accounts because of its budget.
    has_left: bool,
    /// What the process's counters already include.
    meter: TaskMeter,
    next_cycle: Instant,
}

impl StreamTask {
    /// A restored task, whose first cycle is due at `now`.
    pub(in crate::stream) fn new(restored: Restored, now: Instant) -> Self {
        // Not what readers see: they see it only once the task runs.
        let meter = TaskMeter::new(&restored.shared.engine.summary());
        Self {
            positions: restored.resolved.iter().map(|resolved| Position::at(resolved.next)).collect(),
            must_commit: restored.resolved.iter().any(|resolved| resolved.must_commit),
            runs: vec![BadRun::default(); restored.resolved.len()],
            meter,
            commit_point: restored.commit_point,
            shared: restored.shared,
            letters: Vec::new(),
            changes: Vec::new(),
            mode: Mode::CatchingUp,
            live_keys: restored.live_keys,
            basis: restored.basis,
            has_deletions: false,
            letters_bytes: 0,
            changes_bytes: 0,
            catch_up: CatchUp::default(),
            catch_up_log: CatchUpLog::default(),
            read: 0,
            read_bytes: 0,
            record_bytes: restored.record_bytes,
            has_left: false,
            next_cycle: now,
        }
    }

    /// Prepares for a new assignment: bad runs are counted from scratch, and the end of each input must be reached again.
    pub(in crate::stream) fn reassigned(&mut self) {
        self.runs = vec![BadRun::default(); self.runs.len()];
        self.has_deletions = false;
        for position in &mut self.positions {
            position.at_end = false;
        }
    }

    /// Processes one record, whose value has been read: advances the position, runs the engine, keeps a dead letter, warns, and checks for a bad
    /// run.
    ///
    /// # Errors
    /// If most records of its topic partition are bad, or they need a schema registry.
    pub(in crate::stream) fn process(
        &mut self,
        index: usize,
        read: &ReadRecord<'_>,
        inputs: &Inputs,
        options: &Options,
        notices: &mut Notices,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let (Some(position), Some(topic)) = (self.positions.get_mut(index), inputs.topics.get(index)) else { return Ok(()) };
        let record = read.record;
        // A fetch from before the last assignment may still be delivered.
        if record.offset < position.next {
            return Ok(());
        }
        let timestamp = record.timestamp;
        position.pass(record.offset, timestamp.map(|(timestamp, _)| timestamp));
        self.read += 1;
        self.read_bytes += record.value.map_or(0, <[u8]>::len);
        let origin = if topic.route == Route::Internal { origin_of(Headers::of(&record)) } else { None };
        let stream = origin.map_or(topic.stream, |origin| origin.stream);
        let input = |value| Input {
            stream,
            key: record.key,
            value,
            headers: if topic.format.reads_headers() { Headers::of(&record) } else { Headers::NONE },
            timestamp: timestamp.filter(|(_, by_producer)| *by_producer).map(|(timestamp, _)| timestamp),
            format: &topic.format,
            broker_timestamp: timestamp.map(|(timestamp, _)| timestamp),
        };
        let engine = &mut self.shared.engine;
        let outcome = match &read.value {
            Ok(value) => engine.process(&input(*value), now),
            Err(rejection) => engine.refuse(stream, rejection.clone()),
        };
        match &outcome {
            Outcome::DeadLetter(rejection) => {
                self.add_dead_letter(record, origin.as_ref(), rejection, options);
                notices.dead_letter(topic, read, rejection);
            }
            Outcome::Ignored => notices.unknown_type(topic, read),
            Outcome::Applied | Outcome::Duplicate | Outcome::Late => {}
        }
        match options.on_bad_run {
            // The stage has decoded what it writes, so no run of it can be bad.
            OnBadRun::Exit if origin.is_none() => self.check_run(index, topic, &outcome, read, options),
            OnBadRun::Exit | OnBadRun::DeadLetter => Ok(()),
        }
    }

    /// Fails rather than drain a topic into the dead letters.
    fn check_run(
        &mut self,
        index: usize,
        topic: &InputTopic,
        outcome: &Outcome,
        read: &ReadRecord<'_>,
        options: &Options,
    ) -> Result<(), Failure> {
        let record = read.record;
        let is_known = self.shared.engine.counts().of(topic.stream).is_known();
        let finding = self.runs.get_mut(index).and_then(|run| run.count(outcome, is_known, options.bad_run));
        // Of a stream that has never been read, one framed record is enough: no producer mixes Avro with JSON.
        let is_first_sign = !is_known && matches!(outcome, Outcome::DeadLetter(_));
        if finding.is_none() && !is_first_sign {
            return Ok(());
        }
        let shape = notices::shape(read, topic);
        if shape == Some(Shape::Framed) && !options.schema_registry.is_set() {
            let (topic, partition, offset) = (topic.name.clone(), record.partition, record.offset);
            return Err(Failure::NeedsSchemaRegistry { topic, partition, offset });
        }
        finding.map_or(Ok(()), |finding| Err(bad_run(topic, record, finding, shape)))
    }

    fn add_dead_letter(&mut self, record: Record<'_>, origin: Option<&Origin<'_>>, rejection: &Rejection, options: &Options) {
        let letter = DeadLetter::new(record, origin, rejection, options);
        self.letters_bytes += letter.size();
        self.letters.push(letter);
    }

    /// An input has been read to its end, at this offset. Once all have, the task may publish, so its next cycle is due immediately.
    pub(in crate::stream) fn reached_end(&mut self, index: usize, offset: i64, now: Instant) {
        if let Some(position) = self.positions.get_mut(index) {
            position.reach_end(offset);
        }
        if self.mode == Mode::CatchingUp && self.is_at_end() {
            self.next_cycle = now;
        }
    }

    /// Notes the known ends of the inputs.
    pub(in crate::stream) fn follow_ends(&mut self, inputs: &Inputs, known_end: impl Fn(&str) -> Option<i64>, now: Timestamp) {
        for (topic, position) in inputs.topics.iter().zip(&mut self.positions) {
            if let Some(end) = known_end(&topic.name) {
                position.follow_end(end, now);
            }
        }
    }

    /// Whether the deletions among its backlog are known: until then nothing else is read, so that a deletion seldom comes after records of
    /// the account's next life.
    pub(in crate::stream) fn has_deletions(&mut self, inputs: &Inputs) -> bool {
        let mut accounts = inputs.topics.iter().zip(&self.positions).filter(|(topic, _)| is_accounts(topic));
        self.has_deletions |= accounts.all(|(_, position)| position.at_end);
        self.has_deletions
    }

    /// Whether an input is read now.
    pub(in crate::stream) fn reads(&self, topic: &InputTopic) -> bool {
        self.has_deletions || is_accounts(topic)
    }

    /// Whether every input has been read to its end.
    pub(in crate::stream) fn is_at_end(&self) -> bool {
        self.positions.iter().all(|position| position.at_end)
    }

    /// Scores the accounts that are due at `now`, within a budget of accounts and bytes of changes.
    pub(in crate::stream) fn round(&mut self, now: Now, options: &Options, budget: Load) {
        let time = &options.settings.time;
        self.mode = self.catch_up.mode(&self.positions, now.wall, time.catch_up_age_ms, time.catch_up_limit_ms);
        if let Some(message) = self.catch_up_log.note(self.mode, now.monotonic) {
            tracing::info!(task = self.shared.number(), "{message}");
        }
        let (publish, catching_up) = (self.mode != Mode::CatchingUp, self.mode == Mode::Overdue);
        let round = RoundOptions { publish, catching_up, budget: budget.records, bytes: budget.bytes };
        let report = self.shared.round(now.wall, &round, &mut self.changes);
        self.has_left = report.left > 0 || report.waiting_left;
        self.changes_bytes += report.bytes;
        // What is beyond the budget follows in the next cycle, without a pause.
        self.next_cycle = if self.has_left { now.monotonic } else { now.monotonic + self.interval(options) };
    }

    /// Whether an input looks like a bad run but has too few records to be sure. Nothing is committed until then: if the service does exit,
    /// it must leave nothing behind.
    pub(in crate::stream) fn awaits_verdict(&self, options: &Options) -> bool {
        let open = |(run, position): (&BadRun, &Position)| run.is_open(options.bad_run) && !position.at_end;
        options.on_bad_run == OnBadRun::Exit && self.runs.iter().zip(&self.positions).any(open)
    }

    /// Whether the last round left waiting records or unscored accounts because of its budget.
    pub(in crate::stream) const fn has_left(&self) -> bool {
        self.has_left
    }

    /// When the next cycle is due.
    pub(in crate::stream) const fn next_cycle(&self) -> Instant {
        self.next_cycle
    }

    /// Whether it takes part in a cycle that is due for another task: cycles that have drifted apart would take a transaction each.
    pub(in crate::stream) fn is_nearly_due(&self, now: Instant, options: &Options) -> bool {
        self.next_cycle <= now + self.interval(options) / 2
    }

    /// Whether there is anything to write: offsets or state have changed, or the offsets have never been committed.
    pub(in crate::stream) fn is_dirty(&self) -> bool {
        self.must_commit
            || self.read > 0
            || !self.changes.is_empty()
            || !self.letters.is_empty()
            || self.shared.engine.unwritten_records() > 0
    }

    /// Estimates what this task adds to the next transaction. `record_bytes`: the least size of a changelog record to reckon with.
    pub(in crate::stream) fn load(&self, record_bytes: usize) -> Load {
        if !self.is_dirty() {
            return Load::default();
        }
        let unwritten = self.shared.engine.unwritten_records();
        Load {
            // The stamp is one more.
            records: self.letters.len() + self.changes.len() + unwritten + 1,
            bytes: self.letters_bytes + self.changes_bytes + unwritten * self.record_bytes.max(record_bytes) + self.read_bytes,
        }
    }

    /// The stamp of the current state. To be called once its changelog records are written, because the digest covers them.
    pub(in crate::stream) fn stamp(&self, inputs: &Inputs) -> Stamp {
        let input = |(topic, position): (&InputTopic, &Position)| StampedInput {
            topic: topic.name.clone(),
            partitions: inputs.partitions,
            next: position.next,
        };
        Stamp {
            inputs: inputs.topics.iter().zip(&self.positions).map(input).collect(),
            engine: self.shared.engine.stamp(),
            basis: Some(Basis { keys: self.live_keys.digest(), ..self.basis.clone() }),
        }
    }

    /// The next offset of every input, moved or not.
    pub(in crate::stream) fn offsets<'a>(&'a self, inputs: &'a Inputs) -> impl Iterator<Item = (String, i32, i64)> + 'a {
        let number = self.shared.number();
        let sent = inputs.topics.iter().zip(&self.positions).zip(&self.commit_point.group);
        let sent = sent.filter(|((_, position), mark)| !fault::is_mutant("moved-offsets-only") || **mark != Some(position.next));
        let back = i64::from(fault::is_mutant("last-offset-instead-of-next"));
        sent.map(move |((topic, position), _)| (topic.name.clone(), number, (position.next - back).max(0)))
    }

    /// How far the task has read, for the API, the metrics and the watchdog. `known_end` returns the end of a partition, if it is known.
    pub(in crate::stream) fn metadata(&self, inputs: &Inputs, known_end: impl Fn(&str) -> Option<i64>) -> TaskMetadata {
        let input = |(topic, position): (&InputTopic, &Position)| InputMetadata {
            topic: topic.name.clone(),
            next: position.next,
            is_read: self.reads(topic),
            read_to: position.read_to,
            at_end: position.at_end,
            lag: position.lag(known_end(&topic.name)),
        };
        let inputs = inputs.topics.iter().zip(&self.positions).map(input).collect();
        TaskMetadata { catching_up: self.mode != Mode::Live, inputs }
    }

    /// Everything so far has been committed. `changelog_end`: where the changelog now ends; `changelog`: how many records were expected to
    /// be written to it, and how many bytes were.
    pub(in crate::stream) fn committed(&mut self, changelog_end: i64, changelog: Load, metrics: &Metrics) {
        let mean = changelog.bytes / changelog.records.max(1);
        self.record_bytes = mean.max(self.record_bytes - self.record_bytes / 8);
        self.meter.committed(&self.shared.view().summary(), metrics);
        self.commit_point = CommitPoint { group: self.positions.iter().map(|position| Some(position.next)).collect(), changelog_end };
        if !fault::is_mutant("letters-written-again") {
            self.letters.clear();
        }
        self.changes.clear();
        self.letters_bytes = 0;
        self.changes_bytes = 0;
        self.read = 0;
        self.read_bytes = 0;
        self.must_commit = false;
    }

    fn interval(&self, options: &Options) -> Duration {
        if self.mode == Mode::CatchingUp { options.catch_up_commit_interval } else { options.commit_interval }
    }
}

/// Whether a topic holds nothing but profiles; those in the internal topic come among everything else.
fn is_accounts(topic: &InputTopic) -> bool {
    topic.stream == Stream::Accounts && topic.route == Route::Direct
}

/// The failure of a topic of which most records are bad.
pub(in crate::stream) fn bad_run(topic: &InputTopic, record: Record<'_>, finding: Finding, shape: Option<Shape>) -> Failure {
    Failure::BadRun {
        topic: topic.name.clone(),
        partition: record.partition,
        offset: record.offset,
        bad: finding.bad,
        read: finding.read,
        cause: finding.cause(),
        reason: finding.reason,
        advice: shape.map(|shape| format!("; this one {}", shape.advice(Place::Topic))).unwrap_or_default(),
    }
}

#[cfg(test)]
pub(in crate::stream) mod tests;
