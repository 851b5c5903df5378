//! Which usage counts: globs over feature names and users (`[usage]`).

use globset::GlobSet;

/// Decides which feature uses and users count as product use.
#[derive(Clone, Debug, Default)]
pub struct UsageFilter {
    /// Features that count; `None`: all.
    pub active_features: Option<GlobSet>,
    /// Features that do not.
    pub ignore_features: Option<GlobSet>,
    /// Users that do not (service users).
    pub ignore_users: Option<GlobSet>,
}

impl UsageFilter {
    /// Whether a user counts.
    #[must_use]
    pub fn counts_user(&self, user: &str) -> bool {
        self.ignore_users.as_ref().is_none_or(|globs| !globs.is_match(user))
    }

    /// Whether a feature counts.
    #[must_use]
    pub fn counts_feature(&self, feature: &str) -> bool {
        self.active_features.as_ref().is_none_or(|globs| globs.is_match(feature))
            && self.ignore_features.as_ref().is_none_or(|globs| !globs.is_match(feature))
    }
}
