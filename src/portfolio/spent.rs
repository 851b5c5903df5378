//! What winning and keeping accounts cost.

use std::collections::BTreeMap;

use super::additive::{Additive, additive};
use super::{Costs, Period, Scope};
use crate::event::CostCategory;

/// Costs of a period in minor units of the reporting currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// On winning accounts.
    pub acquisition: i128,
    /// On keeping accounts.
    pub retention: i128,
}

impl Spent {
    /// Adds a cost.
    pub(super) fn spend(&mut self, category: CostCategory, minor: i64) {
        match category {
            CostCategory::Acquisition => self.acquisition += i128::from(minor),
            CostCategory::Retention => self.retention += i128::from(minor),
        }
    }
}

additive!(Spent { acquisition, retention });

/// The costs of a period, of which each task reads some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spending {
    all: Spent,
    /// By the segments that a cost ever named.
    on: BTreeMap<Box<str>, Spent>,
}

impl Spending {
    /// The costs of a period.
    pub fn of(costs: &Costs, period: &Period) -> Self {
        let mut spending = Self::default();
        for segment in costs.segments_named() {
            spending.on.entry(segment.into()).or_default();
        }
        for cost in costs.within(period.from, period.to) {
            spending.all.spend(cost.category, cost.minor);
            if let Some(spent) = cost.segment.as_deref().and_then(|segment| spending.on.get_mut(segment)) {
                spent.spend(cost.category, cost.minor);
            }
        }
        spending
    }

    /// Adds those that other tasks read.
    pub fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (segment, spent) in &other.on {
            self.on.entry(segment.clone()).or_default().add(spent);
        }
    }

    /// What was spent on a scope; `None` where costs say nothing of it.
    pub fn on(&self, scope: &Scope) -> Option<Spent> {
        match scope {
            Scope::All => Some(self.all),
            Scope::Segment(segment) => self.on.get(segment).copied(),
            Scope::Plan(_) | Scope::Csm(_) => None,
        }
    }
}
