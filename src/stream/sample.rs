//! The check that all input topics put an account into the same partition number: keys of each are compared with what the known
//! partitioners make of them.

use std::time::Duration;

use rdkafka::Offset;

use super::clock::Deadline;
use super::consumer::Consumer;
use super::failure::Failure;
use super::inputs::Inputs;
use super::inspector::Inspector;
use super::native::What;
use super::options::{InputTopic, Options};
use crate::config::section::Partitioning;
use crate::partitioner::{Candidates, Partitioner, Sample};

/// Distinct keys of a topic that are enough.
const KEYS_MAX: usize = 300;
/// Partitions of a topic that are looked into.
const PARTITIONS_MAX: i32 = 32;
/// How far before a partition's end the sample begins.
const TAIL: i64 = 500;
/// The time limit for one topic.
const LIMIT: Duration = Duration::from_secs(10);

/// Finds out which partitioners the input topics may have been written with; `None`: the user vouches for one that is not known.
///
/// # Errors
/// When the keys of a topic fit none, or another than those of its siblings.
pub(super) fn partitioners(options: &Options, inputs: &Inputs, inspector: &Inspector) -> Result<Option<Candidates>, Failure> {
    if inputs.partitions == 1 || inputs.topics.iter().any(|topic| topic.partitioning == Partitioning::Custom) {
        return Ok(None);
    }
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let samples = inputs.topics.iter().map(|topic| Ok((topic, sample(&reader, inspector, topic, inputs.partitions)?)));
    let samples = samples.collect::<Result<Vec<_>, Failure>>()?;
    judge(&samples, inputs.partitions).map(Some)
}

fn sample(reader: &Consumer, inspector: &Inspector, topic: &InputTopic, partitions: i32) -> Result<Sample, Failure> {
    let mut sample = Sample::default();
    let mut open = partitions.min(PARTITIONS_MAX);
    let per_partition = KEYS_MAX / usize::try_from(open).unwrap_or(1).max(1) + 1;
    let mut taken = vec![0; usize::try_from(open).unwrap_or(0)];
    let start = |partition| {
        let (log_start, log_end) = inspector.watermarks(&topic.name, partition)?;
        Ok((topic.name.as_str(), partition, Offset::Offset(log_start.max(log_end - TAIL))))
    };
    reader.assign((0..open).map(start).collect::<Result<Vec<_>, Failure>>()?)?;
    let deadline = Deadline::after(LIMIT);
    while open > 0 && sample.len() < KEYS_MAX && !deadline.passed() {
        match reader.poll(Duration::from_millis(100)).as_ref().map(super::native::Event::what) {
            Some(What::Record(record)) => {
                let taken = usize::try_from(record.partition()).ok().and_then(|partition| taken.get_mut(partition));
                if let (Some(key), Some(taken)) = (record.key(), taken)
                    && *taken < per_partition
                {
                    *taken += usize::from(sample.add(record.partition(), key));
                }
            }
            Some(What::End(..)) => open -= 1,
            Some(What::Log(level, facility, text)) => super::log::librdkafka(level, &facility, &text),
            _ => {}
        }
    }
    reader.assign([])?;
    Ok(sample)
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
