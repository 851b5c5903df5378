//! Every account metric in one table: its name (a public contract), source stream, window and unit.

use crate::event::Stream;

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain count.
    Count,
    /// A ratio or a weighted count.
    Ratio,
    /// Whole minor units of the reporting currency.
    Money,
    /// Days.
    Days,
    /// Hours.
    Hours,
    /// Minutes.
    Minutes,
    /// Seconds.
    Seconds,
    /// A name.
    Text,
    /// A table of counts and sums.
    Table,
}

macro_rules! metrics {
    ($($variant:ident $name:literal $stream:ident $window:literal $unit:ident $doc:literal;)*) => {
        /// An account metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $(#[doc = $doc] $variant,)* }

        impl Metric {
            /// Every metric, in the order of outputs.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in configuration and outputs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The stream that must be fresh, and observed for long enough, for the metric to be present.
            #[must_use]
            pub const fn stream(self) -> Stream {
                match self { $(Self::$variant => Stream::$stream,)* }
            }

            /// Days of observation required; 0: none.
            #[must_use]
            pub const fn window_days(self) -> i64 {
                match self { $(Self::$variant => $window,)* }
            }

            /// The unit of its values.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }

            /// A one-line description.
            #[must_use]
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

metrics! {
    Events1d "usage.events_1d" Usage 1 Count "feature uses in the last 24 hour buckets";
    Events7d "usage.events_7d" Usage 7 Count "feature uses in the last 168 hour buckets";
    Events28d "usage.events_28d" Usage 28 Count "feature uses on the last 28 dates";
    Events91d "usage.events_91d" Usage 91 Count "feature uses on the last 91 dates";
    ActiveDays28d "usage.active_days_28d" Usage 28 Count "active days in 28 d";
    ActiveDays91d "usage.active_days_91d" Usage 91 Count "active days in 91 d";
    ActiveDaysVsBaseline "usage.active_days_vs_baseline" Usage 91 Ratio "active days in 28 d relative to the 63 d before";
    DaysSinceLast "usage.days_since_last" Usage 0 Days "days since the last activity";
    GapsSinceLast "usage.gaps_since_last" Usage 91 Ratio "days since the last activity relative to the usual gap";
    ActiveDaysLifetime "usage.active_days_lifetime" Usage 0 Count "active days since the first";
    AgeDays "usage.age_days" Usage 0 Days "days since the first active day";
    MeanGapDays "usage.mean_gap_days" Usage 0 Days "mean time between active days, over the account's whole life";
    GapsSinceLastLifetime "usage.gaps_since_last_lifetime" Usage 0 Ratio "days since the last activity relative to the usual gap of the account's whole life";
    Trend "usage.trend" Usage 36 Ratio "feature uses in 7 d relative to the weekly mean of the 4 weeks before";
    Sessions28d "usage.sessions_28d" Usage 28 Count "sessions in 28 d";
    SessionSecondsMean28d "usage.session_seconds_mean_28d" Usage 28 Seconds "mean length of a session in 28 d";
    Dau "usage.dau" Usage 1 Count "users active in 24 h";
    Wau "usage.wau" Usage 7 Count "users active in 7 d";
    Mau "usage.mau" Usage 28 Count "users active in 28 d";
    Stickiness "usage.stickiness" Usage 28 Ratio "share of days on which a user of the last 28 d was active";
    ActiveUsers28d "breadth.active_users_28d" Usage 28 Count "users active in 28 d";
    ActiveUsersGrowth "breadth.active_users_growth" Usage 56 Ratio "users active in 28 d relative to the 28 d before";
    RegularUsers28d "breadth.regular_users_28d" Usage 28 Count "users active on at least 4 dates of 28";
    SeatUtilisation "breadth.seat_utilisation" Usage 28 Ratio "users active in 28 d per seat";
    Features28d "depth.features_28d" Usage 28 Count "features used in 28 d";
    FeaturesGrowth "depth.features_growth" Usage 56 Ratio "features used in 28 d relative to the 28 d before";
    Adoption "depth.adoption" Usage 28 Ratio "share of entitled features used in 28 d";
    Mrr "revenue.mrr" Billing 0 Money "monthly recurring revenue";
    Arr "revenue.arr" Billing 0 Money "annual recurring revenue, 12 x MRR";
    MrrDelta28d "revenue.mrr_delta_28d" Billing 28 Money "change of MRR in 28 d";
    MrrDelta91d "revenue.mrr_delta_91d" Billing 91 Money "change of MRR in 91 d";
    MrrDelta364d "revenue.mrr_delta_364d" Billing 364 Money "change of MRR in 364 d";
    MrrGrowth91d "revenue.mrr_growth_91d" Billing 91 Ratio "MRR relative to 91 d ago";
    Movements28d "revenue.movements_28d" Billing 28 Table "MRR movements in 28 d by kind";
    PaymentFailuresOpen "revenue.payment_failures_open" Billing 0 Count "unpaid invoices with a failed payment attempt";
    DaysPastDue "revenue.days_past_due" Billing 0 Days "age of the oldest unpaid failed invoice";
    CancelScheduled "revenue.cancel_scheduled" Billing 0 Count "1 while a cancellation is scheduled";
    DaysToRenewal "revenue.days_to_renewal" Billing 0 Days "days to the nearest end of a term";
    LifetimeValue "revenue.lifetime_value" Billing 0 Money "sum of paid invoices";
    Opened28d "support.opened_28d" Support 28 Count "tickets opened in 28 d";
    Resolved28d "support.resolved_28d" Support 28 Count "tickets first resolved in 28 d";
    Open "support.open" Support 0 Count "open tickets";
    OpenWeighted "support.open_weighted" Support 0 Ratio "open tickets weighted by priority";
    OpenedPer10Users28d "support.opened_28d_per_10_users" Support 28 Ratio "tickets opened in 28 d per 10 users";
    OpenWeightedPer10Users "support.open_weighted_per_10_users" Support 0 Ratio "weighted open tickets per 10 users";
    OldestOpenHours "support.oldest_open_hours" Support 0 Hours "age of the oldest open ticket";
    UrgentOpen "support.urgent_open" Support 0 Count "open urgent tickets";
    ResolutionP50 "support.resolution_hours_p50_91d" Support 91 Hours "median time to first resolution in 91 d";
    ResolutionP90 "support.resolution_hours_p90_91d" Support 91 Hours "90th percentile of time to first resolution in 91 d";
    ResolutionMean "support.resolution_hours_mean_91d" Support 91 Hours "mean time to first resolution in 91 d";
    ResolutionAgentP50 "support.resolution_hours_agent_p50_91d" Support 91 Hours "median time to first resolution, excluding time pending or on hold";
    FullResolutionP50 "support.full_resolution_hours_p50_91d" Support 91 Hours "median time to last resolution in 91 d";
    FirstReplyP50 "support.first_reply_minutes_p50_91d" Support 91 Minutes "median time to the first public agent reply in 91 d";
    ResolutionBusinessP50 "support.resolution_business_hours_p50_91d" Support 91 Hours "median business hours to first resolution in 91 d";
    FirstReplyBusinessP50 "support.first_reply_business_minutes_p50_91d" Support 91 Minutes "median business minutes to the first public agent reply in 91 d";
    ReopenRate "support.reopen_rate_91d" Support 91 Ratio "share of tickets resolved in 91 d that were reopened";
    Fcr "support.fcr_91d" Support 91 Ratio "first-contact resolution in 91 d";
    SupportCsat "support.csat_91d" Support 91 Ratio "share of tickets rated in 91 d that are rated satisfied";
    NpsLatest "feedback.nps_latest" Feedback 0 Count "newest NPS answer, 0 to 10";
    Nps91d "feedback.nps_91d" Feedback 91 Ratio "net promoter score over 91 d";
    FeedbackCsat "feedback.csat_91d" Feedback 91 Ratio "share of CSAT answers in 91 d that are satisfied";
    CesLatest "feedback.ces_latest" Feedback 0 Ratio "newest customer effort answer, 0 to 1";
    Referrals364d "feedback.referrals_364d" Feedback 364 Count "referrals in 364 d";
    TenureDays "account.tenure_days" Accounts 0 Days "days since sign-up";
    OnboardingDays "account.onboarding_days" Accounts 0 Days "days from sign-up to the end of onboarding";
    StageName "account.stage" Accounts 0 Text "lifecycle stage";
}

impl Metric {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Index into arrays with one entry per metric.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Looks up a metric by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// The metric with the most similar name, for error messages.
    #[must_use]
    pub fn nearest(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .map(|metric| (strsim::damerau_levenshtein(name, metric.name()), metric))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, metric)| metric)
    }

    /// Whether every stream it depends on is configured. `account.*` metrics depend on none; metrics per 10 users also need usage.
    pub fn has_streams(self, is_configured: impl Fn(Stream) -> bool) -> bool {
        match self {
            Self::OpenedPer10Users28d | Self::OpenWeightedPer10Users => is_configured(Stream::Support) && is_configured(Stream::Usage),
            _ => self.stream() == Stream::Accounts || is_configured(self.stream()),
        }
    }

    /// Whether it is a number, so that components and rules can use it.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        !matches!(self.unit(), Unit::Text | Unit::Table)
    }
}
