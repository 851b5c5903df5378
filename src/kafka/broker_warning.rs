//! Why connections to brokers fail: the errors of calls do not say it, librdkafka's log lines do.

use std::sync::{Mutex, PoisonError};

/// What is said of a failed connection that librdkafka does not say, by a part of its words.
const HINTS: [(&str, &str); 4] = [
    (
        "certificate verify failed",
        "the certificate is of an authority that ssl.ca.location does not hold, or for another host name than that in \
         kafka.bootstrap_servers or advertised by the broker",
    ),
    ("Connection refused", "no broker listens there; kafka.bootstrap_servers, or what the broker advertises, names another place"),
    ("Failed to resolve", "kafka.bootstrap_servers, or what the broker advertises, has a name that is not known here"),
    ("state APIVERSION_QUERY", "kafka.properties.\"security.protocol\" may not be that of the listener"),
];

/// The newest warning of a client.
#[derive(Default)]
pub(crate) struct BrokerWarning(Mutex<Option<String>>);

impl BrokerWarning {
    /// Takes note of a log line, where it is about a failed connection.
    pub(crate) fn note(&self, facility: &str, text: &str) {
        if facility == "FAIL" {
            // The line begins with the name of a thread.
            let text = text.split_once("]: ").map_or(text, |(_, rest)| rest);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(with_hint(text));
        }
    }

    /// The newest one since this was last asked.
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

    fn complaint_of(facility: &str, text: &str) -> Option<String> {
        let warning = BrokerWarning::default();
        warning.note(facility, text);
        warning.take()
    }

    #[test]
    fn a_failed_connection_is_told_without_the_thread_and_once() {
        let text = "[thrd:sasl_plaintext://b:1/bootstrap]: sasl_plaintext://b:1/bootstrap: SASL authentication error: Invalid password";
        assert_eq!(
            complaint_of("FAIL", text).as_deref(),
            Some("sasl_plaintext://b:1/bootstrap: SASL authentication error: Invalid password")
        );
        assert_eq!(BrokerWarning::default().take(), None);
    }

    #[test]
    fn other_lines_are_no_complaints() {
        assert_eq!(complaint_of("CONFWARN", "[thrd:app]: Configuration property"), None);
    }

    #[test]
    fn what_a_certificate_may_lack_is_said() {
        let told = complaint_of("FAIL", "[thrd:x]: ssl://b:1: SSL handshake failed: certificate verify failed").unwrap();
        assert!(told.contains("ssl.ca.location") && told.contains("another host name"), "{told}");
    }

    #[test]
    fn a_broker_that_is_not_there_leads_to_the_key_that_names_it() {
        for words in ["b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused", "b:1/bootstrap: Failed to resolve 'b:1'"] {
            let told = complaint_of("FAIL", &format!("[thrd:b:1/bootstrap]: {words}")).unwrap();
            assert!(told.contains("kafka.bootstrap_servers"), "{told}");
        }
    }
}
