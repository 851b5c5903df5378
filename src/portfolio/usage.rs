//! Usage: active users, volume and frequency, sessions, adoption, breadth and depth.

use super::additive::{Sign, additive};
use super::distribution::{COUNTS, Distribution, SHARES};
use super::exposed::{Exposed, Exposure};
use super::period::TRAILING_DAYS;
use super::tally::Tally;
use super::{Figure, Kpi, Kpis, Number, Period};
use crate::account::Account;
use crate::metric::{Metric, Metrics};

const SECOND_NS: f64 = 1e9;

/// Sums of usage over the dates of a period, and of account metrics at its end.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Usage {
    dau: Observed,
    wau: Observed,
    mau: Observed,
    /// `dau` of the accounts that have both: an account used only anonymously in a window has no value for it.
    dau_of_both: Observed,
    /// `mau` of the same accounts.
    mau_of_both: Observed,
    /// Wider than the counts of the accounts, which may be as large as 64 bits allow.
    events: i128,
    active_days: u64,
    sessions: u64,
    session_ns: u128,
    adoption: Distribution,
    breadth: Distribution,
    depth: Distribution,
    #[serde(skip)]
    pub adopters: Tally<u64>,
}

/// The sum of a metric over the accounts that have it.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
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

additive!(Observed { accounts, sum });

impl Usage {
    /// The contribution of one account.
    pub fn of(account: &Account, metrics: &Metrics, period: &Period) -> Self {
        let usage = account.usage();
        let (events, active_days) = usage.use_within(period.from_date, period.to_date);
        let (sessions, session_ns) = usage.sessions_within(period.from_date, period.to_date);
        let mut sums = Self {
            dau: Observed::of(metrics, Metric::Dau),
            wau: Observed::of(metrics, Metric::Wau),
            mau: Observed::of(metrics, Metric::Mau),
            events: events.into(),
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
            sums.adopters.change(feature, Sign::Plus, |accounts| *accounts += 1);
        }
        if sums.dau.accounts > 0 && sums.mau.accounts > 0 {
            (sums.dau_of_both, sums.mau_of_both) = (sums.dau, sums.mau);
        }
        sums
    }

    /// Users active in 28 days, if known.
    pub fn mau(&self) -> Option<u64> {
        self.mau.get()
    }

    /// Sets the usage KPIs.
    pub fn write(&self, accounts: u64, period: &Period, out: &mut Kpis) {
        for (kpi, users) in [(Kpi::Dau, self.dau), (Kpi::Wau, self.wau), (Kpi::Mau, self.mau)] {
            out.set(kpi, users.get().map(Figure::number));
        }
        if let (Some(dau), Some(mau)) = (self.dau_of_both.get(), self.mau_of_both.get()) {
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

impl Usage {
    /// Exposes the sums; metrics not observed for long enough are omitted.
    pub fn expose(&self, accounts: u64, out: &mut Exposure<'_>) {
        for (window, users) in [("1d", self.dau), ("7d", self.wau), ("28d", self.mau)] {
            if let Some(users) = users.get() {
                out.number(Exposed::Users, &[window], users as f64);
            }
        }
        out.number(Exposed::FeatureUses, &[], self.events as f64);
        out.count(Exposed::AccountDates, accounts * u64::from(TRAILING_DAYS.unsigned_abs()));
        out.count(Exposed::ActiveDates, self.active_days);
        out.count(Exposed::Sessions, self.sessions);
        out.number(Exposed::SessionSeconds, &[], self.session_ns as f64 / SECOND_NS);
        out.spread(Exposed::Adoption, &[], self.adoption.spread(SHARES));
        out.spread(Exposed::Breadth, &[], self.breadth.spread(SHARES));
        out.spread(Exposed::Depth, &[], self.depth.spread(COUNTS));
        if out.whole {
            let catalogue = &out.settings.feature_catalogue;
            for feature in catalogue.iter().take(out.settings.limits.label_values) {
                out.number(Exposed::FeatureAdopters, &[feature], self.adopters.get(feature) as f64);
            }
        }
    }
}

additive!(Usage { dau, wau, mau, dau_of_both, mau_of_both, events, active_days, sessions, session_ns, adoption, breadth, depth, adopters });
