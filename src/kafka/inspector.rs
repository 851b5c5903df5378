//! Looks up topics and groups: partitions, offsets, members, rights. Sees open transactions; reads no records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::groups::GroupInfo;
use rdkafka::metadata::{Metadata, MetadataBroker};
use rdkafka::types::RDKafkaErrorCode;

use super::consumer::{LoggingContext, watermarks};
use super::describe::{self, Allowed, Description, Operation};
use super::diagnosis;
use super::error::Error;
use super::native::is_forbidden;
use super::properties::Properties;
use super::wait;
use crate::clock::{Deadline, monotonic};

/// How long one poll for log lines lasts.
const SERVE_STEP: Duration = Duration::from_millis(1);

/// What a client can see of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Its partition count.
    Partitions(i32),
    /// It does not exist.
    Missing,
    /// The principal has no rights on it and cannot tell whether it exists.
    Hidden,
}

/// A client that belongs to no group.
pub(crate) struct Inspector {
    client: BaseConsumer<LoggingContext>,
    /// How long no broker at all may answer before the first has.
    first_contact: Duration,
    /// Whether one has: from then on, an outage is likelier than a wrong address.
    has_contact: AtomicBool,
    /// For a diagnosis if no broker answers.
    properties: Properties,
}

impl Inspector {
    /// Creates the client of a process that does not know yet whether it can reach the cluster. Contacts no broker.
    pub(crate) fn new(properties: &Properties) -> Result<Self, Error> {
        Self::with(properties, wait::FIRST_CONTACT)
    }

    /// Creates a client that waits out an outage, for a process that has been in contact. Contacts no broker.
    pub(crate) fn patient(properties: &Properties) -> Result<Self, Error> {
        Self::with(properties, wait::OUTAGE)
    }

    fn with(properties: &Properties, first_contact: Duration) -> Result<Self, Error> {
        let client = BaseConsumer::from_config_and_context(&properties.inspector(), LoggingContext::default());
        let client = client.map_err(|error| Error::call("creating a client", &error))?;
        Ok(Self { client, first_contact, has_contact: AtomicBool::new(false), properties: properties.clone() })
    }

    /// The number of partitions; `None` if the topic does not exist.
    pub(crate) fn partitions(&self, topic: &str) -> Result<Option<i32>, Error> {
        match self.find(topic)? {
            Found::Partitions(count) => Ok(Some(count)),
            Found::Missing => Ok(None),
            Found::Hidden => Err(self.failed_on(topic, &KafkaError::MetadataFetch(RDKafkaErrorCode::TopicAuthorizationFailed))),
        }
    }

    /// Looks up a topic that may be hidden.
    pub(crate) fn find(&self, topic: &str) -> Result<Found, Error> {
        self.patiently(|limit| self.client.fetch_metadata(Some(topic), limit).and_then(|metadata| found(&metadata, topic)))
            .map_err(|error| self.failed_on(topic, &error))
    }

    fn patiently<T>(&self, request: impl FnMut(Duration) -> KafkaResult<T>) -> KafkaResult<T> {
        wait::patiently(self.contact(), || self.wait(wait::STEP), request).inspect(|_| self.has_contact.store(true, Ordering::Relaxed))
    }

    /// How long no broker at all may answer.
    fn contact(&self) -> Duration {
        if self.has_contact.load(Ordering::Relaxed) { wait::OUTAGE } else { self.first_contact }
    }

    fn failed_on(&self, topic: &str, error: &KafkaError) -> Error {
        self.failed(format!("asking for the partitions of {topic}"), error)
    }

    /// The number of partitions of a topic that should exist. Retries until `limit`, because brokers learn of new topics with a delay.
    pub(crate) fn partitions_in_time(&self, topic: &str, limit: Duration) -> Result<Option<i32>, Error> {
        let deadline = Deadline::after(limit);
        loop {
            let found = self.partitions(topic)?;
            if found.is_some() || deadline.passed() {
                return Ok(found);
            }
            self.wait(wait::STEP);
        }
    }

