//! `[kafka.properties]`: any librdkafka property that the service does not set itself; secrets come from files or variables.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::config::field;
use crate::config::nearest;
use crate::config::path::KeyPath;
use crate::config::problem::{Origin, Problem};
use crate::config::secret::Secret;
use crate::config::source::{self, Variables};
use crate::config::validate::Report;
use crate::kafka::property;

/// Names and values; every value may be a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, Secret>);

/// Properties that the service sets itself, each with the reason or the key to use instead.
const KEPT: [(&str, &str); 28] = [
    ("bootstrap.servers", "set kafka.bootstrap_servers"),
    ("metadata.broker.list", "set kafka.bootstrap_servers"),
    ("group.id", "the group is application.id"),
    ("group.instance.id", "set application.instance for static membership"),
    ("transactional.id", "it is made of application.id and application.instance"),
    ("transaction.timeout.ms", "a restore waits for open transactions, and a longer timeout would delay it"),
    ("delivery.timeout.ms", "no record may outlive its transaction"),
    ("message.timeout.ms", "no record may outlive its transaction"),
    ("enable.idempotence", "exactly-once needs it"),
    ("enable.gapless.guarantee", "transactions already guarantee it"),
    ("acks", "exactly-once needs all replicas"),
    ("request.required.acks", "exactly-once needs all replicas"),
    ("isolation.level", "exactly-once reads committed records only"),
    ("check.crcs", "records are always verified"),
    ("compression.codec", "set compression.type, its current name"),
    ("enable.auto.commit", "offsets are committed inside the transaction"),
    ("auto.commit.enable", "offsets are committed inside the transaction"),
    ("auto.commit.interval.ms", "set commit.interval_ms"),
    ("enable.auto.offset.store", "offsets are committed inside the transaction"),
    ("auto.offset.reset", "set kafka.start"),
    ("enable.partition.eof", "catch-up and restore depend on it"),
    ("partition.assignment.strategy", "only `range` keeps the topics of a task together"),
    ("group.protocol", "only the classic protocol keeps the topics of a task together"),
    ("group.remote.assignor", "only the classic protocol keeps the topics of a task together"),
    ("partitioner", "outputs are partitioned by account; for the producers of inputs, set streams.<stream>.partitioner"),
    ("allow.auto.create.topics", "set kafka.create_topics"),
    ("enabled_events", "the clients depend on their own set of events"),
    ("plugin.library.paths", "plugins are not loaded"),
];

/// Properties whose names contain one of these have secret values.
const SENSITIVE: [&str; 6] = ["password", "passphrase", "secret", ".pem", "private.key", "oauthbearer.config"];

/// The largest record that the producer must accept, bytes.
const MESSAGE_BYTES_MIN: u64 = 600_000;

/// Makes librdkafka create unsigned tokens.
const UNSECURED_TOKENS: &str = "enable.sasl.oauthbearer.unsecure.jwt";

const PROTOCOL: &str = "security.protocol";
/// Both names of the mechanism.
const MECHANISM: [&str; 2] = ["sasl.mechanisms", "sasl.mechanism"];
/// What the mechanisms with passwords need.
const CREDENTIALS: [&str; 2] = ["sasl.username", "sasl.password"];
/// The mechanisms of the linked librdkafka, for people.
const MECHANISMS: &str = "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512";

impl Properties {
    /// Names with their values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Names for suggestions, from the librdkafka version that this program was written for.
    pub(in crate::config) fn names() -> impl Iterator<Item = &'static str> {
        include_str!("librdkafka_properties.txt").lines().filter(|name| KEPT.iter().all(|(kept, _)| kept != name))
    }

    /// Checks the names, and the values that are not references.
    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        for (name, value) in &self.0 {
            let origin = report.origin(&key(name)).clone();
            match check(name, value.expose(), &origin) {
                Ok(()) => warn(name, value.expose(), report),
                Err((message, nearest)) => {
                    report.add(Problem { nearest: nearest.map(str::to_owned), ..Problem::new(origin, key(name), message) });
                }
            }
        }
        self.validate_tokens(report);
        self.validate_sasl(report);
    }

    /// librdkafka reports a missing mechanism in terms of how it was built, and ignores credentials that the protocol does not need.
    fn validate_sasl(&self, report: &mut Report<'_>) {
        let value = |name: &str| self.0.get(name).map(Secret::expose);
        let given = |names: &[&'static str]| names.iter().find(|name| self.0.contains_key(**name)).copied();
        let protocol = value(PROTOCOL).unwrap_or("PLAINTEXT").to_uppercase();
        if source::is_reference(&protocol.to_lowercase()) {
            return;
        }
        let mechanism = given(&MECHANISM);
        if !protocol.starts_with("SASL") {
            if let Some(name) = mechanism.or_else(|| given(&CREDENTIALS)) {
                let message =
                    format!("has no effect, because {PROTOCOL} is {protocol}: set that to SASL_SSL, or to SASL_PLAINTEXT without TLS");
                report.warning(&key(name), message);
            }
            return;
        }
        let Some(mechanism) = mechanism else {
            let message = format!("{protocol} needs a mechanism: set sasl.mechanisms to {MECHANISMS}");
            return report.problem(&key(PROTOCOL), message);
        };
        match value(mechanism).unwrap_or_default().to_uppercase().as_str() {
            "GSSAPI" => report.problem(&key(mechanism), format!("Kerberos is not built into this program: use {MECHANISMS}")),
            name if name == "PLAIN" || name.starts_with("SCRAM-") => {
                if let Some(missing) = CREDENTIALS.iter().find(|name| !self.0.contains_key(**name)) {
                    report.problem(&key(mechanism), format!("{name} needs {missing}, which is not set"));
                }
            }
            _ => {}
        }
    }

    /// The linked librdkafka has no OIDC, so it can only create unsecured tokens.
    fn validate_tokens(&self, report: &mut Report<'_>) {
        let value = |name: &str| self.0.get(name).map(Secret::expose);
        let by_token = |name: &&str| value(name).is_some_and(|mechanism| mechanism.eq_ignore_ascii_case("OAUTHBEARER"));
        let Some(mechanism) = ["sasl.mechanisms", "sasl.mechanism"].into_iter().find(by_token) else { return };
        if value(UNSECURED_TOKENS) == Some("true") {
            report.warning(&key(UNSECURED_TOKENS), "an unsecured token proves nothing: anyone can create the same one");
        } else {
            let message = "a token for OAUTHBEARER cannot be fetched: this program is built without OIDC; use SCRAM-SHA-512, PLAIN or a \
                           client certificate";
            report.problem(&key(mechanism), message);
        }
    }

    /// Reads the values of `file:PATH` and `env:NAME`.
    pub(in crate::config) fn read_secrets(&mut self, variables: &Variables, report: &mut Report<'_>) {
        for (name, secret) in &mut self.0 {
            let origin = report.origin(&key(name)).clone();
            let Some(value) = source::referenced(secret.expose(), &origin, variables) else { continue };
            match value.and_then(|value| refusal(name, &value).map_or(Ok(value), Err)) {
                Ok(value) => *secret = Secret::new(value),
                Err(message) => report.problem(&key(name), message),
            }
        }
    }
}

