//! The rules and configurations of `deploy/prometheus`, as their own linters see them, and their unit tests.

use std::collections::BTreeSet;
use std::process::Command;

use super::metric_names::{documented, used};
use super::program::{succeeds, text};

const TESTS: [&str; 3] = ["accounts", "portfolio", "pipeline"];

#[test]
fn prometheus_and_alertmanager_accept_their_configurations() {
    succeeds(Command::new("promtool").args(["check", "config", "deploy/prometheus/prometheus.yml"]), "prometheus");
    succeeds(Command::new("amtool").args(["check-config", "deploy/prometheus/alertmanager.yml"]), "prometheus-alertmanager");
}

#[test]
fn the_unit_tests_of_the_rules_pass() {
    let files = TESTS.map(|name| format!("deploy/prometheus/tests/{name}.yml"));
    let said = succeeds(Command::new("promtool").args(["test", "rules"]).args(&files), "prometheus");
    assert_eq!(said.matches("SUCCESS").count(), TESTS.len(), "{said}");
}

/// The alerts: name and definition.
fn alerts() -> Vec<(String, String)> {
    let rules = text("deploy/prometheus/rules/alerts.yml");
    let parts = rules.split("- alert: ").skip(1);
    parts.map(|part| part.split_once('\n').map(|(name, rest)| (name.to_owned(), rest.to_owned())).unwrap()).collect()
}

#[test]
fn every_alert_has_a_severity_an_audience_texts_and_a_runbook() {
    let operations = text("docs/operations.md");
    assert!(alerts().len() >= 12);
    for (name, definition) in alerts() {
        let link = format!("runbook_url: docs/operations.md#{}\n", name.to_lowercase());
        for part in ["severity: ", "audience: ", "summary: ", "description: ", &link] {
            assert!(definition.contains(part), "{name} has no {part}");
        }
        assert!(operations.contains(&format!("\n### {name}\n")), "{name} has no runbook");
    }
    let runbooks: BTreeSet<&str> = operations.lines().filter_map(|line| line.strip_prefix("### Churnwatch")).collect();
    assert_eq!(runbooks.len(), alerts().len(), "a runbook has no alert");
}

#[test]
fn every_alert_is_tested_both_firing_and_silent() {
    let tests = TESTS.map(|name| text(&format!("deploy/prometheus/tests/{name}.yml"))).join("\n");
    for (name, _) in alerts() {
        let opening = format!("- alertname: {name}\n");
        let blocks = || tests.split(&opening).skip(1).map(|rest| rest.split("alertname: ").next().unwrap_or_default());
        let fires = blocks().any(|block| block.contains("exp_labels"));
        let silent = tests.contains(&format!("{{alertname: {name}, eval_time: ")) || blocks().any(|block| block.contains("exp_alerts: []"));
        assert!(fires && silent, "{name}: firing is tested {fires}, silence {silent}");
    }
}

#[test]
fn rules_use_only_documented_families_and_recorded_series_that_exist() {
    let known = documented();
    let files = ["links", "recording", "alerts"].map(|name| text(&format!("deploy/prometheus/rules/{name}.yml")));
    let recorded: BTreeSet<&str> =
        files.iter().flat_map(|file| file.split("- record: ").skip(1)).map(|rule| rule.lines().next().unwrap()).collect();
    let all = files.join("\n");
    for name in used(&all) {
        assert!(known.contains_key(&name) || recorded.contains(name.as_str()), "{name} is not in docs/metrics.md");
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    for word in all.split(|c: char| !is_part(c)).filter(|word| word.contains(":churnwatch_") || word.starts_with("churnwatch:")) {
        assert!(recorded.contains(word), "{word} is not recorded");
    }
}
