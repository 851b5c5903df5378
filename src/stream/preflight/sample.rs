//! The check that all input topics put an account into the same partition number: keys of each are compared with what the known
//! partitioners make of them.

use std::time::Duration;

use rdkafka::Offset;

use super::inputs::Inputs;
use crate::clock::Deadline;
use crate::config::section::Partitioning;
use crate::kafka::{Consumer, Event, Inspector, What, log};
use crate::partitioner::{Candidates, Partitioner, Sample};
use crate::stream::failure::Failure;
use crate::stream::options::{InputTopic, Options};

/// Distinct keys of a topic that are enough.
const KEYS_MAX: usize = 300;
/// Partitions of a topic that are looked into.
const PARTITIONS_MAX: i32 = 32;
/// How far before a partition's end the sample begins.
const TAIL: i64 = 500;
/// The time limit for all topics.
const LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for an event before looking at the time.
const STEP: Duration = Duration::from_millis(100);

/// Finds out which partitioners the input topics may have been written with; `None`: the user vouches for one that is not known.
///
/// # Errors
/// When the keys of a topic fit none, or another than those of its siblings.
pub(in crate::stream) fn partitioners(options: &Options, inputs: &Inputs, inspector: &Inspector) -> Result<Option<Candidates>, Failure> {
    if inputs.partitions == 1 || inputs.topics.iter().any(|topic| topic.partitioning == Partitioning::Custom) {
        return Ok(None);
    }
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let samples = samples(&reader, inspector, inputs)?;
    let samples: Vec<_> = inputs.topics.iter().zip(samples).collect();
    judge(&samples, inputs.partitions).map(Some)
}

/// The sample of one topic while it is read.
struct Reading {
    sample: Sample,
    /// Partitions whose end is not reached.
    open: usize,
    /// Keys taken of each partition.
    taken: Vec<usize>,
}

impl Reading {
    fn new(partitions: i32) -> Self {
        let open = usize::try_from(partitions).unwrap_or_default();
        Self { sample: Sample::default(), open, taken: vec![0; open] }
    }

    fn is_done(&self) -> bool {
        self.open == 0 || self.sample.len() >= KEYS_MAX
    }

    fn take(&mut self, partition: i32, key: &[u8]) {
        let per_partition = KEYS_MAX / self.taken.len().max(1) + 1;
        let taken = usize::try_from(partition).ok().and_then(|partition| self.taken.get_mut(partition));
        if let Some(taken) = taken.filter(|taken| **taken < per_partition) {
            *taken += usize::from(self.sample.add(partition, key));
        }
    }
}

/// Reads the tails of all topics at once, each until it has shown enough.
fn samples(reader: &Consumer, inspector: &Inspector, inputs: &Inputs) -> Result<Vec<Sample>, Failure> {
    let partitions = inputs.partitions.min(PARTITIONS_MAX);
    let tail = |topic: &str, partition| -> Result<Offset, Failure> {
        let (log_start, log_end) = inspector.watermarks(topic, partition)?;
        Ok(Offset::Offset(log_start.max(log_end - TAIL)))
    };
    let places = inputs.topics.iter().flat_map(|topic| (0..partitions).map(move |partition| (topic.name.as_str(), partition)));
    let places = places.map(|(topic, partition)| Ok((topic, partition, tail(topic, partition)?)));
    reader.assign(places.collect::<Result<Vec<_>, Failure>>()?)?;

    let mut readings: Vec<Reading> = inputs.topics.iter().map(|_| Reading::new(partitions)).collect();
    let deadline = Deadline::after(LIMIT);
    while !readings.iter().all(Reading::is_done) && !deadline.passed() {
        match reader.poll(STEP).as_ref().map(Event::what) {
            Some(What::Record(record)) => {
                let reading = inputs.index(record.topic()).and_then(|index| readings.get_mut(index));
                if let (Some(key), Some(reading)) = (record.key(), reading) {
                    reading.take(record.partition(), key);
                }
            }
            Some(What::End(topic, _)) => {
                if let Some(reading) = inputs.index(&topic).and_then(|index| readings.get_mut(index)) {
                    reading.open = reading.open.saturating_sub(1);
                }
            }
            Some(What::Log(level, facility, text)) => log::librdkafka(level, &facility, &text),
            _ => {}
        }
    }
    reader.assign([])?;
    Ok(readings.into_iter().map(|reading| reading.sample).collect())
}

