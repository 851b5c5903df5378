//! Every metric of an account at an instant: those of the sections, then those that combine sections; unobserved ones are cleared last.

use super::Account;
use super::billing::Ledger;
use crate::event::{PerStream, Stream};
use crate::metric::View;
use crate::metric::{Metric, Metrics, Stage, Value};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

/// Tenure below which a trend is meaningless, in days.
const TREND_TENURE_DAYS: f64 = 36.0;
/// Accounts with fewer users count as having this many in tickets per user.
const MIN_USERS: f64 = 10.0;

impl Account {
    /// The metrics at `view`; a stale stream is measured at its own instant.
    #[must_use]
    pub fn measure(&self, view: &View, settings: &Settings) -> Metrics {
        let mut metrics = Metrics::default();
        let region = self.profile().and_then(|profile| profile.region.as_deref());
        let usage_t = view.stream(Stream::Usage).t;
        self.usage.measure(usage_t, region, settings, &mut metrics);
        let ledger = self.billing.ledger(&settings.money);
        let billing_t = view.stream(Stream::Billing).t;
        ledger.measure(billing_t, &mut metrics);
        self.support.measure(view, settings, &mut metrics);
        self.feedback.measure(view, settings, &mut metrics);
        self.measure_age(view, &ledger, settings, &mut metrics);
        self.measure_seats(ledger.licensed_quantity(billing_t), &mut metrics);
        self.measure_adoption(usage_t, settings, &mut metrics);
        clear_unobserved(view, &mut metrics);
        measure_tickets_per_user(&mut metrics);
        metrics
    }

    /// The metrics this many days before `view`, from 1 to 28, as far as today's state can tell them: most usage is kept by date for 91
    /// days only, and answers and resolved tickets for their windows. People and features are counted by date, without the part of a day
    /// at the start of the exact window. Empty for an account that is younger.
    #[must_use]
    pub fn measure_before(&self, view: &View, days: i64, settings: &Settings) -> Metrics {
        let mut metrics = Metrics::default();
        let view = view.earlier(days);
        if self.first_seen().is_none_or(|first| first > view.t) {
            return metrics;
        }
        let region = self.profile().and_then(|profile| profile.region.as_deref());
        let (usage_t, billing_t) = (view.stream(Stream::Usage).t, view.stream(Stream::Billing).t);
        self.usage.measure_before(usage_t, region, settings, &mut metrics);
        let ledger = self.billing.ledger(&settings.money);
        ledger.measure(billing_t, &mut metrics);
        self.support.measure(&view, settings, &mut metrics);
        self.feedback.measure(&view, settings, &mut metrics);
        self.measure_seats(ledger.licensed_quantity(billing_t), &mut metrics);
        let used = self.usage.features_on_dates(settings.zone.date_of(usage_t), 28);
        self.measure_adopted(used, settings, &mut metrics);
        let is_forgotten = |metric: Metric| matches!(metric.stream(), Stream::Support | Stream::Feedback) && metric.window_days() > 28;
        Metric::ALL.iter().filter(|metric| is_forgotten(**metric)).for_each(|metric| metrics.clear(*metric));
        clear_unobserved(&view, &mut metrics);
        measure_tickets_per_user(&mut metrics);
        metrics
    }

    /// Start of tenure: the sign-up unless it is after `t`, or else the earliest record.
    #[must_use]
    pub fn tenure_start(&self, t: Timestamp) -> Option<Timestamp> {
        let signed_up = self.profile().and_then(|profile| profile.signed_up_at).filter(|at| *at <= t);
        signed_up.or(self.first_seen())
    }

