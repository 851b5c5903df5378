//! `[kafka]`: the cluster.

use serde::{Deserialize, Deserializer};

use super::Properties;
use crate::config::validate::Report;

/// `[kafka]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Initial brokers: `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Where to start an input partition without a committed offset.
    pub start: Start,
    /// Whether missing output and internal topics are created.
    pub create_topics: bool,
    /// Replication factor of created topics; -1 means the broker's default.
    #[serde(deserialize_with = "replication_factor")]
    pub replication_factor: i32,
    /// librdkafka properties.
    pub properties: Properties,
}

/// Where to start an input partition that has no committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At the earliest record.
    Earliest,
    /// At the end: only new records.
    Latest,
    /// Nowhere: the service exits instead.
    Fail,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            bootstrap_servers: "127.0.0.1:9092".to_owned(),
            start: Start::Earliest,
            create_topics: true,
            replication_factor: -1,
            properties: Properties::default(),
        }
    }
}

impl Kafka {
    /// The brokers and the user's properties, which every client starts from. Values may be secrets.
    pub fn client_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.properties.iter().map(|(name, value)| (name, value.expose()));
        std::iter::once(("bootstrap.servers", self.bootstrap_servers.as_str())).chain(properties)
    }

    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        let key = "kafka.bootstrap_servers";
        if self.bootstrap_servers.trim().is_empty() {
            report.problem(key, "must name at least one broker, as in kafka-1:9092,kafka-2:9092");
        } else if let Some(server) = self.bootstrap_servers.split(',').map(str::trim).find(|server| !is_server(server)) {
            report.problem(key, wrong_server(server));
        }
    }
}

/// Whether the text is `host:port` or `[v6]:port`. Without a port, librdkafka would silently use 9092.
pub(super) fn is_server(text: &str) -> bool {
    let is_host = |host: &str| !host.is_empty() && !host.contains(|c: char| c == '/' || c.is_whitespace());
    text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// What is wrong with a server, and what it should look like.
pub(super) fn wrong_server(text: &str) -> String {
    if let Some((scheme, rest)) = text.split_once("://") {
        let server = rest.split('/').next().unwrap_or_default();
        return format!(
            "`{text}` is a URL: write host:port without `{scheme}://`, as in {}",
            if is_server(server) { server } else { "kafka-1:9092" }
        );
    }
    let host = text.trim_end_matches(':');
    let near = if is_server(&format!("{host}:9092")) { format!("; did you mean {host}:9092?") } else { String::new() };
    format!("`{text}` is not a valid host:port, as in kafka-1:9092{near}")
}

fn replication_factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let factor = i32::deserialize(deserializer)?;
    let allowed = factor == -1 || (1..=100).contains(&factor);
    if allowed {
        Ok(factor)
    } else {
        Err(serde::de::Error::custom(format!("{factor} is out of range: must be 1 to 100, or -1 for the broker's default")))
    }
}
