//! The families and labels that docs/metrics.md lists, and the names that an expression uses.

use std::collections::{BTreeMap, BTreeSet};

use super::program::text;

/// Labels by family, as documented; a test of the library compares the document with the registry.
pub fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = text("docs/metrics.md");
    let rows = document.lines().filter(|line| line.starts_with("| `churnwatch_"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned()).filter(|label| !label.is_empty());
        (cells[1].to_owned(), labels.collect())
    })
    .collect()
}

/// The names of churnwatch's own series in an expression: families without the suffixes of histograms, not recorded series.
pub fn used(expression: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c: char| !is_part(c)).filter(|word| word.starts_with("churnwatch_"));
    words.map(family).collect()
}

fn family(series: &str) -> String {
    let known = documented();
    let bare = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix));
    bare.filter(|bare| !known.contains_key(series) && known.contains_key(*bare)).unwrap_or(series).to_owned()
}
