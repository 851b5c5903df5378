//! Rules and override: from the mean of the components to the score.

use super::super::document::{Breakdown, Comparison, Rule};
use super::page::{Page, exact, operand};

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    page.section("RULES, in the order of the model");
    let mut score = breakdown.health.mean;
    for rule in &breakdown.rules {
        let state = if rule.in_force { "in force" } else { "not in force" };
        page.item(&format!("{}: {state}", rule.name));
        page.labelled("because", &rule.comparisons.iter().map(compared).collect::<Vec<_>>().join("; "));
        if rule.in_force {
            score = write_effect(rule, score, page);
        }
    }
    if breakdown.rules.is_empty() {
        page.item("the model has none");
    }
    if let Some(pinned) = &breakdown.health_override {
        page.item(&format!("override by {} until {}: {}", pinned.by, pinned.until, pinned.reason));
        let before = exact(pinned.value - pinned.contribution);
        page.labelled("health", &format!("{before} + {} = {}", operand(pinned.contribution), exact(pinned.value)));
    }
    page.item("result");
    page.labelled("health", &breakdown.health.score.map_or_else(|| "none".to_owned(), exact));
}

/// Writes what a rule in force does; returns the score after it.
fn write_effect(rule: &Rule, score: Option<f64>, page: &mut Page) -> Option<f64> {
    let Some(cap) = rule.cap_health else {
        page.labelled("effect", &floor(rule).unwrap_or_else(|| "none".to_owned()));
        return score;
    };
    let more = floor(rule).map(|floor| format!("; {floor}")).unwrap_or_default();
    let more = if rule.immediate { format!("{more}; passes hysteresis") } else { more };
    if rule.sole {
        page.labelled("effect", &format!("this rule alone gives health {}{more}", exact(cap)));
        return Some(cap);
    }
    let after = score.map(|score| score + rule.contribution);
    let effect = match score.zip(after) {
        Some((before, after)) => {
            format!("health at most {}: {} + {} = {}", exact(cap), exact(before), operand(rule.contribution), exact(after))
        }
        None => format!("health at most {}", exact(cap)),
    };
    page.labelled("effect", &format!("{effect}{more}"));
    after
}

fn floor(rule: &Rule) -> Option<String> {
    Some(format!("risk at least {}", exact(rule.risk_at_least?)))
}

fn compared(comparison: &Comparison) -> String {
    let Comparison { metric, operator, number, holds, .. } = comparison;
    let verdict = if *holds { "holds" } else { "does not hold" };
    match comparison.value {
        Some(value) => format!("{metric}: {} {operator} {} {verdict}", exact(value), exact(*number)),
        None => format!("{metric} {operator} {}: no value, so it does not hold", exact(*number)),
    }
}
