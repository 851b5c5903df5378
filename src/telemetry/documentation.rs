//! `docs/metrics.md` names every family, with its kind and labels, and no other.

use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus::Registry;

use super::fake::Fake;
use super::{Caps, Family, Metrics, Scrape};

/// The rows of the document: name, kind, labels, meaning.
fn documented() -> BTreeSet<(String, String, Vec<String>)> {
    let text = include_str!("../../docs/metrics.md");
    let rows = text.lines().filter(|line| line.starts_with("| `churnwatch_"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned()).filter(|label| !label.is_empty());
        assert!(cells[4].len() > 10, "{line} has no meaning");
        (cells[1].to_owned(), cells[2].to_owned(), labels.collect())
    })
    .collect()
}

fn shape(family: &Family) -> (String, String, Vec<String>) {
    (family.name.to_owned(), family.kind.to_owned(), family.labels.iter().map(|label| (*label).to_owned()).collect())
}

#[test]
fn the_document_and_the_registry_name_the_same_families() {
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
fn names_follow_the_rule() {
    let registry = Registry::new();
    let metrics = Metrics::new(&registry, 50).unwrap();
    for Family { name, kind, .. } in metrics.families() {
        assert!(name.starts_with("churnwatch_"), "{name}");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
    }
}
