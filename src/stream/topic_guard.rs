//! Watches the topics while the service runs. librdkafka would read on from the middle of a topic that was deleted and re-created, and
//! notices added partitions only after minutes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::failure::Failure;
use super::options::Options;
use super::preflight::{Inputs, topics};
use crate::clock::Deadline;
use crate::kafka::{Description, ErrorCode, Inspector, wait};
use crate::stop::Stop;

/// Pause between two checks.
const PERIOD: Duration = Duration::from_secs(10);
/// How often the shutdown request is checked.
const STEP: Duration = Duration::from_millis(100);
/// How many checks in a row may miss a topic: a broker that has just started knows no topics for a moment.
const MISSING_MAX: usize = 6;

/// Topics as brokers describe them, by name.
pub(super) type Described = BTreeMap<String, Result<Description, ErrorCode>>;

/// A thread that stops the service when a topic is no longer the one that the state depends on.
pub(super) struct TopicGuard(Arc<Mutex<Option<Failure>>>);

impl TopicGuard {
    /// Starts the thread, which ends with the service.
    pub(super) fn start(options: &Arc<Options>, inputs: &Arc<Inputs>, stop: &Stop) -> Result<Self, Failure> {
        let inspector = Inspector::patient(&options.properties)?;
        let (options, inputs, stop) = (Arc::clone(options), Arc::clone(inputs), stop.clone());
        let failure = Arc::new(Mutex::new(None));
        let result = Arc::clone(&failure);
        let watch = move || {
            if let Err(failure) = watch(&options, &inputs, &inspector, &stop) {
                tracing::error!(code = failure.code(), %failure, "a topic has changed");
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                stop.request();
            }
        };
        let thread = std::thread::Builder::new().name("topic-guard".to_owned()).spawn(watch);
        thread.map(|_| Self(failure)).map_err(|error| Failure::kafka("starting the topic guard", &error))
    }

