//! The live sums of a task: what an account adds is replaced when the account is scored, so that idle accounts cost nothing.
//!
//! An account that nothing happens to is scored once an hour, so that what moves with time alone, as MRR 28 days ago, is at most an
//! hour old.

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

/// Features, categories, products, reasons and kinds told apart, at most.
const MAX_NAMES: usize = 10_000;
/// Segments told apart, at most; as many plans and CSMs.
const MAX_PER_DIMENSION: usize = 1_000;

/// Sums over the accounts of a task as they were last scored, for all and by segment, plan and CSM.
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

/// What the live sums hold of one account: it is kept beside the account, to be taken away again. Never written.
#[derive(Clone, Debug, Default)]
pub struct LiveEntry {
    /// How the account was last scored; `None` before. In a box, since beside the account there is no room for it.
    pub score: Option<Box<AccountScore>>,
    /// What it adds besides its health.
    pub contribution: Option<Contribution>,
}

impl LiveEntry {
    /// Notes how the account was scored, without the sums.
    pub fn set_score(&mut self, score: AccountScore) {
        match self.score.as_deref_mut() {
            Some(kept) => *kept = score,
            None => self.score = Some(Box::new(score)),
        }
    }
}

impl Live {
    /// Replaces all that an account adds by what it adds at `view`, where these metrics gave it this score.
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

    /// Replaces what the health of an account adds by its new score; the rest stays.
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

    /// Takes away all that an account adds.
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

    /// Replaces the costs by those of a period.
    pub fn set_costs(&mut self, costs: &Costs, period: &Period) {
        self.costs = CostsByScope::of(costs, period);
    }

    /// The sums of each segment and band; those of the accounts without a segment come last, under `None`.
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
