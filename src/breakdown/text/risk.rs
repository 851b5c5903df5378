//! The risk: input, coefficient, scaling by what is absent, log-odds, probability, floor.

use super::super::document::{Breakdown, Logistic};
use super::page::{Page, exact, operand, sum};

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    let risk = &breakdown.risk;
    page.section(&format!("RISK: churn within {} days", risk.horizon_days));
    match (&risk.model, risk.probability) {
        (Some(model), Some(probability)) => write_model(model, probability, page),
        (None, Some(probability)) => page.item(&format!("{}, as last published", exact(probability))),
        _ => page.item("none: it needs a score and a component with a coefficient"),
    }
    if let Some(level) = &risk.level {
        let [medium, high, critical] = risk.levels.map(exact);
        page.labelled("level", &format!("{level}: medium from {medium}, high from {high}, critical from {critical}"));
    }
}

fn write_model(model: &Logistic, probability: f64, page: &mut Page) {
    for term in &model.terms {
        let (score, input, coefficient) = (exact(term.score), operand(term.input), exact(term.coefficient));
        page.item(&format!(
            "{}: ({score} - 50) / 50 = {}; {coefficient} x {input} = {}",
            term.component,
            exact(term.input),
            exact(term.product)
        ));
    }
    page.item("together");
    page.labelled("sum", &format!("{} = {}", sum(model.terms.iter().map(|term| term.product)), exact(model.sum)));
    let absent = if model.total > model.present { ", for the absent ones" } else { "" };
    page.labelled("scale", &format!("|coefficients| {} / {} = {}{absent}", exact(model.total), exact(model.present), exact(model.scale)));
    let (intercept, scale) = (exact(model.intercept), exact(model.scale));
    page.labelled("log-odds", &format!("{intercept} + {scale} x {} = {}", operand(model.sum), exact(model.z)));
    page.labelled("probability", &format!("1 / (1 + e^-{}) = {}", operand(model.z), exact(model.probability)));
    let floor = model.floor.map(|floor| format!("at least {} by a rule: {}", exact(floor), exact(probability)));
    page.labelled("risk", &floor.unwrap_or_else(|| exact(probability)));
}
