//! A non-transactional producer, for simulated records.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::error::Error;
use super::properties::Properties;
use crate::time::Timestamp;

/// How long the brokers may take to acknowledge what has been sent.
const FLUSH_LIMIT: Duration = Duration::from_mins(1);
/// How long one wait for space in the queue lasts.
const SPACE_STEP: Duration = Duration::from_millis(20);

/// Writes records, partitioned by key as the Java client does.
pub(crate) struct Writer(BaseProducer<Deliveries>);

impl Writer {
    /// Creates the client without contacting a broker.
    ///
    /// # Errors
    /// If librdkafka refuses the properties.
    pub(crate) fn new(properties: &Properties) -> Result<Self, Error> {
        BaseProducer::from_config_and_context(&properties.writer(), Deliveries::default())
            .map(Self)
            .map_err(|error| Error::call("creating a producer", &error))
    }

    /// Sends a record; waits while the queue is full.
    ///
    /// # Errors
    /// If the record is refused, or an earlier one was not delivered.
    pub(crate) fn write(&self, topic: &str, key: &str, value: &[u8], timestamp: Timestamp) -> Result<(), Error> {
        let mut record = BaseRecord::to(topic).key(key).payload(value).timestamp(timestamp.millis());
        while let Err((error, back)) = self.0.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(Error::call(format!("writing to topic {topic}"), &error));
            }
            self.0.poll(SPACE_STEP);
            self.undelivered()?;
            record = back;
        }
        self.0.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until every record is delivered.
    ///
    /// # Errors
    /// If a record is not.
    pub(crate) fn finish(self) -> Result<(), Error> {
        // What the flush leaves undelivered is counted below.
        let _ = self.0.flush(FLUSH_LIMIT);
        self.undelivered()?;
        match self.0.in_flight_count() {
            0 => Ok(()),
            left => Err(undelivered(left, &"the brokers are too slow")),
        }
    }

    fn undelivered(&self) -> Result<(), Error> {
        match &*self.0.context().0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(failed) => Err(undelivered(failed.count, &failed.first)),
        }
    }
}

fn undelivered(count: impl std::fmt::Display, reason: &impl ToString) -> Error {
    Error::call(format!("delivering {count} records"), reason)
}

/// Counts records that were not delivered.
#[derive(Default)]
struct Deliveries(Mutex<Option<Undelivered>>);

struct Undelivered {
    count: u64,
    first: KafkaError,
}

impl ClientContext for Deliveries {
    /// Brokers may be unreachable for a moment; [`Writer::finish`] reports what was never delivered.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "writer");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| Undelivered { count: 0, first: error.clone() }).count += 1;
        }
    }
}
