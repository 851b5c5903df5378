//! The least rights that the service needs, and which of them are missing.
//!
//! Read and Write include Describe. A transactional producer needs no right on the cluster.

use std::time::Duration;

use super::topics::{self, OwnTopic};
use crate::kafka::{self, Allowed, ErrorCode, Inspector, Operation, TransactionalProducer, is_forbidden};
use crate::stream::failure::Failure;
use crate::stream::options::Options;

/// The time limit of one question.
const LIMIT: Duration = Duration::from_secs(10);

/// What is to be done with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// `topic`, `group` or `transactional id`.
    pub resource: &'static str,
    /// Its name; a prefix where it ends in `*`.
    pub name: String,
    /// The operations that must be allowed.
    pub operations: Vec<Operation>,
}

/// Everything that the service does. Topics are made only with `kafka.create_topics`.
#[must_use]
pub fn rights(options: &Options) -> Vec<Right> {
    use Operation::{Create, Read, Write};
    let topic = |name: &str, operations: &[Operation]| {
        let operations = operations.iter().filter(|operation| options.create_topics || **operation != Create);
        Right { resource: "topic", name: name.to_owned(), operations: operations.copied().collect() }
    };
    let mut rights: Vec<Right> = options.input_names().into_iter().map(|name| topic(name, &[Read])).collect();
    rights.push(topic(&options.changes_topic, &[Write, Create]));
    rights.push(topic(&options.dead_letters_topic, &[Write, Create]));
    rights.push(topic(&options.changelog_topic(), &[Read, Write, Create]));
    rights.push(Right { resource: "group", name: options.application.clone(), operations: vec![Read] });
    rights.push(Right { resource: "transactional id", name: format!("{}-*", options.application), operations: vec![Write] });
    rights
}

/// The rights that are missing, as far as brokers tell: those on topics that are not there yet can only be told once they are.
/// `to_make` are the topics that have to be made.
pub(super) fn missing(options: &Options, inspector: &Inspector, to_make: &[OwnTopic]) -> Result<Vec<Failure>, Failure> {
    let rights = rights(options);
    let names: Vec<&str> = rights.iter().filter(|right| right.resource == "topic").map(|right| right.name.as_str()).collect();
    let topics = inspector.allowed_on_topics(&names, LIMIT);
    let mut missing = Vec::new();
    for right in &rights {
        let allowed = match right.resource {
            "topic" => topics.get(&right.name).cloned(),
            "group" => inspector.allowed_on_group(&right.name, LIMIT),
            _ => None,
        };
        missing.extend(denied(right, allowed));
    }
    missing.extend(transactions(options)?);
    missing.extend(creation(options, to_make)?);
    Ok(missing)
}

/// What of a right is not given. Nobody has to be told of `Create` where the topic is there already.
fn denied(right: &Right, allowed: Option<Allowed>) -> Vec<Failure> {
    let not_allowed = |operation: Operation| not_allowed(right.resource, &right.name, operation);
    let needed = right.operations.iter().copied().filter(|operation| *operation != Operation::Create);
    match allowed {
        Some(Ok(Some(given))) => needed.filter(|operation| !given.contains(operation)).map(not_allowed).collect(),
        Some(Err(code)) if is_forbidden(code) => needed.map(not_allowed).collect(),
        _ => Vec::new(),
    }
}

/// Tries a transactional id of our own that no instance uses.
fn transactions(options: &Options) -> Result<Option<Failure>, Failure> {
    match TransactionalProducer::new(&options.properties, &format!("{}-check", options.application)) {
        Err(kafka::Error::NotAllowed { resource, .. }) => {
            Ok(Some(not_allowed(resource, &format!("{}-*", options.application), Operation::Write)))
        }
        tried => Ok(tried.map(|_| None)?),
    }
}

/// Has the topics made that have to be, but for doing it.
fn creation(options: &Options, to_make: &[OwnTopic]) -> Result<Vec<Failure>, Failure> {
    let refused = if options.create_topics { topics::try_create(options, to_make)? } else { Vec::new() };
    let failure = |(topic, code): (String, ErrorCode)| match code {
        ErrorCode::TopicAuthorizationFailed | ErrorCode::ClusterAuthorizationFailed => not_allowed("topic", &topic, Operation::Create),
        code => Failure::kafka(format!("creating topic {topic}"), &code),
    };
    Ok(refused.into_iter().map(failure).collect())
}

fn not_allowed(resource: &'static str, name: &str, operation: Operation) -> Failure {
    Failure::NotAllowed { resource, name: name.to_owned(), operation: operation.name() }
}
