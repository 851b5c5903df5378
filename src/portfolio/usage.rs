//! Usage: users, how much and how often, sessions, adoption, breadth and depth.

use super::additive::Additive;
use super::distribution::{COUNTS, Distribution, SHARES};
use super::tally::Tally;
use super::{Figure, Kpi, Kpis, Number, Period};
use crate::account::Account;
use crate::metric::{Metric, Metrics};

/// Nanoseconds of a second.
const SECOND_NS: f64 = 1e9;

/// Sums of usage on the dates of a period, and of account metrics at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    dau: Observed,
    wau: Observed,
    mau: Observed,
    events: u64,
    active_days: u64,
    sessions: u64,
    session_ns: u128,
    adoption: Distribution,
    breadth: Distribution,
    depth: Distribution,
    adopters: Tally<u64>,
}

/// The sum of a metric over the accounts that have it.
#[derive(Clone, Copy, Debug, Default)]
struct Observed {
    accounts: u64,
    sum: u64,
}

impl Observed {
    fn of(metrics: &Metrics, metric: Metric) -> Self {
        let value = metrics.whole_number(metric).and_then(|value| u64::try_from(value).ok());
        value.map_or_else(Self::default, |sum| Self { accounts: 1, sum })
    }

    fn get(self) -> Option<u64> {
        (self.accounts > 0).then_some(self.sum)
    }
}

impl Additive for Observed {
    fn add(&mut self, other: &Self) {
        self.accounts += other.accounts;
        self.sum += other.sum;
    }
}

impl Usage {
    /// What one account adds.
    pub fn of(account: &Account, metrics: &Metrics, period: &Period) -> Self {
        let usage = account.usage();
        let (events, active_days) = usage.use_within(period.from_date, period.to_date);
        let (sessions, session_ns) = usage.sessions_within(period.from_date, period.to_date);
        let mut sums = Self {
            dau: Observed::of(metrics, Metric::Dau),
            wau: Observed::of(metrics, Metric::Wau),
            mau: Observed::of(metrics, Metric::Mau),
            events,
            active_days,
            sessions,
            session_ns,
            ..Self::default()
        };
        let observe = |sums: &mut Distribution, metric: Metric, bounds: &[f64]| {
            metrics.number(metric).into_iter().for_each(|value| sums.observe(value, bounds));
        };
        observe(&mut sums.adoption, Metric::Adoption, SHARES);
        observe(&mut sums.breadth, Metric::SeatUtilisation, SHARES);
        observe(&mut sums.depth, Metric::Features28d, COUNTS);
        for feature in usage.features_on_dates(period.to_date, period.days()) {
            sums.adopters.change(feature, |accounts| *accounts += 1);
        }
        sums
    }

    /// Users active in 28 days, where that is known.
    pub fn mau(&self) -> Option<u64> {
        self.mau.get()
    }

    /// Sets the KPIs of usage.
    pub fn write(&self, accounts: u64, period: &Period, out: &mut Kpis) {
        for (kpi, users) in [(Kpi::Dau, self.dau), (Kpi::Wau, self.wau), (Kpi::Mau, self.mau)] {
            out.set(kpi, users.get().map(Figure::number));
        }
        if let (Some(dau), Some(mau)) = (self.dau.get(), self.mau.get()) {
            out.ratio(Kpi::DauMau, dau, mau);
        }
        let days = u64::try_from(period.days()).unwrap_or_default();
        out.ratio(Kpi::UsageRate, self.events, accounts * days);
        out.ratio(Kpi::UsageFrequency, self.active_days, accounts);
        out.ratio(Kpi::SessionSeconds, self.session_ns as f64 / SECOND_NS, self.sessions);
        for (kpi, sums, bounds) in
            [(Kpi::Adoption, &self.adoption, SHARES), (Kpi::Breadth, &self.breadth, SHARES), (Kpi::Depth, &self.depth, COUNTS)]
        {
            out.set(kpi, sums.mean(bounds));
        }
        let adopters = self.adopters.labelled(usize::MAX).into_iter().map(|(feature, accounts)| (feature, Number::from(accounts)));
        out.set(Kpi::FeatureAdopters, Figure::table(adopters.collect()));
    }
}

impl Additive for Usage {
    fn add(&mut self, other: &Self) {
        self.dau.add(&other.dau);
        self.wau.add(&other.wau);
        self.mau.add(&other.mau);
        self.events += other.events;
        self.active_days += other.active_days;
        self.sessions += other.sessions;
        self.session_ns += other.session_ns;
        self.adoption.add(&other.adoption);
        self.breadth.add(&other.breadth);
        self.depth.add(&other.depth);
        self.adopters.add(&other.adopters);
    }
}
