//! Kafka clients: the only module that calls librdkafka.
//!
//! A [`Consumer`] belongs to one thread and returns events as values, a [`TransactionalProducer`] runs one transaction at a time, and an
//! [`Inspector`] looks up topics and groups. Nothing here knows what the records mean.

mod admin;
mod broker_warning;
mod consumer;
mod describe;
mod diagnosis;
mod error;
mod inspector;
pub(crate) mod log;
mod members;
pub mod mock;
mod native;
mod outgoing;
mod produce;
mod producer;
mod properties;
pub(crate) mod property;
mod read_to_end;
mod record;
mod topic_id;
pub(crate) mod wait;
mod writer;

pub use describe::Operation;
pub use error::Error;
pub use members::Members;
pub use outgoing::Outgoing;
pub use producer::{Commit, NextOffset, TransactionError};
pub use properties::Properties;
pub use record::{Record, RecordHeaders};
pub use topic_id::TopicId;

pub(crate) use admin::{Creation, TopicSpec, create_topics, delete_records};
pub(crate) use consumer::{Consumer, PartitionQueue};
pub(crate) use describe::{Allowed, Description};
pub(crate) use inspector::{Found, Inspector};
pub(crate) use native::{ConsumerEvent, Membership, Next, is_forbidden};
pub(crate) use producer::TransactionalProducer;
pub(crate) use properties::COMMIT_LIMIT;
pub(crate) use rdkafka::Offset;
pub(crate) use rdkafka::error::KafkaError as ClientError;
pub(crate) use rdkafka::types::RDKafkaErrorCode as ErrorCode;
pub(crate) use read_to_end::{Visitor, read_to_end};
pub(crate) use writer::Writer;

/// The version of librdkafka.
pub(crate) fn librdkafka_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}
