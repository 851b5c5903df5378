//! The part of the configuration that the pure half reads.

use super::Config;
use crate::event::{PerStream, Priority};
use crate::settings::{AccountSettings, Settings, TimeSettings};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

impl Config {
    /// The settings of the pure half.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let zone = &self.time.reporting_time_zone;
        Settings {
            source: format!("/churnwatch/{}", self.application.id),
            zone: zone.clone(),
            calendar: self.calendar.calendar(),
            money: self.money.policy(zone),
            usage: self.usage.filter(),
            feature_catalogue: self.usage.feature_catalogue.clone(),
            priority_weights: Priority::ALL.map(|priority| self.support.priority_weights.of(priority)),
            business_hours: self.support.business_hours.as_ref().map(|hours| hours.business_hours(zone)),
            account: AccountSettings { onboarding_days: self.account.onboarding_days, renewing_days: self.account.renewing_days },
            limits: self.limits.clone(),
            time: TimeSettings {
                max_future_ms: self.time.max_future_hours * HOUR_MS,
                dedup_ms: self.time.dedup_days * DAY_MS,
                earliest: zone.start_of(self.time.earliest),
                catch_up_age_ms: self.time.catch_up_age_minutes.map(|minutes| minutes * MINUTE_MS),
                catch_up_limit_ms: self.time.catch_up_limit_minutes * MINUTE_MS,
            },
            configured: PerStream::from_fn(|stream| self.streams.is_configured(stream)),
            stale_after_ms: PerStream::from_fn(|stream| self.streams.stale_after_ms(stream)),
            model: self.model.clone(),
            state_write_version: self.state.write_version,
        }
    }
}
