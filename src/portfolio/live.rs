//! The live sums of a task: what an account adds is replaced when the account is scored, so that idle accounts cost nothing.
//!
//! An account that nothing happens to is scored once an hour, so that what moves with time alone, as MRR 28 days ago, is at most an
//! hour old.

use std::collections::BTreeMap;

use super::additive::{Additive, Sign};
use super::contribution::{Contribution, Parts, Places};
use super::health::Health;
use super::names::{NameId, Names};
use super::spent::Spending;
use super::{AccountScore, BandSums, Costs, Period, Scope, Sums};
use crate::account::Account;
use crate::metric::Metrics;
use crate::metric::View;
use crate::score::Band;
use crate::settings::Settings;

/// Features, categories, products, reasons and kinds told apart, at most.
const MAX_NAMES: usize = 10_000;
/// Segments told apart, at most; as many plans and CSMs.
const MAX_PLACES: usize = 1_000;

/// Sums over the accounts of a task as they were last scored, for all and by segment, plan and CSM.
#[derive(Debug)]
pub struct Live {
    scopes: BTreeMap<Scope, Sums>,
    spending: Spending,
    names: Names,
    segments: Names,
    plans: Names,
    csms: Names,
}

impl Default for Live {
    fn default() -> Self {
        let places = || Names::new(MAX_PLACES);
        Self {
            scopes: BTreeMap::new(),
            spending: Spending::default(),
            names: Names::new(MAX_NAMES),
            segments: places(),
            plans: places(),
            csms: places(),
        }
    }
}

/// What the live sums hold of one account: it is kept beside the account, to be taken away again. Never written.
#[derive(Clone, Debug, Default)]
pub struct LiveEntry {
    /// How the account was last scored; `None` before.
    pub score: Option<AccountScore>,
    /// What it adds besides its health.
    pub contribution: Option<Contribution>,
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
        let places = self.take_places(account);
        let mut parts = Parts::of(account, metrics, view, settings, &mut self.names);
        parts.places = places;
        *entry = LiveEntry { score: Some(score), contribution: Some(Contribution::new(&parts, view.t)) };
        self.merge(parts, &score, Sign::Plus);
    }

    /// Replaces what the health of an account adds by its new score; the rest stays.
    pub fn rescore(&mut self, entry: &mut LiveEntry, score: AccountScore) {
        if let (Some(contribution), Some(before)) = (&entry.contribution, &entry.score) {
            let (before, now) = (health(before), health(&score));
            for scope in self.scopes_of(contribution.places()) {
                if let Some(sums) = self.scopes.get_mut(&scope) {
                    sums.health.merge(&before, Sign::Minus);
                    sums.health.merge(&now, Sign::Plus);
                }
            }
        }
        entry.score = Some(score);
    }

    /// Takes away all that an account adds.
    pub fn remove(&mut self, entry: &mut LiveEntry) {
        let (Some(contribution), Some(score)) = (entry.contribution.take(), &entry.score) else { return };
        let parts = contribution.parts();
        let places = parts.places;
        parts.give_back(&mut self.names);
        self.merge(parts, score, Sign::Minus);
        for (names, id) in [(&mut self.segments, places.segment), (&mut self.plans, places.plan), (&mut self.csms, places.csm)] {
            if let Some(id) = id {
                names.give_back(id);
            }
        }
    }

    /// Replaces the costs by those of a period.
    pub fn spend(&mut self, costs: &Costs, period: &Period) {
        self.spending = Spending::of(costs, period);
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

    pub(super) const fn spending(&self) -> &Spending {
        &self.spending
    }

    fn merge(&mut self, parts: Parts, score: &AccountScore, sign: Sign) {
        let scopes = self.scopes_of(parts.places);
        let sums = Sums { health: health(score), ..parts.into_sums(&self.names) };
        for scope in scopes {
            let whole = self.scopes.entry(scope.clone()).or_default();
            whole.merge(&sums, sign);
            if whole.accounts() == 0 {
                self.scopes.remove(&scope);
            }
        }
    }

    fn take_places(&mut self, account: &Account) -> Places {
        let Some(profile) = account.profile() else { return Places::default() };
        let take = |names: &mut Names, name: Option<&str>| name.map(|name| names.take(name));
        Places {
            segment: take(&mut self.segments, profile.segment.as_deref()),
            plan: take(&mut self.plans, profile.plan.as_deref()),
            csm: take(&mut self.csms, profile.csm.as_deref()),
        }
    }

    fn scopes_of(&self, places: Places) -> Vec<Scope> {
        let scope = |names: &Names, id: Option<NameId>, scope: fn(Box<str>) -> Scope| id.map(|id| scope(names.get(id).into()));
        let segment = scope(&self.segments, places.segment, Scope::Segment);
        let plan = scope(&self.plans, places.plan, Scope::Plan);
        let csm = scope(&self.csms, places.csm, Scope::Csm);
        [Some(Scope::All), segment, plan, csm].into_iter().flatten().collect()
    }
}

fn health(score: &AccountScore) -> Health {
    Health::of(Some(score), score.mrr_minor)
}
