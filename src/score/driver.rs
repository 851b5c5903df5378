//! Drivers: what moved an account, or what weighs on it, as sentences with numbers.

use super::assess::Assessment;
use super::band::Band;
use super::change::{Direction, Standing};
use super::explain::{ExplainedPart, ExplainedRule, Explanation};
use super::model::{Model, name_id};
use super::published::Published;
use super::quantity::{quantities, quantity};
use crate::metric::Metric;
use crate::money::Currency;

/// Sentences of an explanation.
const MAX_DRIVERS: usize = 3;

/// A move of less than this many points is not worth a sentence.
const LEAST_POINTS: f64 = 0.05;

/// The sentence of an account that has left.
pub(super) fn churned(standing: &Standing) -> String {
    match standing.score {
        Some(score) => format!("the account churned; its last score, {score:.1}, is kept"),
        None => "the account churned before it had a score".into(),
    }
}

/// What moved the account the way it went since the last change; where nothing did, or there is nothing to compare, what weighs on it most.
pub(super) fn drivers(
    explanation: &Explanation,
    assessment: &Assessment,
    standing: &Standing,
    published: Option<&Published>,
    currency: Currency,
    model: &Model,
) -> Vec<String> {
    let teller = Teller { assessment, model, currency };
    let mut told = match published {
        _ if assessment.sole_rule.is_some() && explanation.health_override.is_none() => teller.sole_rule(explanation, standing),
        Some(then) if then.is_of_sole_rule() && assessment.sole_rule.is_none() => {
            let mut told = teller.enough_again(explanation, standing);
            told.extend(teller.weights(explanation, standing));
            told
        }
        Some(then) => teller.moves(explanation, standing, then),
        None => Vec::new(),
    };
    if told.is_empty() {
        told = teller.weights(explanation, standing);
    }
    told.truncate(MAX_DRIVERS);
    told
}

struct Teller<'a> {
    assessment: &'a Assessment,
    model: &'a Model,
    currency: Currency,
}

