//! Tests that `docs/metrics.md` lists exactly the families (with kind and labels), account metrics and KPIs that exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus::Registry;

use super::fake::Fake;
use super::{Caps, Family, Metrics, Scrape};
use crate::metric::Metric;
use crate::portfolio::{Exposed, Kpi};

const DOCUMENT: &str = include_str!("../../docs/metrics.md");

/// The rows of the document: name, kind, labels, meaning.
fn documented() -> BTreeSet<(String, String, Vec<String>)> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `churnwatch_"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned()).filter(|label| !label.is_empty());
        assert!(cells[4].len() > 10, "{line} has no meaning");
        (cells[1].to_owned(), cells[2].to_owned(), labels.collect())
    })
    .collect()
}

/// The rows of the table under a heading, as cells; no cell is empty.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let section = DOCUMENT.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.trim_matches(['|', ' ']).split(" | ").map(str::trim).collect()).collect();
    for row in &rows {
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    rows
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

#[test]
fn the_document_lists_the_registered_account_metrics() {
    let documented: Vec<_> =
        table("Metrics of an account").into_iter().map(|row| [code(row[0]), row[2], row[3]].map(str::to_owned)).collect();
    let registered: Vec<_> = Metric::ALL
        .iter()
        .map(|metric| {
            let window = if metric.window_days() == 0 { "none".to_owned() } else { format!("{} d", metric.window_days()) };
            [metric.name().to_owned(), window, format!("{:?}", metric.unit()).to_lowercase()]
        })
        .collect();
    assert_eq!(documented, registered);
}

#[test]
fn the_document_lists_the_registered_kpis_and_the_families_they_are_built_from() {
    let rows = table("KPIs of the portfolio");
    let documented: Vec<&str> = rows.iter().map(|row| code(row[0])).collect();
    let registered: Vec<&str> = Kpi::ALL.iter().map(|kpi| kpi.name()).collect();
    assert_eq!(documented, registered);
    let used: BTreeSet<String> =
        rows.iter().flat_map(|row| row[5].split(", ")).map(|name| format!("churnwatch_portfolio_{}", code(name))).collect();
    let exposed: BTreeSet<String> = Exposed::ALL.iter().map(|family| family.name().to_owned()).collect();
    assert_eq!(used, exposed, "every family is used by a KPI, and every KPI uses existing families");
}

#[test]
fn every_cited_source_is_listed() {
    let listed = DOCUMENT.split("\n## Sources\n").nth(1).unwrap();
    let cited = [("Metrics of an account", 5), ("KPIs of the portfolio", 6)]
        .into_iter()
        .flat_map(|(heading, column)| table(heading).into_iter().flat_map(move |row| row[column].split(", ")));
    for source in cited {
        assert!(listed.contains(&format!("\n- {source}:")), "{source} is not listed");
    }
}

fn shape(family: &Family) -> (String, String, Vec<String>) {
    (family.name.to_owned(), family.kind.to_owned(), family.labels.iter().map(|label| (*label).to_owned()).collect())
}

#[test]
fn the_document_lists_the_registered_families() {
    let registry = Registry::new();
    let metrics = Metrics::new(&registry, 50).unwrap();
    let scrape =
        Scrape::register(&registry, Arc::new(Fake::default()), &Caps { series: 100, label_values: 50, watched: Arc::default() }).unwrap();
    let registered: BTreeSet<_> = metrics.families().iter().chain(&scrape).map(shape).collect();
    let documented = documented();
    let missing: Vec<_> = registered.difference(&documented).collect();
    let superfluous: Vec<_> = documented.difference(&registered).collect();
    assert!(missing.is_empty() && superfluous.is_empty(), "not in docs/metrics.md: {missing:#?}\nonly there: {superfluous:#?}");
}

#[test]
fn family_names_follow_the_convention() {
    let registry = Registry::new();
    let metrics = Metrics::new(&registry, 50).unwrap();
    for Family { name, kind, .. } in metrics.families() {
        assert!(name.starts_with("churnwatch_"), "{name}");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
    }
}