/// Checks a property; the error is a message and the nearest valid name, if there is one.
fn check(name: &str, value: &str, origin: &Origin) -> Result<(), (String, Option<&'static str>)> {
    if let Some((_, reason)) = KEPT.iter().find(|(kept, _)| *kept == name) {
        return Err((format!("cannot be set here: {reason}"), None));
    }
    if !property::is_known(name) {
        return Err(("librdkafka has no such property".to_owned(), nearest::within_reach(name, Properties::names())));
    }
    if source::is_reference(value) {
        return Ok(());
    }
    if is_sensitive(name) && matches!(origin, Origin::Option(_)) {
        return Err(("every user of this machine can read command-line options: use file:PATH or env:NAME".to_owned(), None));
    }
    refusal(name, value).or_else(|| too_small(name, value)).map_or(Ok(()), |message| Err((message, None)))
}

/// Warns about values that are allowed but risky.
fn warn(name: &str, value: &str, report: &mut Report<'_>) {
    let off = match name {
        "enable.ssl.certificate.verification" => value == "false",
        "ssl.endpoint.identification.algorithm" => value == "none",
        _ => false,
    };
    if off {
        report.warning(&key(name), "the broker's identity is not verified: anyone on the network path can read and change everything");
    }
}

/// The key of a property.
fn key(name: &str) -> String {
    KeyPath::of_keys(["kafka", "properties", name]).to_string()
}

fn is_sensitive(name: &str) -> bool {
    SENSITIVE.iter().any(|part| name.contains(part))
}

/// Why the service refuses a value that librdkafka accepts.
fn too_small(name: &str, value: &str) -> Option<String> {
    let small = name == "message.max.bytes" && value.parse::<u64>().is_ok_and(|bytes| bytes < MESSAGE_BYTES_MIN);
    small.then(|| format!("must be at least {MESSAGE_BYTES_MIN}: a state record may take 512 KiB"))
}

/// Why librdkafka refuses a value. Its own message may quote the value, which must not happen to a secret.
fn refusal(name: &str, value: &str) -> Option<String> {
    let message = property::refusal(name, value)?;
    let quotable = !is_sensitive(name) && !message.is_empty();
    Some(if quotable { message } else { "librdkafka refuses its value".to_owned() })
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written(#[serde(deserialize_with = "field::as_written")] String);
        let values = BTreeMap::<String, Written>::deserialize(deserializer)?;
        Ok(Self(values.into_iter().map(|(name, Written(value))| (name, Secret::new(value))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suggested_name_exists_in_the_linked_librdkafka() {
        assert!(Properties::names().count() > 100);
        for name in Properties::names() {
            assert!(property::is_known(name), "{name}");
        }
    }

    #[test]
    fn a_producer_must_accept_the_largest_state_record() {
        let check = |value| check("message.max.bytes", value, &Origin::Default);
        assert!(check("599999").unwrap_err().0.contains("at least 600000") && check("600000").is_ok());
    }

    #[test]
    fn every_property_that_the_service_sets_exists_in_librdkafka() {
        for (name, _) in KEPT {
            assert!(property::is_known(name), "{name}");
        }
    }

    #[test]
    fn values_that_may_be_secret_are_not_quoted() {
        let message = refusal("request.timeout.ms", "hunter2").unwrap();
        assert!(!message.contains("hunter2"), "{message}");
        assert!(is_sensitive("sasl.password") && is_sensitive("ssl.key.pem") && is_sensitive("sasl.oauthbearer.client.secret"));
    }
}
