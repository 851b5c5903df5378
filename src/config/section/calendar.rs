//! `[[calendar.quiet]]`: holidays, on which missing usage does not count against an account.

use serde::Deserialize;

use crate::config::field;
use crate::config::validate::Report;
use crate::time::{Calendar, Date, QuietPeriod};

/// `[calendar]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarDays {
    /// Quiet days.
    pub quiet: Vec<Quiet>,
}

/// A range of quiet dates in the reporting zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// First quiet date.
    #[serde(deserialize_with = "field::date")]
    pub from: Date,
    /// Last quiet date.
    #[serde(deserialize_with = "field::date")]
    pub to: Date,
    /// Profile regions that it applies to; empty means all.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// Most ranges of quiet dates.
const QUIET_MAX: usize = 1_000;
/// Longest range, days.
const DAYS_MAX: i32 = 366;

impl CalendarDays {
    /// The calendar of the pure half.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        let period = |quiet: &Quiet| QuietPeriod { from: quiet.from, to: quiet.to, regions: quiet.regions.clone() };
        Calendar::new(self.quiet.iter().map(period).collect())
    }

    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        if self.quiet.len() > QUIET_MAX {
            report.problem("calendar.quiet", format!("has {} entries: at most {QUIET_MAX}", self.quiet.len()));
        }
        for (index, quiet) in self.quiet.iter().enumerate() {
            let key = format!("calendar.quiet[{index}].to");
            if quiet.to < quiet.from {
                report.problem(&key, "is before `from`");
            } else if quiet.to.0 - quiet.from.0 >= DAYS_MAX {
                report.problem(&key, format!("is more than {DAYS_MAX} days after `from`"));
            }
            if let Some(place) = quiet.regions.iter().position(String::is_empty) {
                report.problem(&format!("calendar.quiet[{index}].regions[{place}]"), "must not be empty");
            }
        }
    }
}
