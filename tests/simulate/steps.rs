//! The drivers of the simulator: what `stream/thread.rs` and `stream/restoring.rs` do with real clients, one step at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use churnwatch::fault::is_mutant;
use churnwatch::kafka::{Commit, Record, TransactionError};
use churnwatch::stream::machine::{BATCH, Effect, Event, Membership, RestoreEffect, RestoreEvent, Unanswered};
use churnwatch::stream::{Failure, ReadRecord};
use churnwatch::time::Timestamp;

use crate::broker::{Answer, Request, Topic};
use crate::load::EPOCH;
use crate::process::{Actor, Call, Doing, Step, Write};
use crate::world::World;

/// How long a producer may take to be ready.
const INIT_LIMIT: u64 = 60_000;
/// How long an abort may take.
const ABORT_LIMIT: u64 = 5_000;
/// After how long a request may have been sent twice: `producer.rs`, `RETRY_BACKOFF_MIN`.
const REPEATED: u64 = 80;
/// How long one question of the restoring thread waits for its answer.
const TURN: u64 = 2_000;
/// Changelog records that are handed over between two ticks.
const READ_AT_ONCE: usize = 40;

impl World<'_> {
    /// A thread takes its next step.
    pub fn step(&mut self, id: usize, actor: Actor) {
        if !self.survives(id) {
            return;
        }
        let result = match actor {
            Actor::Stream => self.step_stream(id),
            Actor::Restore => self.step_restore(id),
        };
        if let Err(failure) = result {
            self.failed(id, &failure);
        }
    }

    /// The answer to the request that a thread waits for has come; [`Answer::Retry`] also stands for a broken connection.
    pub fn answered(&mut self, id: usize, actor: Actor, answer: Answer) {
        if !self.survives(id) {
            return;
        }
        let now = self.now;
        let Doing::Calling(call) = &mut self.processes[id].thread(actor).doing else { return };
        if matches!(answer, Answer::Retry) && now < call.deadline {
            call.is_repeated = true;
            self.renew(id, actor);
            return self.send(id, actor);
        }
        let call = call.clone();
        self.processes[id].thread(actor).doing = Doing::Deciding;
        self.renew(id, actor);
        let result = match actor {
            Actor::Stream => self.stream_answered(id, &call, answer),
            Actor::Restore => self.restore_answered(id, &call, answer),
        };
        if let Err(failure) = result {
            self.failed(id, &failure);
        }
    }

    fn failed(&mut self, id: usize, failure: &Failure) {
        self.log(|| format!("process {id} exits: {}: {failure}", failure.code()));
        let is_named = self.processes[id].name.is_some();
        self.checks.exited(failure, is_named);
        self.leave(id);
    }

    fn call(&mut self, id: usize, actor: Actor, request: Request, deadline: u64) {
        self.processes[id].thread(actor).doing = Doing::Calling(Call { request, deadline, is_repeated: false });
        self.renew(id, actor);
        self.send(id, actor);
    }

    fn handle(&mut self, id: usize, event: Event) -> Result<(), Failure> {
        let clocks = self.clocks(id);
        self.processes[id].member.handle(event, clocks)
    }

    // The stream thread

    fn step_stream(&mut self, id: usize) -> Result<(), Failure> {
        if !self.processes[id].is_started {
            return self.begin(id);
        }
        let clocks = self.clocks(id);
        let Self { processes, broker, setting, .. } = self;
        let inputs = &setting.inputs;
        let ends = |topic: &str, partition: i32| {
            inputs.index(topic).map(|input| broker.log(Topic::Input(input), partition as usize).stable_end() as i64)
        };
        let effect = processes[id].member.next(clocks, &ends)?;
        match effect {
            Effect::Read { wait } => return self.read(id, wait),
            Effect::Await => {
                self.wake_in(id, Actor::Stream, 10);
                return Ok(());
            }
            Effect::Accept => {
                if self.processes[id].consumer.assign([], 0) {
                    self.plan_join(id);
                }
                let membership = self.processes[id].consumer.membership();
                self.handle(id, Event::Accepted(membership))?;
            }
            Effect::Assign(partitions) => {
                let ready_at = self.now + self.random.within(1..20);
                let partitions = partitions.into_iter().map(|(input, partition, next)| (input, partition as usize, next as usize));
                if self.processes[id].consumer.assign(partitions, ready_at) {
                    self.plan_join(id);
                }
            }
            Effect::Unassign => {
                if self.processes[id].consumer.unassign() {
                    self.plan_join(id);
                }
            }
            Effect::Restore(request) => self.request(id, request),
            Effect::CheckName(_) => {
                let name = self.processes[id].name.clone().unwrap_or_default();
                self.call(id, Actor::Stream, Request::FindName(name), self.now + INIT_LIMIT);
                return Ok(());
            }
            Effect::Write { membership, limit } => {
                self.begin_write(id, membership.as_ref(), limit);
                return Ok(());
            }
            Effect::Drain => {
                if self.processes[id].consumer.is_fenced {
                    return Err(fenced());
                }
                while let Some(event) = self.take_said(id) {
                    self.handle(id, event)?;
                }
            }
            Effect::ReplaceProducer => {
                let first = self.processes[id].transactional_id.clone();
                let name = if is_mutant("replacement-keeps-the-id") { first } else { self.new_name(&first) };
                self.call(id, Actor::Stream, Request::Init(name), self.now + INIT_LIMIT);
                return Ok(());
            }
            Effect::Leave => {
                self.log(|| format!("process {id} leaves"));
                self.leave(id);
                return Ok(());
            }
        }
        self.wake_in(id, Actor::Stream, 0);
        Ok(())
    }

    /// Ends what an earlier run with the same name has left open, unless a later one has the name.
    fn begin(&mut self, id: usize) -> Result<(), Failure> {
        if self.is_name_taken(id) {
            return Err(fenced());
        }
        let name = self.processes[id].transactional_id.clone();
        self.call(id, Actor::Stream, Request::Init(name), self.now + INIT_LIMIT);
        Ok(())
    }

    /// Passes a request to the restoring thread.
    fn request(&mut self, id: usize, request: churnwatch::stream::machine::Request) {
        self.processes[id].restore.requested(request);
        if matches!(self.processes[id].restorer.doing, Doing::Waiting) {
            self.processes[id].restorer.doing = Doing::Deciding;
            self.wake_in(id, Actor::Restore, 1);
        }
    }

    fn stream_answered(&mut self, id: usize, call: &Call, answer: Answer) -> Result<(), Failure> {
        match (&call.request, answer) {
            (Request::Init(name), Answer::Producer(producer)) => {
                let later = self.producers.insert(name.clone(), id).filter(|last| *last > id && self.processes[*last].is_alive);
                if let Some(successor) = later.filter(|_| self.is_back(id)) {
                    self.checks.fences_successor(id, successor);
                }
                self.processes[id].producer = Some(producer);
                if self.processes[id].is_started {
                    self.handle(id, Event::ProducerReplaced)?;
                } else {
                    self.processes[id].is_started = true;
                    self.plan_join(id);
                }
                self.wake_in(id, Actor::Stream, 1);
                Ok(())
            }
            (Request::FindName(_), Answer::Member(found)) => {
                // The id that the member had when it was accepted is gone: any other is somebody else.
                if found.is_some_and(|member| self.processes[id].consumer.member != Some(member)) {
                    return Err(fenced());
                }
                self.handle(id, Event::NameIsOurs)?;
                self.wake_in(id, Actor::Stream, 1);
                Ok(())
            }
            (Request::Init(_) | Request::FindName(_), _) => Err(Failure::NoProgress { what: "the coordinator did not answer".to_owned() }),
            (_, answer) => self.write_answered(id, call, answer),
        }
    }

    /// Hands over up to one batch of what has arrived.
    fn read(&mut self, id: usize, wait: Duration) -> Result<(), Failure> {
        let clocks = self.clocks(id);
        let mut polled = 0;
        if self.processes[id].consumer.is_fenced {
            return Err(fenced());
        }
        while let Some(event) = self.take_said(id) {
            polled += 1;
            self.handle(id, event)?;
        }
        if self.processes[id].paused_until <= self.now && self.processes[id].cut_until <= self.now && polled == 0 {
            polled += self.read_records(id, clocks)?;
        }
        self.processes[id].member.polled(polled);
        let wait = if polled > 0 { 1 } else { (wait.as_millis() as u64).max(1) };
        self.wake_in(id, Actor::Stream, wait);
        Ok(())
    }

    fn read_records(&mut self, id: usize, clocks: churnwatch::stream::machine::Now) -> Result<usize, Failure> {
        let Self { processes, broker, setting, now, .. } = self;
        let process = &mut processes[id];
        if process.consumer.ready_at > *now {
            return Ok(0);
        }
        let (mut polled, mut idle) = (0, 0);
        while polled < BATCH && idle < process.consumer.positions.len() {
            let Some(place) = process.consumer.next_turn() else { break };
            let position = process.consumer.positions[place];
            let log = broker.log(Topic::Input(position.input), position.partition);
            let partition = position.partition as i32;
            if let Some(offset) = log.next_committed(position.next) {
                (idle, polled) = (0, polled + 1);
                let entry = &log.entries[offset];
                let record = Record {
                    topic: &setting.inputs.topics[position.input].name,
                    partition,
                    offset: offset as i64,
                    timestamp: Some((Timestamp(EPOCH + *now as i64), true)),
                    key: Some(&entry.key),
                    value: entry.value.as_deref(),
                    headers: &entry.headers,
                };
                process.consumer.positions[place].next = offset + 1;
                process.consumer.positions[place].has_ended = false;
                if process.member.runs(partition) {
                    process.member.record(position.input, &ReadRecord { record, value: Ok(record.value) }, clocks)?;
                }
            } else if position.has_ended {
                idle += 1;
            } else {
                (idle, polled) = (0, polled + 1);
                process.consumer.positions[place].has_ended = true;
                process.member.end(position.input, partition, log.stable_end() as i64, clocks);
            }
        }
        Ok(polled)
    }

    // A transaction

    fn begin_write(&mut self, id: usize, membership: Option<&Membership>, limit: Duration) {
        let (now, setting) = (self.now, self.setting);
        self.processes[id].begin_write(setting, membership, now, limit);
        self.write_on(id);
    }

    /// Sends the next request of the transaction.
    fn write_on(&mut self, id: usize) {
        let process = &mut self.processes[id];
        let name = process.name.clone();
        let (Some(write), Some(producer)) = (&mut process.write, process.producer) else { return };
        let (request, deadline) = match write.step {
            Step::AddPartitions => {
                (Request::AddPartitions(producer, write.batches.iter().map(|(place, _)| *place).collect()), write.deadline)
            }
            Step::Produce => {
                process.batches += 1;
                let (place, records) = &write.batches[write.sent];
                (Request::Produce(producer, *place, process.batches, records.clone()), write.deadline)
            }
            Step::Offsets => {
                let (offsets, membership) = (write.offsets.clone(), write.membership);
                (Request::Offsets { producer, offsets, membership, name }, write.deadline)
            }
            Step::End => (Request::End(producer, true), write.deadline),
            Step::Abort => {
                write.lasted = self.now - write.began;
                (Request::End(producer, false), self.now + ABORT_LIMIT)
            }
        };
        self.call(id, Actor::Stream, request, deadline);
    }

    fn write_answered(&mut self, id: usize, call: &Call, answer: Answer) -> Result<(), Failure> {
        let now = self.now;
        let Some(write) = &mut self.processes[id].write else { return Ok(()) };
        if write.step == Step::Abort {
            if let Answer::Fenced(cause) = answer {
                write.failed = Some(TransactionError::Fenced(cause));
            }
            return self.written(id);
        }
        if let Some(error) = failure_of(write.step, &answer) {
            write.failed = Some(error);
            write.step = Step::Abort;
            self.write_on(id);
            return Ok(());
        }
        if matches!(write.step, Step::Offsets | Step::End) {
            write.is_repeated |= call.is_repeated;
        }
        write.advance(&answer, now);
        if write.step == Step::End && matches!(call.request, Request::End(..)) {
            return self.written(id);
        }
        self.write_on(id);
        Ok(())
    }

    /// The transaction is over.
    fn written(&mut self, id: usize) -> Result<(), Failure> {
        let now = self.now;
        let Some(write) = self.processes[id].write.take() else { return Ok(()) };
        let may_be_repeated = write.is_repeated || now - write.deciding_since >= REPEATED;
        let committed = Commit { last: write.last, may_be_repeated };
        let lasted = if write.failed.is_some() { write.lasted } else { now - write.began };
        let result = write.failed.map_or(Ok(committed), Err);
        self.log(|| format!("process {id} has written: {result:?}"));
        let is_fenced = matches!(result, Err(TransactionError::Fenced(_))) && self.processes[id].name.is_some();
        self.handle(id, Event::Written { result, lasted: Duration::from_millis(lasted) })?;
        if is_fenced {
            self.checks.goes_on_fenced(id);
        }
        self.wake_in(id, Actor::Stream, 1);
        Ok(())
    }

    // The restoring thread

    fn step_restore(&mut self, id: usize) -> Result<(), Failure> {
        if let Doing::Reading(read) = &mut self.processes[id].restorer.doing {
            let read = std::mem::take(read);
            return self.read_changelog(id, read);
        }
        let monotonic = self.monotonic();
        let effect = self.processes[id].restore.next(monotonic)?;
        self.execute_restore(id, effect, None)
    }

    fn execute_restore(&mut self, id: usize, effect: RestoreEffect, reading: Option<BTreeMap<usize, usize>>) -> Result<(), Failure> {
        let tasks = |tasks: Vec<i32>| tasks.into_iter().map(|task| task as usize).collect();
        self.processes[id].reading = reading;
        let request = match effect {
            RestoreEffect::Wait => {
                self.processes[id].restorer.doing = Doing::Waiting;
                return Ok(());
            }
            RestoreEffect::VerifyTopics => {
                let monotonic = self.monotonic();
                self.processes[id].restore.handle(RestoreEvent::TopicsVerified, monotonic)?;
                self.wake_in(id, Actor::Restore, 2);
                return Ok(());
            }
            RestoreEffect::Pause => {
                self.resume_restore(id, 100);
                return Ok(());
            }
            RestoreEffect::Answer(answer) => {
                self.handle(id, Event::Restored(answer))?;
                self.resume_restore(id, 0);
                return Ok(());
            }
            RestoreEffect::Read(read) => {
                self.processes[id].restorer.doing = Doing::Reading(read.into_iter().map(|task| (task as usize, 0)).collect());
                self.wake_in(id, Actor::Restore, 3);
                return Ok(());
            }
            RestoreEffect::ReadOn | RestoreEffect::StopReading => {
                self.wake_in(id, Actor::Restore, 0);
                return Ok(());
            }
            RestoreEffect::FindOffsets(found) => Request::FindOffsets(tasks(found)),
            RestoreEffect::FindEnd(task) => Request::FindEnd(task as usize),
            RestoreEffect::FindStableEnd(task) => Request::FindStableEnd(task as usize),
            RestoreEffect::FindLimits(task) => Request::FindLimits(task as usize),
        };
        let is_patient = matches!(request, Request::FindEnd(_) | Request::FindLimits(_));
        let deadline = self.now + if is_patient { INIT_LIMIT } else { TURN };
        self.call(id, Actor::Restore, request, deadline);
        Ok(())
    }

    /// Goes on: with reading, if that was interrupted for a moment.
    fn resume_restore(&mut self, id: usize, millis: u64) {
        let reading = self.processes[id].reading.take();
        self.processes[id].restorer.doing = reading.map_or(Doing::Deciding, Doing::Reading);
        self.wake_in(id, Actor::Restore, millis);
    }

    /// Reads on, and lets the machine look around first.
    fn read_changelog(&mut self, id: usize, mut read: BTreeMap<usize, usize>) -> Result<(), Failure> {
        let monotonic = self.monotonic();
        match self.processes[id].restore.next(monotonic)? {
            RestoreEffect::ReadOn => {}
            RestoreEffect::StopReading => {
                self.processes[id].restorer.doing = Doing::Deciding;
                self.wake_in(id, Actor::Restore, 1);
                return Ok(());
            }
            effect => return self.execute_restore(id, effect, Some(read)),
        }
        let reads_uncommitted = is_mutant("restore-to-high-watermark");
        let Self { processes, broker, .. } = self;
        let restore = &mut processes[id].restore;
        let mut left = READ_AT_ONCE;
        while let Some((task, next)) = read.first_key_value().map(|(task, next)| (*task, *next)) {
            let log = broker.log(Topic::Changelog, task);
            let found =
                if reads_uncommitted { (next..log.end()).find(|at| !log.entries[*at].key.is_empty()) } else { log.next_committed(next) };
            let Some(offset) = found else {
                restore.end(task as i32);
                read.remove(&task);
                continue;
            };
            if left == 0 {
                break;
            }
            left -= 1;
            let entry = &log.entries[offset];
            restore.record(task as i32, &entry.key, entry.value.as_deref())?;
            read.insert(task, offset + 1);
        }
        if read.keys().any(|task| restore.awaits(*task as i32)) {
            self.processes[id].restorer.doing = Doing::Reading(read);
        } else {
            restore.handle(RestoreEvent::Read, monotonic)?;
            self.processes[id].restorer.doing = Doing::Deciding;
        }
        self.wake_in(id, Actor::Restore, 2);
        Ok(())
    }

    fn restore_answered(&mut self, id: usize, call: &Call, answer: Answer) -> Result<(), Failure> {
        let unanswered = |error: &str| Unanswered { error: error.to_owned(), patience: Some(Duration::from_mins(1)) };
        let topic = |input: usize| self.setting.inputs.topics[input].name.clone();
        let event = match (&call.request, answer) {
            (Request::FindOffsets(_), Answer::Offsets(found)) => {
                RestoreEvent::Offsets(Ok(found.into_iter().map(|((input, task), next)| ((topic(input), task as i32), next)).collect()))
            }
            (Request::FindOffsets(_), _) => RestoreEvent::Offsets(Err(unanswered("unstable"))),
            (Request::FindEnd(_), Answer::End(end)) => RestoreEvent::End(end as i64),
            (Request::FindStableEnd(_), Answer::End(end)) => RestoreEvent::StableEnd(Ok(end as i64)),
            (Request::FindStableEnd(_), _) => RestoreEvent::StableEnd(Err(unanswered("no answer"))),
            (Request::FindLimits(_), Answer::Limits { inputs, changelog_start }) => RestoreEvent::Limits { inputs, changelog_start },
            _ => return Err(Failure::NoProgress { what: "no broker answers".to_owned() }),
        };
        // librdkafka asks again for a while before it says that offsets are not stable.
        let wait = if matches!(event, RestoreEvent::Offsets(Err(_))) { 200 } else { 1 };
        let monotonic = self.monotonic();
        self.processes[id].restore.handle(event, monotonic)?;
        self.resume_restore(id, wait);
        Ok(())
    }
}

