//! Checks that an account has the same partition number in every input topic: samples keys of each topic and compares their partitions
//! with those that the known partitioners would choose.

use std::ops::ControlFlow;

use super::expected::{Expected, Shortfall};
use super::inputs::{Inputs, SampledPartitioning};
use crate::clock::Deadline;
use crate::config::section::Partitioning;
use crate::kafka::{Consumer, Inspector, Record, Visitor, read_to_end, wait};
use crate::partitioner::{Candidates, Partitioner, Sample};
use crate::stream::failure::Failure;
use crate::stream::options::{InputTopic, Options};

/// Distinct keys per topic; more would not make the result more certain.
const KEYS_MAX: usize = 300;
/// Most partitions per topic that are sampled.
const PARTITIONS_MAX: i32 = 32;
/// How many offsets before a partition's end the sample begins.
const TAIL: i64 = 500;

/// How the input topics seem to be partitioned; `None` if there is nothing to compare: there is only one partition, or the user vouches for
/// a custom partitioner.
///
/// # Errors
/// If the keys of a topic fit no known partitioner, or two topics fit different ones; if too few records came to tell.
pub(in crate::stream) fn partitioning(
    options: &Options,
    inputs: &Inputs,
    inspector: &Inspector,
) -> Result<Option<SampledPartitioning>, Failure> {
    let sampled = sampled(options, inputs, inspector)?;
    for short in &sampled.short {
        if !short.is_certain {
            return Err(short.shortfall.failure(&short.topic));
        }
        tracing::warn!(topic = short.topic, shortfall = %short.shortfall, "the partitioner was determined from a part of the records");
    }
    Ok(sampled.partitioning)
}

/// What the sample says, and of which topics it lacks records.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    pub partitioning: Option<SampledPartitioning>,
    pub short: Vec<Short>,
}

/// A topic of which records did not come.
#[derive(Debug)]
pub(super) struct Short {
    pub topic: String,
    pub shortfall: Shortfall,
    /// Whether those that came suffice to tell its partitioner.
    is_certain: bool,
}

/// The same as [`partitioning`], for whoever reports what the sample lacks.
///
/// # Errors
/// If the keys of a topic fit no known partitioner, or two topics fit different ones.
pub(super) fn sampled(options: &Options, inputs: &Inputs, inspector: &Inspector) -> Result<Sampled, Failure> {
    if inputs.partitions == 1 || inputs.topics.iter().any(|topic| topic.partitioning == Partitioning::Custom) {
        return Ok(Sampled::default());
    }
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let reading = read(&reader, inspector, inputs, Deadline::after(wait::SAMPLE))?;
    let short = reading.short();
    let samples: Vec<_> = inputs.topics.iter().zip(reading.topics.into_iter().map(|topic| topic.sample)).collect();
    Ok(Sampled { partitioning: Some(compare(&samples, inputs.partitions)?), short })
}

/// Reads the tails of all topics at once, until each has shown enough keys.
fn read<'a>(reader: &Consumer, inspector: &Inspector, inputs: &'a Inputs, deadline: Deadline) -> Result<Reading<'a>, Failure> {
    let (partitions, mut expected) = (inputs.partitions.min(PARTITIONS_MAX), Expected::default());
    for topic in &inputs.topics {
        for partition in 0..partitions {
            let (log_start, log_end) = inspector.watermarks(&topic.name, partition)?;
            expected.add(&topic.name, partition, log_start.max(log_end - TAIL), log_end);
        }
    }
    let topics = inputs.topics.iter().map(|_| TopicSample::new(partitions)).collect();
    let places = expected.places();
    let mut reading = Reading { inputs, topics, expected, deadline };
    read_to_end(reader, places.iter().map(|(topic, partition, begin)| (topic.as_str(), *partition, *begin)), &mut reading)?;
    Ok(reading)
}

/// The sample of one topic while it is being read.
struct TopicSample {
    sample: Sample,
    /// Partitions that have not been read to their ends.
    open: usize,
    /// Keys taken from each partition.
    taken: Vec<usize>,
}

impl TopicSample {
    fn new(partitions: i32) -> Self {
        let open = usize::try_from(partitions).unwrap_or_default();
        Self { sample: Sample::default(), open, taken: vec![0; open] }
    }

    fn is_done(&self) -> bool {
        self.open == 0 || self.sample.len() >= KEYS_MAX
    }

    fn add(&mut self, partition: i32, key: &[u8]) {
        let per_partition = KEYS_MAX / self.taken.len().max(1) + 1;
        let taken = usize::try_from(partition).ok().and_then(|partition| self.taken.get_mut(partition));
        if let Some(taken) = taken.filter(|taken| **taken < per_partition) {
            *taken += usize::from(self.sample.add(partition, key));
        }
    }
}

