//! Watches the stream threads from outside, with a client of its own, so that it also notices a partition that a consumer has silently
//! stopped reading.
//!
//! It asks the brokers for the end of every input partition of every running task, every few seconds. A partition that has unread records
//! and does not move, whatever its siblings do, ends the process. The answers also say whether there is contact with Kafka at all, and
//! correct the ends that a consumer knows only as of its last fetch. Threads that take no step at all are noticed by the thread that waits
//! for them (`service.rs`), which makes no call that could hang.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::failure::Failure;
use super::options::Options;
use crate::clock::{self, monotonic};
use crate::fault;
use crate::kafka::{Consumer, wait};
use crate::stop::Stop;
use crate::threads::{ThreadMetadata, Threads};
use crate::time::Timestamp;

/// Time between two checks.
const PERIOD: Duration = Duration::from_secs(5);
/// How long no broker may answer before that counts as a loss of contact.
const CONTACT_LIMIT: Duration = wait::REQUEST;
/// How long a partition with unread records, or a task that is being restored, may stall.
const STALL_LIMIT: Duration = Duration::from_mins(5);
/// After a gap this long between two looks, the process itself was suspended; after one this long, a task that comes back is a new one.
const GAP_LIMIT: Duration = Duration::from_mins(1);

/// Starts the watchdog. `alarms` receives a failure if there is one.
///
/// # Errors
/// If the client or the thread cannot be created.
pub(super) fn start(options: &Options, threads: &Threads, stop: &Stop, alarms: Sender<Failure>) -> Result<(), Failure> {
    let client = Consumer::new(&options.properties.reader(&options.application))?;
    let topic = options.input_names().first().copied().unwrap_or_default().to_owned();
    let (threads, stop) = (threads.clone(), stop.clone());
    let work = move || {
        let (mut stalls, mut contact) = (Stalls::begin(monotonic()), Contact::begin(clock::now()));
        while !stop.is_requested() {
            let result = check(&client, &topic, &threads, &mut stalls, &mut contact);
            if let Err(failure) = result {
                tracing::error!(code = failure.code(), %failure, "the watchdog ends the process");
                return drop(alarms.send(failure));
            }
            let next = monotonic() + PERIOD;
            while monotonic() < next && !stop.is_requested() {
                // Polling an idle client doubles as the wait.
                drop(client.poll(wait::STEP));
            }
        }
    };
    let spawned = std::thread::Builder::new().name("watchdog".to_owned()).spawn(work);
    spawned.map(drop).map_err(|error| Failure::kafka("starting the watchdog", &error))
}

fn check(client: &Consumer, topic: &str, threads: &Threads, stalls: &mut Stalls, contact: &mut Contact) -> Result<(), Failure> {
    let all = || threads.reports().iter().chain(threads.repartition());
    let reports: Vec<ThreadMetadata> = all().map(|report| report.read().clone()).collect();
    let partitions: Vec<(&str, i32)> = reports.iter().flat_map(partitions).collect();
    let answer = if partitions.is_empty() {
        client.ask_about(topic, wait::LOOK).map(|()| BTreeMap::new())
    } else {
        client.ends(partitions.iter().copied(), wait::LOOK)
    };
    let limit = if fault::is_mutant("partition-not-read") { 2 * PERIOD } else { STALL_LIMIT };
    match answer {
        Ok(ends) => {
            threads.contact().set_lost(contact.answered(clock::now()));
            all().for_each(|report| report.ends(ends.clone()));
            stalls.check(&reports, &ends, limit, monotonic())
        }
        Err(error) => {
            tracing::debug!(%error, "cannot ask for the ends of the inputs");
            threads.contact().set_lost(contact.missed(clock::now()));
            Ok(())
        }
    }
}

/// The input partitions of a thread's running tasks.
fn partitions(thread: &ThreadMetadata) -> impl Iterator<Item = (&str, i32)> {
    thread.tasks.iter().flat_map(|(number, task)| task.inputs.iter().map(|input| (input.topic.as_str(), *number)))
}

