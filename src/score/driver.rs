//! Drivers: sentences about what moved an account or, failing that, what costs it most points.

use super::assess::Assessment;
use super::band::Band;
use super::contribution::{ComponentScore, RuleEffect};
use super::explain::Explanation;
use super::model::{Model, name_id};
use super::published::Published;
use super::quantity::{quantities, quantity};
use super::status::{Direction, Status};
use crate::metric::Metric;
use crate::money::Currency;

/// Maximum number of sentences per explanation.
const MAX_DRIVERS: usize = 3;

/// Smaller moves, in points, get no sentence.
const LEAST_POINTS: f64 = 0.05;

/// What moved the account in its direction since the last change. If nothing did, or nothing can be compared: what costs most points.
pub(super) fn drivers(
    explanation: &Explanation<'_>,
    assessment: &Assessment<'_>,
    status: &Status,
    published: Option<&Published>,
    currency: Currency,
    model: &Model,
) -> Vec<String> {
    if status.band == Band::Churned {
        return vec![churned(status)];
    }
    let writer = Writer { assessment, model, currency };
    let mut sentences = match published {
        _ if assessment.has_sole_rule() && explanation.health_override.is_none() => writer.sole_rule(explanation, status),
        Some(then) if then.has_sole_rule() && !assessment.has_sole_rule() => writer.enough_again(explanation, status),
        Some(then) => writer.moves(explanation, status, then),
        None => Vec::new(),
    };
    if sentences.is_empty() {
        sentences = writer.costs(explanation, status);
    }
    sentences.truncate(MAX_DRIVERS);
    sentences
}

fn churned(status: &Status) -> String {
    match status.score {
        Some(score) => format!("the account churned; its last score, {score:.1}, is kept"),
        None => "the account churned before it had a score".into(),
    }
}

struct Writer<'r, 'a> {
    assessment: &'r Assessment<'a>,
    model: &'r Model,
    currency: Currency,
}

impl Writer<'_, '_> {
    fn moves(&self, explanation: &Explanation<'_>, status: &Status, then: &Published) -> Vec<String> {
        let Some(direction) = Direction::between(&then.status(), status) else { return Vec::new() };
        let sign = if direction == Direction::Up { 1.0 } else { -1.0 };
        let mut moves: Vec<(f64, String)> = Vec::new();
        for part in &explanation.components {
            moves.extend(part.delta.map(|delta| (delta, self.component_moved(part, then))));
        }
        moves.extend(explanation.renormalisation_delta.map(|delta| (delta, self.weights_moved(then))));
        moves.extend(explanation.rules.iter().filter_map(|rule| Some((rule.delta?, rule_moved(rule)))));
        moves.extend(explanation.override_delta.map(|delta| (delta, override_moved(explanation))));
        moves.retain(|(delta, _)| delta * sign >= LEAST_POINTS);
        moves.sort_by(|(one, _), (other, _)| (other * sign).total_cmp(&(one * sign)));
        let floors = risk_floors(explanation, status).filter(|_| sign < 0.0);
        let waited = self.waited(status, then).into_iter();
        waited.chain(floors).chain(moves.into_iter().map(|(_, sentence)| sentence)).collect()
    }

    /// Coverage is too low for a score, so a rule alone sets it.
    fn sole_rule(&self, explanation: &Explanation<'_>, status: &Status) -> Vec<String> {
        let sole = explanation.rules.iter().find(|rule| rule.is_sole);
        let sentence = sole.zip(status.score).map(|(rule, score)| {
            let name = &rule.name;
            format!("{name}: this rule alone sets health to {score}, because {}", self.coverage())
        });
        sentence.into_iter().chain(risk_floors(explanation, status)).collect()
    }

    /// The components set the score again; before, a rule alone did.
    fn enough_again(&self, explanation: &Explanation<'_>, status: &Status) -> Vec<String> {
        if status.score.is_none() || explanation.health_override.is_some() {
            return Vec::new();
        }
        let unpinned = explanation.override_delta.map(|_| override_moved(explanation));
        let enough = format!("{:.0} % of the weights have data, which is enough for a score", self.assessment.coverage * 100.0);
        unpinned.into_iter().chain([enough]).chain(self.costs(explanation, status)).collect()
    }

    fn coverage(&self) -> String {
        let (coverage, least) = (self.assessment.coverage * 100.0, self.model.min_coverage * 100.0);
        format!("{coverage:.0} % of the weights have data, and a score needs {least:.0} %")
    }

