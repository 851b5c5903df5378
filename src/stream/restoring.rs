//! The restoring thread: carries out what a [`Restore`] decides, while the stream thread keeps polling its consumer and running its other
//! tasks.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};

use super::committed::Committed;
use super::failure::Failure;
use super::machine::{Answer, Request, Restore, RestoreEffect, RestoreEvent};
use crate::clock::monotonic;
use crate::fault;
use crate::kafka::{Offset, Record, Visitor, read_to_end};
use crate::threads::StepClock;

/// The stream thread's end.
pub(super) struct Restoring {
    requests: Sender<Request>,
    answers: Receiver<Result<Answer, Failure>>,
}

impl Restoring {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the thread cannot be created.
    pub(super) fn start(number: usize, machine: Restore, committed: Committed, clock: Arc<StepClock>) -> Result<Self, Failure> {
        let ((requests, asked), (answers, answered)) = (mpsc::channel(), mpsc::channel());
        let worker = Worker { machine, clock, requests: asked, answers };
        let spawned = std::thread::Builder::new().name(format!("restore-{number}")).spawn(move || worker.work(&committed));
        spawned.map_err(|error| Failure::kafka("starting a restoring thread", &error))?;
        Ok(Self { requests, answers: answered })
    }

    /// Asks for tasks. Earlier requests are obsolete.
    ///
    /// # Errors
    /// If the restoring thread has ended.
    pub(super) fn request(&self, request: Request) -> Result<(), Failure> {
        self.requests.send(request).map_err(|_| ended())
    }

    /// The next answer, if there is one.
    ///
    /// # Errors
    /// The failure that ended the restoring thread.
    pub(super) fn answer(&self) -> Result<Option<Answer>, Failure> {
        match self.answers.try_recv() {
            Ok(answer) => answer.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(ended()),
        }
    }
}

fn ended() -> Failure {
    Failure::NoProgress { what: "the restoring thread has ended unexpectedly".to_owned() }
}

struct Worker {
    machine: Restore,
    clock: Arc<StepClock>,
    requests: Receiver<Request>,
    answers: Sender<Result<Answer, Failure>>,
}

impl Worker {
    fn work(mut self, committed: &Committed) {
        self.clock.step();
        committed.connect();
        if let Err(failure) = self.serve(committed) {
            self.send(Err(failure));
        }
    }

    /// Serves requests until the stream thread ends or something fails.
    fn serve(&mut self, committed: &Committed) -> Result<(), Failure> {
        while self.receive() {
            match self.machine.next(monotonic())? {
                RestoreEffect::Wait => {
                    self.clock.idle();
                    let Ok(request) = self.requests.recv() else { return Ok(()) };
                    self.machine.requested(request);
                }
                RestoreEffect::Read(tasks) => self.read(&tasks, committed)?,
                effect => {
                    self.execute(effect, committed)?;
                    // Only here: while changelogs are being read, what arrives belongs to them.
                    committed.reader.pass_on_logs();
                }
            }
        }
        Ok(())
    }

    /// Takes the newest request; false if the stream thread has ended.
    fn receive(&mut self) -> bool {
        self.clock.step();
        loop {
            match self.requests.try_recv() {
                Ok(newer) => self.machine.requested(newer),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn execute(&mut self, effect: RestoreEffect, committed: &Committed) -> Result<(), Failure> {
        if let RestoreEffect::Answer(answer) = effect {
            self.send(Ok(answer));
        } else if let Some(event) = committed.answer(&effect)? {
            self.machine.handle(event, monotonic())?;
        }
        Ok(())
    }

    fn send(&self, answer: Result<Answer, Failure>) {
        // If the stream thread has ended, nobody needs the answer.
        drop(self.answers.send(answer));
    }

    /// Reads changelogs to their ends, as far as they are wanted.
    fn read(&mut self, tasks: &[i32], committed: &Committed) -> Result<(), Failure> {
        fault::point("before-restore");
        let partitions = tasks.iter().map(|task| (committed.changelog.as_str(), *task, Offset::Beginning));
        let mut reading = Reading { worker: self, committed, is_interrupted: false };
        read_to_end(&committed.reader, partitions, &mut reading)?;
        if reading.is_interrupted { Ok(()) } else { self.machine.handle(RestoreEvent::Read, monotonic()) }
    }
}

/// Changelog partitions while they are being read.
struct Reading<'a> {
    worker: &'a mut Worker,
    committed: &'a Committed,
    is_interrupted: bool,
}

impl Visitor for Reading<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        fault::point("in-restore");
        self.worker.machine.record(record.partition, record.key.unwrap_or_default(), record.value)?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _topic: &str, partition: i32) -> ControlFlow<()> {
        self.worker.machine.end(partition);
        ControlFlow::Continue(())
    }

    fn awaits(&self, _topic: &str, partition: i32) -> bool {
        self.worker.machine.awaits(partition)
    }

    fn tick(&mut self) -> Result<ControlFlow<()>, Failure> {
        self.committed.inspector.serve();
        while self.worker.receive() {
            match self.worker.machine.next(monotonic())? {
                RestoreEffect::ReadOn => return Ok(ControlFlow::Continue(())),
                RestoreEffect::StopReading => break,
                effect => self.worker.execute(effect, self.committed)?,
            }
        }
        self.is_interrupted = true;
        Ok(ControlFlow::Break(()))
    }
}
