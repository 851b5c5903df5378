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

/// One entry of what moved a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The component, the rule, `renormalisation` or `override`.
    pub name: String,
    /// Points of health.
    pub points: f64,
    /// In words.
    pub sentence: String,
}

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
    let drivers = Drivers { writer: Writer::new(subject, assessment, model, currency, published), explanation, status };
    drivers.most_important(|| {
        let sentences = match published {
            _ if assessment.has_sole_rule() && explanation.health_override.is_none() => drivers.sole_rule(),
            Some(then) if then.has_sole_rule() && !assessment.has_sole_rule() => drivers.enough_again(),
            Some(then) => drivers.moves(then),
            None => Vec::new(),
        };
        if sentences.is_empty() { drivers.costs() } else { sentences }
    })
}

/// Why the score is what it is, whatever has moved it lately: rules in force, then what costs most points, against the account's own past.
/// `explanation` compares with nothing.
pub(super) fn reasons<'a>(
    explanation: &Explanation<'a>,
    subject: &Subject<'a>,
    assessment: &Assessment<'a>,
    status: &Status,
    currency: Currency,
    model: &Model,
) -> Vec<String> {
    let drivers = Drivers { writer: Writer::new(subject, assessment, model, currency, None), explanation, status };
    drivers.most_important(|| {
        if assessment.has_sole_rule() && explanation.health_override.is_none() {
            drivers.sole_rule()
        } else {
            drivers.risk_floors().chain(drivers.costs()).collect()
        }
    })
}

/// What moved the score since the last change, largest effect first, with the entries that moved nothing left out. The points of all
/// entries sum to the change of the score. Empty if nothing can be compared.
pub(super) fn all_moves<'a>(
    explanation: &Explanation<'a>,
    subject: &Subject<'a>,
    assessment: &Assessment<'a>,
    published: &Published,
    currency: Currency,
    model: &Model,
) -> Vec<Move> {
    let writer = Writer::new(subject, assessment, model, currency, Some(published));
    let mut moves = moves(&writer, explanation, published, |points| points != 0.0);
    moves.sort_by(|one, other| other.points.abs().total_cmp(&one.points.abs()));
    moves
}

/// The entries of an explanation whose points are wanted, in words.
fn moves(writer: &Writer<'_, '_>, explanation: &Explanation<'_>, then: &Published, is_wanted: impl Fn(f64) -> bool) -> Vec<Move> {
    let wanted = |points: Option<f64>| points.filter(|points| is_wanted(*points));
    let mut moves = Vec::new();
    for part in &explanation.components {
        let name = || part.component.name.clone();
        moves.extend(wanted(part.delta).map(|points| Move { name: name(), points, sentence: writer.component_moved(part) }));
    }
    let weights = wanted(explanation.renormalisation_delta);
    moves.extend(weights.map(|points| Move { name: "renormalisation".into(), points, sentence: writer.weights_moved(then, points) }));
    for rule in &explanation.rules {
        let name = || rule.name.to_string();
        moves.extend(wanted(rule.delta).map(|points| Move { name: name(), points, sentence: writer.rule_moved(rule) }));
    }
    let pinned = wanted(explanation.override_delta);
    moves.extend(pinned.map(|points| Move { name: "override".into(), points, sentence: writer.override_moved(explanation) }));
    moves
}

struct Drivers<'r, 'a> {
    writer: Writer<'r, 'a>,
    explanation: &'r Explanation<'a>,
    status: &'r Status,
}

impl Drivers<'_, '_> {
    /// The first of these sentences; of a churned account nothing but that it has churned.
    fn most_important(&self, sentences: impl FnOnce() -> Vec<String>) -> Vec<String> {
        if self.status.band == Band::Churned {
            return vec![self.writer.churned(self.status)];
        }
        let mut sentences = sentences();
        sentences.truncate(MAX_DRIVERS);
        sentences
    }

    fn moves(&self, then: &Published) -> Vec<String> {
        let Some(direction) = Direction::between(&then.status(), self.status) else { return Vec::new() };
        let sign = if direction == Direction::Up { 1.0 } else { -1.0 };
        let mut moves = moves(&self.writer, self.explanation, then, |points| points * sign >= LEAST_POINTS);
        moves.sort_by(|one, other| (other.points * sign).total_cmp(&(one.points * sign)));
        let floors = self.risk_floors().filter(|_| sign < 0.0);
        let waited = self.writer.waited(self.status, then).into_iter();
        waited.chain(floors).chain(moves.into_iter().map(|entry| entry.sentence)).collect()
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
