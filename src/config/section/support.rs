//! `[support]`: the weight of an open ticket, and when the team works.

use serde::Deserialize;

use super::BusinessHours;
use crate::config::field;
use crate::config::validate::Report;
use crate::event::Priority;

/// `[support]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Support {
    /// Weights of open tickets.
    pub priority_weights: PriorityWeights,
    /// When the team works; without it, nothing is measured in business hours.
    pub business_hours: Option<BusinessHours>,
}

impl Support {
    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        if let Some(hours) = &self.business_hours {
            hours.validate(report);
        }
    }
}

/// Weights of open tickets by priority, >= 0.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriorityWeights {
    /// Urgent.
    #[serde(deserialize_with = "field::weight")]
    pub urgent: f64,
    /// High.
    #[serde(deserialize_with = "field::weight")]
    pub high: f64,
    /// Normal.
    #[serde(deserialize_with = "field::weight")]
    pub normal: f64,
    /// Low.
    #[serde(deserialize_with = "field::weight")]
    pub low: f64,
}

impl Default for PriorityWeights {
    fn default() -> Self {
        Self { urgent: 4.0, high: 2.0, normal: 1.0, low: 0.5 }
    }
}

impl PriorityWeights {
    /// The weight of a priority.
    #[must_use]
    pub const fn of(&self, priority: Priority) -> f64 {
        match priority {
            Priority::Urgent => self.urgent,
            Priority::High => self.high,
            Priority::Normal => self.normal,
            Priority::Low => self.low,
        }
    }
}
