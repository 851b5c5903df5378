//! Quiet days: holidays that do not count towards inactivity.

use super::Date;

/// A run of quiet dates, both ends included, for all accounts or for those in certain regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietPeriod {
    /// First quiet date.
    pub from: Date,
    /// Last quiet date.
    pub to: Date,
    /// Profile regions that it applies to; empty: all.
    pub regions: Vec<String>,
}

/// The quiet days of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    periods: Vec<QuietPeriod>,
}

impl Calendar {
    /// A calendar of periods in any order; they may overlap.
    #[must_use]
    pub const fn new(periods: Vec<QuietPeriod>) -> Self {
        Self { periods }
    }

    /// Whether it has no quiet days.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.periods.is_empty()
    }

    /// Quiet dates, counted once per period: the most that windows can be pushed back.
    #[must_use]
    pub fn total_days(&self) -> i32 {
        let days = |period: &QuietPeriod| period.to.0.saturating_sub(period.from.0).saturating_add(1);
        self.periods.iter().map(days).fold(0, i32::saturating_add)
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
