//! `[time]`: the reporting zone and the limits of time.

use serde::Deserialize;

use crate::config::field;
use crate::time::Zone;

/// `[time]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// Zone of days and months; fixed for an application id.
    #[serde(deserialize_with = "field::zone")]
    pub reporting_time_zone: Zone,
    /// Records further ahead of their reference time are dead letters, hours.
    #[serde(deserialize_with = "field::between::<0, 8_760, _, _>")]
    pub max_future_hours: i64,
    /// How long ids are remembered, days; 0: not at all.
    #[serde(deserialize_with = "field::between::<0, 31, _, _>")]
    pub dedup_days: i64,
    /// A partition whose next record is older is catching up, minutes.
    #[serde(deserialize_with = "field::between::<1, 10_080, _, _>")]
    pub catch_up_age_minutes: i64,
    /// After this long in catch-up changes are published anyway, minutes.
    #[serde(deserialize_with = "field::between::<1, 10_080, _, _>")]
    pub catch_up_limit_minutes: i64,
}

impl Default for Time {
    fn default() -> Self {
        Self { reporting_time_zone: Zone::utc(), max_future_hours: 24, dedup_days: 7, catch_up_age_minutes: 5, catch_up_limit_minutes: 60 }
    }
}