    /// The first offset of a partition and the offset after its last record, including records of open transactions.
    pub(crate) fn watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64), Error> {
        let failed = |error: KafkaError| self.failed(format!("asking for the end of {topic} [{partition}]"), &error);
        self.patiently(|limit| watermarks(&self.client, topic, partition, limit)).map_err(failed)
    }

    /// Client id and host of each member of a group, in no particular order.
    pub(crate) fn members(&self, group: &str) -> Result<Vec<String>, Error> {
        let failed = |error: KafkaError| self.failed(format!("asking for the members of group {group}"), &error);
        let list = self.client.fetch_group_list(Some(group), wait::REQUEST).map_err(failed)?;
        let members = list.groups().iter().flat_map(GroupInfo::members);
        Ok(members.map(|member| format!("{} at {}", member.client_id(), member.client_host().trim_start_matches('/'))).collect())
    }

    /// The subscription that each member of a group sent when it joined, as bytes of the consumer protocol; empty if the broker does not
    /// support the request (the embedded one does not).
    pub(crate) fn subscriptions(&self, group: &str) -> Result<Vec<Vec<u8>>, Error> {
        let list = match self.patiently(|limit| self.client.fetch_group_list(Some(group), limit)) {
            Ok(list) => list,
            Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnsupportedFeature) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(format!("asking for the members of group {group}"), &error)),
        };
        let groups = list.groups().iter().filter(|found| found.name() == group && found.protocol_type() == "consumer");
        Ok(groups.flat_map(GroupInfo::members).filter_map(|member| member.metadata().map(<[u8]>::to_vec)).collect())
    }

    /// Ids, partition counts and allowed operations of these topics, by name; empty if no broker answers.
    pub(crate) fn describe(&self, names: &[&str], limit: Duration) -> BTreeMap<String, Result<Description, RDKafkaErrorCode>> {
        let metadata = names.first().and_then(|name| self.client.fetch_metadata(Some(name), limit).ok());
        let broker = metadata.and_then(|metadata| metadata.brokers().first().map(MetadataBroker::id));
        broker.map_or_else(BTreeMap::new, |broker| describe::topics(&self.client, names, broker, limit))
    }

    /// The same once a broker answers. Topics that no broker knows, or cannot describe yet, are waited for until `missing`.
    pub(crate) fn describe_within(
        &self,
        names: &[&str],
        missing: Duration,
    ) -> Result<BTreeMap<String, Result<Description, RDKafkaErrorCode>>, Error> {
        let began = monotonic();
        loop {
            let found = self.describe(names, wait::REQUEST);
            let waited = monotonic().duration_since(began);
            let is_whole = names.iter().all(|name| matches!(found.get(*name), Some(Ok(_))));
            if found.is_empty() && waited >= self.contact() {
                return Err(self.failed("looking up the topics".to_owned(), &KafkaError::MetadataFetch(RDKafkaErrorCode::AllBrokersDown)));
            }
            if !found.is_empty() {
                self.has_contact.store(true, Ordering::Relaxed);
                if is_whole || waited >= missing {
                    return Ok(found);
                }
            }
            self.wait(wait::STEP);
        }
    }

    /// The cleanup policy of a topic; `None` if the broker cannot say (the embedded one cannot).
    pub(crate) fn cleanup_policy(&self, topic: &str) -> Result<Option<String>, Error> {
        let policy = self.patiently(|limit| {
            let metadata = self.client.fetch_metadata(Some(topic), limit)?;
            let Some(broker) = metadata.brokers().first().map(MetadataBroker::id) else { return Ok(None) };
            match describe::cleanup_policy(&self.client, topic, broker, limit) {
                Ok(policy) => Ok(policy),
                Err(RDKafkaErrorCode::UnsupportedFeature) => Ok(None),
                Err(code) => Err(KafkaError::AdminOp(code)),
            }
        });
        policy.map_err(|error| match error {
            KafkaError::AdminOp(code) if is_forbidden(code) => {
                Error::NotAllowed { resource: "topic", name: topic.to_owned(), operation: Operation::DescribeConfigs.name() }
            }
            error => self.failed(format!("asking for the configuration of topic {topic}"), &error),
        })
    }

    /// Polls the idle client for `limit`: a wait in which log lines are still forwarded.
    pub(crate) fn wait(&self, limit: Duration) {
        drop(self.client.poll(limit));
    }

    /// The operations that the principal is allowed on a group, if the broker reports them.
    pub(crate) fn allowed_on_group(&self, group: &str) -> Result<Allowed, Error> {
        let answered = self.patiently(|limit| describe::group(&self.client, group, limit).map_err(KafkaError::AdminOp));
        answered.map_err(|error| self.failed(format!("asking for the rights on group {group}"), &error))
    }

    /// The ids of the members of a group that have a `group.instance.id`, by it. Asks until a broker answers, or `step` returns false; what
    /// cannot be asked counts as none.
    pub(crate) fn named_members(&self, group: &str, step: impl Fn() -> bool) -> BTreeMap<String, String> {
        while step() {
            // librdkafka aborts the process if its connection to the coordinator breaks while it waits for this description. So it is asked
            // for right after a broker has answered, and not while none does.
            if self.client.fetch_group_list(Some(group), wait::TURN).is_err() {
                self.wait(wait::STEP);
                continue;
            }
            match describe::named_members(&self.client, group, wait::REQUEST) {
                Ok(members) => return members,
                Err(code) if wait::limit(&KafkaError::AdminOp(code), wait::OUTAGE).is_none() => {
                    tracing::warn!(group, ?code, "the members of the group cannot be listed");
                    return BTreeMap::new();
                }
                Err(_) => self.wait(wait::STEP),
            }
        }
        BTreeMap::new()
    }

    /// The error of a call, with the reason for failed connections if one is known.
    fn failed(&self, doing: String, error: &KafkaError) -> Error {
        self.serve();
        let warning = self.client.client().context().warning.take();
        let diagnosis = if may_be_no_broker(error) { self.diagnose() } else { None };
        match diagnosis.or_else(|| warning.map(|warning| format!("{error}; {warning}"))) {
            Some(text) => Error::call(doing, &text),
            None => Error::call(doing, error),
        }
    }

    fn diagnose(&self) -> Option<String> {
        diagnosis::diagnose(self.properties.get("bootstrap.servers")?, self.properties.get("security.protocol").unwrap_or("PLAINTEXT"))
    }

    /// Forwards librdkafka's log lines; its queue would grow otherwise.
    pub(crate) fn serve(&self) {
        // Log lines are handled inside the poll.
        while self.client.poll(SERVE_STEP).is_some() {}
    }
}

