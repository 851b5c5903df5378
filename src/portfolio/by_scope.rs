//! The sums of a period by scope, merged over tasks and instances.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::additive::Additive;
use super::cost_totals::CostsByScope;
use super::live::Live;
use super::{CostTotals, Costs, Kpis, Period, Scope, Sums};
use crate::account::Account;
use crate::settings::Settings;

/// Maximum number of scopes. Those that sort last are dropped, whatever the order of arrival.
pub const MAX_SCOPES: usize = 20_000;

/// The sums of a period over the accounts of some tasks, by scope.
#[derive(Clone, Debug)]
pub struct Portfolio {
    period: Period,
    scopes: BTreeMap<Scope, Sums>,
    costs: CostsByScope,
}

impl Portfolio {
    /// No account yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self { period, scopes: [(Scope::All, Sums::default())].into(), costs: CostsByScope::default() }
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> &Period {
        &self.period
    }

    /// Adds an account's sums to each of its scopes.
    pub fn add_account(&mut self, account: &Account, sums: &Sums) {
        Scope::of(account).for_each(|scope| self.add_to(scope, sums));
    }

    /// Adds the costs of the period.
    pub fn add_costs(&mut self, costs: &Costs) {
        self.costs.add(&CostsByScope::of(costs, &self.period));
    }

    /// Adds the live sums of a task.
    pub fn add_live(&mut self, live: &Live) {
        for (scope, sums) in live.scopes() {
            self.add_to(scope.clone(), sums);
        }
        self.costs.add(live.costs());
    }

    /// Adds another portfolio over the same period.
    pub fn merge(&mut self, other: &Self) {
        for (scope, sums) in &other.scopes {
            self.add_to(scope.clone(), sums);
        }
        self.costs.add(&other.costs);
    }

    /// The sums and costs of every scope, in scope order. Scopes that `keeps` rejects are merged, per kind, into one called `other`.
    pub fn sums(&self, mut keeps: impl FnMut(&Scope) -> bool) -> Vec<(Scope, Cow<'_, Sums>, Option<CostTotals>)> {
        let mut others: BTreeMap<Scope, (Sums, Option<CostTotals>)> = BTreeMap::new();
        let mut kept = Vec::new();
        for (scope, sums) in &self.scopes {
            let costs = self.costs.on(scope);
            if keeps(scope) {
                kept.push((scope.clone(), Cow::Borrowed(sums), costs));
                continue;
            }
            let (whole, whole_costs) = others.entry(scope.other()).or_default();
            whole.add(sums);
            if let Some(costs) = costs {
                whole_costs.get_or_insert_default().add(&costs);
            }
        }
        kept.extend(others.into_iter().map(|(scope, (sums, costs))| (scope, Cow::Owned(sums), costs)));
        kept
    }

    /// The KPIs of every scope: all accounts, then segments, plans and CSMs in the order of their names.
    pub fn kpis<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = (&'a Scope, Kpis)> {
        self.scopes.iter().map(|(scope, sums)| (scope, Kpis::of(sums, self.costs.on(scope), &self.period, settings)))
    }

    fn add_to(&mut self, scope: Scope, sums: &Sums) {
        self.scopes.entry(scope).or_default().add(sums);
        if self.scopes.len() > MAX_SCOPES {
            self.scopes.pop_last();
        }
    }
}
