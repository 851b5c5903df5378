//! Contributions of components and rules to health, from the assessment through to the published record.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::model::{Component, Rule};
use crate::metric::{Metric, Value};

/// A present component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentScore<'a> {
    /// The component.
    pub component: &'a Component,
    /// The metric used: the component's own or an alternative.
    pub metric: Metric,
    /// The metric's value.
    pub value: &'a Value,
    /// The curve's score of the value, 0..=100.
    pub score: f64,
    /// Renormalised weight: its share of the weights present, 0..=1.
    pub weight: f64,
    /// weight x score, points; `None` if the components do not set the score.
    pub contribution: Option<f64>,
    /// Change of the contribution since the last published change; `None` before explanation or without a comparable score.
    pub delta: Option<f64>,
}

impl Serialize for ComponentScore<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("component", 8)?;
        entry.serialize_field("name", &self.component.name)?;
        entry.serialize_field("group", &self.component.group)?;
        entry.serialize_field("metric", self.metric.name())?;
        entry.serialize_field("value", self.value)?;
        entry.serialize_field("score", &self.score)?;
        entry.serialize_field("weight", &self.weight)?;
        entry.serialize_field("contribution", &self.contribution)?;
        entry.serialize_field("contribution_delta", &self.delta)?;
        entry.end()
    }
}

/// A rule that is in force, or whose cap has ended since the last published change.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleEffect<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The rule in the model; `None` if it is no longer in force.
    pub rule: Option<&'a Rule>,
    /// Points that its cap adds to health after the rules before it, at most 0; the whole score if the rule alone sets it.
    pub contribution: f64,
    /// Change of the contribution since the last published change; `None` before explanation or if either score is missing.
    pub delta: Option<f64>,
    /// Whether it alone sets the score because coverage is too low.
    pub is_sole: bool,
    /// Whether it was in force in the last published change.
    pub was_in_force: bool,
}

impl<'a> RuleEffect<'a> {
    /// A rule in force that contributes nothing yet.
    pub(super) fn of(rule: &'a Rule) -> Self {
        Self { name: rule.name.as_str().into(), rule: Some(rule), contribution: 0.0, delta: None, is_sole: false, was_in_force: false }
    }

    /// Its cap while it is in force.
    #[must_use]
    pub fn cap_health(&self) -> Option<f64> {
        self.rule?.cap_health
    }
}

impl Serialize for RuleEffect<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("rule", 4)?;
        entry.serialize_field("name", &self.name)?;
        entry.serialize_field("cap_health", &self.cap_health())?;
        entry.serialize_field("contribution", &self.contribution)?;
        entry.serialize_field("delta", &self.delta)?;
        entry.end()
    }
}