/// Whether an error is what librdkafka reports when nobody answers as expected.
fn may_be_no_broker(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, Authentication, BrokerTransportFailure, OperationTimedOut, UnsupportedFeature};
    let code = error.rdkafka_error_code();
    matches!(code, Some(AllBrokersDown | Authentication | BrokerTransportFailure | OperationTimedOut | UnsupportedFeature))
}

/// What the metadata says of a topic. Without partitions it is being created, or nobody leads it: an error that passes, not a count.
fn found(metadata: &Metadata, topic: &str) -> KafkaResult<Found> {
    use RDKafkaErrorCode::{LeaderNotAvailable, TopicAuthorizationFailed, UnknownTopic, UnknownTopicOrPartition};
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(Found::Missing) };
    match (found.error().map(RDKafkaErrorCode::from), i32::try_from(found.partitions().len())) {
        (Some(UnknownTopicOrPartition | UnknownTopic), _) => Ok(Found::Missing),
        (Some(TopicAuthorizationFailed), _) => Ok(Found::Hidden),
        (Some(code), _) => Err(KafkaError::MetadataFetch(code)),
        (None, Ok(count)) if count > 0 => Ok(Found::Partitions(count)),
        (None, _) => Err(KafkaError::MetadataFetch(LeaderNotAvailable)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::mock::EmbeddedBroker;

    #[test]
    fn topics_are_described_with_their_ids_and_missing_ones_with_an_error() {
        let broker = EmbeddedBroker::start().unwrap();
        broker.create_topic("t", 3).unwrap();
        let inspector = Inspector::new(&broker.properties()).unwrap();
        let found = inspector.describe(&["t", "missing"], wait::REQUEST);
        let topic = found["t"].clone().unwrap();
        assert_eq!((topic.partitions, topic.id.is_some()), (3, true));
        assert_eq!(found["missing"], Err(RDKafkaErrorCode::UnknownTopicOrPartition));
        assert_eq!(inspector.cleanup_policy("t").unwrap(), None, "the embedded broker does not know policies");
    }

    #[test]
    fn a_partition_answers_once_its_leader_is_back() {
        let broker = EmbeddedBroker::start().unwrap();
        broker.create_topic("t", 1).unwrap();
        broker.set_leader("t", 0, false);
        let inspector = Inspector::new(&broker.properties()).unwrap();
        let unknown = inspector.client.fetch_watermarks("t", 0, wait::REQUEST).unwrap_err();
        assert_eq!(unknown.rdkafka_error_code(), Some(RDKafkaErrorCode::UnknownPartition));
        broker.set_leader("t", 0, true);
        assert_eq!(inspector.watermarks("t", 0).unwrap(), (0, 0));
    }
}