    fn measure_age(&self, view: &View, ledger: &Ledger<'_>, settings: &Settings, metrics: &mut Metrics) {
        let t = view.t;
        let Some(start) = self.tenure_start(t) else { return };
        let days = |from: Timestamp, to: Timestamp| to.since(from) as f64 / DAY_MS as f64;
        let tenure = days(start, t);
        metrics.real(Metric::TenureDays, tenure, None);
        if days(start, view.stream(Stream::Usage).t) < TREND_TENURE_DAYS {
            metrics.clear(Metric::Trend);
        }
        let onboarded = self.profile().and_then(|profile| profile.onboarded_at).filter(|at| *at <= t);
        if let Some(onboarded) = onboarded {
            metrics.real(Metric::OnboardingDays, days(start, onboarded), None);
        }
        metrics.set(Metric::StageName, Value::Stage(stage(view, ledger, tenure, onboarded.is_some(), settings)), None);
    }

    fn measure_seats(&self, licensed: u64, metrics: &mut Metrics) {
        let seats = self.profile().and_then(|profile| profile.seats).unwrap_or(licensed);
        if let (true, Some(users)) = (seats > 0, metrics.number(Metric::Mau)) {
            metrics.real(Metric::SeatUtilisation, users / seats as f64, None);
        }
    }

    fn measure_adoption(&self, t: Timestamp, settings: &Settings, metrics: &mut Metrics) {
        self.measure_adopted(self.usage.features_in_window(t), settings, metrics);
    }

    fn measure_adopted<'n>(&self, used: impl Iterator<Item = &'n str>, settings: &Settings, metrics: &mut Metrics) {
        let entitled = |name: &str| match self.profile().map(|profile| &profile.entitled_features) {
            Some(features) if !features.is_empty() => features.iter().any(|feature| **feature == *name),
            _ => settings.feature_catalogue.iter().any(|feature| feature == name),
        };
        let total = self.entitled_features(settings);
        if total > 0 {
            let used = used.filter(|name| entitled(name)).count();
            metrics.real(Metric::Adoption, used as f64 / total as f64, None);
        }
    }

    /// How many features the account is entitled to; 0 if unknown.
    fn entitled_features(&self, settings: &Settings) -> usize {
        match self.profile().map(|profile| profile.entitled_features.len()) {
            Some(count) if count > 0 => count,
            _ => settings.feature_catalogue.len(),
        }
    }
}

/// The first stage that applies, using billing at the instant of its stream.
fn stage(view: &View, ledger: &Ledger<'_>, tenure_days: f64, onboarded: bool, settings: &Settings) -> Stage {
    let t = view.stream(Stream::Billing).t;
    let status = ledger.status(t);
    if status.churned {
        Stage::Churned
    } else if status.in_dunning {
        Stage::PastDue
    } else if status.mrr == 0 && status.trialing {
        Stage::Trial
    } else if !onboarded && tenure_days < settings.account.onboarding_days as f64 {
        Stage::Onboarding
    } else if status.is_renewing(t, settings.account.renewing_days) {
        Stage::Renewing
    } else {
        Stage::Adopted
    }
}

/// Clears metrics whose stream is not configured, or was not observed for the whole window.
fn clear_unobserved(view: &View, metrics: &mut Metrics) {
    // -1 is less than any window, even none.
    let observed_ms = PerStream::from_fn(|stream| {
        let stream = view.stream(stream);
        let observed = stream.observed_since.map_or(0, |since| stream.t.since(since).max(0));
        if stream.configured { observed } else { -1 }
    });
    for metric in Metric::ALL {
        let observed = *observed_ms.of(metric.stream());
        if metric.stream() != Stream::Accounts && metric.window_days() * DAY_MS > observed {
            metrics.clear(*metric);
        }
    }
}

fn measure_tickets_per_user(metrics: &mut Metrics) {
    let per_10_users = |metric: Metric| Some(metrics.number(metric)? / metrics.number(Metric::Mau)?.max(MIN_USERS) * 10.0);
    let (opened, weighted) = (per_10_users(Metric::Opened28d), per_10_users(Metric::OpenWeighted));
    if let Some(opened) = opened {
        metrics.real(Metric::OpenedPer10Users28d, opened, None);
    }
    if let Some(weighted) = weighted {
        metrics.real(Metric::OpenWeightedPer10Users, weighted, None);
    }
}
