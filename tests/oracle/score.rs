//! Health, risk and band of one account, scored once, directly from the text of a model.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Files;
use super::account::Account;
use super::metric::Metrics;

/// The model of the project.
pub const DEFAULT_MODEL: &str = include_str!("../../config/model.toml");

/// The result of one scoring.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// 0 to 100; `None` when coverage is too low.
    pub health: Option<f64>,
    /// The same without an override.
    pub measured: Option<f64>,
    /// Weight present / weight of the components whose streams are configured.
    pub coverage: f64,
    /// The band, as at a first scoring.
    pub band: &'static str,
    /// 0 to 1.
    pub risk: Option<f64>,
    /// Its level.
    pub level: Option<&'static str>,
    /// Scores of the components that are present.
    pub components: BTreeMap<String, f64>,
    /// Rules in force.
    pub rules: Vec<String>,
    /// Whether an override pins the health.
    pub pinned: bool,
    /// Whether a rule alone gives the score, because coverage is too low.
    pub by_rule_alone: bool,
    /// The lowest cap of the immediate rules in force, which bypass hysteresis.
    pub immediate_cap: Option<f64>,
}

/// A number of the model.
pub fn float(value: &Value) -> f64 {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64)).unwrap()
}

fn tables<'a>(model: &'a Table, path: &[&str]) -> Vec<&'a Table> {
    let mut value = Some(model);
    for name in &path[..path.len() - 1] {
        value = value.and_then(|table| table.get(*name)).and_then(Value::as_table);
    }
    let list = value.and_then(|table| table.get(path[path.len() - 1])).and_then(Value::as_array);
    list.into_iter().flatten().map(|entry| entry.as_table().unwrap()).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(list) => list.iter().map(|entry| entry.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}

/// Scores an account from its metrics; the streams that have a file are configured.
pub fn score(model: &Table, account: &Account<'_>, files: &Files, metrics: &Metrics) -> Score {
    let names = components_of(model, account, metrics);
    let mut out = Score { band: "unknown", ..Score::default() };
    let (mut weighted, mut present, mut total) = (0.0, 0.0, 0.0);
    for component in tables(model, &["health", "component"]) {
        let name = component["name"].as_str().unwrap();
        if !names.contains(&name) {
            continue;
        }
        let weight = float(&component["weight"]);
        if choices(component).any(|choice| streams_of(choice["metric"].as_str().unwrap()).iter().all(|stream| files.contains_key(stream))) {
            total += weight;
        }
        if let Some(score) = component_score(component, metrics) {
            weighted += weight * score;
            present += weight;
            out.components.insert(name.to_owned(), score);
        }
    }
    out.coverage = if total > 0.0 { present / total } else { 0.0 };
    if present > 0.0 && out.coverage >= float(&model["model"]["min_coverage"]) {
        out.health = Some(weighted / present);
    }
    let pinned = account.pinned_health();
    let lowest_cap = if out.health.is_none() { lowest_cap(model, metrics) } else { None };
    if out.health.is_some() || pinned.is_some() || lowest_cap.is_some() {
        out.risk = risk(model, &out.components);
    }
    apply_rules(model, metrics, &mut out);
    if lowest_cap.is_some() {
        (out.health, out.by_rule_alone, out.immediate_cap) = (lowest_cap, true, None);
    }
    out.measured = out.health;
    if pinned.is_some() {
        (out.health, out.pinned) = (pinned, true);
    }
    out.band = if account.stage() == "churned" { "churned" } else { plain_band(model, out.health) };
    let level = |name: &str| float(&model["risk"]["levels"][name]);
    out.level = out.risk.map(|risk| match risk {
        _ if risk < level("medium") => "low",
        _ if risk < level("high") => "medium",
        _ if risk < level("critical") => "high",
        _ => "critical",
    });
    out
}

/// The band of a score without hysteresis.
pub fn plain_band(model: &Table, score: Option<f64>) -> &'static str {
    let border = |name: &str| float(&model["bands"][name]);
    match score {
        None => "unknown",
        Some(score) if score >= border("green") => "green",
        Some(score) if score >= border("yellow") => "yellow",
        Some(_) => "red",
    }
}

/// The components of the first profile whose conditions hold.
fn components_of<'m>(model: &'m Table, account: &Account<'_>, metrics: &Metrics) -> Vec<&'m str> {
    let tenure = metrics.number("account.tenure_days").unwrap();
    let holds = |(name, value): (&String, &Value)| match name.as_str() {
        "tenure_days_below" => tenure < float(value),
        "tenure_days_at_least" => tenure >= float(value),
        "stage" => texts(value).contains(&account.stage()),
        text => account.profile_text(text).is_some_and(|text| texts(value).contains(&text.as_str())),
    };
    let profiles = tables(model, &["profile"]);
    let first = profiles.iter().find(|profile| profile.get("when").is_none_or(|when| when.as_table().unwrap().iter().all(holds)));
    match first {
        Some(profile) => texts(&profile["components"]),
        None => tables(model, &["health", "component"]).iter().map(|component| component["name"].as_str().unwrap()).collect(),
    }
}

/// A component's metric and its fallbacks.
fn choices(component: &Table) -> impl Iterator<Item = &Table> {
    std::iter::once(component).chain(tables(component, &["or"]))
}

/// The streams that a metric needs, by its prefix; metrics per 10 users also need usage.
fn streams_of(metric: &str) -> Vec<&'static str> {
    let mut streams = match metric.split_once('.').unwrap().0 {
        "usage" | "breadth" | "depth" => vec!["usage"],
        "revenue" => vec!["billing"],
        "support" => vec!["support"],
        "feedback" => vec!["feedback"],
        _ => vec![],
    };
    if metric.ends_with("_per_10_users") {
        streams.push("usage");
    }
    streams
}

