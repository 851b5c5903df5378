//! Acquisition and retention costs of a period, in total and by segment.

use std::collections::BTreeMap;

use super::additive::{Additive, additive};
use super::{Costs, Period, Scope};
use crate::event::CostCategory;

/// Costs of a period in minor units of the reporting currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostTotals {
    /// Spent on winning accounts.
    pub acquisition: i128,
    /// Spent on keeping accounts.
    pub retention: i128,
}

impl CostTotals {
    pub(super) fn add_cost(&mut self, category: CostCategory, minor: i64) {
        match category {
            CostCategory::Acquisition => self.acquisition += i128::from(minor),
            CostCategory::Retention => self.retention += i128::from(minor),
        }
    }
}

additive!(CostTotals { acquisition, retention });

/// The costs of a period. Each task holds the part that it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CostsByScope {
    all: CostTotals,
    /// Includes every segment that a cost ever named, so that a period without costs is 0 and not absent.
    segments: BTreeMap<Box<str>, CostTotals>,
}

impl CostsByScope {
    /// Sums the costs in a period.
    pub fn of(costs: &Costs, period: &Period) -> Self {
        let mut costs_by_scope = Self::default();
        for segment in costs.segments_named() {
            costs_by_scope.segments.entry(segment.into()).or_default();
        }
        for cost in costs.within(period.from, period.to) {
            costs_by_scope.all.add_cost(cost.category, cost.minor);
            if let Some(totals) = cost.segment.as_deref().and_then(|segment| costs_by_scope.segments.get_mut(segment)) {
                totals.add_cost(cost.category, cost.minor);
            }
        }
        costs_by_scope
    }

    /// Adds the costs that another task read.
    pub fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (segment, totals) in &other.segments {
            self.segments.entry(segment.clone()).or_default().add(totals);
        }
    }

    /// The costs of a scope; `None` if costs are not recorded for it.
    pub fn on(&self, scope: &Scope) -> Option<CostTotals> {
        match scope {
            Scope::All => Some(self.all),
            Scope::Segment(segment) => self.segments.get(segment).copied(),
            Scope::Plan(_) | Scope::Csm(_) => None,
        }
    }
}
