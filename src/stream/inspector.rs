//! Questions about topics: how many partitions, from where to where. Sees open transactions, reads no record.

use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::groups::GroupInfo;
use rdkafka::types::RDKafkaErrorCode;

use super::client::Properties;
use super::clock::Deadline;
use super::consumer::Quiet;
use super::failure::Failure;

/// The time limit of one question.
const LIMIT: Duration = Duration::from_secs(10);

/// How long to wait before looking again.
const STEP: Duration = Duration::from_millis(100);

/// A client without a group.
pub(super) struct Inspector(BaseConsumer<Quiet>);

impl Inspector {
    /// Connects to nothing yet.
    pub(super) fn new(properties: &Properties) -> Result<Self, Failure> {
        BaseConsumer::from_config_and_context(&properties.inspector(), Quiet)
            .map(Self)
            .map_err(|error| Failure::kafka("making a client", &error))
    }

    /// The number of partitions; `None` when there is no such topic.
    pub(super) fn partitions(&self, topic: &str) -> Result<Option<i32>, Failure> {
        let failed = |error: KafkaError| Failure::kafka(format!("asking for the partitions of {topic}"), &error);
        let metadata = self.0.fetch_metadata(Some(topic), LIMIT).map_err(failed)?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
        match found.error().map(RDKafkaErrorCode::from) {
            None => Ok(i32::try_from(found.partitions().len()).ok().filter(|count| *count > 0)),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::LeaderNotAvailable) => {
                Ok(None)
            }
            Some(code) => Err(failed(KafkaError::MetadataFetch(code))),
        }
    }

    /// The number of partitions of a topic that should be there; looks again for a while, since a broker hears of a new topic late.
    pub(super) fn partitions_in_time(&self, topic: &str, limit: Duration) -> Result<Option<i32>, Failure> {
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
    pub(super) fn watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64), Failure> {
        let failed = |error: KafkaError| Failure::kafka(format!("asking for the end of {topic} [{partition}]"), &error);
        self.0.fetch_watermarks(topic, partition, LIMIT).map_err(failed)
    }

    /// The members of a group by client id and host, in no particular order.
    pub(super) fn members(&self, group: &str) -> Result<Vec<String>, Failure> {
        let failed = |error: KafkaError| Failure::kafka(format!("asking for the members of group {group}"), &error);
        let list = self.0.fetch_group_list(Some(group), LIMIT).map_err(failed)?;
        let members = list.groups().iter().flat_map(GroupInfo::members);
        Ok(members.map(|member| format!("{} at {}", member.client_id(), member.client_host().trim_start_matches('/'))).collect())
    }

    /// What each member of a group has said about itself when it joined, in the bytes of the consumer protocol; nothing where the
    /// broker knows no such question, as the embedded one.
    pub(super) fn subscriptions(&self, group: &str) -> Result<Vec<Vec<u8>>, Failure> {
        let list = match self.0.fetch_group_list(Some(group), LIMIT) {
            Ok(list) => list,
            Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnsupportedFeature) => return Ok(Vec::new()),
            Err(error) => return Err(Failure::kafka(format!("asking for the members of group {group}"), &error)),
        };
        let groups = list.groups().iter().filter(|found| found.name() == group && found.protocol_type() == "consumer");
        Ok(groups.flat_map(GroupInfo::members).filter_map(|member| member.metadata().map(<[u8]>::to_vec)).collect())
    }

    /// Hands librdkafka's log lines on; its queue would grow otherwise.
    pub(super) fn serve(&self) {
        while self.0.poll(Duration::ZERO).is_some() {}
    }
}
