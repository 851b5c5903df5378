//! The service: checks the cluster once, then runs the stream threads until one fails or a shutdown is requested.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::failure::Failure;
use super::namesake::NamesAtStart;
use super::options::Options;
use super::preflight::{Inputs, group, sample, topics};
use super::repartition::{Follower, RepartitionThread, Stage, purge};
use super::shared::Shared;
use super::start_line::StartLine;
use super::thread::StreamThread;
use super::topic_guard::TopicGuard;
use super::watchdog;
use crate::clock::Deadline;
use crate::directory::Directory;
use crate::fault;
use crate::kafka::Inspector;
use crate::stop::Stop;
use crate::telemetry::Metrics;
use crate::threads::{STEP_LIMIT, Threads};

/// How long a shutdown waits for the threads to finish their cycles and leave the group. The process then has a second of the promised ten
/// left to exit.
const LEAVE_LIMIT: Duration = Duration::from_secs(9);
/// How often the shutdown request and the steps of the threads are checked.
const STEP: Duration = Duration::from_millis(50);
/// Checks in a row that must find a thread stuck: after the whole process was suspended, every thread looks stuck for a moment.
const STUCK_CHECKS: usize = 40;

/// A service that is ready to start its threads.
pub struct Service {
    shared: Arc<Shared>,
    stage: Option<Arc<Stage>>,
}

impl Service {
    /// Checks the topics, creates those that the service writes, and compares keys with partitions.
    ///
    /// # Errors
    /// If the service cannot work with the topics.
    pub fn prepare(options: Options, directory: Arc<Directory>, metrics: Arc<Metrics>, stop: Stop) -> Result<Self, Failure> {
        let inspector = Inspector::new(&options.properties)?;
        let mut inputs = Inputs::describe(&options, &inspector)?;
        let names = NamesAtStart::look(&options, &inspector);
        topics::ensure(&options, inputs.partitions, &inspector)?;
        fault::point("in-preflight");
        group::check_topics(&options, &inspector)?;
        inputs.identify(&options, &inspector)?;
        inputs.partitioning = sample::partitioning(&options, &inputs, &inspector)?;
        let partitioners = inputs.partitioning.map_or_else(|| "not compared".to_owned(), |found| found.candidates.names());
        tracing::info!(topics = ?options.input_names(), partitions = inputs.partitions, partitioners, "input topics");
        let stage = Stage::prepare(&options, &inputs, &inspector, &metrics)?;
        let threads = Threads::new(options.threads, usize::try_from(inputs.partitions).unwrap_or(0));
        let threads = if stage.is_some() { threads.with_repartition(options.threads) } else { threads };
        let start_line = StartLine::new(options.threads);
        let (options, inputs) = (Arc::new(options), Arc::new(inputs));
        let shared = Shared { options, inputs, directory, metrics, threads, stop, names, start_line };
        Ok(Self { shared: Arc::new(shared), stage })
    }

    /// What the threads report.
    #[must_use]
    pub fn threads(&self) -> &Threads {
        &self.shared.threads
    }

    /// Runs until a shutdown is requested, a thread fails, or a topic changes; the other threads then have nine seconds to finish their
    /// cycles and leave the group.
    ///
    /// # Errors
    /// A topic that has changed, the first failure of a thread, or a shutdown that timed out.
    pub fn run(self) -> Result<(), Failure> {
        let Shared { options, inputs, threads, stop, .. } = &*self.shared;
        let guard = TopicGuard::start(options, inputs, stop)?;
        let ((ended, ends), (closed, closings), (alarm, alarms)) = (mpsc::channel(), mpsc::channel(), mpsc::channel());
        watchdog::start(options, threads, stop, alarm)?;
        let started = self
            .start_stage(&ended, &closed)
            .and_then(|()| (0..options.threads).try_for_each(|number| self.start(number, ended.clone(), closed.clone())));
        drop((ended, closed));
        let result = started.and_then(|()| wait(stop, &ends, &alarms, || threads.stuck()));
        stop.request();
        let deadline = Deadline::after(LEAVE_LIMIT);
        let left = leave(&ends, deadline);
        if left.is_ok() {
            await_closings(&closings, deadline);
        }
        guard.failure().map_or(Ok(()), Err).and(result).and(left)
    }

