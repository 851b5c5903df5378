//! What would become of the records: decodes the newest ones of each input topic as `run` would, and compares each account with its
//! partition.
//!
//! A topic can be keyed consistently and still not by account. Only the records show that, and whose events they are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;

use super::expected::{Expected, Shortfall};
use crate::clock::Deadline;
use crate::config::section::Partitioning;
use crate::engine::{Counts, Outcome, StreamCounts};
use crate::event::{self, Code, DecodeContext, Headers, Raw, Rejection, Shape};
use crate::fault;
use crate::kafka::{Consumer, Found, Inspector, Record, Visitor, read_to_end, wait};
use crate::partitioner::{Candidates, Sample};
use crate::stream::failure::Failure;
use crate::stream::notices;
use crate::stream::options::{InputTopic, Options, Route};
use crate::stream::values::{ReadRecord, Values};
use crate::time::Timestamp;

/// Records per topic in a check of the configuration.
const RECORDS: i64 = 200;
/// Records per partition, at least.
const RECORDS_PER_PARTITION: i64 = 10;
/// Records that may arrive while a topic is read, and are tried as well.
const ARRIVALS: usize = 800;
/// Partitions per topic, at most.
const PARTITIONS_MAX: i32 = 32;
/// The newest records of one topic, and what would become of them.
#[derive(Debug)]
pub struct Trial {
    /// The topic.
    pub topic: InputTopic,
    /// The records, in no particular order.
    pub records: Vec<Tried>,
    /// What the sample lacks, if it lacks something.
    pub shortfall: Option<Shortfall>,
    partitions: i32,
    keys: Sample,
}

/// One record.
#[derive(Debug)]
pub struct Tried {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// What would become of it; duplicates and late records count as applied.
    pub outcome: Outcome,
    /// What it looks like, if it is not an event of its stream.
    pub shape: Option<Shape>,
    /// The event that was read.
    pub event: Option<TriedEvent>,
}

/// What was read of an event.
#[derive(Debug)]
pub struct TriedEvent {
    /// Its type.
    pub type_name: &'static str,
    /// Its time.
    pub occurred_at: Timestamp,
    /// Its account; costs have none.
    pub account: Option<String>,
    /// Whether the record's key is the account.
    pub is_keyed: bool,
}

/// Tries the newest records of every input topic that exists.
///
/// # Errors
/// If the cluster does not answer, or a topic may not be read.
pub fn trials(options: &Options) -> Result<Vec<Trial>, Failure> {
    trials_within(options, RECORDS, wait::SAMPLE)
}

/// Tries this many of the newest records of every input topic that exists.
///
/// # Errors
/// If the cluster does not answer, or a topic may not be read.
pub fn trials_of(options: &Options, records: i64) -> Result<Vec<Trial>, Failure> {
    trials_within(options, records, wait::SAMPLE)
}

fn trials_within(options: &Options, records: i64, limit: Duration) -> Result<Vec<Trial>, Failure> {
    // The survey before it has been in contact.
    let inspector = Inspector::patient(&options.properties)?;
    let (mut trials, mut expected) = (Vec::new(), Expected::default());
    for topic in &options.inputs {
        let Found::Partitions(partitions) = inspector.find(&topic.name)? else { continue };
        let sampled = partitions.min(PARTITIONS_MAX);
        let tail = (records / i64::from(sampled)).max(RECORDS_PER_PARTITION);
        for partition in 0..sampled {
            let (log_start, log_end) = inspector.watermarks(&topic.name, partition)?;
            expected.add(&topic.name, partition, log_start.max(log_end - tail), log_end);
        }
        trials.push(Trial { topic: topic.clone(), records: Vec::new(), shortfall: None, partitions, keys: Sample::default() });
    }
    let values = Values::new(&options.schema_registry, wait::FIRST_CONTACT)?;
    values.probe()?;
    let context = options.settings.decode_context();
    fault::point("before-trial");
    let places = expected.places();
    let most = usize::try_from(records).unwrap_or_default() + ARRIVALS;
    let mut reading = Reading { trials, most, expected, values, context, now: options.clock.now(), deadline: Deadline::after(limit) };
    if !places.is_empty() {
        let places = places.iter().map(|(topic, partition, begin)| (topic.as_str(), *partition, *begin));
        read_to_end(&Consumer::new(&options.properties.reader(&options.application))?, places, &mut reading)?;
    }
    let Reading { mut trials, expected, .. } = reading;
    for trial in &mut trials {
        trial.shortfall = expected.shortfall(&trial.topic.name);
    }
    // The repartition stage puts records where their accounts belong.
    let (direct, repartitioned): (Vec<Trial>, Vec<Trial>) = trials.into_iter().partition(|trial| trial.topic.route == Route::Direct);
    trials = direct;
    let placement = Placement::of(&trials);
    for trial in &mut trials {
        trial.reject_strays(&placement);
    }
    trials.extend(repartitioned);
    trials.sort_by(|a, b| a.topic.name.cmp(&b.topic.name));
    Ok(trials)
}

