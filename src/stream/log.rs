//! librdkafka's own log lines, as events of ours. They hold names of brokers, topics and partitions, never keys or values.

/// One line, with its syslog level.
pub(super) fn librdkafka(level: i32, facility: &str, text: &str) {
    match level {
        ..=3 => tracing::warn!(target: "librdkafka", facility, text),
        4..=6 => tracing::info!(target: "librdkafka", facility, text),
        _ => tracing::debug!(target: "librdkafka", facility, text),
    }
}