    /// The band changed because enough hours passed, not because the score moved far enough.
    fn waited(&self, status: &Status, then: &Published) -> Option<String> {
        let score = status.score.filter(|_| !self.assessment.skips_hysteresis())?;
        let bands = &self.model.bands;
        let (border, crossing, fell) = match (then.band, status.band) {
            (Band::Green, Band::Yellow) => (bands.green, bands.worse, true),
            (Band::Green | Band::Yellow, Band::Red) => (bands.yellow, bands.worse, true),
            (Band::Red, Band::Yellow) => (bands.yellow, bands.better, false),
            (Band::Red | Band::Yellow, Band::Green) => (bands.green, bands.better, false),
            _ => return None,
        };
        let at_once = fell && self.assessment.immediate_cap.is_some_and(|cap| cap < border);
        let past = if fell { border - score } else { score - border };
        (!at_once && past < crossing.points).then(|| {
            let side = if fell { format!("below {border}") } else { format!("at {border} or more") };
            format!("health has been {side} for {} h", crossing.hours)
        })
    }

    fn costs(&self, explanation: &Explanation<'_>, status: &Status) -> Vec<String> {
        let mut sentences = Vec::new();
        if status.band == Band::Unknown {
            sentences.push(self.coverage());
        }
        if explanation.health_override.is_some() {
            sentences.push(override_moved(explanation));
        }
        sentences.extend(explanation.rules.iter().filter(|rule| rule.is_sole || rule.contribution < 0.0).map(rule_moved));
        let mut parts: Vec<(f64, &ComponentScore<'_>)> =
            explanation.components.iter().map(|part| (part.weight * (100.0 - part.score), part)).collect();
        parts.retain(|(lost, _)| *lost >= LEAST_POINTS);
        parts.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        sentences.extend(parts.into_iter().map(|(_, part)| self.component_is(part)));
        sentences
    }

    fn component_is(&self, part: &ComponentScore<'_>) -> String {
        let value = part.value.number().unwrap_or_default();
        format!("{} is {}", part.metric.describe(), quantity(part.metric.unit(), value, self.currency))
    }

    fn component_moved(&self, part: &ComponentScore<'_>, then: &Published) -> String {
        let metric = name_id(part.metric.name());
        let before = then.component(part.component.id).filter(|before| before.metric == metric);
        let texts = before.zip(part.value.number()).and_then(|(before, now)| {
            let texts = quantities(part.metric.unit(), before.value, now, self.currency)?;
            Some((if now < before.value { "fell" } else { "rose" }, texts))
        });
        match texts {
            Some((verb, (before, now))) => format!("{} {verb} from {before} to {now}", part.metric.describe()),
            None => self.component_is(part),
        }
    }

    /// Names the metrics that no longer have a value; if there are none, the weights themselves have changed.
    fn weights_moved(&self, then: &Published) -> String {
        let is_present = |id: u32| self.assessment.components.iter().any(|present| present.component.id == id);
        let gone = then.components.iter().filter(|before| !is_present(before.id));
        let names: Vec<&str> = gone
            .filter_map(|before| Metric::ALL.iter().find(|metric| name_id(metric.name()) == before.metric))
            .map(|metric| metric.describe())
            .collect();
        match names.as_slice() {
            [] => "the weights of the components have changed".into(),
            names => format!("no longer counted: {}", names.join(", ")),
        }
    }
}

/// Rules that came into force and raise risk without lowering health.
fn risk_floors(explanation: &Explanation<'_>, status: &Status) -> impl Iterator<Item = String> {
    let come =
        explanation.rules.iter().filter(|rule| rule.rule.is_some() && !rule.was_in_force && !rule.is_sole && rule.contribution >= 0.0);
    let floors = come.filter_map(|rule| Some(format!("{}: risk is at least {}", rule.name, rule.rule?.risk_at_least?)));
    floors.filter(|_| status.risk.is_some())
}

fn rule_moved(rule: &RuleEffect<'_>) -> String {
    match rule.cap_health() {
        Some(cap) => format!("{}: health is capped at {cap}", rule.name),
        _ => format!("{}: health is no longer capped", rule.name),
    }
}

fn override_moved(explanation: &Explanation<'_>) -> String {
    match &explanation.health_override {
        Some(pinned) => format!("health is pinned to {} by {}: {}", pinned.value, pinned.by, pinned.reason),
        None => "health is no longer pinned".into(),
    }
}
