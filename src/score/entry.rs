//! The parts that the change record and the line of an account share.

use serde::{Serialize, Serializer};

use super::band::Band;
use super::change::Standing;
use super::explain::{ExplainedOverride, ExplainedPart, ExplainedRule, Explanation};
use super::model::{Group, Model};
use super::risk::Level;
use crate::metric::Value;
use crate::money::Currency;
use crate::time::Timestamp;

/// What a record says of an account besides its scores.
#[derive(Clone, Copy, Debug)]
pub struct AccountFacts<'a> {
    /// The account id.
    pub account_id: &'a str,
    /// Display name.
    pub name: Option<&'a str>,
    /// Customer success manager.
    pub csm: Option<&'a str>,
    /// The reporting currency.
    pub currency: Currency,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Health {
    score: Option<f64>,
    previous: Option<f64>,
    band: Band,
    previous_band: Option<Band>,
    coverage: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Risk {
    probability: Option<f64>,
    previous: Option<f64>,
    level: Option<Level>,
    previous_level: Option<Level>,
    horizon_days: u32,
    calibrated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Reasons<'a> {
    drivers: &'a [String],
    components: Vec<ComponentEntry<'a>>,
    absent: Vec<&'a str>,
    renormalisation_delta: Option<f64>,
    rules: Vec<&'a str>,
    rule_deltas: Vec<RuleDelta<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sole_rule: Option<&'a str>,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    health_override: Option<OverrideEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_delta: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ComponentEntry<'a> {
    name: &'a str,
    group: Group,
    metric: &'static str,
    value: &'a Value,
    score: f64,
    weight: f64,
    contribution: Option<f64>,
    contribution_delta: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RuleDelta<'a> {
    name: &'a str,
    cap_health: Option<f64>,
    contribution: f64,
    delta: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct OverrideEntry<'a> {
    value: f64,
    #[serde(serialize_with = "rfc3339")]
    until: Timestamp,
    reason: &'a str,
    by: &'a str,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct ModelName<'a> {
    name: &'a str,
    hash: &'a str,
}

pub(super) fn health(now: &Standing, before: Option<&Standing>, coverage: f64) -> Health {
    Health {
        score: now.score,
        previous: before.and_then(|before| before.score),
        band: now.band,
        previous_band: before.map(|before| before.band),
        coverage,
    }
}

pub(super) fn risk(now: &Standing, before: Option<&Standing>, model: &Model) -> Risk {
    let before = before.and_then(|before| before.risk);
    Risk {
        probability: now.risk.map(|risk| risk.probability),
        previous: before.map(|risk| risk.probability),
        level: now.risk.map(|risk| risk.level),
        previous_level: before.map(|risk| risk.level),
        horizon_days: model.risk.horizon_days,
        calibrated: model.risk.calibrated,
    }
}

pub(super) fn reasons<'a>(explanation: &'a Explanation, model: &'a Model) -> Reasons<'a> {
    let name = |place: &u8| model.components.get(usize::from(*place)).map(|component| component.name.as_str());
    let moved = |rule: &&ExplainedRule| rule.is_sole || rule.contribution < 0.0 || rule.delta.is_some_and(|delta| delta != 0.0);
    Reasons {
        drivers: &explanation.drivers,
        components: explanation.parts.iter().filter_map(|part| component(part, model)).collect(),
        absent: explanation.absent.iter().filter_map(name).collect(),
        renormalisation_delta: explanation.renormalisation_delta,
        rules: explanation.rules.iter().filter(|rule| rule.in_force).map(|rule| &*rule.name).collect(),
        rule_deltas: explanation
            .rules
            .iter()
            .filter(moved)
            .map(|rule| RuleDelta { name: &rule.name, cap_health: rule.cap_health, contribution: rule.contribution, delta: rule.delta })
            .collect(),
        sole_rule: explanation.rules.iter().find(|rule| rule.is_sole).map(|rule| &*rule.name),
        health_override: explanation.health_override.as_ref().map(override_entry),
        override_delta: explanation.override_delta,
    }
}

fn component<'a>(part: &'a ExplainedPart, model: &'a Model) -> Option<ComponentEntry<'a>> {
    let component = model.components.get(usize::from(part.component))?;
    Some(ComponentEntry {
        name: &component.name,
        group: component.group,
        metric: part.metric.name(),
        value: &part.value,
        score: part.score,
        weight: part.weight,
        contribution: part.contribution,
        contribution_delta: part.contribution_delta,
    })
}

fn override_entry(pinned: &ExplainedOverride) -> OverrideEntry<'_> {
    OverrideEntry { value: pinned.value, until: pinned.until, reason: &pinned.reason, by: &pinned.by }
}

pub(super) fn model_name(model: &Model) -> ModelName<'_> {
    ModelName { name: &model.name, hash: &model.hash }
}

pub(super) fn scored_by(profile: u8, model: &Model) -> Option<&str> {
    model.profiles.get(usize::from(profile)).map(|profile| profile.name.as_str())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn code<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.code())
}
