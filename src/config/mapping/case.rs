//! What payloads must have, and the cases that a mapping refuses or counts at list price.

use super::condition::{conditions, place};
use super::report::{At, Report};
use crate::config::tree::Value;
use crate::event::mapping::{Case, Place, Refusal, Requirement};

/// What every payload has: places, lists of places of which one suffices, and tables of what payloads of some kind have.
pub(super) fn envelope(root: &At<'_>, report: &mut Report) -> Vec<Requirement> {
    let entries = root.entry("envelope").map_or_else(Vec::new, |at| at.elements());
    let mut requirements = Vec::new();
    for at in entries {
        if !at.is_table() {
            requirements.push(Requirement { when: Vec::new(), one_of: one_of(&at, report) });
            continue;
        }
        report.keys(&at, &["when", "places"]);
        let (Some(_), Some(places)) = (at.entry("when"), at.entry("places")) else {
            report.problem(&at, "needs when, the conditions, and places, what a payload must have where they hold");
            continue;
        };
        let when = conditions(&at, 0, report);
        let places = places.elements().into_iter();
        requirements.extend(places.map(|at| Requirement { when: when.clone(), one_of: one_of(&at, report) }));
    }
    requirements
}

/// A place, or a list of places of which one must be given.
fn one_of(at: &At<'_>, report: &mut Report) -> Vec<Place> {
    if matches!(&at.node.value, Value::Array(places) if places.is_empty()) {
        report.problem(at, "must not be an empty list: no payload would have it");
    }
    at.elements().iter().filter_map(|at| place(at, 0, report)).collect()
}

/// The cases under `key` of an event.
pub(super) fn cases(event: &At<'_>, key: &str, depth: usize, report: &mut Report) -> Vec<Case> {
    let cases = event.entry(key).map_or_else(Vec::new, |at| at.elements());
    cases.iter().filter_map(|at| case(at, &["when", "each"], depth, report)).collect()
}

/// The cases that an event refuses.
pub(super) fn refusals(event: &At<'_>, depth: usize, report: &mut Report) -> Vec<Refusal> {
    let cases = event.entry("refuse").map_or_else(Vec::new, |at| at.elements());
    let mut refusals = Vec::new();
    for at in &cases {
        let case = case(at, &["when", "each", "reason"], depth, report);
        let reason = at.entry("reason").and_then(|reason| report.text(&reason)).unwrap_or_default();
        if reason.is_empty() {
            report.problem(at, "needs a reason, for whoever finds the dead letter");
        }
        refusals.extend(case.map(|case| Refusal { case, reason: reason.to_owned() }));
    }
    refusals
}

fn case(at: &At<'_>, keys: &[&str], depth: usize, report: &mut Report) -> Option<Case> {
    if !report.table(at) {
        return None;
    }
    report.keys(at, keys);
    if at.entry("when").is_none() {
        report.problem(at, "needs when: without conditions, every event would be such a case");
    }
    let each = at.entry("each").and_then(|each| place(&each, depth, report));
    let depth = depth + usize::from(at.entry("each").is_some());
    Some(Case { when: conditions(at, depth, report), each })
}
