//! The report as JSON.

use serde_json::{Map, Value, json};

use super::super::quality::{Interval, Quality};
use super::judge::Report;
use super::part::Part;
use super::predictor::Predictor;
use super::section::{Flag, Row, Section};

/// The whole report as one object, with keys in alphabetical order.
#[must_use]
pub fn document(report: &Report) -> Value {
    let mut test = section(&report.all);
    if let (Some(own), Some(size)) = (test.as_object_mut(), part(&report.test).as_object()) {
        own.extend(size.clone());
    }
    json!({
        "model": {"name": report.model.0, "hash": report.model.1},
        "fitted": report.is_fitted,
        "horizon_days": report.horizon_days,
        "history": {"from": report.span.0.to_string(), "to": report.span.1.to_string()},
        "instants": report.instants,
        "instants_beyond_horizon": report.beyond,
        "points_without_score": report.unscored,
        "points_between": report.between,
        "labels_unused": report.unused_labels,
        "train": part(&report.train),
        "test": test,
        "baselines": baselines(&report.all),
        "ceiling": report.all.ceiling().map(|row| quality(&row.quality, true)),
        "segments": report.segments.iter().map(segment).collect::<Vec<_>>(),
        "components": report.components,
        "warnings": report.warnings,
    })
}

fn part(part: &Part) -> Value {
    json!({
        "points": part.points,
        "churned": part.churned,
        "accounts": part.accounts,
        "churned_accounts": part.churned_accounts,
        "from": part.instants.map(|(first, _)| first.to_string()),
        "to": part.instants.map(|(_, last)| last.to_string()),
    })
}

fn segment(of: &Section) -> Value {
    let mut value = section(of);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("segment".into(), json!(of.segment));
        fields.insert("baselines".into(), baselines(of));
        fields.insert("ceiling".into(), json!(of.ceiling().map(|row| quality(&row.quality, true))));
    }
    value
}

fn section(section: &Section) -> Value {
    let mut value = section.score().map_or(json!({}), |row| quality(&row.quality, row.predictor.is_probability()));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("points".into(), json!(section.points));
        fields.insert("accounts".into(), json!(section.accounts));
        fields.insert("churned".into(), json!(section.churned));
        fields.insert("bands".into(), flags(&section.bands));
        fields.insert("levels".into(), flags(&section.levels));
        fields.insert("lead_time".into(), json!(section.lead_time));
        let health = section.rows.iter().find(|row| row.predictor == Predictor::Health);
        fields.insert("health".into(), json!(health.map(|row| quality(&row.quality, false))));
    }
    value
}

fn quality(quality: &Quality, is_probability: bool) -> Value {
    let mut value = json!({"auc": interval(quality.auc, quality.auc_interval), "lift_top_decile": quality.top_decile_lift});
    if let (Some(fields), true) = (value.as_object_mut(), is_probability) {
        fields.insert("brier".into(), json!(quality.brier.map(|brier| brier.score)));
        fields.insert("base_rate_brier".into(), json!(quality.brier.map(|brier| brier.of_base_rate)));
        fields.insert("reliability".into(), json!(quality.reliability));
    }
    value
}

/// `{value, low, high}`; null without a value.
fn interval(value: Option<f64>, interval: Option<Interval>) -> Value {
    value.map_or(Value::Null, |value| json!({"value": value, "low": interval.map(|i| i.low), "high": interval.map(|i| i.high)}))
}

fn baselines(section: &Section) -> Value {
    let baseline = |row: &Row| {
        let Quality { auc, auc_interval, top_decile_lift, brier, .. } = &row.quality;
        let mut fields = json!({
            "auc": auc,
            "auc_low": auc_interval.map(|interval| interval.low),
            "auc_high": auc_interval.map(|interval| interval.high),
            "lift_top_decile": top_decile_lift,
        });
        if let (Some(fields), true) = (fields.as_object_mut(), row.predictor.is_probability()) {
            fields.insert("brier".into(), json!(brier.map(|brier| brier.score)));
        }
        (row.predictor.name().to_owned(), fields)
    };
    Value::Object(section.rows.iter().filter(|row| row.predictor.is_baseline()).map(baseline).collect())
}

fn flags(flags: &[Flag]) -> Value {
    Value::Object(flags.iter().map(|flag| (flag.name.to_owned(), json!(flag.flagged))).collect::<Map<_, _>>())
}
