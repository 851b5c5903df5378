//! Deletes records of the internal topic that the tasks have committed long ago: it is kept without a time limit, because the timestamps of
//! its records are those of the originals, by which Kafka would delete a history before it is read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::positions::Place;
use crate::clock::{Deadline, monotonic};
use crate::kafka::{Consumer, delete_records, wait};
use crate::stop::Stop;
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::preflight::Inputs;

/// How often the tasks' offsets are looked up.
const PERIOD: Duration = Duration::from_mins(1);
/// How long records are kept after they were committed, for whoever looks for the cause of a surprise.
const KEPT: Duration = Duration::from_hours(1);

/// Starts the thread, which ends with the service. A purge that fails is tried again: it delays nothing but the deletion.
///
/// # Errors
/// If the client or the thread cannot be created.
pub(in crate::stream) fn start(options: &Options, inputs: &Inputs, stop: &Stop) -> Result<(), Failure> {
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let (properties, topic, stop) = (options.properties.clone(), options.repartition_topic(), stop.clone());
    let places: Vec<Place> = (0..inputs.partitions).map(|partition| (topic.clone(), partition)).collect();
    let work = move || {
        let (mut seen, mut next) = (Seen::default(), Deadline::after(PERIOD));
        while !stop.is_requested() {
            // Polling an idle client doubles as the wait.
            drop(reader.poll(wait::STEP));
            if !next.passed() {
                continue;
            }
            next = Deadline::after(PERIOD);
            let partitions = places.iter().map(|(topic, partition)| (topic.as_str(), *partition));
            match reader.committed(partitions, wait::REQUEST) {
                Ok(offsets) => {
                    seen.add(monotonic(), offsets.into_iter().filter_map(|(topic, at, next)| Some(((topic, at), next?))).collect());
                }
                Err(error) => tracing::debug!(%error, "cannot look up what the tasks have committed"),
            }
            if let Some(offsets) = seen.due(monotonic())
                && let Err(error) = delete_records(&properties, &offsets)
            {
                tracing::warn!(topic, %error, "records of the internal topic that were read are not deleted; this is tried again");
            }
        }
    };
    let spawned = std::thread::Builder::new().name("repartition-purge".to_owned()).spawn(work);
    spawned.map(drop).map_err(|error| Failure::kafka("starting the purge of the internal topic", &error))
}

/// What was committed, and when that was seen.
#[derive(Default)]
struct Seen(VecDeque<(Instant, Vec<(Place, i64)>)>);

impl Seen {
    fn add(&mut self, now: Instant, offsets: Vec<(Place, i64)>) {
        self.0.push_back((now, offsets));
    }

    /// The newest offsets that are old enough; each is returned once.
    fn due(&mut self, now: Instant) -> Option<Vec<(Place, i64)>> {
        let mut due = None;
        while self.0.front().is_some_and(|(seen, _)| now.duration_since(*seen) >= KEPT) {
            due = self.0.pop_front().map(|(_, offsets)| offsets);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_deleted_an_hour_later_and_once() {
        let (began, minute) = (monotonic(), Duration::from_mins(1));
        let mut seen = Seen::default();
        for (minutes, next) in [(0, 5), (1, 7), (30, 9)] {
            seen.add(began + minute * minutes, vec![(("t".to_owned(), 0), next)]);
        }
        assert_eq!(seen.due(began + minute * 59), None);
        assert_eq!(seen.due(began + minute * 61), Some(vec![(("t".to_owned(), 0), 7)]));
        assert_eq!(seen.due(began + minute * 62), None);
    }
}
