//! Creates topics, and deletes records that are no longer needed.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::consumer::LoggingContext;
use super::error::Error;
use super::properties::Properties;
use super::wait;

/// A topic to create.
#[derive(Clone, Debug)]
pub(crate) struct TopicSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its partitions.
    pub partitions: i32,
    /// Replication factor; -1 means the broker's default.
    pub replication_factor: i32,
    /// Topic configuration.
    pub settings: &'a [(&'static str, String)],
}

/// Whether topics are really created, or the broker only checks whether it would create them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// Create them.
    Real,
    /// Validate the request.
    DryRun,
}

/// Creates topics. Returns the ones that the broker refused, with its error code. An existing topic does not count as refused, because
/// another instance may be creating it at the same time.
///
/// # Errors
/// If the cluster does not answer. `contact`: how long no broker at all may.
pub(crate) fn create_topics(
    properties: &Properties,
    topics: &[TopicSpec<'_>],
    creation: Creation,
    contact: Duration,
) -> Result<Vec<(String, RDKafkaErrorCode)>, Error> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: &dyn std::fmt::Display| Error::call("creating topics", &error.to_string());
    let client = AdminClient::from_config_and_context(&properties.admin(), LoggingContext::default()).map_err(|error| failed(&error))?;
    let wanted = topics.iter().map(|topic| {
        let new = NewTopic::new(topic.name, topic.partitions, TopicReplication::Fixed(topic.replication_factor));
        topic.settings.iter().fold(new, |new, (name, value)| new.set(name, value))
    });
    let wanted: Vec<_> = wanted.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| failed(&error))?;
    let create = |limit| {
        let options = AdminOptions::new().operation_timeout(Some(limit)).request_timeout(Some(limit));
        let results = runtime.block_on(client.create_topics(&wanted, &options.validate_only(creation == Creation::DryRun)))?;
        // One that was created all the same exists next time.
        let refusals = results.iter().filter_map(|result| result.as_ref().err().map(|(_, code)| KafkaError::AdminOp(*code)));
        match refusals.into_iter().find(|error| wait::limit(error, contact).is_some()) {
            Some(passing) => Err(passing),
            None => Ok(results),
        }
    };
    let results = wait::patiently(contact, || std::thread::sleep(wait::STEP), create).map_err(|error| failed(&error))?;
    let mut refused = Vec::new();
    for result in results {
        match result {
            Ok(topic) if creation == Creation::Real => tracing::info!(topic, "topic created"),
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err(refusal) => refused.push(refusal),
        }
    }
    Ok(refused)
}

/// Deletes the records of each partition before an offset.
///
/// # Errors
/// If the cluster does not answer, or refuses for a partition.
pub(crate) fn delete_records(properties: &Properties, offsets: &[((String, i32), i64)]) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::call("deleting records", &error.to_string());
    let client = AdminClient::from_config_and_context(&properties.admin(), LoggingContext::default()).map_err(|error| failed(&error))?;
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for ((topic, partition), before) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*before)).map_err(|error| failed(&error))?;
    }
    let options = AdminOptions::new().operation_timeout(Some(wait::KNOWN_TOPIC)).request_timeout(Some(wait::KNOWN_TOPIC));
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| failed(&error))?;
    let deleted = runtime.block_on(client.delete_records(&list, &options)).map_err(|error| failed(&error))?;
    deleted.elements().iter().try_for_each(|element| element.error().map_err(|error| failed(&error)))
}
