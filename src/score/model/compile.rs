//! Compiles a model file, or reports all of its problems at once.

use sha2::{Digest, Sha256};

use super::compiled::{Component, Model, RiskModel, Rule, Source, default_min_n};
use super::condition::{Condition, numeric_metric};
use super::curve::Curve;
use super::file::{self, ModelFile};
use super::name::{name_id, nearest};
use super::problem::{MAX_ENTRIES, ModelProblem, Problems};
use super::profile::{Group, ScoringProfile, When};
use crate::metric::Stage;

impl Model {
    /// Validates and compiles a file, after [`ModelFile::completed`].
    ///
    /// # Errors
    /// All problems, in the order of [`ModelFile::TABLES`].
    pub fn compile(file: &ModelFile) -> Result<Self, Vec<ModelProblem>> {
        let mut problems = Problems::default();
        if let (Some(one), Some(other)) = (file.model.min_coverage, file.health.min_coverage) {
            problems.check(one.to_bits() == other.to_bits(), "health.min_coverage", || format!("differs from model.min_coverage, {one}"));
        }
        let file = file.completed();
        let model = compile(&file, &mut problems);
        if problems.0.is_empty() { Ok(model) } else { Err(problems.0) }
    }
}

fn compile(file: &ModelFile, problems: &mut Problems) -> Model {
    let min_coverage = file.model.min_coverage.unwrap_or_default();
    problems.in_range(min_coverage, 0.0, 1.0, "model.min_coverage");
    let entries = file.health.component.as_deref().unwrap_or_default();
    let components = components(entries, &file.risk, problems);
    let profiles = profiles(file.profile.as_deref().unwrap_or_default(), entries, problems);
    let rules = rules(file.rule.as_deref().unwrap_or_default(), problems);
    let risk = risk(&file.risk, entries, problems);
    check_bands(&file.bands, problems);
    check_publish(&file.publish, problems);
    let (hash, id) = hash(file);
    let name = file.model.name.clone().unwrap_or_default();
    problems.check(!name.is_empty(), "model.name", || "is empty".into());
    Model { name, hash, id, min_coverage, components, profiles, rules, risk, bands: file.bands, publish: file.publish }
}

fn components(entries: &[file::Component], risk: &file::Risk, problems: &mut Problems) -> Vec<Component> {
    problems.check(!entries.is_empty(), "health.component", || "is empty".into());
    problems.names(entries.iter().map(|entry| entry.name.as_str()), "health.component");
    entries.iter().enumerate().map(|(place, entry)| component(entry, risk, &format!("health.component[{place}]"), problems)).collect()
}

fn component(entry: &file::Component, risk: &file::Risk, path: &str, problems: &mut Problems) -> Component {
    let group = problems.take(named(&entry.group, "group", &Group::ALL, Group::name), format_args!("{path}.group"));
    problems.check(entry.weight.is_finite() && entry.weight >= 0.0, format_args!("{path}.weight"), || {
        format!("is {}, must be at least 0", entry.weight)
    });
    problems.check(entry.or.len() <= MAX_ENTRIES, format_args!("{path}.or"), || format!("has more than {MAX_ENTRIES} entries"));
    let own = source(&entry.metric, &entry.curve, entry.min_n, path, problems);
    let others = entry
        .or
        .iter()
        .enumerate()
        .map(|(place, other)| source(&other.metric, &other.curve, other.min_n, &format!("{path}.or[{place}]"), problems));
    Component {
        name: entry.name.clone(),
        id: name_id(&entry.name),
        group: group.unwrap_or(Group::Usage),
        weight: entry.weight,
        sources: std::iter::once(own).chain(others.collect::<Vec<_>>()).flatten().collect(),
        coefficient: risk.coefficients.iter().find_map(|all| all.get(&entry.name)).copied().unwrap_or_default(),
    }
}

fn source(metric: &str, curve: &[[f64; 2]], min_n: Option<u64>, path: &str, problems: &mut Problems) -> Option<Source> {
    let metric = problems.take(numeric_metric(metric), format_args!("{path}.metric"));
    let curve = problems.take(Curve::new(curve), format_args!("{path}.curve"));
    let (metric, curve) = (metric?, curve?);
    Some(Source { metric, curve, min_n: min_n.unwrap_or_else(|| default_min_n(metric)) })
}

