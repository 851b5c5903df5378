//! `[metrics]`: accounts that always have series of their own.

use serde::Deserialize;

/// `[metrics]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The watch list: accounts with series of their own, as long as `limits.series` has room.
    pub watch_accounts: Vec<String>,
}
