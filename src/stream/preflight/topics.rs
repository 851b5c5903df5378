//! The topics that the service writes: what they must look like, what there is, and making them.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::types::RDKafkaErrorCode;

use crate::kafka::{Inspector, Quiet};
use crate::stream::failure::Failure;
use crate::stream::options::Options;

/// The time limit of a creation.
const LIMIT: Duration = Duration::from_secs(30);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// One topic of our own, as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTopic {
    /// The name.
    pub name: String,
    /// What it is for, in words.
    pub purpose: &'static str,
    /// Its partitions: those of the input topics.
    pub partitions: i32,
    /// Topic configuration.
    pub settings: Vec<(&'static str, String)>,
    /// Whether its partition count must be that of the inputs.
    pub counted: bool,
}

/// The topics that the service writes, for inputs of this many partitions.
#[must_use]
pub fn own_topics(options: &Options, partitions: i32) -> Vec<OwnTopic> {
    let days = |days: u64| (days * DAY_MS).to_string();
    let in_sync = (options.replication_factor >= 3).then(|| ("min.insync.replicas", "2".to_owned()));
    let topic = |name: &str, purpose, counted, settings: Vec<(&'static str, String)>| OwnTopic {
        name: name.to_owned(),
        purpose,
        partitions,
        settings: settings.into_iter().chain(in_sync.clone()).collect(),
        counted,
    };
    vec![
        topic(
            &options.changelog_topic(),
            "state",
            true,
            vec![
                ("cleanup.policy", "compact".to_owned()),
                ("segment.bytes", (64 * 1024 * 1024).to_string()),
                ("segment.ms", (60 * 60 * 1000).to_string()),
                ("min.cleanable.dirty.ratio", "0.2".to_owned()),
                ("delete.retention.ms", days(7)),
            ],
        ),
        topic(
            &options.changes_topic,
            "changes",
            false,
            vec![("cleanup.policy", "compact,delete".to_owned()), ("retention.ms", days(90)), ("min.compaction.lag.ms", days(7))],
        ),
        topic(
            &options.dead_letters_topic,
            "dead letters",
            false,
            vec![("cleanup.policy", "delete".to_owned()), ("retention.ms", days(14))],
        ),
    ]
}

/// What `run` would say to a topic of our own with this many partitions (`None`: there is none); nothing when it can work with it.
pub(in crate::stream) fn problem(options: &Options, topic: &OwnTopic, found: Option<i32>) -> Option<Failure> {
    match found {
        None if !options.create_topics => Some(Failure::TopicMissing {
            topic: topic.name.clone(),
            hint: ", and kafka.create_topics is false; `churnwatch topics create` makes it",
        }),
        Some(found) if topic.counted && found != topic.partitions => {
            Some(Failure::PartitionCountChanged { topic: topic.name.clone(), expected: topic.partitions, found })
        }
        _ => None,
    }
}

/// The own topics that are not there.
///
/// # Errors
/// When the cluster does not answer.
pub(in crate::stream) fn missing(own: &[OwnTopic], inspector: &Inspector) -> Result<Vec<OwnTopic>, Failure> {
    let mut missing = Vec::new();
    for topic in own {
        if inspector.partitions(&topic.name)?.is_none() {
            missing.push(topic.clone());
        }
    }
    Ok(missing)
}

/// Makes topics. One that another instance has made meanwhile is as good.
///
/// # Errors
/// When the cluster refuses.
pub(in crate::stream) fn create(options: &Options, topics: &[OwnTopic]) -> Result<(), Failure> {
    match request(options, topics, false)?.into_iter().next() {
        Some((topic, code)) => Err(Failure::kafka(format!("creating topic {topic}"), &code)),
        None => Ok(()),
    }
}

/// Asks whether topics could be made, and makes none. What is refused, with why.
///
/// # Errors
/// When the cluster does not answer.
pub(in crate::stream) fn try_create(options: &Options, topics: &[OwnTopic]) -> Result<Vec<(String, RDKafkaErrorCode)>, Failure> {
    request(options, topics, true)
}

fn request(options: &Options, topics: &[OwnTopic], only_try: bool) -> Result<Vec<(String, RDKafkaErrorCode)>, Failure> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: &dyn std::fmt::Display| Failure::kafka("creating topics", &error.to_string());
    let client = AdminClient::from_config_and_context(&options.properties.admin(), Quiet::default()).map_err(|error| failed(&error))?;
    let wanted = topics.iter().map(|topic| {
        let new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(options.replication_factor));
        topic.settings.iter().fold(new, |new, (name, value)| new.set(name, value))
    });
    let wanted: Vec<_> = wanted.collect();
    let limits = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT)).validate_only(only_try);
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| failed(&error))?;
    let results = runtime.block_on(client.create_topics(&wanted, &limits)).map_err(|error| failed(&error))?;
    let mut refused = Vec::new();
    for result in results {
        match result {
            Ok(topic) if !only_try => tracing::info!(topic, "created"),
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err(refusal) => refused.push(refusal),
        }
    }
    Ok(refused)
}

/// Makes what is missing, as far as that is allowed.
///
/// # Errors
/// When something is missing and may not be made, or cannot, or has the wrong partition count.
pub(in crate::stream) fn ensure(options: &Options, partitions: i32, inspector: &Inspector) -> Result<(), Failure> {
    let own = own_topics(options, partitions);
    for topic in &own {
        if let Some(problem) = problem(options, topic, inspector.partitions(&topic.name)?) {
            return Err(problem);
        }
    }
    let missing = missing(&own, inspector)?;
    create(options, &missing)?;
    for topic in &missing {
        if inspector.partitions_in_time(&topic.name, LIMIT)?.is_none() {
            return Err(Failure::TopicMissing { topic: topic.name.clone(), hint: ", though it has just been created" });
        }
    }
    Ok(())
}
