//! Why connections to brokers fail: only librdkafka's log lines say so, the errors of its calls do not.

use std::sync::{Mutex, PoisonError};

/// Hints that librdkafka does not give, keyed by a part of its message.
const HINTS: [(&str, &str); 4] = [
    (
        "certificate verify failed",
        "the certificate was issued by an authority that is not in ssl.ca.location, or for a host name other than the one in \
         kafka.bootstrap_servers or the one that the broker advertises",
    ),
    ("Connection refused", "nothing is listening there; check kafka.bootstrap_servers and the address that the broker advertises"),
    (
        "Failed to resolve",
        "this machine cannot resolve the host name; check kafka.bootstrap_servers and the address that the broker advertises",
    ),
    ("state APIVERSION_QUERY", "kafka.properties.\"security.protocol\" may not match the listener's"),
];

/// The newest warning of a client about a failed connection.
#[derive(Default)]
pub(crate) struct BrokerWarning(Mutex<Option<String>>);

impl BrokerWarning {
    /// Keeps a log line if it reports a failed connection.
    pub(crate) fn note(&self, facility: &str, text: &str) {
        if facility == "FAIL" {
            // The line begins with a thread name.
            let text = text.split_once("]: ").map_or(text, |(_, rest)| rest);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(with_hint(text));
        }
    }

    /// The newest warning since the last call.
    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn with_hint(text: &str) -> String {
    match HINTS.iter().find(|(part, _)| text.contains(part)) {
        Some((_, hint)) => format!("{text}: {hint}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning_of(facility: &str, text: &str) -> Option<String> {
        let warning = BrokerWarning::default();
        warning.note(facility, text);
        warning.take()
    }

    #[test]
    fn a_failed_connection_is_reported_once_and_without_the_thread() {
        let text = "[thrd:sasl_plaintext://b:1/bootstrap]: sasl_plaintext://b:1/bootstrap: SASL authentication error: Invalid password";
        assert_eq!(
            warning_of("FAIL", text).as_deref(),
            Some("sasl_plaintext://b:1/bootstrap: SASL authentication error: Invalid password")
        );
        assert_eq!(BrokerWarning::default().take(), None);
    }

    #[test]
    fn log_lines_about_anything_else_are_ignored() {
        assert_eq!(warning_of("CONFWARN", "[thrd:app]: Configuration property"), None);
    }

    #[test]
    fn a_rejected_certificate_comes_with_its_likely_causes() {
        let warning = warning_of("FAIL", "[thrd:x]: ssl://b:1: SSL handshake failed: certificate verify failed").unwrap();
        assert!(warning.contains("ssl.ca.location") && warning.contains("host name other than"), "{warning}");
    }

    #[test]
    fn an_unreachable_broker_points_to_the_key_that_names_it() {
        for words in ["b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused", "b:1/bootstrap: Failed to resolve 'b:1'"] {
            let warning = warning_of("FAIL", &format!("[thrd:b:1/bootstrap]: {words}")).unwrap();
            assert!(warning.contains("kafka.bootstrap_servers"), "{warning}");
        }
    }
}