fn profiles(entries: &[file::Profile], components: &[file::Component], problems: &mut Problems) -> Vec<ScoringProfile> {
    problems.names(entries.iter().map(|entry| entry.name.as_str()), "profile");
    problems.check(!entries.is_empty(), "profile", || "is empty; the last profile must match all accounts".into());
    let last = entries.len().saturating_sub(1);
    for (place, entry) in entries.iter().enumerate() {
        let unconditional = entry.when == file::When::default();
        problems.check(unconditional || place < last, format_args!("profile[{place}].when"), || {
            "the last profile must have no condition, because every account needs a profile".into()
        });
        problems.check(!unconditional || place == last, format_args!("profile[{place}]"), || {
            "has no condition: the profiles after it are never reached".into()
        });
    }
    entries.iter().enumerate().map(|(place, entry)| profile(entry, components, &format!("profile[{place}]"), problems)).collect()
}

fn profile(entry: &file::Profile, components: &[file::Component], path: &str, problems: &mut Problems) -> ScoringProfile {
    problems.check(!entry.components.is_empty(), format_args!("{path}.components"), || "has no components".into());
    let mut places: Vec<u8> = Vec::new();
    for (nth, name) in entry.components.iter().enumerate() {
        let path = format!("{path}.components[{nth}]");
        match components.iter().take(MAX_ENTRIES).zip(0_u8..).find(|(component, _)| component.name == *name) {
            Some((_, place)) if places.contains(&place) => problems.add(path, format!("`{name}` is repeated")),
            Some((_, place)) => places.push(place),
            None => problems.add(path, unknown("component", name, components.iter().map(|component| component.name.as_str()))),
        }
    }
    let weighs = |place: &u8| components.get(usize::from(*place)).is_some_and(|component| component.weight != 0.0);
    problems.check(places.is_empty() || places.iter().any(weighs), format_args!("{path}.components"), || {
        "have no weight, so they give no score".into()
    });
    ScoringProfile { name: entry.name.clone(), when: when(&entry.when, &format!("{path}.when"), problems), components: places }
}

fn when(entry: &file::When, path: &str, problems: &mut Problems) -> When {
    let stages = entry.stage.as_ref().map(|names| {
        let stages = names
            .iter()
            .enumerate()
            .map(|(place, name)| problems.take(named(name, "stage", &Stage::ALL, Stage::name), format_args!("{path}.stage[{place}]")));
        stages.collect::<Vec<_>>().into_iter().flatten().collect()
    });
    let tenure = [("tenure_days_below", entry.tenure_days_below), ("tenure_days_at_least", entry.tenure_days_at_least)];
    for (key, days) in tenure {
        problems.check(days.is_none_or(f64::is_finite), format_args!("{path}.{key}"), || "must be a finite number".into());
    }
    When {
        tenure_days_below: entry.tenure_days_below,
        tenure_days_at_least: entry.tenure_days_at_least,
        segment: entry.segment.clone(),
        plan: entry.plan.clone(),
        stage: stages,
    }
}

fn rules(entries: &[file::Rule], problems: &mut Problems) -> Vec<Rule> {
    problems.names(entries.iter().map(|entry| entry.name.as_str()), "rule");
    let compiled = entries.iter().enumerate().map(|(place, entry)| rule(entry, &format!("rule[{place}]"), problems));
    compiled.collect::<Vec<_>>().into_iter().flatten().collect()
}

fn rule(entry: &file::Rule, path: &str, problems: &mut Problems) -> Option<Rule> {
    let (cap_health, risk_at_least) = (entry.cap_health, entry.risk_at_least);
    problems.check(cap_health.is_some() || risk_at_least.is_some(), path, || "has neither cap_health nor risk_at_least".into());
    if let Some(cap) = cap_health {
        problems.in_range(cap, 0.0, 100.0, format_args!("{path}.cap_health"));
    }
    if let Some(floor) = risk_at_least {
        problems.in_range(floor, 0.0, 1.0, format_args!("{path}.risk_at_least"));
    }
    let condition = problems.take(Condition::parse(&entry.when), format_args!("{path}.when"))?;
    Some(Rule { name: entry.name.clone(), condition, cap_health, risk_at_least, immediate: entry.immediate })
}

