//! Whom KPIs are about: all accounts, or those of a segment, a plan or a CSM.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::additive::Additive;
use super::live::Live;
use super::spent::Spending;
use super::tally::OTHER;
use super::{Kpis, Period, Spent, Sums};
use crate::account::Account;
use crate::engine::Costs;
use crate::settings::Settings;

/// Scopes of a portfolio, at most. The last in their order are left out, whatever the order in which they come.
pub const MAX_SCOPES: usize = 20_000;

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
    /// What it is one of: `all`, `segment`, `plan` or `csm`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Segment(_) => "segment",
            Self::Plan(_) => "plan",
            Self::Csm(_) => "csm",
        }
    }

    /// The name of the segment, the plan or the CSM; empty for all accounts.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::All => "",
            Self::Segment(name) | Self::Plan(name) | Self::Csm(name) => name,
        }
    }

    /// The scope of all of its kind that have no place of their own.
    fn other(&self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Segment(_) => Self::Segment(OTHER.into()),
            Self::Plan(_) => Self::Plan(OTHER.into()),
            Self::Csm(_) => Self::Csm(OTHER.into()),
        }
    }

    /// The scopes that an account belongs to by its newest profile.
    pub(super) fn of(account: &Account) -> impl Iterator<Item = Self> {
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
    spending: Spending,
}

impl Portfolio {
    /// No account yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self { period, scopes: [(Scope::All, Sums::default())].into(), spending: Spending::default() }
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
        self.spending.add(&Spending::of(costs, &self.period));
    }

    /// Adds the live sums of a task.
    pub fn add_live(&mut self, live: &Live) {
        for (scope, sums) in live.scopes() {
            self.add_to(scope.clone(), sums);
        }
        self.spending.add(live.spending());
    }

    /// Adds the sums of other tasks over the same period.
    pub fn merge(&mut self, other: &Self) {
        for (scope, sums) in &other.scopes {
            self.add_to(scope.clone(), sums);
        }
        self.spending.add(&other.spending);
    }

    /// The sums of every scope with what was spent on it, in the same order; those that `keeps` denies are one of their kind, called
    /// `other`.
    pub fn sums(&self, mut keeps: impl FnMut(&Scope) -> bool) -> Vec<(Scope, Cow<'_, Sums>, Option<Spent>)> {
        let mut others: BTreeMap<Scope, (Sums, Option<Spent>)> = BTreeMap::new();
        let mut kept = Vec::new();
        for (scope, sums) in &self.scopes {
            let spent = self.spending.on(scope);
            if keeps(scope) {
                kept.push((scope.clone(), Cow::Borrowed(sums), spent));
                continue;
            }
            let (whole, whole_spent) = others.entry(scope.other()).or_default();
            whole.add(sums);
            if let Some(spent) = spent {
                whole_spent.get_or_insert_default().add(&spent);
            }
        }
        kept.extend(others.into_iter().map(|(scope, (sums, spent))| (scope, Cow::Owned(sums), spent)));
        kept
    }

    /// The KPIs of every scope: all accounts, then segments, plans and CSMs in the order of their names.
    pub fn kpis<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = (&'a Scope, Kpis)> {
        self.scopes.iter().map(|(scope, sums)| (scope, Kpis::of(sums, self.spending.on(scope), &self.period, settings)))
    }

    fn add_to(&mut self, scope: Scope, sums: &Sums) {
        self.scopes.entry(scope).or_default().add(sums);
        if self.scopes.len() > MAX_SCOPES {
            self.scopes.pop_last();
        }
    }
}
