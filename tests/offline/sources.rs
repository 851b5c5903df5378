//! Every snippet in docs/sources: configurations are valid, and payloads become the events shown below them.
//!
//! A payload is a block `json FORMAT STREAM` with one record per line, read with the default options of the format; the block
//! `json events` after it has one native event per line. Pages of providers that are read by a mapping are checked with the mappings.

use std::path::{Path, PathBuf};

use churnwatch::config::Config;
use churnwatch::event::{DecodeContext, Raw, Record, Stream, encode};
use churnwatch::time::Timestamp;
use serde_json::Value;

/// A fenced block: the words after the fence, and the text.
struct Block {
    words: Vec<String>,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    pages.sort();
    pages
}

/// Pages about topics of any provider, which need not show a configuration and payloads.
const GENERAL: [&str; 3] = ["README.md", "aliases.md", "schema-registry.md"];

fn is_general(page: &Path) -> bool {
    GENERAL.iter().any(|name| page.ends_with(name))
}

/// Whether `mappings/documents.rs` checks the page.
fn is_of_mapping(page: &Path) -> bool {
    !page.ends_with("README.md") && std::fs::read_to_string(page).unwrap().contains("config/mappings")
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(page).unwrap();
    let parts: Vec<&str> = text.split("```").collect();
    assert!(parts.len() % 2 == 1, "{}: a block has no end", page.display());
    let block = |part: &&str| {
        let (info, text) = part.split_once('\n').unwrap();
        Block { words: info.split_whitespace().map(str::to_owned).collect(), text: text.to_owned() }
    };
    parts.iter().skip(1).step_by(2).map(block).collect()
}

fn config(text: &str, page: &Path) -> Config {
    Config::of_text(text, page).unwrap_or_else(|problems| panic!("{}: {problems}", page.display()))
}

/// The native events of a line, as they would be shown by `check --sample`.
fn events(line: &str, format: &str, stream: Stream, page: &Path) -> Vec<Value> {
    let config = config(&format!("[streams.{}]\nformat = \"{format}\"\n", stream.name()), page);
    let topics = config.streams.topics(stream);
    let rates = crate::event_fixtures::rates();
    let context = DecodeContext { rates: Some(rates.clone()), ..crate::event_fixtures::context(&rates) };
    let raw = Raw { value: Some(line.as_bytes()), ..crate::event_fixtures::line(stream, b"") };
    let decoded = topics[0].format.decode(&raw, &context).unwrap_or_else(|rejection| panic!("{}: {rejection}: {line}", page.display()));
    let json = |record: &Record<'_>| {
        let mut json = Vec::new();
        encode(&Record { payload_time: true, ..record.clone() }, &mut json);
        serde_json::from_slice(&json).unwrap()
    };
    decoded.records().iter().map(json).collect()
}

/// An event of a page, with its time as it is encoded.
fn shown(line: &str) -> Value {
    let mut event: Value = serde_json::from_str(line).unwrap();
    let at = Timestamp::parse_rfc3339(event["occurred_at"].as_str().unwrap()).unwrap();
    event["occurred_at"] = at.0.into();
    event
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

#[test]
fn every_configuration_is_valid() {
    for page in pages().into_iter().filter(|page| !is_of_mapping(page)) {
        let configurations: Vec<Block> = blocks(&page).into_iter().filter(|block| block.words == ["toml"]).collect();
        assert!(!configurations.is_empty() || is_general(&page), "{} has no configuration to copy", page.display());
        for block in configurations {
            config(&block.text, &page);
        }
    }
}

#[test]
fn every_payload_becomes_the_events_below_it() {
    for page in pages().into_iter().filter(|page| !is_general(page) && !is_of_mapping(page)) {
        let blocks: Vec<Block> = blocks(&page).into_iter().filter(|block| block.words.first().is_some_and(|word| word == "json")).collect();
        assert!(!blocks.is_empty() && blocks.len().is_multiple_of(2), "{}: payloads and events come in pairs", page.display());
        for pair in blocks.chunks(2) {
            let ([_, format, stream], ["json", "events"]) =
                (&pair[0].words[..], &pair[1].words.iter().map(String::as_str).collect::<Vec<_>>()[..])
            else {
                panic!("{}: {:?} and {:?}", page.display(), pair[0].words, pair[1].words)
            };
            let stream = Stream::ALL.into_iter().find(|known| known.name() == stream).unwrap();
            let actual: Vec<Value> = lines(&pair[0].text).flat_map(|line| events(line, format, stream, &page)).collect();
            let expected: Vec<Value> = lines(&pair[1].text).map(shown).collect();
            assert_eq!(actual, expected, "{}", page.display());
        }
    }
}

#[test]
fn every_page_is_in_the_index() {
    let index = pages().into_iter().find(|page| page.ends_with("README.md")).unwrap();
    let index = std::fs::read_to_string(index).unwrap();
    for page in pages() {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "README.md" || index.contains(&format!("({name})")), "{name} is not in the index");
    }
}
