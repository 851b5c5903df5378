//! `[account]`: the bounds of stages.

use serde::Deserialize;

use crate::config::field;

/// `[account]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// An account that has not finished onboarding is in stage onboarding below this tenure, days.
    #[serde(deserialize_with = "field::between::<1, 3_650, _, _>")]
    pub onboarding_days: i64,
    /// A term that ends within this is in stage renewing, days.
    #[serde(deserialize_with = "field::between::<1, 3_650, _, _>")]
    pub renewing_days: i64,
}

impl Default for Account {
    fn default() -> Self {
        Self { onboarding_days: 90, renewing_days: 90 }
    }
}
