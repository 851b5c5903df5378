//! librdkafka's log lines and errors as tracing events. They contain brokers, topics and partitions, but never keys or values.

use rdkafka::types::RDKafkaErrorCode;

/// Logs one line of librdkafka at its syslog level.
pub(crate) fn librdkafka(level: i32, facility: &str, text: &str) {
    match level {
        ..=3 => tracing::warn!(target: "librdkafka", facility, text),
        4..=6 => tracing::info!(target: "librdkafka", facility, text),
        _ => tracing::debug!(target: "librdkafka", facility, text),
    }
}

/// Logs an error that the client recovers from by itself. Unreachable brokers are logged at debug: librdkafka's log lines report them
/// once and with the reason, while the error repeats with every connection attempt, many times per second.
pub(crate) fn client_error(client: &'static str, code: Option<RDKafkaErrorCode>, reason: &str) {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, Resolve};
    let unreachable = matches!(code, Some(AllBrokersDown | BrokerTransportFailure | Resolve));
    let code = code.map(tracing::field::debug);
    if unreachable {
        tracing::debug!(code, reason, "{client}");
    } else {
        tracing::info!(code, reason, "{client}");
    }
}
