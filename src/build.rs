//! What this binary was built from.

use serde::Serialize;

use crate::kafka;
use crate::settings::StateVersion;

/// The build of this binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// Version of the package.
    pub version: &'static str,
    /// Commit that it was built from: `BUILD_COMMIT` at compile time, else `unknown`.
    pub commit: &'static str,
    /// Version of librdkafka, which is linked statically.
    pub librdkafka: String,
    /// Versions of the state format that it reads. It writes the one that `state.write_version` selects, by default the newest.
    pub state_versions: Vec<u8>,
}

impl Build {
    /// The build of the running binary.
    #[must_use]
    pub fn of_this_binary() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("BUILD_COMMIT").unwrap_or("unknown"),
            librdkafka: kafka::librdkafka_version(),
            state_versions: StateVersion::ALL.iter().map(|version| *version as u8).collect(),
        }
    }
}
