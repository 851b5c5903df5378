//! `[metrics]`: accounts with their own series.

use serde::Deserialize;

/// `[metrics]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The watch list: accounts that have their own series as long as `limits.series` has room.
    pub watch_accounts: Vec<String>,
}
