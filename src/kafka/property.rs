//! Which properties librdkafka knows, and which values it accepts.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

/// Whether the linked librdkafka has a property of this name.
pub(crate) fn is_known(name: &str) -> bool {
    !matches!(set(name, "1"), Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)))
}

/// librdkafka's message if it refuses a value; empty if it gives none. The message may quote the value.
pub(crate) fn refusal(name: &str, value: &str) -> Option<String> {
    match set(name, value) {
        Ok(()) => None,
        Err(KafkaError::ClientConfig(_, message, ..)) => Some(message),
        Err(_) => Some(String::new()),
    }
}

fn set(name: &str, value: &str) -> Result<(), KafkaError> {
    ClientConfig::new().set(name, value).create_native_config().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_checked_by_librdkafka() {
        assert!(is_known("linger.ms") && is_known("sasl.password") && !is_known("linger.millis"));
        assert_eq!(refusal("linger.ms", "5"), None);
        assert!(refusal("request.timeout.ms", "soon").unwrap().contains("request.timeout.ms"));
    }
}
