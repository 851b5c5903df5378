//! The live sums of a task. An account's contribution is replaced whenever the account is scored, so idle accounts cost nothing.
//!
//! Every account is scored at least once per hour, so figures that change with time alone, such as MRR 28 days ago, are at most an hour
//! old.

use std::collections::BTreeMap;

use super::additive::{Additive, Sign};
use super::contribution::{Contribution, Dimensions, Parts};
use super::cost_totals::CostsByScope;
use super::health::Health;
use super::names::{NameId, Names};
use super::{AccountScore, BandSums, Costs, Period, Scope, Sums};
use crate::account::Account;
use crate::metric::Metrics;
use crate::metric::View;
use crate::score::Band;
use crate::settings::Settings;

/// Maximum number of distinct features, categories, products, reasons and kinds.
const MAX_NAMES: usize = 10_000;
/// Maximum number of distinct segments; the same for plans and CSMs.
const MAX_PER_DIMENSION: usize = 1_000;

/// Sums over the accounts of a task as of their last scoring, in total and by segment, plan and CSM.
#[derive(Debug)]
pub struct Live {
    scopes: BTreeMap<Scope, Sums>,
    costs: CostsByScope,
    names: Names,
    segments: Names,
    plans: Names,
    csms: Names,
}

impl Default for Live {
    fn default() -> Self {
        let dimensions = || Names::new(MAX_PER_DIMENSION);
        Self {
            scopes: BTreeMap::new(),
            costs: CostsByScope::default(),
            names: Names::new(MAX_NAMES),
            segments: dimensions(),
            plans: dimensions(),
            csms: dimensions(),
        }
    }
}

/// An account's share of the live sums, kept beside the account so that it can be subtracted. In memory only.
#[derive(Clone, Debug, Default)]
pub struct LiveEntry {
    /// The last score, if any; boxed to keep account slots small.
    pub score: Option<Box<AccountScore>>,
    /// What moved it most, if the last published change was for the worse.
    pub driver: Option<Box<Driver>>,
    /// Everything else that it contributes.
    pub contribution: Option<Contribution>,
}

/// A sentence about a score; boxed once more where it is kept, so that the many accounts without one pay for a pointer only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver(pub Box<str>);

impl LiveEntry {
    /// Stores the score without touching the sums.
    pub fn set_score(&mut self, score: AccountScore) {
        match self.score.as_deref_mut() {
            Some(kept) => *kept = score,
            None => self.score = Some(Box::new(score)),
        }
    }
}

impl Live {
    /// Recomputes an account's whole contribution at `view`, with the metrics and score of that instant.
    pub fn replace(
        &mut self,
        account: &Account,
        entry: &mut LiveEntry,
        score: AccountScore,
        metrics: &Metrics,
        view: &View,
        settings: &Settings,
    ) {
        self.remove(entry);
        let dimensions = self.acquire_dimensions(account);
        let mut parts = Parts::of(account, metrics, view, settings, &mut self.names);
        parts.dimensions = dimensions;
        entry.set_score(score);
        entry.contribution = Some(Contribution::new(&parts, view.t));
        self.merge(parts, &score, Sign::Plus);
    }

    /// Updates only the health part of an account's contribution.
    pub fn rescore(&mut self, entry: &mut LiveEntry, score: AccountScore) {
        if let (Some(contribution), Some(before)) = (&entry.contribution, &entry.score) {
            let (before, now) = (health(before), health(&score));
            for scope in self.scopes_of(contribution.dimensions()) {
                if let Some(sums) = self.scopes.get_mut(&scope) {
                    sums.health.merge(&before, Sign::Minus);
                    sums.health.merge(&now, Sign::Plus);
                }
            }
        }
        entry.set_score(score);
    }

    /// Removes an account's contribution.
    pub fn remove(&mut self, entry: &mut LiveEntry) {
        let (Some(contribution), Some(score)) = (entry.contribution.take(), &entry.score) else { return };
        let parts = contribution.parts();
        let dimensions = parts.dimensions;
        parts.release(&mut self.names);
        self.merge(parts, score, Sign::Minus);
        for (names, id) in [(&mut self.segments, dimensions.segment), (&mut self.plans, dimensions.plan), (&mut self.csms, dimensions.csm)]
        {
            if let Some(id) = id {
                names.release(id);
            }
        }
    }

    /// Replaces the costs with those of a period.
    pub fn set_costs(&mut self, costs: &Costs, period: &Period) {
        self.costs = CostsByScope::of(costs, period);
    }

    /// Sums by segment and band; accounts without a segment come last, under `None`.
    pub fn bands(&self) -> Vec<(Option<&str>, Band, BandSums)> {
        let mut cells = Vec::new();
        let mut rest = self.scopes.get(&Scope::All).map(|sums| sums.health.clone()).unwrap_or_default();
        for (scope, sums) in &self.scopes {
            if let Scope::Segment(segment) = scope {
                rest.merge(&sums.health, Sign::Minus);
                cells.extend(sums.health.bands().map(|(band, sums)| (Some(&**segment), band, *sums)));
            }
        }
        cells.extend(rest.bands().map(|(band, sums)| (None, band, *sums)));
        cells
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = (&Scope, &Sums)> {
        self.scopes.iter()
    }

    pub(super) const fn costs(&self) -> &CostsByScope {
        &self.costs
    }

    fn merge(&mut self, parts: Parts, score: &AccountScore, sign: Sign) {
        let scopes = self.scopes_of(parts.dimensions);
        let sums = Sums { health: health(score), ..parts.into_sums(&self.names) };
        for scope in scopes {
            let whole = self.scopes.entry(scope.clone()).or_default();
            whole.merge(&sums, sign);
            if whole.accounts() == 0 {
                self.scopes.remove(&scope);
            }
        }
    }

    fn acquire_dimensions(&mut self, account: &Account) -> Dimensions {
        let Some(profile) = account.profile() else { return Dimensions::default() };
        let take = |names: &mut Names, name: Option<&str>| name.map(|name| names.acquire(name));
        Dimensions {
            segment: take(&mut self.segments, profile.segment.as_deref()),
            plan: take(&mut self.plans, profile.plan.as_deref()),
            csm: take(&mut self.csms, profile.csm.as_deref()),
        }
    }

    fn scopes_of(&self, dimensions: Dimensions) -> Vec<Scope> {
        let scope = |names: &Names, id: Option<NameId>, scope: fn(Box<str>) -> Scope| id.map(|id| scope(names.get(id).into()));
        let segment = scope(&self.segments, dimensions.segment, Scope::Segment);
        let plan = scope(&self.plans, dimensions.plan, Scope::Plan);
        let csm = scope(&self.csms, dimensions.csm, Scope::Csm);
        [Some(Scope::All), segment, plan, csm].into_iter().flatten().collect()
    }
}

fn health(score: &AccountScore) -> Health {
    Health::of(Some(score), score.mrr_minor)
}
