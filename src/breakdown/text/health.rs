//! Components: metric -> curve -> score -> weight -> contribution -> mean.

use super::super::document::{Absent, Breakdown, Component};
use super::page::{Page, exact, exact_times, operand, said, sum};

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    let health = &breakdown.health;
    page.section("HEALTH: metric, score on its curve, weight, contribution");
    breakdown.components.iter().for_each(|component| write_component(component, health.weight_present, page));
    breakdown.absent.iter().for_each(|absent| write_absent(absent, page));
    page.item("together");
    let (present, configured) = (exact(health.weight_present), exact(health.weight_configured));
    let least = exact(health.min_coverage);
    let enough = if health.coverage >= health.min_coverage && health.weight_present > 0.0 { "enough" } else { "too little" };
    page.labelled(
        "coverage",
        &format!("weights {present} / {configured} = {}, {enough} for a score, which needs {least}", exact(health.coverage)),
    );
    match health.mean {
        Some(mean) => {
            let contributions = breakdown.components.iter().filter_map(|component| component.contribution);
            page.labelled("mean", &format!("{} = {}", sum(contributions), exact(mean)));
        }
        None => page.labelled("mean", "none: the components give no score"),
    }
}

fn write_component(component: &Component, weights: f64, page: &mut Page) {
    page.item(&format!("{} ({})", component.name, component.group));
    let mut facts = vec![component.said.clone()];
    facts.extend(component.n.map(|n| format!("n {n}")));
    let window = if component.window_days > 0 {
        format!("{} d to {}", component.window_days, component.measured_at)
    } else {
        format!("at {}", component.measured_at)
    };
    facts.push(window);
    page.labelled("metric", &format!("{} = {} ({})", component.metric, value(component), facts.join("; ")));
    page.labelled("score", &on_curve(component));
    page.labelled("weight", &format!("{} / {} = {}", exact(component.weight_configured), exact(weights), exact(component.weight)));
    if let Some(contribution) = component.contribution {
        page.labelled("contribution", &format!("{} x {} = {}", exact(component.weight), exact(component.score), exact(contribution)));
    }
}

/// The value of the metric: a small error of it is a large one of the score where the curve is steep.
fn value(component: &Component) -> String {
    match (component.from, component.to) {
        (Some([x0, y0]), Some([x1, y1])) => exact_times(component.value, (y1 - y0) / (x1 - x0)),
        _ => exact(component.value),
    }
}

fn on_curve(component: &Component) -> String {
    let point = |[x, y]: [f64; 2]| format!("[{}, {}]", exact(x), exact(y));
    let score = exact(component.score);
    match (component.from, component.to) {
        (Some(from @ [x0, y0]), Some(to @ [x1, y1])) => {
            let (value, x0, x1) = (value(component), operand(x0), exact(x1));
            let (y0, y1) = (exact(y0), exact(y1));
            format!("between {} and {}: {y0} + ({y1} - {y0}) x ({value} - {x0}) / ({x1} - {x0}) = {score}", point(from), point(to))
        }
        (Some(last), None) => format!("from {} on = {score}", point(last)),
        (None, Some(first)) => format!("up to {} = {score}", point(first)),
        (None, None) => format!("= {score}"),
    }
}

fn write_absent(absent: &Absent, page: &mut Page) {
    page.item(&format!("{}: absent, so the other weights count for more", absent.name));
    absent.why.iter().for_each(|why| page.labelled("", why));
}

/// Health as it is said.
pub(super) fn score_of(score: Option<f64>) -> String {
    score.map_or_else(|| "none".to_owned(), |score| said(score, 1))
}
