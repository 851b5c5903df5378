//! The part of the configuration that the pure half reads, validated and compiled once.

pub mod usage_filter;

pub use usage_filter::UsageFilter;

use crate::event::{DecodeContext, PerStream, Priority};
use crate::money;
use crate::score;
use crate::time::{BusinessHours, Calendar, DAY_MS, Date, HOUR_MS, MINUTE_MS, Timestamp, Zone};

/// The pure half's settings, built by `config`. The default, for tests, is UTC, USD and the default model.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `ce_source` of published changes: `/churnwatch/<application id>`.
    pub source: String,
    /// The reporting time zone.
    pub zone: Zone,
    /// Quiet days.
    pub calendar: Calendar,
    /// How MRR is derived from billing events.
    pub money: money::Policy,
    /// Which usage counts.
    pub usage: UsageFilter,
    /// Features that count as entitled when the profile lists none; empty: not given.
    pub feature_catalogue: Vec<String>,
    /// Weights of open tickets by priority, in the order of [`Priority::ALL`].
    pub priority_weights: [f64; 4],
    /// When the support team works; without it, business-hour metrics are absent.
    pub business_hours: Option<BusinessHours>,
    /// Durations of the onboarding and renewing stages.
    pub account: AccountSettings,
    /// Bounds on stored state.
    pub limits: Limits,
    /// Limits on event time.
    pub time: TimeSettings,
    /// Which streams are configured or, in a replay, given as files.
    pub configured: PerStream<bool>,
    /// A stream without a record for this long is stale; `None`: never.
    pub stale_after_ms: PerStream<Option<i64>>,
    /// The scoring model.
    pub model: score::Model,
    /// The format in which state is written.
    pub state_write_version: StateVersion,
}

/// A version of the state format: the layout of changelog records, and the first byte of most of them. Every version can be read,
/// whichever one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum StateVersion {
    /// The first.
    V1 = 1,
    /// The second: more facts, and sections whose parts stay in place when others are split.
    V2 = 2,
}

impl StateVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];
    /// Written unless `state.write_version` says otherwise.
    pub const NEWEST: Self = Self::V2;

    /// Looks up a version by number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|version| *version as u8 == number)
    }
}

impl Settings {
    /// The settings that decoding needs.
    #[must_use]
    pub fn decode_context(&self) -> DecodeContext {
        DecodeContext {
            record_bytes: self.limits.record_bytes,
            text_bytes: self.limits.text_bytes,
            id_bytes: self.limits.text_bytes,
            earliest: self.time.earliest,
            max_future_ms: self.time.max_future_ms,
            rates: Some(self.money.rates.clone()),
        }
    }

    /// Whether tasks note what the model predicts and what becomes of it. Version 1 of the state has no place for that.
    #[must_use]
    pub fn keeps_predictions(&self) -> bool {
        self.model.risk.calibrated && self.state_write_version >= StateVersion::V2
    }
}

/// `[account]`.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// Longest tenure at which an account can still be onboarding, days.
    pub onboarding_days: i64,
    /// How long before the end of a term an account is renewing, days.
    pub renewing_days: i64,
}

/// `[time]`.
#[derive(Clone, Debug)]
pub struct TimeSettings {
    /// Records further in the future than this are `future_time`, ms.
    pub max_future_ms: i64,
    /// Events before this instant are `out_of_range`.
    pub earliest: Timestamp,
    /// How long ids are remembered, ms.
    pub dedup_ms: i64,
    /// Records older than this put the task into catch-up, ms; `None`: never.
    pub catch_up_age_ms: Option<i64>,
    /// Changes are published after this long in catch-up, even if it has not ended, ms.
    pub catch_up_limit_ms: i64,
}

/// `[limits]`: each has a metric for reaching it, and what it drops depends on the data alone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes per record; beyond: `too_large`.
    pub record_bytes: usize,
    /// Bytes per text. A longer id is `out_of_range`; other text is truncated.
    pub text_bytes: usize,
    /// Accounts per instance; beyond: `too_many_accounts`.
    pub accounts: usize,
    /// Aliases that the repartition stage knows, and accounts that declare them, together; beyond: `too_many_aliases`.
    pub aliases: usize,
    /// Users per account.
    pub users: usize,
    /// Features per account.
    pub features: usize,
    /// Remembered event ids per account, stream and day.
    pub ids_per_day: usize,
    /// Open tickets per account.
    pub tickets_open: usize,
    /// Resolved tickets per account.
    pub tickets_resolved: usize,
    /// Subscriptions per account.
    pub subscriptions: usize,
    /// Survey answers per account.
    pub answers: usize,
    /// Per-account series on `/metrics`.
    pub series: usize,
    /// Values per label.
    pub label_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 1_048_576,
            text_bytes: 256,
            accounts: 2_000_000,
            aliases: 2_000_000,
            users: 20_000,
            features: 1_000,
            ids_per_day: 50_000,
            tickets_open: 5_000,
            tickets_resolved: 5_000,
            subscriptions: 200,
            answers: 5_000,
            series: 10_000,
            label_values: 50,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source: "/churnwatch/churnwatch".to_owned(),
            zone: Zone::utc(),
            calendar: Calendar::default(),
            money: money::Policy {
                rates: money::Rates::new(money::Currency::USD, Vec::new()),
                discounts: money::Discounts::All,
                churn_at: money::ChurnAt::PeriodEnd,
                dunning_days: 30,
                movement_window_ms: 60 * MINUTE_MS,
            },
            usage: UsageFilter::default(),
            feature_catalogue: Vec::new(),
            priority_weights: Priority::ALL.map(|priority| match priority {
                Priority::Urgent => 4.0,
                Priority::High => 2.0,
                Priority::Normal => 1.0,
                Priority::Low => 0.5,
            }),
            business_hours: None,
            account: AccountSettings { onboarding_days: 90, renewing_days: 90 },
            limits: Limits::default(),
            time: TimeSettings {
                max_future_ms: 24 * HOUR_MS,
                dedup_ms: 7 * DAY_MS,
                earliest: Zone::utc().start_of(Date::Y2000),
                catch_up_age_ms: Some(5 * MINUTE_MS),
                catch_up_limit_ms: 60 * MINUTE_MS,
            },
            configured: PerStream([true; 5]),
            stale_after_ms: PerStream([Some(DAY_MS), Some(7 * DAY_MS), Some(7 * DAY_MS), None, None]),
            model: score::Model::default(),
            state_write_version: StateVersion::NEWEST,
        }
    }
}
