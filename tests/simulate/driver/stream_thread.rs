//! What `stream/thread.rs` does with real clients.

use std::time::Duration;

use churnwatch::fault::is_mutant;
use churnwatch::kafka::Record;
use churnwatch::stream::machine::{BATCH, Effect, Event};
use churnwatch::stream::{Failure, ReadRecord};
use churnwatch::time::Timestamp;

use super::{INIT_LIMIT, fenced};
use crate::broker::{Answer, Request, Topic};
use crate::consumer::{LOST, number_of};
use crate::load::EPOCH;
use crate::process::{Actor, Call, Doing};
use crate::world::{SESSION, World};

impl World<'_> {
    pub(super) fn step_stream(&mut self, id: usize) -> Result<(), Failure> {
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
                self.hear_again(id);
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
            Effect::CheckName(own) => {
                let name = self.processes[id].name.clone().unwrap_or_default();
                let expected = own.as_ref().map(number_of).or(self.processes[id].predecessor);
                self.call(id, Actor::Stream, Request::FindName(name, expected), self.now + INIT_LIMIT);
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

    /// Ends what an earlier run with the same name has left open, unless a later one has the name: `first_producer` of `stream/namesake.rs`.
    pub(super) fn begin(&mut self, id: usize) -> Result<(), Failure> {
        let process = &self.processes[id];
        let is_late = process.name.is_some() && self.now >= process.began + SESSION;
        if is_late && process.cut_until > self.now {
            // It cannot look the name up.
            let wait = process.cut_until - self.now + 1;
            self.wake_in(id, Actor::Stream, wait);
            return Ok(());
        }
        if self.is_name_taken(id) {
            return Err(fenced());
        }
        let left = (process.began + SESSION).saturating_sub(self.now);
        let next_look = if left == 0 { SESSION / 2 } else { left.min(SESSION / 2) };
        let attempt = if process.name.is_some() { next_look } else { INIT_LIMIT };
        let name = process.transactional_id.clone();
        self.call(id, Actor::Stream, Request::Init(name), self.now + attempt);
        Ok(())
    }

    /// Passes a request to the restoring thread.
    pub(super) fn request(&mut self, id: usize, request: churnwatch::stream::machine::Request) {
        self.processes[id].restore.requested(request);
        if matches!(self.processes[id].restorer.doing, Doing::Waiting) {
            self.processes[id].restorer.doing = Doing::Deciding;
            self.wake_in(id, Actor::Restore, 1);
        }
    }

    pub(super) fn stream_answered(&mut self, id: usize, call: &Call, answer: Answer) -> Result<(), Failure> {
        match (&call.request, answer) {
            (Request::Init(_), Answer::Producer(producer)) => {
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
            (Request::FindName(_, own), Answer::Member(found)) => {
                if found.is_some() && found != *own {
                    return Err(fenced());
                }
                self.handle(id, Event::NameIsOurs)?;
                self.wake_in(id, Actor::Stream, 1);
                Ok(())
            }
            (Request::Init(_), _) if !self.processes[id].is_started && self.now < self.processes[id].began + INIT_LIMIT => self.begin(id),
            (Request::Init(_) | Request::FindName(..), _) => Err(Failure::NoProgress { what: "the coordinator did not answer".to_owned() }),
            (_, answer) => self.write_answered(id, call, answer),
        }
    }

    /// Hands over up to one batch of what has arrived.
    pub(super) fn read(&mut self, id: usize, wait: Duration) -> Result<(), Failure> {
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

    pub(super) fn read_records(&mut self, id: usize, clocks: churnwatch::stream::machine::Now) -> Result<usize, Failure> {
        let Self { processes, broker, setting, now, .. } = self;
        let process = &mut processes[id];
        if process.consumer.ready_at > *now {
            return Ok(0);
        }
        let (mut polled, mut idle) = (0, 0);
        while polled < BATCH && (polled == 0 || process.member.takes_more()) && idle < process.consumer.positions.len() {
            let Some(place) = process.consumer.next_turn() else { break };
            let position = process.consumer.positions[place];
            let log = broker.log(Topic::Input(position.input), position.partition);
            let partition = position.partition as i32;
            if position.next == LOST || broker.is_leaderless((Topic::Input(position.input), position.partition), *now) {
                idle += 1;
                continue;
            }
            if position.next < log.start {
                process.consumer.lose(place);
                continue;
            }
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
                if process.member.runs(partition) {
                    process.member.record(position.input, &ReadRecord { record, value: Ok(record.value) }, clocks)?;
                }
            } else if position.ended_at == Some(log.stable_end()) {
                idle += 1;
            } else {
                (idle, polled) = (0, polled + 1);
                process.consumer.positions[place].ended_at = Some(log.stable_end());
                process.member.end(position.input, partition, log.stable_end() as i64, clocks);
            }
        }
        Ok(polled)
    }
}
