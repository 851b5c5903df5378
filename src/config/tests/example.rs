//! `config/churnwatch.toml` shows every key with its default.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::section::Streams;
use crate::config::tree::{self, Node};
use crate::config::{Config, decode, keys};
use crate::event::{PerStream, Stream};
use crate::score::ModelFile;
use crate::settings::Settings;

const EXAMPLE: &str = include_str!("../../../config/churnwatch.toml");

fn tree_of(text: &str) -> Node {
    tree::parse(text, Path::new("churnwatch.toml")).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn the_example_shows_the_defaults() {
    let example = Config::load(Some(Path::new("config/churnwatch.toml")), &[], []).unwrap_or_else(|problems| panic!("{problems}"));
    let defaults = Config::load(None, &[], []).unwrap();
    let resolved = |config: &Config| {
        let topics = config.streams.all_topics();
        let stale = Stream::ALL.map(|stream| config.streams.stale_after_ms(stream));
        let rest = Config { streams: Streams::default(), ..config.clone() };
        format!("{topics:#?} {stale:?} {rest:#?}")
    };
    assert_eq!(resolved(&example), resolved(&defaults));
    assert_eq!(resolved(&defaults), resolved(&Config::default()));
}

#[test]
fn the_defaults_match_the_pure_half() {
    let settings = Config::default().settings();
    // Only the configured streams differ: the pure half defaults to all of them.
    assert_eq!(settings.configured.0, [true, true, true, false, false]);
    let settings = Settings { configured: PerStream([true; 5]), ..settings };
    assert_eq!(format!("{settings:#?}"), format!("{:#?}", Settings::default()));
}

#[test]
fn every_key_of_the_configuration_is_in_the_example_and_valid() {
    let text = keys::uncommented(EXAMPLE);
    let root = tree_of(&text);
    let keys = decode::keys_of::<Config>(&root, &ModelFile::TABLES);
    assert!(keys.len() > 80, "{keys:#?}");
    let mut written = BTreeSet::new();
    collect(&root, "", &mut written);
    // Tables of single topics and the options of formats are alike for all streams, so the example shows one of each.
    let of_all = ["topics", "format", "partitioner", "repartition", "stale_after_hours"];
    let is_alike = |key: &str| key.starts_with("streams.") && key.split('.').nth(2).is_some_and(|name| !of_all.contains(&name));
    let of_any_stream = |key: &str| {
        let rest = key.splitn(3, '.').nth(2).unwrap_or_default();
        let rest = rest.strip_prefix("topic.").unwrap_or(rest);
        let rest = rest.strip_prefix("formats.").unwrap_or(rest);
        Stream::ALL.iter().any(|stream| written.contains(&format!("streams.{}.{rest}", stream.name())))
    };
    for key in keys.into_iter().filter(|key| !key.contains(".topic.formats.")) {
        assert!(written.contains(&key) || (is_alike(&key) && of_any_stream(&key)), "{key} is not in config/churnwatch.toml");
    }
    let env = std::iter::empty();
    let folder = super::Folder::with(&[("c.toml", &text)]);
    let config = Config::load_offline(Some(&folder.path("c.toml")), &[], env).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(Stream::ALL.into_iter().all(|stream| config.streams.is_configured(stream)));
}

fn collect(node: &Node, path: &str, written: &mut BTreeSet<String>) {
    match &node.value {
        tree::Value::Table(entries) => {
            for (key, node) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(node, &path, written);
                written.insert(path);
            }
        }
        tree::Value::Array(items) => items.iter().for_each(|item| collect(item, path, written)),
        _ => {}
    }
}
