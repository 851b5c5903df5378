//! Questions about topics: how many partitions, from where to where. Sees open transactions, reads no record.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::groups::GroupInfo;
use rdkafka::types::RDKafkaErrorCode;

use super::consumer::{Quiet, watermarks};
use super::describe::{self, Allowed};
use super::error::Error;
use super::properties::Properties;
use crate::clock::Deadline;

/// The time limit of one question.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a partition may be without a leader: a broker that fails is noticed after some seconds.
const LEADER_LIMIT: Duration = Duration::from_secs(30);

/// How long to wait before looking again.
const STEP: Duration = Duration::from_millis(100);

/// How long events are handed on at one time, at least.
const SERVE_STEP: Duration = Duration::from_millis(1);

/// What is seen of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It has so many partitions.
    Partitions(i32),
    /// There is none of this name.
    Missing,
    /// The principal has no right on it, and is not told whether it exists.
    Hidden,
}

/// A client without a group.
pub(crate) struct Inspector(BaseConsumer<Quiet>);

impl Inspector {
    /// Connects to nothing yet.
    pub(crate) fn new(properties: &Properties) -> Result<Self, Error> {
        BaseConsumer::from_config_and_context(&properties.inspector(), Quiet::default())
            .map(Self)
            .map_err(|error| Error::call("making a client", &error))
    }

    /// The number of partitions; `None` when there is no such topic.
    pub(crate) fn partitions(&self, topic: &str) -> Result<Option<i32>, Error> {
        match self.find(topic)? {
            Found::Partitions(count) => Ok(Some(count)),
            Found::Missing => Ok(None),
            Found::Hidden => Err(self.failed_on(topic, &KafkaError::MetadataFetch(RDKafkaErrorCode::TopicAuthorizationFailed))),
        }
    }

    /// Looks for a topic that may be hidden.
    pub(crate) fn find(&self, topic: &str) -> Result<Found, Error> {
        let metadata = self.0.fetch_metadata(Some(topic), LIMIT).map_err(|error| self.failed_on(topic, &error))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(Found::Missing) };
        match found.error().map(RDKafkaErrorCode::from) {
            None => Ok(i32::try_from(found.partitions().len()).ok().filter(|count| *count > 0).map_or(Found::Missing, Found::Partitions)),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::LeaderNotAvailable) => {
                Ok(Found::Missing)
            }
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => Ok(Found::Hidden),
            Some(code) => Err(self.failed_on(topic, &KafkaError::MetadataFetch(code))),
        }
    }

    fn failed_on(&self, topic: &str, error: &KafkaError) -> Error {
        self.failed(format!("asking for the partitions of {topic}"), error)
    }

    /// The number of partitions of a topic that should be there; looks again for a while, since a broker hears of a new topic late.
    pub(crate) fn partitions_in_time(&self, topic: &str, limit: Duration) -> Result<Option<i32>, Error> {
        let deadline = Deadline::after(limit);
        loop {
            let found = self.partitions(topic)?;
            if found.is_some() || deadline.passed() {
                return Ok(found);
            }
            // A poll of an idle client is the wait.
            drop(self.0.poll(STEP));
        }
    }

    /// The first offset and the offset after the last record of a partition, records of open transactions included.
    pub(crate) fn watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64), Error> {
        let failed = |error: KafkaError| self.failed(format!("asking for the end of {topic} [{partition}]"), &error);
        let deadline = Deadline::after(LEADER_LIMIT);
        loop {
            match watermarks(&self.0, topic, partition, LIMIT.min(deadline.remaining())) {
                Err(error) if passes(&error) && !deadline.passed() => drop(self.0.poll(STEP)),
                result => return result.map_err(failed),
            }
        }
    }

    /// The members of a group by client id and host, in no particular order.
    pub(crate) fn members(&self, group: &str) -> Result<Vec<String>, Error> {
        let failed = |error: KafkaError| self.failed(format!("asking for the members of group {group}"), &error);
        let list = self.0.fetch_group_list(Some(group), LIMIT).map_err(failed)?;
        let members = list.groups().iter().flat_map(GroupInfo::members);
        Ok(members.map(|member| format!("{} at {}", member.client_id(), member.client_host().trim_start_matches('/'))).collect())
    }

    /// What each member of a group has said about itself when it joined, in the bytes of the consumer protocol; nothing where the
    /// broker knows no such question, as the embedded one.
    pub(crate) fn subscriptions(&self, group: &str) -> Result<Vec<Vec<u8>>, Error> {
        let list = match self.0.fetch_group_list(Some(group), LIMIT) {
            Ok(list) => list,
            Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnsupportedFeature) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed(format!("asking for the members of group {group}"), &error)),
        };
        let groups = list.groups().iter().filter(|found| found.name() == group && found.protocol_type() == "consumer");
        Ok(groups.flat_map(GroupInfo::members).filter_map(|member| member.metadata().map(<[u8]>::to_vec)).collect())
    }

    /// What the principal may do with each of these topics, as far as the broker tells.
    pub(crate) fn allowed_on_topics(&self, names: &[&str], limit: Duration) -> BTreeMap<String, Allowed> {
        describe::topics(&self.0, names, limit)
    }

    /// What the principal may do with a group, where the broker tells.
    pub(crate) fn allowed_on_group(&self, group: &str, limit: Duration) -> Option<Allowed> {
        describe::group(&self.0, group, limit)
    }

    /// A failure, with why the connections failed where that is known.
    fn failed(&self, doing: String, error: &KafkaError) -> Error {
        self.serve();
        match self.0.client().context().warning.take() {
            Some(warning) => Error::call(doing, &format!("{error}; {warning}")),
            None => Error::call(doing, error),
        }
    }

    /// Hands librdkafka's log lines on; its queue would grow otherwise.
    pub(crate) fn serve(&self) {
        // Log lines are consumed within one poll, as long as it lasts.
        while self.0.poll(SERVE_STEP).is_some() {}
    }
}

/// Whether a partition's leader is on the move, or its broker away.
fn passes(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, LeaderNotAvailable, NetworkException, NotLeaderForPartition, OperationTimedOut,
        RequestTimedOut, UnknownPartition,
    };
    matches!(
        error.rdkafka_error_code(),
        Some(
            NotLeaderForPartition
                | UnknownPartition
                | LeaderNotAvailable
                | BrokerTransportFailure
                | AllBrokersDown
                | NetworkException
                | OperationTimedOut
                | RequestTimedOut
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::mock::EmbeddedBroker;

    #[test]
    fn a_partition_answers_once_its_leader_is_back() {
        let broker = EmbeddedBroker::start().unwrap();
        broker.create_topic("t", 1).unwrap();
        broker.set_leader("t", 0, false);
        let inspector = Inspector::new(&broker.properties()).unwrap();
        let unknown = inspector.0.fetch_watermarks("t", 0, LIMIT).unwrap_err();
        assert_eq!(unknown.rdkafka_error_code(), Some(RDKafkaErrorCode::UnknownPartition));
        broker.set_leader("t", 0, true);
        assert_eq!(inspector.watermarks("t", 0).unwrap(), (0, 0));
    }
}
