//! Every key of the configuration, to suggest the full key for a partial or misspelt one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use super::nearest;
use super::section::Properties;
use super::tree::{self, Node, Value};
use crate::score::model::file::DEFAULT_MODEL;

/// Shows every key except those of the model; a test compares it with the sections.
const EXAMPLE: &str = include_str!("../../config/churnwatch.toml");

/// Most keys suggested for one that is unknown.
const SUGGESTED_MAX: usize = 3;

/// All keys, written as for `--set`.
static KEYS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut keys: BTreeSet<String> = Properties::names().map(|name| format!("kafka.properties.{name}")).collect();
    for text in [&uncommented(EXAMPLE), DEFAULT_MODEL] {
        if let Ok(root) = tree::parse(text, Path::new("")) {
            collect(&root, "", &mut keys);
        }
    }
    keys
});

/// The example with everything uncommented that has no default.
pub(super) fn uncommented(example: &str) -> String {
    let lines = example.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|first: char| !first.is_whitespace()) => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn collect(node: &Node, path: &str, keys: &mut BTreeSet<String>) {
    let within = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match &node.value {
        Value::Table(_) if path == "kafka.properties" => {}
        Value::Table(entries) => entries.iter().for_each(|(key, node)| collect(node, &within(key), keys)),
        Value::Array(items) if items.first().is_some_and(|item| item.entries().is_some()) => {
            items.iter().take(1).for_each(|item| collect(item, &format!("{path}[0]"), keys));
        }
        _ => drop(keys.insert(path.to_owned())),
    }
}

/// Whether this is a full key.
pub(super) fn is_key(key: &str) -> bool {
    KEYS.contains(key)
}

/// The first keys of a section.
pub(super) fn in_section(section: &str) -> Vec<&'static str> {
    let inside = |key: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with(['.', '[']));
    KEYS.iter().map(String::as_str).filter(|key| inside(key)).take(SUGGESTED_MAX).collect()
}

/// The keys that end in these words, as `interval_ms` ends `commit.interval_ms`.
pub(super) fn ending_in(words: &str) -> Vec<&'static str> {
    let ends = |key: &str| key.strip_suffix(words).is_some_and(|rest| rest.ends_with('.'));
    KEYS.iter().map(String::as_str).filter(|key| ends(key)).take(SUGGESTED_MAX).collect()
}

/// The keys that unknown text may stand for: those that it ends or begins, or the most similar one.
pub(super) fn meant_by(written: &str) -> Vec<&'static str> {
    let written = written.to_lowercase();
    [ending_in(&written), in_section(&written)]
        .into_iter()
        .find(|keys| !keys.is_empty())
        .unwrap_or_else(|| similar(&written).into_iter().collect())
}

/// The key of which the whole, or the last part, is most similar.
fn similar(written: &str) -> Option<&'static str> {
    let last = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    let whole = nearest::within_reach(written, KEYS.iter().map(String::as_str));
    whole.or_else(|| {
        let part = nearest::within_reach(written, KEYS.iter().map(|key| last(key)))?;
        KEYS.iter().map(String::as_str).find(|key| last(key) == part)
    })
}

/// The key whose environment variable has a name like this, after the prefix: `COMMIT_INTERVAL_MS` is meant to be `commit.interval_ms`.
pub(super) fn of_variable(name: &str) -> Option<&'static str> {
    let flat = |text: &str| text.to_lowercase().replace("__", "_").replace(['.', '['], "_").replace(']', "");
    let written = flat(name);
    let names: Vec<(String, &'static str)> = KEYS.iter().map(|key| (flat(key), key.as_str())).collect();
    let found = nearest::within_reach(&written, names.iter().map(|(name, _)| name.as_str()))?;
    names.iter().find(|(name, _)| name == found).map(|(_, key)| *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_key_leads_to_the_full_one() {
        assert_eq!(meant_by("intervall_ms"), ["commit.interval_ms"]);
        assert_eq!(meant_by("bootstrap_servers"), ["kafka.bootstrap_servers"]);
        assert_eq!(meant_by("sasl.password"), ["kafka.properties.sasl.password"]);
        assert_eq!(meant_by("green"), ["bands.green"]);
        assert_eq!(meant_by("commit"), ["commit.catch_up_interval_ms", "commit.interval_ms"]);
        assert_eq!(meant_by("something.else.entirely"), Vec::<&str>::new());
    }

    #[test]
    fn a_variable_with_the_wrong_underscores_leads_to_the_key() {
        assert_eq!(of_variable("COMMIT_INTERVAL_MS"), Some("commit.interval_ms"));
        assert_eq!(of_variable("KAFKA_BOOTSTRAP_SERVER"), Some("kafka.bootstrap_servers"));
        assert_eq!(of_variable("SOMETHING_ELSE_ENTIRELY"), None);
    }
}
