//! `[account]`: when an account counts as onboarding or renewing.

use serde::Deserialize;

use crate::config::field;

/// `[account]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// An account with unfinished onboarding is in stage onboarding up to this tenure, days.
    #[serde(deserialize_with = "field::between::<1, 3_650, _, _>")]
    pub onboarding_days: i64,
    /// An account whose term ends within this time is in stage renewing, days.
    #[serde(deserialize_with = "field::between::<1, 3_650, _, _>")]
    pub renewing_days: i64,
}

impl Default for Account {
    fn default() -> Self {
        Self { onboarding_days: 90, renewing_days: 90 }
    }
}
