//! `[state]`: the format in which state is written.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The newest format that this program writes; it reads all before it.
const NEWEST: u8 = 1;

/// `[state]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Format in which state is written: the older one until a rolling upgrade is complete.
    #[serde(deserialize_with = "version")]
    pub write_version: u8,
}

impl Default for State {
    fn default() -> Self {
        Self { write_version: NEWEST }
    }
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let version = u8::deserialize(deserializer)?;
    let known = (1..=NEWEST).contains(&version);
    if known { Ok(version) } else { Err(D::Error::custom(format!("this program does not write version {version}: 1 to {NEWEST}"))) }
}
