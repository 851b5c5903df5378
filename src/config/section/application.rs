//! `[application]`: the identity of this instance in the group.

use serde::Deserialize;

use crate::config::field;
use crate::config::section::kafka::{is_server, wrong_server};
use crate::config::validate::Report;

/// `[application]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Group id, prefix of transactional ids, and part of the changelog's name.
    pub id: String,
    /// Name of a static member; empty means dynamic membership.
    pub instance: String,
    /// Stream threads, each a member of the group.
    #[serde(deserialize_with = "field::between::<1, 64, _, _>")]
    pub threads: u32,
    /// `host:port` at which other instances and people reach the HTTP server of this one; empty if they cannot.
    pub advertised_listen: String,
}

impl Default for Application {
    fn default() -> Self {
        Self { id: "churnwatch".to_owned(), instance: String::new(), threads: 1, advertised_listen: String::new() }
    }
}

/// Longest id and instance, bytes: with prefix and suffix they must still make a valid topic name.
const NAME_BYTES: usize = 200;

impl Application {
    /// The name of the changelog topic.
    #[must_use]
    pub fn changelog_topic(&self) -> String {
        format!("churnwatch-{}-changelog", self.id)
    }

    /// The name of the internal topic of the repartition stage.
    #[must_use]
    pub fn repartition_topic(&self) -> String {
        format!("churnwatch-{}-repartition", self.id)
    }

    /// The name of the internal topic that holds aliases.
    #[must_use]
    pub fn aliases_topic(&self) -> String {
        format!("churnwatch-{}-aliases", self.id)
    }

    /// The client id of this instance in the group: it tells the others where this one can be asked. `None`: librdkafka's own.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        (!self.advertised_listen.is_empty()).then(|| format!("churnwatch@{}", self.advertised_listen))
    }

    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        let allowed = format!("must be 1 to {NAME_BYTES} letters, digits, `.`, `_` or `-`");
        if !field::is_name(&self.id) || self.id.len() > NAME_BYTES {
            report.problem("application.id", &*allowed);
        }
        if !self.instance.is_empty() && (!field::is_name(&self.instance) || self.instance.len() > NAME_BYTES) {
            report.problem("application.instance", format!("{allowed}; empty for dynamic membership"));
        }
        if !self.advertised_listen.is_empty() && !is_server(&self.advertised_listen) {
            report.problem("application.advertised_listen", wrong_server(&self.advertised_listen));
        }
    }
}
