//! Drivers: which sentences are said about an account, in which order. [`sentence`](super::sentence) words them.

use super::assess::Assessment;
use super::band::Band;
use super::contribution::{ComponentScore, RuleEffect};
use super::explain::Explanation;
use super::model::Model;
use super::published::Published;
use super::sentence::Writer;
use super::status::{Direction, Status};
use super::subject::Subject;
use crate::money::Currency;

/// Maximum number of sentences per explanation.
const MAX_DRIVERS: usize = 3;

/// Smaller moves, in points, get no sentence.
const LEAST_POINTS: f64 = 0.05;

/// What moved the account in its direction since the last change. If nothing did, or nothing can be compared: what costs most points,
/// against the account's own past.
pub(super) fn drivers<'a>(
    explanation: &Explanation<'a>,
    subject: &Subject<'a>,
    assessment: &Assessment<'a>,
    status: &Status,
    published: Option<&Published>,
    currency: Currency,
    model: &Model,
) -> Vec<String> {
    let writer = Writer::new(subject, assessment, model, currency, published);
    if status.band == Band::Churned {
        return vec![writer.churned(status)];
    }
    let drivers = Drivers { writer, explanation, status };
    let mut sentences = match published {
        _ if assessment.has_sole_rule() && explanation.health_override.is_none() => drivers.sole_rule(),
        Some(then) if then.has_sole_rule() && !assessment.has_sole_rule() => drivers.enough_again(),
        Some(then) => drivers.moves(then),
        None => Vec::new(),
    };
    if sentences.is_empty() {
        sentences = drivers.costs();
    }
    sentences.truncate(MAX_DRIVERS);
    sentences
}

struct Drivers<'r, 'a> {
    writer: Writer<'r, 'a>,
    explanation: &'r Explanation<'a>,
    status: &'r Status,
}

impl Drivers<'_, '_> {
    fn moves(&self, then: &Published) -> Vec<String> {
        let (explanation, writer) = (self.explanation, &self.writer);
        let Some(direction) = Direction::between(&then.status(), self.status) else { return Vec::new() };
        let sign = if direction == Direction::Up { 1.0 } else { -1.0 };
        let mut moves: Vec<(f64, String)> = Vec::new();
        let has_moved = |delta: &f64| delta * sign >= LEAST_POINTS;
        for part in &explanation.components {
            moves.extend(part.delta.filter(has_moved).map(|delta| (delta, writer.component_moved(part))));
        }
        let weights = explanation.renormalisation_delta.filter(has_moved);
        moves.extend(weights.map(|delta| (delta, writer.weights_moved(then, delta))));
        let rules = explanation.rules.iter().filter_map(|rule| Some((rule.delta.filter(has_moved)?, rule)));
        moves.extend(rules.map(|(delta, rule)| (delta, writer.rule_moved(rule))));
        let pinned = explanation.override_delta.filter(has_moved);
        moves.extend(pinned.map(|delta| (delta, writer.override_moved(explanation))));
        moves.sort_by(|(one, _), (other, _)| (other * sign).total_cmp(&(one * sign)));
        let floors = self.risk_floors().filter(|_| sign < 0.0);
        let waited = writer.waited(self.status, then).into_iter();
        waited.chain(floors).chain(moves.into_iter().map(|(_, sentence)| sentence)).collect()
    }

    /// Coverage is too low for a score, so a rule alone sets it.
    fn sole_rule(&self) -> Vec<String> {
        let sole = self.explanation.rules.iter().find(|rule| rule.is_sole);
        let sentence = sole.zip(self.status.score).map(|(rule, score)| self.writer.sole_rule(rule, score));
        sentence.into_iter().chain(self.risk_floors()).collect()
    }

    /// The components set the score again; before, a rule alone did.
    fn enough_again(&self) -> Vec<String> {
        if self.status.score.is_none() || self.explanation.health_override.is_some() {
            return Vec::new();
        }
        let unpinned = self.explanation.override_delta.map(|_| self.writer.override_moved(self.explanation));
        unpinned.into_iter().chain([self.writer.enough()]).chain(self.costs()).collect()
    }

    fn costs(&self) -> Vec<String> {
        let (explanation, writer) = (self.explanation, &self.writer);
        let mut sentences = Vec::new();
        if self.status.band == Band::Unknown {
            sentences.push(writer.unknown());
        }
        if explanation.health_override.is_some() {
            sentences.push(writer.override_moved(explanation));
        }
        let lowers = |rule: &&RuleEffect<'_>| rule.is_sole || rule.contribution < 0.0;
        sentences.extend(explanation.rules.iter().filter(lowers).map(|rule| writer.rule_moved(rule)));
        let mut parts: Vec<(f64, &ComponentScore<'_>)> =
            explanation.components.iter().map(|part| (part.weight * (100.0 - part.score), part)).collect();
        parts.retain(|(lost, _)| *lost >= LEAST_POINTS);
        parts.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        sentences.extend(parts.into_iter().take(MAX_DRIVERS).map(|(_, part)| writer.component_is(part)));
        sentences
    }

    /// Rules that came into force and raise risk without lowering health.
    fn risk_floors(&self) -> impl Iterator<Item = String> {
        let come = |rule: &&RuleEffect<'_>| rule.rule.is_some() && !rule.was_in_force && !rule.is_sole && rule.contribution >= 0.0;
        let floors = self.explanation.rules.iter().filter(come).filter_map(|rule| self.writer.risk_floor(rule));
        floors.filter(|_| self.status.risk.is_some())
    }
}