fn risk(entry: &file::Risk, components: &[file::Component], problems: &mut Problems) -> RiskModel {
    problems.check(entry.horizon_days > 0, "risk.horizon_days", || "must be above 0".into());
    problems.check(entry.intercept.is_finite(), "risk.intercept", || "must be a finite number".into());
    let mut total = 0.0;
    for (name, coefficient) in entry.coefficients.iter().flatten() {
        let path = format!("risk.coefficients.{name}");
        problems.check(coefficient.is_finite(), &path, || "must be a finite number".into());
        if !components.iter().any(|component| component.name == *name) {
            problems.add(&path, unknown("component", name, components.iter().map(|component| component.name.as_str())));
        }
        total += coefficient.abs();
    }
    let levels = entry.levels;
    let ascending = 0.0 < levels.medium && levels.medium < levels.high && levels.high < levels.critical && levels.critical < 1.0;
    problems.check(ascending, "risk.levels", || "must ascend within 0 to 1: medium < high < critical".into());
    entry.evidence.iter().for_each(|evidence| evidence.check(problems));
    RiskModel {
        horizon_days: entry.horizon_days,
        intercept: entry.intercept,
        total,
        levels,
        calibrated: entry.calibrated,
        evidence: entry.evidence.clone().map(Box::new),
    }
}

fn check_bands(bands: &file::Bands, problems: &mut Problems) {
    problems.in_range(bands.green, 0.0, 100.0, "bands.green");
    problems.in_range(bands.yellow, 0.0, 100.0, "bands.yellow");
    problems.check(bands.yellow < bands.green, "bands.yellow", || format!("is {}, must be below green, {}", bands.yellow, bands.green));
    for (name, crossing) in [("worse", bands.worse), ("better", bands.better)] {
        problems.in_range(crossing.points, 0.0, 100.0, format_args!("bands.{name}.points"));
        problems.in_range(crossing.hours, 0.0, 8784.0, format_args!("bands.{name}.hours"));
    }
}

fn check_publish(publish: &file::Publish, problems: &mut Problems) {
    let above_0 = |value: f64, high: f64| value > 0.0 && value <= high;
    problems.check(above_0(publish.score_points, 100.0), "publish.score_points", || "must be above 0, at most 100".into());
    problems.check(above_0(publish.risk, 1.0), "publish.risk", || "must be above 0, at most 1".into());
}

fn named<T: Copy>(name: &str, kind: &str, all: &[T], name_of: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|one| name_of(*one) == name).ok_or_else(|| unknown(kind, name, all.iter().map(|one| name_of(*one))))
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {kind} `{name}`; did you mean `{near}`?"),
        None => format!("unknown {kind} `{name}`"),
    }
}

