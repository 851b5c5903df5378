//! Metrics in words: the subject of a sentence that is read aloud, and how its values are said.

use crate::metric::Metric;

/// A metric as the subject of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Such as `active days in 28 d`.
    pub subject: &'static str,
    /// Whether the subject takes a plural verb.
    pub is_plural: bool,
    /// How values are said.
    pub measure: Measure,
}

/// How the values of a metric are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// A whole number with thousands.
    Count,
    /// A number with two decimals at most.
    Number,
    /// A ratio, in per cent.
    Percent,
    /// Minor units as an amount with currency and thousands.
    Money,
    /// A number with a unit of time, singular or plural.
    Time(&'static str),
    /// A multiple of the account's usual gap between active days: one decimal.
    Gaps,
    /// A grade out of ten.
    OutOfTen,
}

impl Measure {
    /// The smallest difference that is said.
    pub const fn step(self) -> f64 {
        match self {
            Self::Count | Self::OutOfTen | Self::Money => 1.0,
            Self::Number | Self::Percent => 0.01,
            Self::Time(_) | Self::Gaps => 0.1,
        }
    }
}

impl Words {
    const fn new(subject: &'static str, is_plural: bool, measure: Measure) -> Self {
        Self { subject, is_plural, measure }
    }

    /// `is` or `are`.
    pub const fn verb(&self) -> &'static str {
        if self.is_plural { "are" } else { "is" }
    }
}

/// The words of a metric. Exhaustive, so a new metric does not compile until it has words.
pub(super) const fn words(metric: Metric) -> Words {
    use Measure::{Count, Gaps, Money, Number, OutOfTen, Percent, Time};
    let (subject, is_plural, measure) = match metric {
        Metric::Events1d => ("feature uses in 24 h", true, Count),
        Metric::Events7d => ("feature uses in 7 d", true, Count),
        Metric::Events28d => ("feature uses in 28 d", true, Count),
        Metric::Events91d => ("feature uses in 91 d", true, Count),
        Metric::ActiveDays28d => ("active days in 28 d", true, Count),
        Metric::ActiveDays91d => ("active days in 91 d", true, Count),
        Metric::ActiveDaysVsBaseline => ("active days in 28 d relative to the 63 d before", true, Percent),
        Metric::DaysSinceLast => ("the time since the last activity", false, Time("day")),
        Metric::GapsSinceLast => ("the time since the last activity, counted in usual gaps,", false, Gaps),
        Metric::ActiveDaysLifetime => ("active days since the first", true, Count),
        Metric::AgeDays => ("the time since the first active day", false, Time("day")),
        Metric::MeanGapDays => ("the mean time between active days", false, Time("day")),
        Metric::GapsSinceLastLifetime => ("the time since the last activity, counted in usual gaps of the whole history,", false, Gaps),
        Metric::Trend => ("feature uses in 7 d relative to a usual week", true, Percent),
        Metric::Sessions28d => ("sessions in 28 d", true, Count),
        Metric::SessionSecondsMean28d => ("the mean length of a session in 28 d", false, Time("second")),
        Metric::Dau => ("users active in 24 h", true, Count),
        Metric::Wau => ("users active in 7 d", true, Count),
        Metric::Mau | Metric::ActiveUsers28d => ("users active in 28 d", true, Count),
        Metric::Stickiness => ("the share of days on which a user of the last 28 d was active", false, Percent),
        Metric::ActiveUsersGrowth => ("users active in 28 d relative to the 28 d before", true, Percent),
        Metric::RegularUsers28d => ("users active on at least 4 of 28 dates", true, Count),
        Metric::SeatUtilisation => ("the share of seats in use", false, Percent),
        Metric::Features28d => ("features used in 28 d", true, Count),
        Metric::FeaturesGrowth => ("features used in 28 d relative to the 28 d before", true, Percent),
        Metric::Adoption => ("the share of entitled features in use", false, Percent),
        Metric::Mrr => ("monthly recurring revenue", false, Money),
        Metric::Arr => ("annual recurring revenue", false, Money),
        Metric::MrrDelta28d => ("the change of monthly recurring revenue in 28 d", false, Money),
        Metric::MrrDelta91d => ("the change of monthly recurring revenue in 91 d", false, Money),
        Metric::MrrDelta364d => ("the change of monthly recurring revenue in 364 d", false, Money),
        Metric::MrrGrowth91d => ("monthly recurring revenue relative to 91 d ago", false, Percent),
        Metric::Movements28d => ("movements of monthly recurring revenue in 28 d", true, Count),
        Metric::PaymentFailuresOpen => ("unpaid invoices with a failed payment", true, Count),
        Metric::DaysPastDue => ("the age of the oldest unpaid failed invoice", false, Time("day")),
        Metric::CancelScheduled => ("scheduled cancellations", true, Count),
        Metric::DaysToRenewal => ("the time to the end of the term", false, Time("day")),
        Metric::LifetimeValue => ("the sum of paid invoices", false, Money),
        Metric::Opened28d => ("tickets opened in 28 d", true, Count),
        Metric::Resolved28d => ("tickets first resolved in 28 d", true, Count),
        Metric::Open => ("open tickets", true, Count),
        Metric::OpenWeighted => ("open tickets weighted by priority", true, Number),
        Metric::OpenedPer10Users28d => ("tickets opened in 28 d per 10 users", true, Number),
        Metric::OpenWeightedPer10Users => ("weighted open tickets per 10 users", true, Number),
        Metric::OldestOpenHours => ("the age of the oldest open ticket", false, Time("hour")),
        Metric::UrgentOpen => ("open urgent tickets", true, Count),
        Metric::ResolutionP50 => ("the median time to first resolution in 91 d", false, Time("hour")),
        Metric::ResolutionP90 => ("the 90th percentile of the time to first resolution in 91 d", false, Time("hour")),
        Metric::ResolutionMean => ("the mean time to first resolution in 91 d", false, Time("hour")),
        Metric::ResolutionAgentP50 => ("the median time to first resolution without time pending or on hold", false, Time("hour")),
        Metric::FullResolutionP50 => ("the median time to last resolution in 91 d", false, Time("hour")),
        Metric::FirstReplyP50 => ("the median time to the first reply in 91 d", false, Time("minute")),
        Metric::ResolutionBusinessP50 => ("the median time to first resolution in business hours", false, Time("hour")),
        Metric::FirstReplyBusinessP50 => ("the median time to the first reply in business hours", false, Time("minute")),
        Metric::ReopenRate => ("the share of tickets resolved in 91 d that were reopened", false, Percent),
        Metric::Fcr => ("first-contact resolution in 91 d", false, Percent),
        Metric::SupportCsat => ("the share of tickets rated in 91 d that are rated satisfied", false, Percent),
        Metric::NpsLatest => ("the newest NPS answer", false, OutOfTen),
        Metric::Nps91d => ("net promoter score over 91 d", false, Number),
        Metric::FeedbackCsat => ("the share of CSAT answers in 91 d that are satisfied", false, Percent),
        Metric::CesLatest => ("the ease in the newest customer effort answer", false, Percent),
        Metric::Referrals364d => ("referrals in 364 d", true, Count),
        Metric::TenureDays => ("the time since sign-up", false, Time("day")),
        Metric::OnboardingDays => ("the time from sign-up to the end of onboarding", false, Time("day")),
        Metric::StageName => ("the lifecycle stage", false, Number),
    };
    Words::new(subject, is_plural, measure)
}