    /// `ended` receives how the thread ended; `closed` is dropped once its clients are closed.
    fn start(&self, number: usize, ended: mpsc::Sender<Result<(), Failure>>, closed: mpsc::Sender<()>) -> Result<(), Failure> {
        let shared = Arc::clone(&self.shared);
        let new = move || StreamThread::new(number, &shared);
        spawn(format!("stream-{number}"), new, StreamThread::run, ended, closed)
    }

    /// Starts the repartition stage, if there is one: its threads, the follower of the accounts topics, and the purge.
    fn start_stage(&self, ended: &mpsc::Sender<Result<(), Failure>>, closed: &mpsc::Sender<()>) -> Result<(), Failure> {
        let Some(stage) = &self.stage else { return Ok(()) };
        let Shared { options, inputs, threads, stop, .. } = &*self.shared;
        purge::start(options, inputs, stop)?;
        if let Some(aliases) = stage.accounts() {
            let (options, stop) = (Arc::clone(options), stop.clone());
            let clock = threads.clock("the reader of the accounts topics".to_owned(), STEP_LIMIT);
            let new = move || Follower::new(&options, &aliases, clock, stop);
            spawn("accounts".to_owned(), new, Follower::run, ended.clone(), closed.clone())?;
        }
        (0..options.threads).try_for_each(|number| {
            let (shared, stage) = (Arc::clone(&self.shared), Arc::clone(stage));
            let new = move || RepartitionThread::new(number, &shared, &stage);
            spawn(format!("repartition-{number}"), new, RepartitionThread::run, ended.clone(), closed.clone())
        })
    }
}

/// Runs a worker on a thread of its own, which creates it. `ended` receives how it ended; `closed` is dropped once its clients are closed.
fn spawn<T: 'static>(
    name: String,
    new: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    run: impl FnOnce(&mut T) -> Result<(), Failure> + Send + 'static,
    ended: mpsc::Sender<Result<(), Failure>>,
    closed: mpsc::Sender<()>,
) -> Result<(), Failure> {
    let what = name.clone();
    let work = move || {
        let mut worker = None;
        let work = || run(worker.insert(new()?));
        // A panic ends the process like any other failure; the worker's state is not used afterwards.
        let result = std::panic::catch_unwind(AssertUnwindSafe(work));
        let result = result.unwrap_or_else(|_| Err(Failure::NoProgress { what: format!("thread {what} panicked") }));
        if let Err(failure) = &result {
            tracing::error!(thread = what, code = failure.code(), %failure, "thread failed");
        }
        // The receiver is dropped when the process exits after a timeout.
        let _ = ended.send(result);
        drop(ended);
        // A consumer waits for its coordinator when it closes. Whether that succeeds changes nothing about what was committed.
        fault::point("before-close");
        drop(worker);
        drop(closed);
    };
    let spawned = std::thread::Builder::new().name(name).spawn(work);
    spawned.map(drop).map_err(|error| Failure::kafka("starting a thread", &error))
}

/// How each thread ended, in the order in which they end; disconnected once all have.
type Ends = mpsc::Receiver<Result<(), Failure>>;

