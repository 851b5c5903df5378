//! The risk, term by term.

use super::document::{Logistic, Risk, Term};
use super::scoring::Scoring;
use crate::score::Level;

pub(super) fn of(scoring: &Scoring<'_, '_>) -> Risk {
    let model = &scoring.settings().model.risk;
    let risk = scoring.status.risk;
    Risk {
        probability: risk.map(|risk| risk.probability),
        level: risk.map(|risk| Level::name(risk.level).to_owned()),
        horizon_days: model.horizon_days,
        calibrated: model.calibrated,
        levels: [model.levels.medium, model.levels.high, model.levels.critical],
        model: risk.filter(|_| !scoring.is_frozen()).map(|_| logistic(scoring)),
    }
}

fn logistic(scoring: &Scoring<'_, '_>) -> Logistic {
    let model = &scoring.settings().model.risk;
    let parts = scoring.assessment.components.iter().filter(|part| part.component.coefficient != 0.0);
    let terms: Vec<Term> = parts
        .map(|part| {
            let (input, coefficient) = ((part.score - 50.0) / 50.0, part.component.coefficient);
            Term { component: part.component.name.clone(), score: part.score, input, coefficient, product: coefficient * input }
        })
        .collect();
    let sum: f64 = terms.iter().map(|term| term.product).sum();
    let present: f64 = terms.iter().map(|term| term.coefficient.abs()).sum();
    let scale = model.total / present;
    let z = model.intercept + scale * sum;
    let floor = scoring.assessment.rules.iter().filter_map(|effect| effect.rule?.risk_at_least).reduce(f64::max);
    Logistic { terms, sum, total: model.total, present, scale, intercept: model.intercept, z, probability: 1.0 / (1.0 + (-z).exp()), floor }
}