/// All topics while they are being read.
struct Reading {
    trials: Vec<Trial>,
    /// Records per topic, at most.
    most: usize,
    expected: Expected,
    values: Values,
    context: DecodeContext,
    now: Timestamp,
    deadline: Deadline,
}

impl Visitor for Reading {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        let of_record = |trial: &&mut Trial| trial.topic.name == record.topic;
        if let Some(trial) = self.trials.iter_mut().find(of_record).filter(|trial| trial.records.len() < self.most) {
            let deadline = self.deadline;
            let Some(read) = self.values.read(record, || !deadline.passed())? else { return Ok(ControlFlow::Break(())) };
            trial.add(&read, &self.context, self.now);
        }
        self.expected.record(record.topic, record.partition, record.offset);
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, topic: &str, partition: i32) -> ControlFlow<()> {
        self.expected.end(topic, partition);
        ControlFlow::Continue(())
    }

    fn stalled(&mut self, _topic: &str, _partition: i32) -> Result<ControlFlow<()>, Failure> {
        Ok(ControlFlow::Break(()))
    }

    /// A partition may be slow or without a leader.
    fn tick(&mut self) -> Result<ControlFlow<()>, Failure> {
        Ok(if self.deadline.passed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

impl Trial {
    /// A topic of one partition with these records.
    #[cfg(test)]
    pub(super) fn with(topic: InputTopic, records: Vec<Tried>) -> Self {
        Self { topic, records, shortfall: None, partitions: 1, keys: Sample::default() }
    }

    fn add(&mut self, read: &ReadRecord<'_>, context: &DecodeContext, now: Timestamp) {
        let record = read.record;
        let timestamp = record.timestamp;
        let raw = |value| Raw {
            stream: self.topic.stream,
            key: record.key,
            value,
            headers: Headers::of(&record),
            timestamp: timestamp.filter(|(_, by_producer)| *by_producer).map(|(timestamp, _)| timestamp),
            future_reference: Some(timestamp.map_or(now, |(timestamp, _)| timestamp)),
        };
        if let Some(key) = record.key {
            self.keys.add(record.partition, key);
        }
        let (outcome, event) = match read.value.clone().and_then(|value| self.topic.format.decode(&raw(value), context)) {
            Ok(decoded) => match decoded.records().first() {
                Some(event) => (Outcome::Applied, Some(TriedEvent::of(event, record.key))),
                None => (Outcome::Ignored, None),
            },
            Err(rejection) => (Outcome::DeadLetter(rejection), None),
        };
        let shape = if event.is_some() { None } else { notices::shape(read, &self.topic) };
        self.records.push(Tried { partition: record.partition, offset: record.offset, outcome, shape, event });
    }

    /// Records in another partition than their account's would be dead letters.
    fn reject_strays(&mut self, placement: &Placement) {
        for tried in &mut self.records {
            let account = tried.event.as_ref().and_then(|event| event.account.as_deref());
            if account.is_some_and(|account| !placement.holds(account, tried.partition, self.partitions)) {
                let reason = "the account belongs to another partition";
                tried.outcome = Outcome::DeadLetter(Rejection::new(Code::WrongPartition, reason));
            }
        }
    }

    /// How many records would have each outcome.
    #[must_use]
    pub fn counts(&self) -> StreamCounts {
        let mut counts = Counts::default();
        self.records.iter().for_each(|tried| counts.count(self.topic.stream, &tried.outcome));
        counts.of(self.topic.stream).clone()
    }
}

impl TriedEvent {
    fn of(record: &event::Record<'_>, key: Option<&[u8]>) -> Self {
        let account = record.account.as_deref();
        Self {
            type_name: record.type_name,
            occurred_at: record.occurred_at,
            account: account.map(str::to_owned),
            is_keyed: key.is_some() && key == account.map(str::as_bytes),
        }
    }
}

/// Where accounts belong.
enum Placement {
    /// By one of these partitioners.
    By(Candidates),
    /// The user vouches for the partitioner; these accounts are in more than one partition nevertheless.
    Custom(BTreeSet<String>),
}

impl Placement {
    fn of(trials: &[Trial]) -> Self {
        if trials.iter().any(|trial| trial.topic.partitioning == Partitioning::Custom) {
            return Self::Custom(spread(trials));
        }
        let candidates = trials.iter().map(|trial| match trial.topic.partitioning {
            Partitioning::By(partitioner) => Candidates::only(partitioner),
            Partitioning::Auto | Partitioning::Custom => trial.keys.candidates(trial.partitions),
        });
        Self::By(candidates.fold(Candidates::ANY, Candidates::and))
    }

    fn holds(&self, account: &str, partition: i32, partitions: i32) -> bool {
        match self {
            // Topics that fit no partitioner are a problem of their own.
            Self::By(candidates) => candidates.is_empty() || candidates.place(account.as_bytes(), partition, partitions),
            Self::Custom(spread) => !spread.contains(account),
        }
    }
}

/// The accounts that are in more than one partition, within a topic or over topics.
fn spread(trials: &[Trial]) -> BTreeSet<String> {
    let mut partitions: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for tried in trials.iter().flat_map(|trial| &trial.records) {
        if let Some(account) = tried.event.as_ref().and_then(|event| event.account.as_deref()) {
            partitions.entry(account).or_default().insert(tried.partition);
        }
    }
    let spread = partitions.into_iter().filter(|(_, partitions)| partitions.len() > 1);
    spread.map(|(account, _)| account.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::event::Stream;
    use crate::kafka::mock::EmbeddedBroker;
    use crate::partitioner::Partitioner;
    use crate::stream::Permits;

    const PARTITIONS: i32 = 4;

    /// A topic whose records are about account `a0`, `a1` ... under other keys, placed by those keys.
    fn keyed(partitioning: Partitioning, key: impl Fn(i32) -> String) -> Trial {
        let (format, route) = (Arc::default(), Route::Direct);
        let topic = InputTopic { name: "t".to_owned(), stream: Stream::Usage, partitioning, format, route };
        let mut trial = Trial { topic, records: Vec::new(), shortfall: None, partitions: PARTITIONS, keys: Sample::default() };
        for number in 0..100 {
            let (key, account) = (key(number), format!("a{}", number % 20));
            let partition = Partitioner::Murmur2.partition(key.as_bytes(), PARTITIONS);
            trial.keys.add(partition, key.as_bytes());
            let (type_name, occurred_at, is_keyed) = ("feature_used", Timestamp(0), key == account);
            let event = Some(TriedEvent { type_name, occurred_at, account: Some(account), is_keyed });
            trial.records.push(Tried { partition, offset: number.into(), outcome: Outcome::Applied, shape: None, event });
        }
        trial
    }

    fn applied(mut trials: Vec<Trial>) -> Vec<u64> {
        let placement = Placement::of(&trials);
        for trial in &mut trials {
            trial.reject_strays(&placement);
        }
        trials.iter().map(|trial| trial.counts().applied).collect()
    }

    #[test]
    fn a_sample_that_the_broker_did_not_deliver_in_time_is_not_called_whole() {
        let (broker, permits) = (EmbeddedBroker::start().unwrap(), Permits::none(Start::Earliest));
        let options = Options { properties: broker.properties(), ..Options::of(&Config::default(), permits) };
        for topic in &options.inputs {
            broker.create_topic(&topic.name, 1).unwrap();
            broker.write(&topic.name, 0, &[b"{}", b"{}", b"{}"]);
        }
        let sampled = |limit| -> Vec<_> { trials_within(&options, RECORDS, limit).unwrap().iter().map(|trial| trial.shortfall).collect() };
        assert_eq!(sampled(wait::SAMPLE), vec![None; options.inputs.len()]);
        broker.refuse_fetches(10_000);
        let short = sampled(Duration::from_secs(1));
        assert_eq!(short, vec![Some(Shortfall { sampled: 0, of: 3 }); options.inputs.len()]);
    }

    #[test]
    fn records_keyed_by_their_account_would_be_applied() {
        assert_eq!(applied(vec![keyed(Partitioning::Auto, |number| format!("a{}", number % 20))]), [100]);
    }

    #[test]
    fn a_topic_keyed_by_event_fits_a_partitioner_and_most_of_it_would_be_dead_letters() {
        let by_account = keyed(Partitioning::Auto, |number| format!("a{}", number % 20));
        let by_event = keyed(Partitioning::Auto, |number| format!("event-{number}"));
        let [of_account, of_event] = applied(vec![by_account, by_event])[..] else { panic!("two topics") };
        assert_eq!(of_account, 100);
        assert!((10..50).contains(&of_event), "{of_event}");
    }

    #[test]
    fn with_a_custom_partitioner_an_account_must_still_stay_in_one_partition() {
        assert_eq!(applied(vec![keyed(Partitioning::Custom, |number| format!("a{}", number % 20))]), [100]);
        let by_event = keyed(Partitioning::Custom, |number| format!("event-{number}"));
        assert!(applied(vec![by_event])[0] < 50);
    }
}