/// The score of a component by the first of its metrics that is present.
fn component_score(component: &Table, metrics: &Metrics) -> Option<f64> {
    choices(component).find_map(|choice| {
        let metric = choice["metric"].as_str().unwrap();
        let least = choice.get("min_n").map_or_else(|| default_min_n(metric), float);
        let size = metrics.sizes.get(metric).map_or(f64::INFINITY, |size| *size as f64);
        let value = metrics.number(metric).filter(|_| size >= least)?;
        Some(on_curve(choice["curve"].as_array().unwrap(), value))
    })
}

/// The default of `min_n` for a metric.
fn default_min_n(metric: &str) -> f64 {
    match metric {
        "usage.trend" => 20.0,
        "feedback.nps_91d" | "feedback.csat_91d" | "support.csat_91d" | "support.fcr_91d" | "support.reopen_rate_91d" => 3.0,
        _ if metric.contains("_p50") || metric.contains("_p90") => 5.0,
        _ => 0.0,
    }
}

fn on_curve(curve: &[Value], value: f64) -> f64 {
    let points: Vec<(f64, f64)> = curve.iter().map(|point| (float(&point[0]), float(&point[1]))).collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    if value <= first.0 {
        return first.1;
    }
    let piece = points.windows(2).find(|pair| value <= pair[1].0);
    piece.map_or(last.1, |pair| pair[0].1 + (pair[1].1 - pair[0].1) * (value - pair[0].0) / (pair[1].0 - pair[0].0))
}

/// A logistic model over (score - 50) / 50; the coefficients that are present stand in for those that are not.
fn risk(model: &Table, components: &BTreeMap<String, f64>) -> Option<f64> {
    let coefficients = model["risk"].get("coefficients")?.as_table()?;
    let (mut sum, mut present, mut total) = (0.0, 0.0, 0.0);
    for (name, coefficient) in coefficients {
        let coefficient = float(coefficient);
        total += coefficient.abs();
        if let Some(score) = components.get(name) {
            present += coefficient.abs();
            sum += coefficient * (score - 50.0) / 50.0;
        }
    }
    (present > 0.0).then(|| 1.0 / (1.0 + (-(float(&model["risk"]["intercept"]) + sum * total / present)).exp()))
}

/// The rules whose conditions all hold.
fn in_force<'m>(model: &'m Table, metrics: &Metrics) -> Vec<&'m Table> {
    let holds = |rule: &&Table| rule["when"].as_str().unwrap().split(" and ").all(|condition| condition_holds(condition, metrics));
    tables(model, &["rule"]).into_iter().filter(holds).collect()
}

fn lowest_cap(model: &Table, metrics: &Metrics) -> Option<f64> {
    in_force(model, metrics).into_iter().filter_map(|rule| rule.get("cap_health").map(float)).reduce(f64::min)
}

fn apply_rules(model: &Table, metrics: &Metrics, out: &mut Score) {
    for rule in in_force(model, metrics) {
        out.rules.push(rule["name"].as_str().unwrap().to_owned());
        if let Some(cap) = rule.get("cap_health").map(float) {
            out.health = out.health.map(|health| health.min(cap));
            if rule.get("immediate").and_then(Value::as_bool).unwrap_or(false) {
                out.immediate_cap = Some(out.immediate_cap.map_or(cap, |lowest| lowest.min(cap)));
            }
        }
        if let Some(floor) = rule.get("risk_at_least").map(float) {
            out.risk = out.risk.map(|risk| risk.max(floor));
        }
    }
}

fn condition_holds(condition: &str, metrics: &Metrics) -> bool {
    let [metric, operator, number] = condition.split_whitespace().collect::<Vec<_>>()[..] else { unreachable!("three words") };
    let Some(value) = metrics.number(metric) else { return false };
    let number: f64 = number.parse().unwrap();
    match operator {
        "<" => value < number,
        "<=" => value <= number,
        ">" => value > number,
        ">=" => value >= number,
        _ => (value - number).abs() == 0.0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{DEFAULT_MODEL, on_curve, risk, streams_of};

    #[test]
    fn a_curve_is_linear_between_its_points_and_flat_outside() {
        let curve: toml::Table = "c = [[0.0, 0], [0.5, 40], [1.0, 100]]".parse().unwrap();
        let curve = curve["c"].as_array().unwrap();
        assert_eq!([-1.0, 0.25, 0.75, 9.0].map(|value| on_curve(curve, value)), [0.0, 20.0, 70.0, 100.0]);
    }

    #[test]
    fn a_metric_needs_the_stream_of_its_prefix_and_usage_if_it_is_per_user() {
        assert_eq!(streams_of("depth.adoption"), ["usage"]);
        assert_eq!(streams_of("support.open_weighted_per_10_users"), ["support", "usage"]);
        assert_eq!(streams_of("account.tenure_days"), Vec::<&str>::new());
    }

    #[test]
    fn present_coefficients_stand_in_for_absent_ones() {
        let model: toml::Table = DEFAULT_MODEL.parse().unwrap();
        let few = risk(&model, &BTreeMap::from([("seats".to_owned(), 70.0)])).unwrap();
        // -1.2 - 3.0 x 0.4, whichever part of the 3.0 is present
        assert!((few - 1.0 / (1.0 + 2.4_f64.exp())).abs() < 1e-12);
        assert_eq!(risk(&model, &BTreeMap::new()), None);
    }
}