/// All topics while they are being read.
struct Reading<'a> {
    inputs: &'a Inputs,
    /// In the order of [`Inputs::topics`].
    topics: Vec<TopicSample>,
    expected: Expected,
    deadline: Deadline,
}

impl Reading<'_> {
    fn topic(&mut self, name: &str) -> Option<&mut TopicSample> {
        self.topics.get_mut(self.inputs.index(name)?)
    }

    /// The topics of which records did not come that are needed.
    fn short(&self) -> Vec<Short> {
        let short = |(input, topic): (&InputTopic, &TopicSample)| {
            let shortfall = self.expected.shortfall(&input.name).filter(|_| !topic.is_done())?;
            Some(Short { topic: input.name.clone(), shortfall, is_certain: topic.sample.is_certain() })
        };
        self.inputs.topics.iter().zip(&self.topics).filter_map(short).collect()
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.topics.iter().all(TopicSample::is_done) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Reading<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        self.expected.record(record.topic, record.partition, record.offset);
        if let (Some(key), Some(topic)) = (record.key, self.topic(record.topic)) {
            topic.add(record.partition, key);
        }
        Ok(self.flow())
    }

    fn end(&mut self, topic: &str, partition: i32) -> ControlFlow<()> {
        self.expected.end(topic, partition);
        if let Some(topic) = self.topic(topic) {
            topic.open = topic.open.saturating_sub(1);
        }
        self.flow()
    }

    fn stalled(&mut self, _topic: &str, _partition: i32) -> Result<ControlFlow<()>, Failure> {
        Ok(ControlFlow::Break(()))
    }

    /// A partition may be slow or without a leader, and a start must not wait for minutes.
    fn tick(&mut self) -> Result<ControlFlow<()>, Failure> {
        Ok(if self.deadline.passed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

/// The partitioners that fit every topic.
fn compare(samples: &[(&InputTopic, Sample)], partitions: i32) -> Result<SampledPartitioning, Failure> {
    let (mut common, mut certain) = (Candidates::ANY, false);
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
        certain |= sample.is_certain() || matches!(topic.partitioning, Partitioning::By(_));
    }
    if common.is_empty() {
        return Err(Failure::PartitionersDiffer { found: found.join("; ") });
    }
    Ok(SampledPartitioning { candidates: common, certain })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn topic(name: &str, partitioning: Partitioning) -> InputTopic {
        let (format, route) = (std::sync::Arc::default(), crate::stream::Route::Direct);
        InputTopic { name: name.to_owned(), stream: Stream::Usage, partitioning, format, route }
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

    fn compared(topics: &[(Partitioning, Sample)]) -> Result<String, Failure> {
        let topics: Vec<_> = topics.iter().enumerate().map(|(i, (p, s))| (topic(&format!("t{i}"), *p), s.clone())).collect();
        let topics: Vec<_> = topics.iter().map(|(topic, sample)| (topic, sample.clone())).collect();
        compare(&topics, 4).map(|found| found.candidates.names())
    }

    #[test]
    fn topics_that_agree_are_accepted_and_an_empty_one_fits_any() {
        let topics = [(Partitioning::Auto, by(Partitioner::Crc32)), (Partitioning::Auto, Sample::default())];
        assert_eq!(compared(&topics).unwrap(), "crc32");
        assert_eq!(compared(&[(Partitioning::Auto, Sample::default())]).unwrap(), "murmur2 or crc32 or fnv1a");
    }

    #[test]
    fn topics_that_differ_are_refused_by_name() {
        let topics = [(Partitioning::Auto, by(Partitioner::Crc32)), (Partitioning::Auto, by(Partitioner::Murmur2))];
        let failure = compared(&topics).unwrap_err();
        assert_eq!(failure.code(), "partitioners_differ");
        assert!(failure.to_string().contains("t0: crc32 by 100 keys; t1: murmur2 by 100 keys"), "{failure}");
    }

    #[test]
    fn keys_in_arbitrary_partitions_are_refused_with_counts() {
        let failure = compared(&[(Partitioning::Auto, sample(|key| i32::from(key[key.len() - 1] % 4)))]).unwrap_err();
        assert_eq!(failure.code(), "partitioner_unknown");
        assert!(failure.to_string().starts_with("t0: of 100 sampled keys, "), "{failure}");
    }

    #[test]
    fn a_declared_partitioner_must_fit() {
        assert_eq!(compared(&[(Partitioning::By(Partitioner::Crc32), by(Partitioner::Crc32))]).unwrap(), "crc32");
        assert_eq!(compared(&[(Partitioning::By(Partitioner::Fnv1a), by(Partitioner::Crc32))]).unwrap_err().code(), "partitioner_unknown");
    }
}