/// Compares what was found.
fn judge(samples: &[(&InputTopic, Sample)], partitions: i32) -> Result<Candidates, Failure> {
    let mut common = Candidates::ANY;
    let mut found = Vec::new();
    for (topic, sample) in samples {
        let declared = match topic.partitioning {
            Partitioning::By(partitioner) => Candidates::only(partitioner),
            Partitioning::Auto | Partitioning::Custom => Candidates::ANY,
        };
        let candidates = sample.candidates(partitions).and(declared);
        if candidates.is_empty() {
            let fits = |partitioner: Partitioner| format!("{} {}", sample.fitting(partitioner, partitions), partitioner.name());
            let fits = Partitioner::ALL.map(fits).join(", ");
            return Err(Failure::PartitionerUnknown { topic: topic.name.clone(), keys: sample.len(), fits });
        }
        found.push(format!("{}: {} by {} keys", topic.name, candidates.names(), sample.len()));
        common = common.and(candidates);
    }
    if common.is_empty() { Err(Failure::PartitionersDiffer { found: found.join("; ") }) } else { Ok(common) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn topic(name: &str, partitioning: Partitioning) -> InputTopic {
        InputTopic { name: name.to_owned(), stream: Stream::Usage, partitioning }
    }

    fn sample(partition: impl Fn(&[u8]) -> i32) -> Sample {
        let mut sample = Sample::default();
        for key in 0..100 {
            let key = format!("account-{key}");
            sample.add(partition(key.as_bytes()), key.as_bytes());
        }
        sample
    }

    fn by(partitioner: Partitioner) -> Sample {
        sample(move |key| partitioner.partition(key, 4))
    }

    fn judged(topics: &[(Partitioning, Sample)]) -> Result<String, Failure> {
        let topics: Vec<_> = topics.iter().enumerate().map(|(i, (p, s))| (topic(&format!("t{i}"), *p), s.clone())).collect();
        let topics: Vec<_> = topics.iter().map(|(topic, sample)| (topic, sample.clone())).collect();
        judge(&topics, 4).map(Candidates::names)
    }

    #[test]
    fn siblings_that_agree_are_accepted_and_an_empty_one_goes_along() {
        let topics = [(Partitioning::Auto, by(Partitioner::Crc32)), (Partitioning::Auto, Sample::default())];
        assert_eq!(judged(&topics).unwrap(), "crc32");
        assert_eq!(judged(&[(Partitioning::Auto, Sample::default())]).unwrap(), "murmur2 or crc32 or fnv1a");
    }

    #[test]
    fn siblings_that_differ_are_refused_by_name() {
        let topics = [(Partitioning::Auto, by(Partitioner::Crc32)), (Partitioning::Auto, by(Partitioner::Murmur2))];
        let failure = judged(&topics).unwrap_err();
        assert_eq!(failure.code(), "partitioners_differ");
        assert!(failure.to_string().contains("t0: crc32 by 100 keys; t1: murmur2 by 100 keys"), "{failure}");
    }

    #[test]
    fn keys_that_lie_anywhere_are_refused_with_counts() {
        let failure = judged(&[(Partitioning::Auto, sample(|key| i32::from(key[key.len() - 1] % 4)))]).unwrap_err();
        assert_eq!(failure.code(), "partitioner_unknown");
        assert!(failure.to_string().starts_with("t0: of 100 keys, "), "{failure}");
    }

    #[test]
    fn a_declared_partitioner_must_fit() {
        assert_eq!(judged(&[(Partitioning::By(Partitioner::Crc32), by(Partitioner::Crc32))]).unwrap(), "crc32");
        assert_eq!(judged(&[(Partitioning::By(Partitioner::Fnv1a), by(Partitioner::Crc32))]).unwrap_err().code(), "partitioner_unknown");
    }
}
