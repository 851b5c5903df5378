//! Whom KPIs are about: all accounts, or those of a segment, a plan or a CSM.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::additive::Additive;
use super::{Kpis, Period, Spent, Sums};
use crate::account::Account;
use crate::engine::Costs;
use crate::settings::Settings;

/// Scopes of a portfolio, at most. The last in their order are left out, whatever the order in which they come.
const MAX_SCOPES: usize = 20_000;

/// Whom KPIs are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All accounts.
    All,
    /// Those of a segment.
    Segment(Box<str>),
    /// Those of a plan.
    Plan(Box<str>),
    /// Those of a customer success manager.
    Csm(Box<str>),
}

impl Scope {
    /// The scopes that an account belongs to by its newest profile.
    fn of(account: &Account) -> impl Iterator<Item = Self> {
        let profile = account.profile();
        let segment = profile.and_then(|profile| profile.segment.clone()).map(Self::Segment);
        let plan = profile.and_then(|profile| profile.plan.clone()).map(Self::Plan);
        let csm = profile.and_then(|profile| profile.csm.clone()).map(Self::Csm);
        [Some(Self::All), segment, plan, csm].into_iter().flatten()
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = match self {
            Self::All => None,
            Self::Segment(name) => Some(("segment", name)),
            Self::Plan(name) => Some(("plan", name)),
            Self::Csm(name) => Some(("csm", name)),
        };
        serializer.collect_map(entry)
    }
}

/// The sums of a period over the accounts of some tasks, by scope.
#[derive(Clone, Debug)]
pub struct Portfolio {
    period: Period,
    scopes: BTreeMap<Scope, Sums>,
    spent: Spent,
    /// By the segments that a cost ever named.
    spent_on: BTreeMap<Box<str>, Spent>,
}

impl Portfolio {
    /// No account yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self { period, scopes: [(Scope::All, Sums::default())].into(), spent: Spent::default(), spent_on: BTreeMap::new() }
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> &Period {
        &self.period
    }

    /// Adds what an account adds to all its scopes.
    pub fn add_account(&mut self, account: &Account, sums: &Sums) {
        Scope::of(account).for_each(|scope| self.add_to(scope, sums));
    }

    /// Adds the costs of the period.
    pub fn add_costs(&mut self, costs: &Costs) {
        for segment in costs.segments_named() {
            self.spent_on.entry(segment.into()).or_default();
        }
        for cost in costs.within(self.period.from, self.period.to) {
            self.spent.spend(cost.category, cost.minor);
            if let Some(spent) = cost.segment.as_deref().and_then(|segment| self.spent_on.get_mut(segment)) {
                spent.spend(cost.category, cost.minor);
            }
        }
    }

    /// Adds the sums of other tasks over the same period.
    pub fn merge(&mut self, other: &Self) {
        for (scope, sums) in &other.scopes {
            self.add_to(scope.clone(), sums);
        }
        self.spent.add(&other.spent);
        for (segment, spent) in &other.spent_on {
            self.spent_on.entry(segment.clone()).or_default().add(spent);
        }
    }

    /// The KPIs of every scope: all accounts, then segments, plans and CSMs in the order of their names.
    pub fn kpis<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = (&'a Scope, Kpis)> {
        self.scopes.iter().map(|(scope, sums)| (scope, Kpis::of(sums, self.spent(scope), &self.period, settings)))
    }

    /// What was spent on a scope; `None` where costs say nothing of it.
    fn spent(&self, scope: &Scope) -> Option<Spent> {
        match scope {
            Scope::All => Some(self.spent),
            Scope::Segment(segment) => self.spent_on.get(segment).copied(),
            Scope::Plan(_) | Scope::Csm(_) => None,
        }
    }

    fn add_to(&mut self, scope: Scope, sums: &Sums) {
        self.scopes.entry(scope).or_default().add(sums);
        if self.scopes.len() > MAX_SCOPES {
            self.scopes.pop_last();
        }
    }
}
