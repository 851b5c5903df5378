//! `[time]`: the reporting zone, and the limits on event time.

use serde::Deserialize;

use crate::config::field;
use crate::time::{Date, Zone};

/// `[time]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// Time zone of days and months; must never change for an application id.
    #[serde(deserialize_with = "field::zone")]
    pub reporting_time_zone: Zone,
    /// Records further ahead of their reference time than this are dead letters, hours.
    #[serde(deserialize_with = "field::between::<0, 8_760, _, _>")]
    pub max_future_hours: i64,
    /// Records from before midnight of this date, in the reporting zone, are dead letters.
    #[serde(deserialize_with = "field::earliest")]
    pub earliest: Date,
    /// How long record ids are remembered for dedup, days; 0 means not at all.
    #[serde(deserialize_with = "field::between::<0, 31, _, _>")]
    pub dedup_days: i64,
    /// A partition whose next record is older than this is catching up, minutes; `None` means never.
    #[serde(deserialize_with = "field::minutes_or_never")]
    pub catch_up_age_minutes: Option<i64>,
    /// After this long in catch-up, changes are published anyway, minutes.
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
