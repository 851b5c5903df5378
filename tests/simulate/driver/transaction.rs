//! A transaction, request by request: what the client of `kafka/producer.rs` does.

use std::time::Duration;

use churnwatch::kafka::{Commit, TransactionError};
use churnwatch::stream::Failure;
use churnwatch::stream::machine::{Event, Membership};

use crate::broker::{Answer, Request, Topic};
use crate::process::{Actor, Call, Step, Write};
use crate::world::World;

/// How long an abort may take.
const ABORT_LIMIT: u64 = 5_000;
/// After how long a request may have been sent twice: `producer.rs`, `RETRY_BACKOFF_MIN`.
const REPEATED: u64 = 80;

impl World<'_> {
    pub(super) fn begin_write(&mut self, id: usize, membership: Option<&Membership>, limit: Duration) {
        let (now, setting) = (self.now, self.setting);
        self.processes[id].begin_write(setting, membership, now, limit);
        self.write_on(id);
    }

    /// Sends the next request of the transaction.
    pub(super) fn write_on(&mut self, id: usize) {
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

    pub(super) fn write_answered(&mut self, id: usize, call: &Call, answer: Answer) -> Result<(), Failure> {
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
    pub(super) fn written(&mut self, id: usize) -> Result<(), Failure> {
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
