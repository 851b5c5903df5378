//! Fields shared by the change record and the account line.

use serde::{Serialize, Serializer};

use super::band::Band;
use super::contribution::{ComponentScore, RuleEffect};
use super::explain::Explanation;
use super::model::Model;
use super::risk::Level;
use super::status::Status;
use super::subject::Override;
use crate::money::Currency;

/// What a record contains about an account besides its scores.
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
pub(super) struct HealthFields {
    score: Option<f64>,
    previous: Option<f64>,
    band: Band,
    previous_band: Option<Band>,
    coverage: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RiskFields {
    probability: Option<f64>,
    previous: Option<f64>,
    level: Option<Level>,
    previous_level: Option<Level>,
    horizon_days: u32,
    calibrated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ExplanationFields<'a> {
    drivers: &'a [String],
    components: &'a [ComponentScore<'a>],
    absent: &'a [&'a str],
    renormalisation_delta: Option<f64>,
    rules: Vec<&'a str>,
    rule_deltas: Vec<&'a RuleEffect<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sole_rule: Option<&'a str>,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    health_override: Option<&'a Override<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_delta: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct ModelName<'a> {
    name: &'a str,
    hash: &'a str,
}

pub(super) fn health(now: &Status, before: Option<&Status>, coverage: f64) -> HealthFields {
    HealthFields {
        score: now.score,
        previous: before.and_then(|before| before.score),
        band: now.band,
        previous_band: before.map(|before| before.band),
        coverage,
    }
}

pub(super) fn risk(now: &Status, before: Option<&Status>, model: &Model) -> RiskFields {
    let before = before.and_then(|before| before.risk);
    RiskFields {
        probability: now.risk.map(|risk| risk.probability),
        previous: before.map(|risk| risk.probability),
        level: now.risk.map(|risk| risk.level),
        previous_level: before.map(|risk| risk.level),
        horizon_days: model.risk.horizon_days,
        calibrated: model.risk.calibrated,
    }
}

pub(super) fn explanation<'a>(explanation: &'a Explanation<'a>) -> ExplanationFields<'a> {
    let has_moved = |rule: &&RuleEffect<'_>| rule.is_sole || rule.contribution < 0.0 || rule.delta.is_some_and(|delta| delta != 0.0);
    ExplanationFields {
        drivers: &explanation.drivers,
        components: &explanation.components,
        absent: &explanation.absent,
        renormalisation_delta: explanation.renormalisation_delta,
        rules: explanation.rules.iter().filter(|effect| effect.rule.is_some()).map(|effect| &*effect.name).collect(),
        rule_deltas: explanation.rules.iter().filter(has_moved).collect(),
        sole_rule: explanation.rules.iter().find(|effect| effect.is_sole).map(|effect| &*effect.name),
        health_override: explanation.health_override.as_ref(),
        override_delta: explanation.override_delta,
    }
}

pub(super) fn model_name(model: &Model) -> ModelName<'_> {
    ModelName { name: &model.name, hash: &model.hash }
}

pub(super) fn scored_by(profile: u8, model: &Model) -> Option<&str> {
    model.profiles.get(usize::from(profile)).map(|profile| profile.name.as_str())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn code<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.code())
}
