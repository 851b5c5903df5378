//! `[usage]`: which usage counts as product use, and by whom.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::settings::usage_filter::{DEFAULT_ANONYMOUS_USERS, Names, Patterns, UsageFilter};

/// `[usage]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Features that count; empty means all.
    #[serde(deserialize_with = "patterns")]
    pub active_features: Option<Patterns>,
    /// Features that do not count.
    #[serde(deserialize_with = "patterns")]
    pub ignore_features: Option<Patterns>,
    /// Users whose usage does not count, such as service users.
    #[serde(deserialize_with = "patterns")]
    pub ignore_users: Option<Patterns>,
    /// Ids that stand for no particular user, in upper or lower case: their use counts for the account alone.
    pub anonymous_users: Vec<String>,
    /// Features that every account is entitled to whose profile names none.
    pub feature_catalogue: Vec<String>,
}

impl Usage {
    /// The filter of the pure half.
    #[must_use]
    pub fn filter(&self) -> UsageFilter {
        UsageFilter {
            active_features: self.active_features.clone(),
            ignore_features: self.ignore_features.clone(),
            ignore_users: self.ignore_users.clone(),
            anonymous_users: Names::new(self.anonymous_users.iter().map(String::as_str)),
        }
    }
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            active_features: None,
            ignore_features: None,
            ignore_users: None,
            anonymous_users: DEFAULT_ANONYMOUS_USERS.map(str::to_owned).into(),
            feature_catalogue: Vec::new(),
        }
    }
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Patterns>, D::Error> {
    let patterns = Vec::<String>::deserialize(deserializer)?;
    Patterns::compile(&patterns).map_err(D::Error::custom)
}
