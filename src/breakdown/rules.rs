//! Every rule of the model, with the values that decide whether it is in force.

use super::document::{Comparison, Rule};
use super::scoring::Scoring;

pub(super) fn of(scoring: &Scoring<'_, '_>) -> Vec<Rule> {
    let metrics = scoring.subject.metrics;
    let in_force = |name: &str| scoring.assessment.rules.iter().find(|effect| effect.name == name);
    let rule = |rule: &crate::score::model::Rule| {
        let effect = in_force(&rule.name).filter(|_| !scoring.is_frozen());
        let comparisons = rule.condition.comparisons().iter().map(|comparison| Comparison {
            metric: comparison.metric.name().to_owned(),
            value: metrics.number(comparison.metric),
            operator: comparison.operator.symbol().to_owned(),
            number: comparison.number,
            holds: metrics.number(comparison.metric).is_some_and(|value| comparison.holds(value)),
        });
        Rule {
            name: rule.name.clone(),
            in_force: effect.is_some(),
            comparisons: comparisons.collect(),
            cap_health: rule.cap_health,
            risk_at_least: rule.risk_at_least,
            immediate: rule.immediate,
            contribution: effect.map_or(0.0, |effect| effect.contribution),
            sole: effect.is_some_and(|effect| effect.is_sole),
        }
    };
    scoring.settings().model.rules.iter().map(rule).collect()
}