/// Waits for a shutdown request, the first failure, an alarm of the watchdog, a thread that is stuck, or the end of all threads. Makes no
/// call that could hang, so it sees a thread that hangs inside librdkafka.
fn wait(stop: &Stop, ends: &Ends, alarms: &mpsc::Receiver<Failure>, stuck: impl Fn() -> Option<(String, u64)>) -> Result<(), Failure> {
    let mut checks = 0;
    while !stop.is_requested() {
        if let Ok(failure) = alarms.try_recv() {
            return Err(failure);
        }
        match stuck() {
            Some((name, seconds)) if checks >= STUCK_CHECKS => {
                return Err(Failure::NoProgress {
                    what: format!("{name} has been in one step for {seconds} s: it hangs, or is starved of CPU"),
                });
            }
            Some(_) => checks += 1,
            None => checks = 0,
        }
        match ends.recv_timeout(STEP) {
            Ok(Err(failure)) => return Err(failure),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Ok(Ok(())) | Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    Ok(())
}

/// Waits until every thread has ended. Returns the first failure.
fn leave(ends: &Ends, deadline: Deadline) -> Result<(), Failure> {
    let mut result = Ok(());
    loop {
        match ends.recv_timeout(deadline.remaining()) {
            Ok(end) => result = result.and(end),
            Err(mpsc::RecvTimeoutError::Disconnected) => return result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let what = format!("shutdown timed out: the last commit did not finish within {} s", LEAVE_LIMIT.as_secs());
                return result.and(Err(Failure::StoppedUncommitted { what }));
            }
        }
    }
}

/// Waits until every thread has closed its clients, which drops its sender.
fn await_closings(closings: &mpsc::Receiver<()>, deadline: Deadline) {
    if closings.recv_timeout(deadline.remaining()) == Err(mpsc::RecvTimeoutError::Timeout) {
        tracing::warn!("the last commit is done, but the group did not confirm in time that this member has left");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(what: &str) -> Result<(), Failure> {
        Err(Failure::NoProgress { what: what.to_owned() })
    }

    fn message(result: Result<(), Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_failing_thread_ends_the_wait_without_a_shutdown_request() {
        let (ended, ends) = mpsc::channel();
        ended.send(Ok(())).unwrap();
        ended.send(failure("first")).unwrap();
        assert_eq!(message(wait(&Stop::default(), &ends, &mpsc::channel().1, || None)), "no progress: first");
    }

    #[test]
    fn a_thread_that_is_stuck_ends_the_wait_and_one_that_looks_so_for_a_moment_does_not() {
        let (_ended, ends) = mpsc::channel();
        let looks = std::cell::Cell::new(0);
        let stuck = |from: usize| {
            looks.set(looks.get() + 1);
            (looks.get() < 3 || looks.get() > from).then(|| ("stream thread 1".to_owned(), 61))
        };
        let message = message(wait(&Stop::default(), &ends, &mpsc::channel().1, || stuck(5)));
        assert_eq!((message.contains("stream thread 1"), looks.get()), (true, 5 + STUCK_CHECKS + 1), "{message}");
    }

    #[test]
    fn an_alarm_of_the_watchdog_ends_the_wait() {
        let ((_ended, ends), (alarm, alarms)) = (mpsc::channel(), mpsc::channel());
        alarm.send(Failure::NoProgress { what: "usage [3]".to_owned() }).unwrap();
        assert_eq!(message(wait(&Stop::default(), &ends, &alarms, || None)), "no progress: usage [3]");
    }

    #[test]
    fn a_shutdown_request_ends_the_wait_while_threads_still_run() {
        let (_ended, ends) = mpsc::channel();
        let stop = Stop::default();
        stop.request();
        assert!(wait(&stop, &ends, &mpsc::channel().1, || None).is_ok());
    }

    #[test]
    fn a_shutdown_reports_the_first_failure_of_all_threads() {
        let (ended, ends) = mpsc::channel();
        for end in [Ok(()), failure("first"), failure("second")] {
            ended.send(end).unwrap();
        }
        drop(ended);
        assert_eq!(message(leave(&ends, Deadline::after(LEAVE_LIMIT))), "no progress: first");
    }

    #[test]
    fn a_thread_that_does_not_end_in_time_leaves_its_input_uncommitted() {
        let (ended, ends) = mpsc::channel();
        assert_eq!(leave(&ends, Deadline::after(Duration::ZERO)).unwrap_err().code(), "stopped_uncommitted");
        ended.send(failure("first")).unwrap();
        assert_eq!(leave(&ends, Deadline::after(Duration::from_millis(1))).unwrap_err().code(), "no_progress");
    }
}
