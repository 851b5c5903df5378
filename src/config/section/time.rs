//! `[time]`: the reporting zone and the limits of time.

use serde::Deserialize;

use crate::config::field;
use crate::time::{Date, Zone};

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
    /// Midnight of this date in the zone: what is said to have happened before it is a dead letter.
    #[serde(deserialize_with = "field::earliest")]
    pub earliest: Date,
    /// How long ids are remembered, days; 0: not at all.
    #[serde(deserialize_with = "field::between::<0, 31, _, _>")]
    pub dedup_days: i64,
    /// A partition whose next record is older is catching up, minutes; `None`: never.
    #[serde(deserialize_with = "field::minutes_or_never")]
    pub catch_up_age_minutes: Option<i64>,
    /// After this long in catch-up changes are published anyway, minutes.
    #[serde(deserialize_with = "field::between::<1, 10_080, _, _>")]
    pub catch_up_limit_minutes: i64,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            reporting_time_zone: Zone::utc(),
            max_future_hours: 24,
            earliest: Date::Y2000,
            dedup_days: 7,
            catch_up_age_minutes: Some(5),
            catch_up_limit_minutes: 60,
        }
    }
}
