//! Which values a metric can take, and which metrics move with it.

use crate::metric::{Metric, Metrics, Unit, Value};

/// Metrics in constant proportion to each other, so that none of them can change alone.
const PROPORTIONAL: [&[Metric]; 8] = [
    &[Metric::DaysSinceLast, Metric::GapsSinceLast, Metric::GapsSinceLastLifetime],
    &[Metric::ActiveDays28d, Metric::ActiveDaysVsBaseline],
    &[Metric::Events7d, Metric::Trend],
    &[Metric::ActiveUsers28d, Metric::Mau, Metric::SeatUtilisation, Metric::ActiveUsersGrowth],
    &[Metric::Features28d, Metric::Adoption, Metric::FeaturesGrowth],
    &[Metric::Mrr, Metric::Arr, Metric::MrrGrowth91d],
    &[Metric::OpenWeighted, Metric::OpenWeightedPer10Users],
    &[Metric::Opened28d, Metric::OpenedPer10Users28d],
];

/// The smallest and largest value of a metric; the largest is infinite where there is no limit.
pub(super) const fn range(metric: Metric) -> (f64, f64) {
    match metric {
        Metric::ActiveDays28d => (0.0, 28.0),
        Metric::ActiveDays91d => (0.0, 91.0),
        Metric::CancelScheduled
        | Metric::Stickiness
        | Metric::Adoption
        | Metric::ReopenRate
        | Metric::Fcr
        | Metric::SupportCsat
        | Metric::FeedbackCsat
        | Metric::CesLatest => (0.0, 1.0),
        Metric::NpsLatest => (0.0, 10.0),
        Metric::Nps91d => (-100.0, 100.0),
        Metric::MrrDelta28d | Metric::MrrDelta91d | Metric::MrrDelta364d => (f64::NEG_INFINITY, f64::INFINITY),
        _ => (0.0, f64::INFINITY),
    }
}

/// Whether only whole numbers are possible.
pub(super) const fn is_whole(metric: Metric) -> bool {
    matches!(metric.unit(), Unit::Count | Unit::Money)
}

/// Whether anything but time can change it.
pub(super) const fn can_change(metric: Metric) -> bool {
    !matches!(metric, Metric::AgeDays | Metric::TenureDays | Metric::OnboardingDays | Metric::DaysToRenewal)
}

/// The metrics that move with this one, itself included.
pub(super) fn linked(metric: Metric) -> impl Iterator<Item = Metric> {
    let group = PROPORTIONAL.iter().find(|group| group.contains(&metric));
    let others = group.into_iter().flat_map(|group| group.iter().copied()).filter(move |other| *other != metric);
    std::iter::once(metric).chain(others)
}

/// Sets a metric, and those that move with it in proportion.
pub(super) fn set(metrics: &mut Metrics, metric: Metric, value: f64) {
    let Some(before) = metrics.number(metric) else { return };
    for other in linked(metric) {
        let Some(sample) = metrics.get(other).cloned() else { continue };
        let Some(now) = sample.value.number() else { continue };
        let moved = match (other == metric, before) {
            (true, _) => value,
            (false, 0.0) => now,
            (false, before) => now * (value / before),
        };
        metrics.set(other, Value::Real(moved), sample.n);
    }
    if metric == Metric::PaymentFailuresOpen && value == 0.0 {
        metrics.clear(Metric::DaysPastDue);
    }
}