/// When Kafka last answered, and whether that is so long ago that contact counts as lost.
struct Contact {
    answered: Timestamp,
    is_lost: bool,
}

impl Contact {
    const fn begin(now: Timestamp) -> Self {
        Self { answered: now, is_lost: false }
    }

    fn answered(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.is_lost {
            tracing::info!(seconds = now.since(self.answered) / 1000, "contact with Kafka is back");
        }
        *self = Self::begin(now);
        None
    }

    fn missed(&mut self, now: Timestamp) -> Option<Timestamp> {
        if !self.is_lost && now.since(self.answered) > i64::try_from(CONTACT_LIMIT.as_millis()).unwrap_or(i64::MAX) {
            self.is_lost = true;
            tracing::warn!(since = %self.answered, "no contact with Kafka");
        }
        self.is_lost.then_some(self.answered)
    }
}

/// How far each partition was read, and since when it has been there.
struct Stalls {
    /// By topic and task; the topic of a task that is being restored is empty.
    places: BTreeMap<(String, i32), Place>,
    checked: Instant,
}

/// How far a partition was read, since when, and when the process last had it.
#[derive(Clone, Copy)]
struct Place {
    at: i64,
    since: Instant,
    seen: Instant,
}

impl Stalls {
    const fn begin(now: Instant) -> Self {
        Self { places: BTreeMap::new(), checked: now }
    }