impl Teller<'_> {
    fn moves(&self, explanation: &Explanation, standing: &Standing, then: &Published) -> Vec<String> {
        let Some(direction) = Direction::between(&then.standing(), standing) else { return Vec::new() };
        let sign = if direction == Direction::Up { 1.0 } else { -1.0 };
        let mut moves: Vec<(f64, String)> = Vec::new();
        for part in &explanation.parts {
            moves.extend(part.contribution_delta.map(|delta| (delta, self.part_moved(part, then))));
        }
        moves.extend(explanation.renormalisation_delta.map(|delta| (delta, self.weights_moved(then))));
        moves.extend(explanation.rules.iter().filter_map(|rule| Some((rule.delta?, rule_moved(rule)))));
        moves.extend(explanation.override_delta.map(|delta| (delta, override_moved(explanation))));
        moves.retain(|(delta, _)| delta * sign >= LEAST_POINTS);
        moves.sort_by(|(one, _), (other, _)| (other * sign).total_cmp(&(one * sign)));
        let floors = risk_floors(explanation, standing).filter(|_| sign < 0.0);
        let waited = self.waited(standing, then).into_iter();
        waited.chain(floors).chain(moves.into_iter().map(|(_, sentence)| sentence)).collect()
    }

    /// Too little is known for the components to make a score, and a rule makes it.
    fn sole_rule(&self, explanation: &Explanation, standing: &Standing) -> Vec<String> {
        let sole = explanation.rules.iter().find(|rule| rule.is_sole);
        let sentence = sole.zip(standing.score).map(|(rule, score)| {
            let name = &rule.name;
            format!("{name}: this rule alone sets health to {score}, since {}", self.coverage())
        });
        sentence.into_iter().chain(risk_floors(explanation, standing)).collect()
    }

    /// The components make the score again, which a rule alone gave before.
    fn enough_again(&self, explanation: &Explanation, standing: &Standing) -> Vec<String> {
        if standing.score.is_none() || explanation.health_override.is_some() {
            return Vec::new();
        }
        let unpinned = explanation.override_delta.map(|_| override_moved(explanation));
        let enough = format!("{:.0} % of the weights have data, enough for a score", self.assessment.coverage * 100.0);
        unpinned.into_iter().chain([enough]).collect()
    }

    fn coverage(&self) -> String {
        let (coverage, least) = (self.assessment.coverage * 100.0, self.model.min_coverage * 100.0);
        format!("{coverage:.0} % of the weights have data and a score needs {least:.0} %")
    }

    /// What a change of band says that was entered not by points but by hours.
    fn waited(&self, standing: &Standing, then: &Published) -> Option<String> {
        let score = standing.score.filter(|_| !self.assessment.skips_hysteresis())?;
        let bands = &self.model.bands;
        let (border, crossing, fell) = match (then.band, standing.band) {
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

    fn weights(&self, explanation: &Explanation, standing: &Standing) -> Vec<String> {
        let mut told = Vec::new();
        if standing.band == Band::Unknown {
            told.push(self.coverage());
        }
        if explanation.health_override.is_some() {
            told.push(override_moved(explanation));
        }
        told.extend(explanation.rules.iter().filter(|rule| rule.is_sole || rule.contribution < 0.0).map(rule_moved));
        let mut parts: Vec<(f64, &ExplainedPart)> =
            explanation.parts.iter().map(|part| (part.weight * (100.0 - part.score), part)).collect();
        parts.retain(|(lost, _)| *lost >= LEAST_POINTS);
        parts.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        told.extend(parts.into_iter().map(|(_, part)| self.part_is(part)));
        told
    }

    fn part_is(&self, part: &ExplainedPart) -> String {
        let value = part.value.number().unwrap_or_default();
        format!("{} is {}", part.metric.describe(), quantity(part.metric.unit(), value, self.currency))
    }

    fn part_moved(&self, part: &ExplainedPart, then: &Published) -> String {
        let id = self.model.components.get(usize::from(part.component)).map(|component| component.id);
        let metric = name_id(part.metric.name());
        let before = then.parts.iter().find(|before| Some(before.component) == id && before.metric == metric);
        let texts = before.zip(part.value.number()).and_then(|(before, now)| {
            let texts = quantities(part.metric.unit(), before.value, now, self.currency)?;
            Some((if now < before.value { "fell" } else { "rose" }, texts))
        });
        match texts {
            Some((verb, (before, now))) => format!("{} {verb} from {before} to {now}", part.metric.describe()),
            None => self.part_is(part),
        }
    }

    /// Names what was known then and is not now, else says that weights are others.
    fn weights_moved(&self, then: &Published) -> String {
        let is_present = |id: u32| {
            let ids = self.assessment.parts.iter().filter_map(|part| self.model.components.get(usize::from(part.component)));
            ids.into_iter().any(|component| component.id == id)
        };
        let gone = then.parts.iter().filter(|part| !is_present(part.component));
        let names: Vec<&str> = gone
            .filter_map(|part| Metric::ALL.iter().find(|metric| name_id(metric.name()) == part.metric))
            .map(|metric| metric.describe())
            .collect();
        match names.as_slice() {
            [] => "the components have other weights than before".into(),
            names => format!("no longer counted: {}", names.join(", ")),
        }
    }
}

/// The rules that have come into force and raise risk without lowering health.
fn risk_floors(explanation: &Explanation, standing: &Standing) -> impl Iterator<Item = String> {
    let come = explanation.rules.iter().filter(|rule| rule.in_force && !rule.was_in_force && !rule.is_sole && rule.contribution >= 0.0);
    let floors = come.filter_map(|rule| Some(format!("{}: risk is at least {}", rule.name, rule.risk_at_least?)));
    floors.filter(|_| standing.risk.is_some())
}

fn rule_moved(rule: &ExplainedRule) -> String {
    match rule.cap_health {
        Some(cap) if rule.in_force => format!("{}: health is capped at {cap}", rule.name),
        _ => format!("{}: health is no longer capped", rule.name),
    }
}

fn override_moved(explanation: &Explanation) -> String {
    match &explanation.health_override {
        Some(pinned) => format!("health is pinned to {} by {}: {}", pinned.value, pinned.by, pinned.reason),
        None => "health is no longer pinned".into(),
    }
}
