//! What `stream/restoring.rs` and `stream/committed.rs` do with real clients.

use std::collections::BTreeMap;
use std::time::Duration;

use churnwatch::fault::is_mutant;
use churnwatch::stream::Failure;
use churnwatch::stream::machine::{Event, RestoreEffect, RestoreEvent, Unanswered};

use super::INIT_LIMIT;
use crate::broker::{Answer, Request, Topic};
use crate::process::{Actor, Call, Doing};
use crate::world::World;

/// How long one question waits for its answer.
const TURN: u64 = 2_000;
/// Changelog records that are handed over between two ticks.
const READ_AT_ONCE: usize = 40;

impl World<'_> {
    pub(super) fn step_restore(&mut self, id: usize) -> Result<(), Failure> {
        if let Doing::Reading(read) = &mut self.processes[id].restorer.doing {
            let read = std::mem::take(read);
            return self.read_changelog(id, read);
        }
        let monotonic = self.monotonic();
        let effect = self.processes[id].restore.next(monotonic)?;
        self.execute_restore(id, effect, None)
    }

    pub(super) fn execute_restore(
        &mut self,
        id: usize,
        effect: RestoreEffect,
        reading: Option<BTreeMap<usize, usize>>,
    ) -> Result<(), Failure> {
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
    pub(super) fn resume_restore(&mut self, id: usize, millis: u64) {
        let reading = self.processes[id].reading.take();
        self.processes[id].restorer.doing = reading.map_or(Doing::Deciding, Doing::Reading);
        self.wake_in(id, Actor::Restore, millis);
    }

    /// Reads on, and lets the machine look around first.
    pub(super) fn read_changelog(&mut self, id: usize, mut read: BTreeMap<usize, usize>) -> Result<(), Failure> {
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
        let Self { processes, broker, now, .. } = self;
        let restore = &mut processes[id].restore;
        let mut left = READ_AT_ONCE;
        let is_readable = |task: usize| !broker.is_leaderless((Topic::Changelog, task), *now);
        while let Some((task, next)) = read.iter().find(|(task, _)| is_readable(**task)).map(|(task, next)| (*task, *next)) {
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

    pub(super) fn restore_answered(&mut self, id: usize, call: &Call, answer: Answer) -> Result<(), Failure> {
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
