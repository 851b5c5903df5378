//! Kafka clients: the only module that calls librdkafka.
//!
//! A [`Consumer`] belongs to one thread and returns events as values, a [`TransactionalProducer`] runs one transaction at a time, an
//! [`Inspector`] answers questions about topics and groups. Nothing here knows what the records mean.

mod broker_warning;
mod consumer;
mod describe;
mod error;
mod inspector;
pub(crate) mod log;
mod members;
mod native;
mod producer;
mod properties;

pub use describe::Operation;
pub use error::Error;
pub use members::Members;
pub use properties::Properties;

pub(crate) use consumer::{Consumer, Quiet};
pub(crate) use describe::Allowed;
pub(crate) use inspector::{Found, Inspector};
pub(crate) use native::{Event, Membership, Record, What, is_forbidden};
pub(crate) use producer::{Broken, Outgoing, TransactionalProducer};
pub(crate) use properties::TRANSACTION_TIMEOUT;