    /// Why it stopped the service, if it did.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Checks the topics every [`PERIOD`] until a shutdown is requested.
fn watch(options: &Options, inputs: &Inputs, inspector: &Inspector, stop: &Stop) -> Result<(), Failure> {
    let (changelog, mut missing, mut next) = (options.changelog_topic(), 0, Deadline::after(PERIOD));
    while !stop.is_requested() {
        inspector.wait(STEP);
        if !next.passed() {
            continue;
        }
        let described = inspector.describe(&names(inputs, &changelog), wait::LOOK);
        match compare(inputs, &changelog, &described) {
            Err(Failure::TopicMissing { .. }) if missing < MISSING_MAX => missing += 1,
            result => {
                missing = 0;
                result?;
            }
        }
        // A broker that does not answer, or no longer may, is asked again.
        if let Err(failure @ Failure::ChangelogPolicy { .. }) = topics::check_policy(&changelog, inspector) {
            return Err(failure);
        }
        next = Deadline::after(PERIOD);
    }
    Ok(())
}

/// The inputs, the topics behind the repartition stage, and the changelog.
pub(super) fn names<'a>(inputs: &'a Inputs, changelog: &'a str) -> Vec<&'a str> {
    let read = inputs.topics.iter().map(|topic| topic.name.as_str());
    read.chain([changelog]).chain(inputs.ids.repartitioned.keys().map(String::as_str)).collect()
}

/// Compares the topics with what they were at the start. A topic that no broker has described is not compared.
///
/// # Errors
/// If a topic is missing, is another one, or has another number of partitions.
pub(super) fn compare(inputs: &Inputs, changelog: &str, described: &Described) -> Result<(), Failure> {
    let of_inputs =
        inputs.topics.iter().map(|topic| topic.name.as_str()).zip(inputs.ids.inputs.iter().copied().chain(std::iter::repeat(None)));
    for (topic, known) in of_inputs.chain([(changelog, inputs.ids.changelog)]) {
        let found = match described.get(topic) {
            Some(Ok(found)) => found,
            Some(Err(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopic)) => {
                return Err(Failure::TopicMissing { topic: topic.to_owned(), hint: " any more" });
            }
            Some(Err(_)) | None => continue,
        };
        match (known, found.id) {
            (Some(expected), Some(found)) if expected != found && topic == changelog => {
                return Err(Failure::ChangelogReplaced { topic: topic.to_owned() });
            }
            (Some(expected), Some(found)) if expected != found => {
                return Err(Failure::TopicReplaced { topic: topic.to_owned(), expected, found });
            }
            _ => {}
        }
        if found.partitions != inputs.partitions {
            let (topic, expected, found) = (topic.to_owned(), inputs.partitions, found.partitions);
            return Err(Failure::PartitionCountChanged { topic, expected, found });
        }
    }
    // Topics behind the repartition stage may grow.
    for (topic, expected) in &inputs.ids.repartitioned {
        let found = described.get(topic).and_then(|found| found.as_ref().ok()?.id);
        if let Some(found) = found.filter(|found| found != expected) {
            return Err(Failure::TopicReplaced { topic: topic.clone(), expected: *expected, found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::section::Partitioning;
    use crate::event::Stream;
    use crate::kafka::TopicId;
    use crate::stream::options::InputTopic;
    use crate::stream::preflight::inputs::TopicIds;

    /// One input and the changelog, with the ids 1 and 2.
    fn inputs() -> Inputs {
        let topic = InputTopic {
            name: "billing".to_owned(),
            stream: Stream::Billing,
            partitioning: Partitioning::Auto,
            format: std::sync::Arc::default(),
            route: crate::stream::Route::Direct,
        };
        let repartitioned = TopicId::of(0, 3).map(|id| ("clicks".to_owned(), id)).into_iter().collect();
        let ids = TopicIds { inputs: vec![TopicId::of(0, 1)], changelog: TopicId::of(0, 2), repartitioned };
        Inputs { topics: vec![topic], partitions: 4, partitioning: None, ids }
    }

    fn topic(id: i64, partitions: i32) -> Description {
        Description { id: TopicId::of(0, id), partitions, operations: None }
    }

    fn compared(billing: Result<Description, ErrorCode>, changelog: Result<Description, ErrorCode>) -> Option<&'static str> {
        let described = [("billing", billing), ("changelog", changelog)].map(|(name, topic)| (name.to_owned(), topic));
        compare(&inputs(), "changelog", &described.into()).err().map(|failure| failure.code())
    }

    #[test]
    fn topics_that_have_not_changed_or_are_not_described_pass() {
        assert_eq!(compared(Ok(topic(1, 4)), Ok(topic(2, 4))), None);
        assert_eq!(compared(Ok(topic(0, 4)), Err(ErrorCode::BrokerTransportFailure)), None, "no ids, no answer");
        compare(&inputs(), "changelog", &Described::new()).unwrap();
    }

    #[test]
    fn a_recreated_topic_a_changed_count_and_a_missing_topic_are_refused() {
        assert_eq!(compared(Ok(topic(9, 4)), Ok(topic(2, 4))), Some("topic_recreated"));
        assert_eq!(compared(Ok(topic(9, 5)), Ok(topic(2, 4))), Some("topic_recreated"), "the id says more than the count");
        assert_eq!(compared(Ok(topic(1, 5)), Ok(topic(2, 4))), Some("partition_count_changed"));
        assert_eq!(compared(Ok(topic(1, 4)), Ok(topic(9, 4))), Some("state_incomplete"));
        assert_eq!(compared(Err(ErrorCode::UnknownTopicOrPartition), Ok(topic(2, 4))), Some("topic_missing"));
    }

    #[test]
    fn a_topic_behind_the_repartition_stage_may_grow_but_not_be_recreated() {
        let of_clicks = |clicks| {
            let described = [("billing", topic(1, 4)), ("changelog", topic(2, 4)), ("clicks", clicks)];
            let described = described.map(|(name, topic)| (name.to_owned(), Ok(topic))).into();
            compare(&inputs(), "changelog", &described).err().map(|failure| failure.code())
        };
        assert_eq!((of_clicks(topic(3, 9)), of_clicks(topic(9, 9))), (None, Some("topic_recreated")));
    }
}
