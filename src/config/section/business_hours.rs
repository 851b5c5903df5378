//! `[support.business_hours]`: when the support team works.

use serde::Deserialize;

use crate::config::field;
use crate::config::validate::Report;
use crate::time::{self, Date, OpenHours, Zone};

/// `[support.business_hours]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessHours {
    /// Time zone of the hours and holidays; `None` means the reporting zone.
    #[serde(default, deserialize_with = "some_zone")]
    pub zone: Option<Zone>,
    /// Open hours by day of the week.
    pub open: Week,
    /// Dates on which the team does not work.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
}

/// Open hours of each day; a day without any is closed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Week {
    /// Monday.
    pub mon: Vec<Open>,
    /// Tuesday.
    pub tue: Vec<Open>,
    /// Wednesday.
    pub wed: Vec<Open>,
    /// Thursday.
    pub thu: Vec<Open>,
    /// Friday.
    pub fri: Vec<Open>,
    /// Saturday.
    pub sat: Vec<Open>,
    /// Sunday.
    pub sun: Vec<Open>,
}

/// Hours such as `09:00-17:30`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Open(#[serde(deserialize_with = "open_hours")] OpenHours);

/// A date such as `2024-12-25`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Holiday(#[serde(deserialize_with = "field::date")] Date);

/// Most ranges of open hours per day.
const HOURS_MAX: usize = 24;
/// Most holidays.
const HOLIDAYS_MAX: usize = 10_000;

impl Week {
    /// The days with their names, from Monday.
    fn days(&self) -> [(&'static str, &[Open]); 7] {
        let Self { mon, tue, wed, thu, fri, sat, sun } = self;
        [("mon", mon), ("tue", tue), ("wed", wed), ("thu", thu), ("fri", fri), ("sat", sat), ("sun", sun)].map(|(name, day)| (name, &**day))
    }
}

impl BusinessHours {
    /// The business hours of the pure half.
    #[must_use]
    pub fn business_hours(&self, reporting_zone: &Zone) -> time::BusinessHours {
        let days = self.open.days().map(|(_, day)| day.iter().map(|Open(hours)| *hours).collect());
        let holidays = self.holidays.iter().map(|Holiday(date)| *date);
        time::BusinessHours::new(self.zone.as_ref().unwrap_or(reporting_zone), days, holidays)
    }

    pub(super) fn validate(&self, report: &mut Report<'_>) {
        let days = self.open.days();
        for (name, day) in days {
            let key = format!("support.business_hours.open.{name}");
            if day.len() > HOURS_MAX {
                report.problem(&key, format!("has {} entries: at most {HOURS_MAX}", day.len()));
                continue;
            }
            for (index, Open(hours)) in day.iter().enumerate() {
                if day.iter().take(index).any(|Open(earlier)| earlier.overlap(*hours)) {
                    report.problem(&format!("{key}[{index}]"), "overlaps other hours of the day: hours of a day must not share a minute");
                }
            }
        }
        let key = "support.business_hours.open";
        if days.iter().all(|(_, day)| day.is_empty()) && report.is_complete(key) {
            report.problem(key, "is closed on every day: at least one needs hours such as [\"09:00-17:30\"]");
        }
        if self.holidays.len() > HOLIDAYS_MAX {
            report.problem("support.business_hours.holidays", format!("has {} entries: at most {HOLIDAYS_MAX}", self.holidays.len()));
        }
    }
}

fn some_zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Zone>, D::Error> {
    field::zone(deserializer).map(Some)
}

fn open_hours<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<OpenHours, D::Error> {
    let text = String::deserialize(deserializer)?;
    OpenHours::parse(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is not allowed: must be as in 09:00-17:30, from 00:00 up to 24:00 of the same day"))
    })
}
