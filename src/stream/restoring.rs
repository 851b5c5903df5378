//! The thread that restores tasks for a stream thread, which meanwhile keeps polling its consumer and running its other tasks.
//!
//! A restore outlasts a rebalance if one of its tasks is still wanted afterwards; otherwise frequent rebalances would keep it from ever
//! finishing. It does not wait for those that are not. What it has read is then compared with what is committed by that time, like the state
//! of any task that was held. One that is broken off again and again ends the process (`broken_off.rs`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::Duration;

use super::broken_off::BrokenOff;
use super::committed::{Alive, CommitPoint, Halt};
use super::failure::Failure;
use super::restore::{Restored, Restorer};
use super::tasks::Request;
use crate::clock::{Deadline, monotonic};
use crate::fault;
use crate::telemetry::Metrics;
use crate::threads::{StepClock, ThreadReport};

/// How often the log says how far a restore has come.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// What became of one task of a request.
pub(super) struct Answer {
    /// The number of the request.
    pub request: u64,
    /// The task.
    pub task: i32,
    /// Its state.
    pub state: Answered,
}

/// The state of a task, as the restoring thread found it.
pub(super) enum Answered {
    /// The held state equals what is committed.
    Kept,
    /// The held state does not equal what is committed; the task is restored next.
    Outdated,
    /// It has been read from the changelog.
    Restored(Box<Restored>),
}

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
    pub(super) fn start(
        number: usize,
        restorer: Restorer,
        clock: Arc<StepClock>,
        report: Arc<ThreadReport>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Failure> {
        let ((requests, asked), (sender, answered)) = (mpsc::channel(), mpsc::channel());
        let answers = Answers { sender, broken_off: BrokenOff::default() };
        let worker =
            Worker { number, restorer, clock, report, metrics, requests: asked, answers, pending: None, restored: BTreeMap::new() };
        let spawned = std::thread::Builder::new().name(format!("restore-{number}")).spawn(move || worker.work());
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
    number: usize,
    restorer: Restorer,
    clock: Arc<StepClock>,
    report: Arc<ThreadReport>,
    metrics: Arc<Metrics>,
    requests: Receiver<Request>,
    answers: Answers,
    /// The newest request that has not been served yet.
    pending: Option<Request>,
    /// The last request for which each task was restored.
    restored: BTreeMap<i32, u64>,
}

impl Worker {
    /// Serves requests until the stream thread ends or something fails.
    fn work(mut self) {
        self.clock.step();
        self.restorer.connect();
        loop {
            self.clock.idle();
            let Some(mut request) = self.pending.take().or_else(|| self.requests.recv().ok()) else { return };
            while let Ok(newer) = self.requests.try_recv() {
                request = newer;
            }
            let failure = match self.serve(&mut request) {
                Ok(()) => continue,
                Err(Halt::Interrupted) => self.answers.broken_off.broken_off(request.tasks.keys().copied(), monotonic()).err(),
                Err(Halt::Failed(failure)) => Some(failure),
            };
            if let Some(failure) = failure {
                return self.answers.failed(failure);
            }
        }
    }

    /// Answers for the tasks of a request. After an interruption, those that have no answer are left in it.
    fn serve(&mut self, request: &mut Request) -> Result<(), Halt> {
        self.clock.step();
        self.answers.broken_off.wanted(request.tasks.keys().copied(), monotonic());
        request.tasks.retain(|task, wanted| self.restored.get(task).is_none_or(|restored| *restored < wanted.asked));
        if !request.tasks.is_empty() {
            self.restorer.verify_topics()?;
        }
        self.compare(request)?;
        let missing: Vec<i32> = request.tasks.keys().copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let wanted = RefCell::new(missing.iter().copied().collect());
        let (began, mut next_log) = (monotonic(), Deadline::after(LOG_EVERY));
        let Self { number, restorer, clock, report, requests, answers, pending, .. } = self;
        let restored = restorer.restore(&wanted, &mut || {
            clock.step();
            report.restore_progress(restorer.records());
            if next_log.passed() {
                next_log = Deadline::after(LOG_EVERY);
                tracing::info!(thread = *number, tasks = ?wanted.borrow(), records = restorer.records(), "restoring");
            }
            if !receive(requests, pending) {
                return Ok(false);
            }
            let Some(newer) = pending else { return Ok(true) };
            answers.broken_off.wanted(newer.tasks.keys().copied(), monotonic());
            // The tasks that it holds are compared at once, so that they run while this restore goes on.
            match compare(newer, restorer, answers, &mut || {
                clock.step();
                Ok(true)
            }) {
                Ok(()) => {
                    let wanted_still =
                        missing.iter().copied().filter(|task| newer.tasks.contains_key(task) || fault::is_mutant("lost-tasks-awaited"));
                    *wanted.borrow_mut() = wanted_still.collect();
                    Ok(!wanted.borrow().is_empty())
                }
                Err(Halt::Failed(failure)) => Err(failure),
                Err(Halt::Interrupted) => Ok(false),
            }
        })?;
        let lasted = monotonic().duration_since(began);
        self.metrics.restored(lasted);
        let tasks: Vec<i32> = restored.keys().copied().collect();
        tracing::info!(thread = self.number, ?tasks, millis = lasted.as_millis(), "restored");
        let lost = missing.iter().copied().filter(|task| !restored.contains_key(task));
        self.answers.broken_off.broken_off(lost, monotonic())?;
        for (task, restored) in restored {
            self.restored.insert(task, request.number);
            self.answers.send(request.number, task, Answered::Restored(Box::new(restored)));
        }
        Ok(())
    }

    fn compare(&mut self, request: &mut Request) -> Result<(), Halt> {
        let Self { restorer, clock, requests, answers, pending, .. } = self;
        let mut alive = || {
            clock.step();
            Ok(receive(requests, pending) && pending.is_none())
        };
        compare(request, restorer, answers, &mut alive)
    }
}

/// Compares the held tasks of a request with what is committed, and answers for them. What is left in the request must be restored.
fn compare(request: &mut Request, restorer: &Restorer, answers: &mut Answers, alive: &mut Alive<'_>) -> Result<(), Halt> {
    let held: BTreeMap<i32, CommitPoint> = request.tasks.iter().filter_map(|(task, wanted)| Some((*task, wanted.held.clone()?))).collect();
    if held.is_empty() {
        return Ok(());
    }
    let current = restorer.current(&held, alive)?;
    for task in held.into_keys() {
        if current.contains(&task) {
            request.tasks.remove(&task);
            answers.send(request.number, task, Answered::Kept);
        } else {
            request.tasks.entry(task).and_modify(|wanted| wanted.held = None);
            answers.send(request.number, task, Answered::Outdated);
        }
    }
    Ok(())
}

/// Takes the newest request into `pending`; false if the stream thread has ended.
fn receive(requests: &Receiver<Request>, pending: &mut Option<Request>) -> bool {
    loop {
        match requests.try_recv() {
            Ok(newer) => *pending = Some(newer),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}

/// The way to the stream thread.
struct Answers {
    sender: Sender<Result<Answer, Failure>>,
    broken_off: BrokenOff,
}

impl Answers {
    fn send(&mut self, request: u64, task: i32, state: Answered) {
        if matches!(state, Answered::Kept | Answered::Restored(_)) {
            self.broken_off.ended(task);
        }
        // If the stream thread has ended, nobody needs the answer.
        drop(self.sender.send(Ok(Answer { request, task, state })));
    }

    fn failed(&self, failure: Failure) {
        drop(self.sender.send(Err(failure)));
    }
}
