//! Feeds simulated records to topics for a demo: the history as fast as it is read, then accelerated time.

use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use super::generator::Generator;
use super::options::Options;
use super::topics::{ProduceError, Topics};
use crate::clock::{SimulatedTime, monotonic};
use crate::directory::Directory;
use crate::event::Stream;
use crate::stop::Stop;
use crate::time::Timestamp;

/// History records per account written ahead of the reader's clock, about three days. The clock follows the records, so that the past is
/// scored as it would have been scored then.
const AHEAD_PER_ACCOUNT: u64 = 24;
/// The same for all accounts: records that are ahead wait in the tasks, and each task lets 10,000 wait.
const AHEAD_MAX: u64 = 8_000;
/// How often progress is checked and simulated time advances.
const STEP: Duration = Duration::from_millis(2);

/// A simulation that writes to topics.
pub struct Feed {
    /// The simulation.
    pub options: Options,
    /// The output topics.
    pub topics: Topics,
    /// Everything before this instant is history.
    pub live_from: Timestamp,
    /// Simulated milliseconds per millisecond.
    pub speed: u32,
    /// The reader's clock: follows the records of the history, then advances by itself.
    pub time: SimulatedTime,
    /// The reader, which reports its progress.
    pub readers: Arc<Directory>,
    /// Stops the feed.
    pub stop: Stop,
    /// Called when the history has been read.
    pub live_begins: Box<dyn FnOnce() + Send>,
}

impl Feed {
    /// Runs until the simulation ends or is stopped.
    ///
    /// # Errors
    /// If a record cannot be written.
    pub fn run(mut self) -> Result<(), ProduceError> {
        let mut records = Generator::new(&self.options).peekable();
        self.history(&mut records)?;
        std::mem::replace(&mut self.live_begins, Box::new(|| ()))();
        self.live(&mut records)?;
        self.topics.finish()
    }

    fn history(&self, records: &mut Peekable<Generator>) -> Result<(), ProduceError> {
        let ahead = (AHEAD_PER_ACCOUNT * u64::from(self.options.accounts)).clamp(1, AHEAD_MAX);
        let mut written = 0;
        while let Some(record) = records.next_if(|record| record.at < self.live_from) {
            if written % ahead == 0 {
                self.wait_for(written);
                self.time.advance_to(record.at);
            }
            self.topics.write(&record)?;
            written += 1;
            if self.stop.is_requested() {
                return Ok(());
            }
        }
        self.wait_for(written);
        self.time.advance_to(self.live_from);
        tracing::info!(records = written, "history has been read, time advances from here");
        Ok(())
    }

    /// Waits until this many records have been read.
    fn wait_for(&self, records: u64) {
        while self.read() < records && !self.stop.is_requested() {
            std::thread::sleep(STEP);
        }
    }

    fn read(&self) -> u64 {
        let of_task = |counts: &crate::engine::Counts| Stream::ALL.into_iter().map(|stream| counts.of(stream).read).sum::<u64>();
        self.readers.tasks().iter().map(|task| of_task(&task.summary().counts)).sum()
    }

    fn live(&self, records: &mut Peekable<Generator>) -> Result<(), ProduceError> {
        let begun = monotonic();
        while !self.stop.is_requested() && records.peek().is_some() {
            let passed = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
            let now = self.live_from.plus(passed.saturating_mul(i64::from(self.speed)));
            while let Some(record) = records.next_if(|record| record.at <= now) {
                self.topics.write(&record)?;
            }
            self.time.advance_to(now);
            std::thread::sleep(STEP);
        }
        Ok(())
    }
}
