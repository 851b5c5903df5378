//! `[usage]`: which usage counts as product use.

use std::fmt;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::settings::UsageFilter;

/// `[usage]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Features that count; empty: all.
    pub active_features: Globs,
    /// Features that do not count.
    pub ignore_features: Globs,
    /// Users that do not count: service users.
    pub ignore_users: Globs,
    /// Features that every account is entitled to whose profile names none.
    pub feature_catalogue: Vec<String>,
}

impl Usage {
    /// The filter of the pure half.
    #[must_use]
    pub fn filter(&self) -> UsageFilter {
        UsageFilter {
            active_features: self.active_features.set(),
            ignore_features: self.ignore_features.set(),
            ignore_users: self.ignore_users.set(),
        }
    }
}

/// Compiled glob patterns.
#[derive(Clone, Default)]
pub struct Globs {
    patterns: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// The set; `None` where there is no pattern.
    fn set(&self) -> Option<GlobSet> {
        (!self.patterns.is_empty()).then(|| self.set.clone())
    }
}

impl fmt::Debug for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.patterns.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let globs = Vec::<Pattern>::deserialize(deserializer)?;
        let patterns = globs.iter().map(|Pattern(glob)| glob.glob().to_owned()).collect();
        let mut builder = GlobSetBuilder::new();
        for Pattern(glob) in globs {
            builder.add(glob);
        }
        Ok(Self { patterns, set: builder.build().map_err(D::Error::custom)? })
    }
}

/// One pattern, so that a wrong one stands at its own place.
struct Pattern(Glob);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Glob::new(&text).map(Self).map_err(|error| D::Error::custom(format!("`{text}` is no pattern: {}", error.kind())))
    }
}
