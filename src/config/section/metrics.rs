//! `[metrics]`: which accounts always have series of their own.

use serde::Deserialize;

/// `[metrics]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The watch list: accounts that have series of their own while there is room under `limits.series`.
    pub watch_accounts: Vec<String>,
}
