//! What winning and keeping accounts cost.

use super::additive::Additive;
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

impl Additive for Spent {
    fn add(&mut self, other: &Self) {
        self.acquisition += other.acquisition;
        self.retention += other.retention;
    }
}