impl Write {
    fn advance(&mut self, answer: &Answer, now: u64) {
        match self.step {
            Step::AddPartitions => self.step = Step::Produce,
            Step::Produce => {
                if let (((Topic::Changelog, task), _), Answer::Produced(offset)) = (&self.batches[self.sent], answer) {
                    self.last.push((*task as i32, *offset as i64));
                }
                self.sent += 1;
                if self.sent == self.batches.len() {
                    self.deciding_since = now;
                    // librdkafka sends nothing for an empty list.
                    self.step = if self.offsets.is_empty() { Step::End } else { Step::Offsets };
                }
            }
            Step::Offsets => self.step = Step::End,
            Step::End | Step::Abort => {}
        }
    }
}

/// What an answer means for the transaction, if it cannot go on: `TransactionError::of` in `producer.rs`.
fn failure_of(step: Step, answer: &Answer) -> Option<TransactionError> {
    match answer {
        // Not answered until the deadline.
        Answer::Retry if step == Step::End => Some(TransactionError::Unclear("commit: no answer".to_owned())),
        Answer::Retry => Some(TransactionError::Aborted("no answer in time".to_owned())),
        Answer::Refused(cause) => Some(TransactionError::Aborted(cause.clone())),
        Answer::Fenced(cause) => Some(TransactionError::Fenced(cause.clone())),
        Answer::Fatal(cause) => Some(TransactionError::Fatal(cause.clone())),
        _ => None,
    }
}

fn fenced() -> Failure {
    Failure::Fenced { cause: "another member has the name".to_owned() }
}
