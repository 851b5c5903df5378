//! The metrics of an account's whole life of use.

use super::Usage;
use crate::metric::{Metric, Metrics};
use crate::settings::Settings;
use crate::time::{DAY_MS, Date, Timestamp};

/// The active dates up to some date.
#[derive(Default)]
struct Lifetime {
    count: u64,
    first: Option<Date>,
    /// `None` also if it is no longer kept, which only happens before the newest date.
    last: Option<Date>,
}

impl Usage {
    /// Sets the metrics of the account's whole life; the one in gaps only if `usage.days_since_last` is set.
    pub(super) fn measure_lifetime(&self, t: Timestamp, today: Date, settings: &Settings, out: &mut Metrics) {
        let Lifetime { count, first, last } = self.lifetime(today);
        out.whole(Metric::ActiveDaysLifetime, count);
        let Some(first) = first else { return };
        if let Some(last) = last.filter(|_| count > 1) {
            out.real(Metric::MeanGapDays, f64::from(last.0.saturating_sub(first.0)) / (count - 1) as f64, Some(count));
        }
        let age = t.since(settings.zone.start_of(first)) as f64 / DAY_MS as f64;
        out.real(Metric::AgeDays, age, None);
        if let Some(days) = out.number(Metric::DaysSinceLast).filter(|_| age > 0.0) {
            out.real(Metric::GapsSinceLastLifetime, days / (age / count as f64), Some(count));
        }
    }

    fn lifetime(&self, today: Date) -> Lifetime {
        let kept = if self.newest_date <= today {
            let first = self.days.iter().next().map(|(date, _)| Date(date));
            Lifetime { count: self.days.len() as u64, first, last: first.and(Some(self.newest_date)) }
        } else {
            self.days.within(i32::MIN, today.0).fold(Lifetime::default(), |dates, (date, _)| Lifetime {
                count: dates.count + 1,
                first: dates.first.or(Some(Date(date))),
                last: Some(Date(date)),
            })
        };
        Lifetime { count: u64::from(self.earlier.count) + kept.count, first: self.earlier.first().or(kept.first), ..kept }
    }
}
