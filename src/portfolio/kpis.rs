//! The KPIs of one scope and period, computed from its sums.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{CostTotals, Figure, Kpi, Number, Period, Sums};
use crate::event::Stream;
use crate::settings::Settings;

/// The present KPIs, in registry order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kpis(BTreeMap<Kpi, Figure>);

impl Kpis {
    /// Computes the KPIs of a scope from its sums and costs. KPIs of streams that are not configured are absent.
    #[must_use]
    pub fn of(sums: &Sums, costs: Option<CostTotals>, period: &Period, settings: &Settings) -> Self {
        let labels = settings.limits.label_values;
        let mut kpis = Self::default();
        sums.money.write(costs, period, labels, &mut kpis);
        sums.usage.write(sums.accounts, period, &mut kpis);
        if let Some(users) = sums.usage.mau() {
            sums.money.write_arpu(users, &mut kpis);
        }
        sums.health.write(&mut kpis);
        sums.feedback.write(sums.support.ratings(), labels, &mut kpis);
        sums.support.write(labels, &mut kpis);
        kpis.count(Kpi::Onboarded, sums.onboarded);
        kpis.count(Kpi::ReferredAccounts, sums.referred);
        let is_configured = |stream: &Stream| *settings.configured.of(*stream);
        kpis.0.retain(|kpi, _| kpi.streams().iter().all(is_configured));
        kpis
    }

    /// A KPI, if present.
    #[must_use]
    pub fn get(&self, kpi: Kpi) -> Option<&Figure> {
        self.0.get(&kpi)
    }

    /// The value of a KPI, if it is present and a number.
    #[must_use]
    pub fn real(&self, kpi: Kpi) -> Option<f64> {
        self.get(kpi).and_then(Figure::real)
    }

    /// The KPIs, in registry order.
    pub fn iter(&self) -> impl Iterator<Item = (Kpi, &Figure)> {
        self.0.iter().map(|(kpi, figure)| (*kpi, figure))
    }

    /// Sets a KPI; `None` and values that are not finite leave it absent.
    pub(super) fn set(&mut self, kpi: Kpi, figure: impl Into<Option<Figure>>) {
        if let Some(figure) = figure.into().filter(|figure| figure.real().is_none_or(f64::is_finite)) {
            self.0.insert(kpi, figure);
        }
    }

    /// Sets a count or an amount.
    pub(super) fn count(&mut self, kpi: Kpi, value: impl Into<Number>) {
        self.set(kpi, Figure::number(value));
    }

    /// Sets a ratio; absent if the denominator is 0.
    pub(super) fn ratio(&mut self, kpi: Kpi, numerator: impl Into<Number>, denominator: impl Into<Number>) {
        self.set(kpi, Figure::ratio(numerator, denominator));
    }
}

impl Serialize for Kpis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(kpi, figure)| (kpi.name(), figure)))
    }
}
