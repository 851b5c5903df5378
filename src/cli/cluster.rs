//! The keys that people set most often, as options of their own.

use super::Globals;

/// The brokers, for commands that use a cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Cluster {
    /// Brokers; overrides the key `kafka.bootstrap_servers`
    #[arg(long, global = true, value_name = "HOST:PORT,..")]
    pub bootstrap_servers: Option<String>,
}

impl Cluster {
    /// The global options together with this one.
    pub(super) fn within(&self, globals: &Globals) -> Globals {
        globals.clone().with("--bootstrap-servers", "kafka.bootstrap_servers", self.bootstrap_servers.as_deref())
    }
}

/// The address of page, API and metrics, for commands that serve them.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Address {
    /// Address of the page, the API and the metrics; short for --set http.listen=...
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
}

impl Address {
    /// The global options together with this one.
    pub(super) fn within(&self, globals: Globals) -> Globals {
        globals.with("--listen", "http.listen", self.listen.as_deref())
    }
}
