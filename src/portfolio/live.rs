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
use super::{Period, Scope, Sums};
use crate::account::Account;
use crate::engine::{Costs, Share};
use crate::metric::Metrics;
use crate::metric::View;
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

impl Live {
    /// Replaces all that an account adds by what it adds at `view`, where it was scored as `share` with these metrics.
    pub fn replace(&mut self, account: &mut Account, share: Share, metrics: &Metrics, view: &View, settings: &Settings) {
        self.remove(account);
        let places = self.take_places(account);
        let mut parts = Parts::of(account, metrics, view, settings, &mut self.names);
        parts.places = places;
        account.contribution = Some(Contribution::new(&parts, view.t));
        self.merge(parts, &share, Sign::Plus);
        account.share = Some(share);
    }

    /// Replaces what the health of an account adds, now that it was scored as `share`; the rest stays.
    pub fn rescore(&mut self, account: &mut Account, share: Share) {
        if let (Some(contribution), Some(before)) = (&account.contribution, &account.share) {
            let (before, now) = (health(before), health(&share));
            for scope in self.scopes_of(contribution.places()) {
                if let Some(sums) = self.scopes.get_mut(&scope) {
                    sums.health.merge(&before, Sign::Minus);
                    sums.health.merge(&now, Sign::Plus);
                }
            }
        }
        account.share = Some(share);
    }

    /// Takes away all that an account adds.
    pub fn remove(&mut self, account: &mut Account) {
        let (Some(contribution), Some(share)) = (account.contribution.take(), &account.share) else { return };
        let parts = contribution.parts();
        let places = parts.places;
        parts.give_back(&mut self.names);
        self.merge(parts, share, Sign::Minus);
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

    pub(super) fn scopes(&self) -> impl Iterator<Item = (&Scope, &Sums)> {
        self.scopes.iter()
    }

    pub(super) const fn spending(&self) -> &Spending {
        &self.spending
    }

    fn merge(&mut self, parts: Parts, share: &Share, sign: Sign) {
        let scopes = self.scopes_of(parts.places);
        let sums = Sums { health: health(share), ..parts.into_sums(&self.names) };
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

fn health(share: &Share) -> Health {
    Health::of(Some(share), share.mrr_minor)
}
