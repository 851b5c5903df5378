//! `[state]`: the format in which state is written.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::settings::StateVersion;

/// `[state]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateFormat {
    /// The format to write. During a rolling upgrade, keep that of the older version until every instance runs the new one.
    #[serde(deserialize_with = "version")]
    pub write_version: StateVersion,
}

impl Default for StateFormat {
    fn default() -> Self {
        Self { write_version: StateVersion::NEWEST }
    }
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StateVersion, D::Error> {
    let number = u8::deserialize(deserializer)?;
    let newest = StateVersion::NEWEST as u8;
    StateVersion::numbered(number).ok_or_else(|| D::Error::custom(format!("version {number} cannot be written: must be 1 to {newest}")))
}