    /// Fails if something has stalled for too long. A task keeps its clocks through rebalances and restores for as long as the process
    /// has it: otherwise frequent rebalances would hide that it makes no progress.
    fn check(
        &mut self,
        threads: &[ThreadMetadata],
        ends: &BTreeMap<(String, i32), i64>,
        limit: Duration,
        now: Instant,
    ) -> Result<(), Failure> {
        if now.duration_since(self.checked) > GAP_LIMIT {
            self.places.clear();
        }
        self.checked = now;
        self.places.retain(|_, place| now.duration_since(place.seen) <= GAP_LIMIT);
        let places = &mut self.places;
        let mut unmoved = |topic: &str, number: i32, at: i64| {
            let new = Place { at, since: now, seen: now };
            let place = places.entry((topic.to_owned(), number)).or_insert(new);
            *place = if place.at == at { Place { seen: now, ..*place } } else { new };
            now.duration_since(place.since)
        };
        let fails = |what: String| Err(Failure::NoProgress { what });
        for thread in threads {
            for (number, task) in &thread.tasks {
                let all: i64 = task.inputs.iter().map(|input| input.read_to).sum();
                for input in &task.inputs {
                    let Some(end) = ends.get(&(input.topic.clone(), *number)) else { continue };
                    // What has been read to its end, or is not read yet, cannot stall.
                    let is_behind = input.is_read && *end > input.read_to;
                    let at = if fault::is_mutant("partition-stall-not-watched") { all } else { input.read_to };
                    let stalled = unmoved(&input.topic, *number, if is_behind { at } else { -1 });
                    if is_behind && stalled > limit {
                        let (topic, next, seconds) = (&input.topic, input.next, stalled.as_secs());
                        return fails(format!("{topic} [{number}] has been stuck at offset {next} for {seconds} s, but it ends at {end}"));
                    }
                }
            }
            for number in &thread.restoring {
                let stalled = unmoved("", *number, i64::try_from(thread.restored_records).unwrap_or(i64::MAX));
                if stalled > limit {
                    return fails(format!("the restore of task {number} has been stuck for {} s", stalled.as_secs()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::{InputMetadata, TaskMetadata};

    const SECOND: Duration = Duration::from_secs(1);

    /// A thread whose task 3 has read its inputs up to these offsets.
    fn running(read_to: [i64; 2]) -> ThreadMetadata {
        let input =
            |(topic, read_to): (&str, i64)| InputMetadata { topic: topic.to_owned(), is_read: true, read_to, ..InputMetadata::default() };
        let inputs = ["billing", "usage"].into_iter().zip(read_to).map(input).collect();
        ThreadMetadata { tasks: BTreeMap::from([(3, TaskMetadata { inputs, ..TaskMetadata::default() })]), ..ThreadMetadata::default() }
    }

    fn restoring(restored_records: u64) -> ThreadMetadata {
        ThreadMetadata { restoring: vec![3], restored_records, ..ThreadMetadata::default() }
    }

    fn ends(ends: [i64; 2]) -> BTreeMap<(String, i32), i64> {
        ["billing", "usage"].into_iter().zip(ends).map(|(topic, end)| ((topic.to_owned(), 3), end)).collect()
    }

    /// Looks every ten seconds, at what `seen` says the threads and the ends are; returns the second and message of the failure.
    fn watched(seconds: u64, seen: impl Fn(i64) -> (ThreadMetadata, BTreeMap<(String, i32), i64>)) -> Option<(u64, String)> {
        let begun = monotonic();
        let mut stalls = Stalls::begin(begun);
        (0..=seconds).step_by(10).find_map(|second| {
            let (thread, ends) = seen(i64::try_from(second).unwrap());
            let result = stalls.check(&[thread], &ends, STALL_LIMIT, begun + SECOND * u32::try_from(second).unwrap());
            result.err().map(|failure| (second, failure.to_string()))
        })
    }

    #[test]
    fn a_partition_that_stands_while_its_siblings_move_is_found() {
        let (second, message) = watched(600, |second| (running([7, second]), ends([9, 10_000]))).unwrap();
        assert_eq!(second, 310);
        assert!(message.contains("billing [3]") && message.contains("ends at 9"), "{message}");
    }

    #[test]
    fn an_idle_partition_may_stand_for_ever_and_has_its_full_time_once_a_record_arrives() {
        assert_eq!(watched(3_600, |_| (running([9, 9]), ends([9, 9]))), None);
        let arrives = |second| (running([9, 9]), ends([9, if second < 3_000 { 9 } else { 10 }]));
        assert_eq!(watched(3_600, arrives).unwrap().0, 3_310);
    }

    #[test]
    fn rebalances_and_restores_do_not_hide_that_nothing_is_read() {
        let flips = |second| match second % 30 {
            0 => (running([7, 7]), ends([9, 7])),
            10 => (restoring(u64::try_from(second).unwrap()), ends([9, 7])),
            _ => (ThreadMetadata::default(), ends([9, 7])),
        };
        assert!(watched(600, flips).is_some());
    }

    #[test]
    fn a_restore_may_last_as_long_as_it_reads() {
        assert_eq!(watched(3_600, |second| (restoring(u64::try_from(second).unwrap()), BTreeMap::new())), None);
        assert!(watched(3_600, |_| (restoring(5), BTreeMap::new())).is_some());
    }

    #[test]
    fn a_process_that_was_suspended_starts_to_count_again() {
        let (begun, mut stalls) = (monotonic(), Stalls::begin(monotonic()));
        let mut check = |seconds| stalls.check(&[running([7, 7])], &ends([9, 9]), STALL_LIMIT, begun + SECOND * seconds);
        assert!(check(10).is_ok() && check(1_000).is_ok() && check(1_010).is_ok());
    }

    #[test]
    fn contact_is_lost_since_the_last_answer_and_returns_with_the_next() {
        let at = |seconds: i64| Timestamp(seconds * 1000);
        let mut contact = Contact::begin(at(100));
        assert_eq!(contact.missed(at(105)), None);
        assert_eq!(contact.missed(at(115)), Some(at(100)));
        assert_eq!(contact.answered(at(120)), None);
        assert_eq!(contact.missed(at(125)), None);
    }
}
