//! The service: looks at the cluster once, then runs the stream threads until one fails or all are told to stop.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::failure::Failure;
use super::options::Options;
use super::preflight::{Inputs, group, sample, topics};
use super::thread::StreamThread;
use crate::clock::Deadline;
use crate::directory::Directory;
use crate::kafka::Inspector;
use crate::partitioner::Candidates;
use crate::status::Status;
use crate::stop::Stop;
use crate::telemetry::Metrics;

/// How long the threads may take to finish their cycles and leave the group.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);
/// How often a wish to stop is looked for.
const STEP: Duration = Duration::from_millis(50);

/// A service whose threads are ready to be started.
pub struct Service {
    options: Arc<Options>,
    inputs: Arc<Inputs>,
    directory: Arc<Directory>,
    metrics: Arc<Metrics>,
    status: Status,
    stop: Stop,
}

impl Service {
    /// Looks at the topics, makes those of our own, and compares keys with partitions.
    ///
    /// # Errors
    /// When the topics are not what the service can work on.
    pub fn prepare(options: Options, directory: Arc<Directory>, metrics: Arc<Metrics>, stop: Stop) -> Result<Self, Failure> {
        let inspector = Inspector::new(&options.properties)?;
        let mut inputs = Inputs::describe(&options, &inspector)?;
        topics::ensure(&options, inputs.partitions, &inspector)?;
        group::check_topics(&options, &inspector)?;
        inputs.partitioners = sample::partitioners(&options, &inputs, &inspector)?;
        let partitioners = inputs.partitioners.map_or_else(|| "not compared".to_owned(), Candidates::names);
        tracing::info!(topics = ?options.input_names(), partitions = inputs.partitions, partitioners, "input topics");
        let status = Status::new(options.threads, usize::try_from(inputs.partitions).unwrap_or(0));
        Ok(Self { options: Arc::new(options), inputs: Arc::new(inputs), directory, metrics, status, stop })
    }

    /// What the threads will tell about themselves.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Runs until told to stop, or until a thread fails; then the others finish their cycles and leave, within ten seconds.
    ///
    /// # Errors
    /// What the first thread failed with, or that one did not come to its end in time.
    pub fn run(self) -> Result<(), Failure> {
        let (ended, ends) = mpsc::channel();
        let threads = (0..self.options.threads).map(|number| self.start(number, ended.clone())).collect::<Result<Vec<_>, _>>();
        drop(ended);
        let mut outcome = match threads {
            Ok(_) => self.wait(&ends),
            Err(failure) => Err(failure),
        };
        self.stop.request();
        let deadline = Deadline::after(LEAVE_LIMIT);
        loop {
            match ends.recv_timeout(deadline.remaining()) {
                Ok(last) => outcome = outcome.and(last),
                Err(mpsc::RecvTimeoutError::Disconnected) => return outcome,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    return outcome.and(Err(Failure::StoppedUncommitted { seconds: LEAVE_LIMIT.as_secs() }));
                }
            }
        }
    }

    /// Waits for a wish to stop, or the first failure.
    fn wait(&self, ends: &mpsc::Receiver<Result<(), Failure>>) -> Result<(), Failure> {
        while !self.stop.is_requested() {
            match ends.recv_timeout(STEP) {
                Ok(Err(failure)) => return Err(failure),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Ok(Ok(())) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        Ok(())
    }

    fn start(&self, number: usize, ended: mpsc::Sender<Result<(), Failure>>) -> Result<JoinHandle<()>, Failure> {
        let (options, inputs, directory) = (Arc::clone(&self.options), Arc::clone(&self.inputs), Arc::clone(&self.directory));
        let (status, metrics, stop) =
            (self.status.threads().get(number).cloned().unwrap_or_default(), Arc::clone(&self.metrics), self.stop.clone());
        let work = move || {
            let work = || StreamThread::new(number, &options, &inputs, &directory, status, metrics, stop).and_then(StreamThread::run);
            // A panic ends the process like any failure; nothing of the thread is used afterwards.
            let result = std::panic::catch_unwind(AssertUnwindSafe(work));
            let result = result.unwrap_or_else(|_| Err(Failure::NoProgress { what: format!("stream thread {number} panicked") }));
            if let Err(failure) = &result {
                tracing::error!(thread = number, code = failure.code(), %failure, "stream thread failed");
            }
            // The receiver is gone once the process is about to exit.
            let _ = ended.send(result);
        };
        std::thread::Builder::new()
            .name(format!("stream-{number}"))
            .spawn(work)
            .map_err(|error| Failure::kafka("starting a stream thread", &error))
    }
}
