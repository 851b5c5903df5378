//! The Grafana boards: written by their source, answered by a demo, and documented.

use std::process::Command;

use serde_json::Value;

use super::alertmanager::Alertmanager;
use super::metric_names::{documented, used};
use super::program::{root, succeeds};
use super::prometheus::Prometheus;
use crate::demo::Demo;
use crate::kafka::in_time;
use crate::kafka::scenario::LIMIT;

/// A query of a panel.
struct Target {
    place: String,
    expression: String,
}

fn boards() -> Vec<Value> {
    let folder = std::fs::read_dir(root().join("deploy/grafana/boards")).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
}

/// Every query of every panel, with the values that Grafana's variables have when all is selected.
fn targets() -> Vec<Target> {
    let array = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut targets = Vec::new();
    for board in boards() {
        for panel in array(&board, "panels") {
            for target in array(&panel, "targets") {
                let expression =
                    target["expr"].as_str().unwrap().replace("$job", ".*").replace("$account", ".*").replace("$__rate_interval", "1m");
                assert!(!expression.contains('$'), "{expression} has an unknown variable");
                targets.push(Target { place: format!("{} / {}", board["title"], panel["title"]), expression });
            }
        }
    }
    targets
}

#[test]
fn the_boards_are_what_their_source_writes() {
    succeeds(Command::new("python3").args(["deploy/grafana/source/generate.py", "--check"]), "python3");
    assert_eq!(boards().len(), 5);
}

#[test]
fn every_metric_on_a_board_is_documented() {
    let known = documented();
    assert!(targets().len() >= 40);
    for Target { place, expression } in targets() {
        let names = used(&expression);
        assert!(!names.is_empty() || expression.contains("scrape_"), "{place}: {expression}");
        for name in names {
            assert!(known.contains_key(&name), "{place}: {name} is not in docs/metrics.md");
        }
    }
}

#[test]
fn every_query_of_every_panel_has_an_answer_on_the_demo() {
    let mut demo = Demo::start(&["--accounts", "150", "--seed", "1"]);
    demo.wait_for_history();
    let alertmanager = Alertmanager::start();
    let mut prometheus = Prometheus::start(demo.address, alertmanager.address);
    prometheus.wait_for("churnwatch_account_band_worsened == 1");
    prometheus.wait_for("sum(churnwatch_portfolio_lost_accounts) > 0");
    let mut open = targets();
    let faults = |open: &[Target]| -> Vec<String> {
        let fault =
            |target: &Target| prometheus.fault(&target.expression).map(|fault| format!("{}: {fault}: {}", target.place, target.expression));
        open.iter().filter_map(fault).collect()
    };
    // Rates need two scrapes, and some events come late in the demo.
    let answered = in_time(LIMIT, || {
        open.retain(|target| prometheus.fault(&target.expression).is_some());
        open.is_empty().then_some(())
    });
    assert!(answered.is_some(), "{:#?}", faults(&open));
}
