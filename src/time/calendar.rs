//! Quiet days: holidays on which the clocks of usage stop.

use super::Date;

/// A run of quiet dates, both ends quiet; for all accounts, or for those of some regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietPeriod {
    /// First quiet date.
    pub from: Date,
    /// Last quiet date.
    pub to: Date,
    /// Regions of profiles it holds for; empty: all.
    pub regions: Vec<String>,
}

/// The quiet days of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    periods: Vec<QuietPeriod>,
}

impl Calendar {
    /// A calendar of these periods.
    #[must_use]
    pub const fn new(periods: Vec<QuietPeriod>) -> Self {
        Self { periods }
    }

    /// Whether it has no quiet days.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.periods.is_empty()
    }

    /// The number of dates that any period covers, counted once for each period: how much further back windows may reach.
    #[must_use]
    pub fn total_days(&self) -> i32 {
        self.periods.iter().map(|period| period.to.0 - period.from.0 + 1).sum()
    }

    /// Whether a date is quiet for an account of this region.
    #[must_use]
    pub fn is_quiet(&self, date: Date, region: Option<&str>) -> bool {
        self.periods.iter().any(|period| {
            (period.from..=period.to).contains(&date)
                && (period.regions.is_empty() || region.is_some_and(|region| period.regions.iter().any(|r| r == region)))
        })
    }
}
