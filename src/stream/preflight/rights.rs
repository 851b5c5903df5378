//! The minimal rights (ACLs) that the service needs, and which of them are missing.
//!
//! Read and Write include Describe. A transactional producer needs no right on the cluster.

use std::time::Duration;

use super::topics::{self, OwnTopic};
use crate::kafka::{self, Allowed, ErrorCode, Inspector, Operation, TransactionalProducer, is_forbidden};
use crate::stream::failure::Failure;
use crate::stream::options::Options;

/// Operations on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// `topic`, `group` or `transactional id`.
    pub resource: &'static str,
    /// Its name; a prefix if it ends in `*`.
    pub name: String,
    /// The operations that must be allowed.
    pub operations: Vec<Operation>,
}

/// Everything that the service needs. Create is needed only with `kafka.create_topics`.
#[must_use]
pub fn rights(options: &Options) -> Vec<Right> {
    use Operation::{Create, Delete, DescribeConfigs, Read, Write};
    let topic = |name: &str, operations: &[Operation]| {
        let operations = operations.iter().filter(|operation| options.create_topics || **operation != Create);
        Right { resource: "topic", name: name.to_owned(), operations: operations.copied().collect() }
    };
    let mut rights: Vec<Right> = options.input_names().into_iter().map(|name| topic(name, &[Read])).collect();
    rights.push(topic(&options.changes_topic, &[Write, Create]));
    let redrives = options.resolves_aliases();
    rights.push(topic(&options.dead_letters_topic, if redrives { &[Read, Write, Create] } else { &[Write, Create] }));
    rights.push(topic(&options.changelog_topic(), &[Read, Write, Create, DescribeConfigs]));
    let has_stage = options.repartitioned().next().is_some();
    if has_stage {
        rights.push(topic(&options.repartition_topic(), &[Read, Write, Create, Delete]));
        rights.push(Right { resource: "group", name: options.repartition_group(), operations: vec![Read] });
    }
    if redrives {
        rights.push(topic(&options.aliases_topic(), &[Read, Write, Create, DescribeConfigs]));
        rights.push(topic(&options.redriven_topic(), &[Read, Write, Create, DescribeConfigs]));
        rights.push(Right { resource: "group", name: options.redrive_group(), operations: vec![Read] });
    }
    rights.push(Right { resource: "group", name: options.application.clone(), operations: vec![Read] });
    rights.push(Right { resource: "transactional id", name: format!("{}-*", options.application), operations: vec![Write] });
    rights
}

/// The missing rights, as far as brokers report them; rights on a topic can only be checked once it exists. `to_create`: the topics that do
/// not exist yet.
pub(super) fn missing(options: &Options, inspector: &Inspector, to_create: &[OwnTopic]) -> Result<Vec<Failure>, Failure> {
    let rights = rights(options);
    let names: Vec<&str> = rights.iter().filter(|right| right.resource == "topic").map(|right| right.name.as_str()).collect();
    let topics = inspector.describe_within(&names, Duration::ZERO)?;
    let mut missing = Vec::new();
    for right in &rights {
        let allowed = match right.resource {
            "topic" => topics.get(&right.name).map(|described| described.clone().map(|topic| topic.operations)),
            "group" => Some(inspector.allowed_on_group(&right.name)?),
            _ => None,
        };
        missing.extend(denied(right, allowed));
    }
    missing.extend(transactions(options)?);
    missing.extend(creation(options, to_create)?);
    Ok(missing)
}

/// The operations of a right that are not allowed. Create does not matter for a topic that exists.
fn denied(right: &Right, allowed: Option<Allowed>) -> Vec<Failure> {
    let not_allowed = |operation: Operation| not_allowed(right.resource, &right.name, operation);
    let needed = right.operations.iter().copied().filter(|operation| *operation != Operation::Create);
    match allowed {
        Some(Ok(Some(given))) => needed.filter(|operation| !given.contains(operation)).map(not_allowed).collect(),
        Some(Err(code)) if is_forbidden(code) => needed.map(not_allowed).collect(),
        _ => Vec::new(),
    }
}

/// Initialises a transactional id that no instance uses, because Kafka has no request that merely checks this right.
fn transactions(options: &Options) -> Result<Option<Failure>, Failure> {
    match TransactionalProducer::new(&options.properties, &format!("{}-check", options.application), || ()) {
        Err(kafka::Error::NotAllowed { resource, .. }) => {
            Ok(Some(not_allowed(resource, &format!("{}-*", options.application), Operation::Write)))
        }
        tried => Ok(tried.map(|_| None)?),
    }
}

/// Validates the creation of missing topics without creating them.
fn creation(options: &Options, to_create: &[OwnTopic]) -> Result<Vec<Failure>, Failure> {
    let refused = if options.create_topics { topics::try_create(options, to_create)? } else { Vec::new() };
    let failure = |(topic, code): (String, ErrorCode)| match code {
        ErrorCode::TopicAuthorizationFailed | ErrorCode::ClusterAuthorizationFailed => not_allowed("topic", &topic, Operation::Create),
        code => Failure::kafka(format!("creating topic {topic}"), &code),
    };
    Ok(refused.into_iter().map(failure).collect())
}

fn not_allowed(resource: &'static str, name: &str, operation: Operation) -> Failure {
    Failure::NotAllowed { resource, name: name.to_owned(), operation: operation.name() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::stream::Permits;

    fn options(create_topics: bool) -> Options {
        Options { create_topics, ..Options::of(&Config::default(), Permits::none(Start::Earliest)) }
    }

    fn codes(right: &Right, allowed: Option<Allowed>) -> Vec<String> {
        denied(right, allowed).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn inputs_are_only_read_and_nothing_is_created_unless_the_configuration_allows_it() {
        let created = |options: &Options| rights(options).iter().filter(|right| right.operations.contains(&Operation::Create)).count();
        assert_eq!((created(&options(true)), created(&options(false))), (3, 0));
        let rights = rights(&options(true));
        let of = |name: &str| rights.iter().find(|right| right.name == name).unwrap().operations.clone();
        assert_eq!(of("billing"), [Operation::Read]);
        assert_eq!(of("churnwatch-*"), [Operation::Write]);
    }

    #[test]
    fn every_operation_that_the_broker_does_not_list_counts_as_missing() {
        let right = Right { resource: "topic", name: "t".to_owned(), operations: vec![Operation::Read, Operation::Write] };
        assert_eq!(codes(&right, Some(Ok(Some(vec![Operation::Read])))).len(), 1);
        assert_eq!(codes(&right, Some(Err(ErrorCode::TopicAuthorizationFailed))).len(), 2);
    }

    #[test]
    fn a_broker_that_does_not_report_rights_proves_nothing() {
        let right = Right { resource: "group", name: "g".to_owned(), operations: vec![Operation::Read] };
        for answer in [None, Some(Ok(None)), Some(Err(ErrorCode::UnknownTopicOrPartition))] {
            assert!(codes(&right, answer).is_empty());
        }
    }
}
