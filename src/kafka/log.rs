//! librdkafka's own log lines and errors, as events of ours. They hold names of brokers, topics and partitions, never keys or values.

use rdkafka::types::RDKafkaErrorCode;

/// One line, with its syslog level.
pub(crate) fn librdkafka(level: i32, facility: &str, text: &str) {
    match level {
        ..=3 => tracing::warn!(target: "librdkafka", facility, text),
        4..=6 => tracing::info!(target: "librdkafka", facility, text),
        _ => tracing::debug!(target: "librdkafka", facility, text),
    }
}

/// An error of a client that it goes on from. That brokers cannot be reached is told by the log lines, which say why and do not repeat
/// themselves; as an error it comes again with every attempt to connect, many times a second.
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