/// SHA-256 of the completed file as JSON, without the evidence for its risk: fields in declaration order, coefficients by name, all numbers
/// as floats.
#[expect(clippy::expect_used, reason = "plain data into memory: the hash of nothing would be the same for all models")]
fn hash(file: &ModelFile) -> (String, u64) {
    let mut file = file.clone();
    file.risk.evidence = None;
    let canonical = serde_json::to_vec(&file).expect("plain data is always encoded");
    let digest = Sha256::digest(&canonical);
    let id = digest.iter().take(8).fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
    (format!("sha256:{digest:x}"), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &str = "[[health.component]]\nname='a'\ngroup='usage'\nmetric='usage.trend'\ncurve=[[0,0],[1,100]]\nweight=1\n";

    fn problems(text: &str) -> Vec<String> {
        let file = ModelFile::parse(text).unwrap();
        Model::compile(&file).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_problems_of_a_model_are_reported_at_once() {
        let found = problems(
            r#"
            [model]
            min_coverage = 1.4
            [[health.component]]
            name = "a"
            group = "usag"
            metric = "usage.trendd"
            curve = [[0, 0], [0, 100]]
            weight = -1
            or = [{ metric = "account.stage", curve = [] }]
            [[profile]]
            name = "first"
            components = ["aa"]
            [[profile]]
            name = "first"
            when = { stage = ["churn"] }
            components = []
            [[rule]]
            name = ""
            when = "support.opn > 1"
            immediate = true
            [risk]
            levels = { medium = 0.5 }
            coefficients = { b = -1 }
            [bands]
            green = 30
            worse = { points = -1, hours = 24 }
            [publish]
            risk = 0
            "#,
        );
        assert_eq!(
            found,
            [
                "model.min_coverage: is 1.4, must be 0 to 1",
                "health.component[0].group: unknown group `usag`; did you mean `usage`?",
                "health.component[0].weight: is -1, must be at least 0",
                "health.component[0].metric: unknown metric `usage.trendd`; did you mean `usage.trend`?",
                "health.component[0].curve: metric values must ascend, 0 follows 0",
                "health.component[0].or[0].metric: metric `account.stage` is not a number",
                "health.component[0].or[0].curve: has no points",
                "profile[1].name: `first` is repeated",
                "profile[0]: has no condition: the profiles after it are never reached",
                "profile[1].when: the last profile must have no condition, because every account needs a profile",
                "profile[0].components[0]: unknown component `aa`; did you mean `a`?",
                "profile[1].components: has no components",
                "profile[1].when.stage[0]: unknown stage `churn`; did you mean `churned`?",
                "rule[0].name: is empty",
                "rule[0]: has neither cap_health nor risk_at_least",
                "rule[0].when: unknown metric `support.opn`; did you mean `support.open`?",
                "risk.coefficients.b: unknown component `b`; did you mean `a`?",
                "risk.levels: must ascend within 0 to 1: medium < high < critical",
                "bands.yellow: is 40, must be below green, 30",
                "bands.worse.points: is -1, must be 0 to 100",
                "publish.risk: must be above 0, at most 1",
            ]
        );
    }

    #[test]
    fn an_empty_list_of_profiles_or_components_is_a_problem() {
        assert_eq!(problems(&format!("profile = []\n{COMPONENT}")), ["profile: is empty; the last profile must match all accounts"]);
        assert!(problems("[health]\ncomponent = []").contains(&"health.component: is empty".to_owned()));
    }

    #[test]
    fn the_components_of_a_profile_must_have_a_weight_between_them() {
        let weightless = COMPONENT.replace("weight=1", "weight=0");
        assert_eq!(problems(&weightless), ["profile[0].components: have no weight, so they give no score"]);
        let other = COMPONENT.replace("'a'", "'b'");
        assert!(Model::compile(&ModelFile::parse(&format!("{weightless}{other}")).unwrap()).is_ok());
    }

    #[test]
    fn components_of_the_default_model_are_unknown_in_a_file_with_its_own() {
        let found = problems(&format!("{COMPONENT}[risk.coefficients]\ntrend = -1"));
        assert_eq!(found, ["risk.coefficients.trend: unknown component `trend`; did you mean `a`?"]);
    }

    #[test]
    fn min_coverage_may_be_in_either_table_but_must_not_differ() {
        let both = |a: f64, b: f64| format!("[model]\nmin_coverage = {a}\n[health]\nmin_coverage = {b}");
        assert_eq!(problems(&both(0.4, 0.5)), ["health.min_coverage: differs from model.min_coverage, 0.4"]);
        let file = ModelFile::parse("[health]\nmin_coverage = 0.7").unwrap();
        assert_eq!(Model::compile(&file).unwrap().min_coverage.to_bits(), 0.7_f64.to_bits());
        assert!(Model::compile(&ModelFile::parse(&both(0.4, 0.4)).unwrap()).is_ok());
    }

    #[test]
    fn the_model_for_purchase_histories_compiles_and_needs_usage_alone() {
        let text = include_str!("../../../config/models/purchases.toml");
        let model = Model::compile(&ModelFile::parse(text).unwrap()).unwrap();
        let metrics = model.components.iter().flat_map(|component| &component.sources).map(|source| source.metric);
        assert!(metrics.clone().count() == 5 && metrics.into_iter().all(|metric| metric.name().starts_with("usage.")));
        assert!((model.risk.total - 2.7).abs() < 1e-12);
    }

    #[test]
    fn the_example_of_the_documentation_compiles() {
        let text = include_str!("../../../docs/scoring.md");
        let examples: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!examples.is_empty());
        for example in examples {
            let found = Model::compile(&ModelFile::parse(example).unwrap());
            assert!(found.is_ok(), "{found:?}");
        }
    }
}
