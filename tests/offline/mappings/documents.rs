//! The pages about mappings in docs/sources: what they tell users to copy works.

use std::fs;
use std::path::Path;

use churnwatch::config::Config;
use churnwatch::config::mapping::SHIPPED;
use churnwatch::event::mapping::{TARGETS, kind};
use churnwatch::event::{Decoded, decode};

use super::*;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources").join(format!("{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code blocks of a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    page.split(start.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_shipped_mapping_has_a_page_with_a_configuration_that_is_valid() {
    for (name, _) in SHIPPED {
        let page = page(name);
        let configurations = blocks(&page, "toml");
        assert_eq!(configurations.len(), 1, "{name}");
        let config = Config::of_text(configurations[0], Path::new("page.toml")).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let formats: Vec<_> = config.streams.all_topics().iter().map(|topic| topic.format.name().to_owned()).collect();
        assert!(formats.iter().any(|format| format == name), "{name}: {formats:?}");
        for part in ["## Filling the topic", "## What is read", "## What is ignored", "## What you get", "## What is missing"] {
            assert!(page.contains(part), "{name} lacks {part}");
        }
    }
}

#[test]
fn the_worked_example_gives_the_events_that_it_shows() {
    let page = page("mappings");
    let (json, toml) = (blocks(&page, "json"), blocks(&page, "toml"));
    let (payload, events, mapping) = (json[0], json[1], compiled(toml[1]));
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    let expected: Vec<_> = events
        .lines()
        .map(|line| match decode(&crate::event_fixtures::line(Stream::Usage, line.as_bytes()), &context) {
            Ok(Decoded::Record(record)) => Record { account_system: Some("shop".into()), ..record.into_owned() },
            other => panic!("{line}: {other:?}"),
        })
        .collect();
    assert_eq!(read(&mapping, Stream::Usage, payload).unwrap(), expected);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mappings")).unwrap();
    fs::write(folder.path().join("mappings/shop.toml"), toml[1]).unwrap();
    Config::of_text(toml[0], &folder.path().join("c.toml")).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn the_other_snippets_of_the_reference_compile_in_their_place() {
    let page = page("mappings");
    let toml = blocks(&page, "toml");
    let fields = "type = \"subscription_changed\"\nsubscription_id = \"/id\"\nstatus = \"/s\"\ncurrent_period_start = \"/a\"\ncurrent_period_end = \"/b\"\n";
    let [envelope, when, items, refuse] = toml[2..] else { panic!("{toml:?}") };
    assert!(envelope.starts_with("envelope") && when.starts_with("when"), "{toml:?}");
    compiled(&format!("{envelope}[[event]]\n{fields}{when}{items}{refuse}"));
}

#[test]
fn the_fields_that_can_be_mapped_are_those_of_the_schemas() {
    for target in &TARGETS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("config/schemas/{}.schema.json", target.stream.name()));
        let schema: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let properties = schema["$defs"][target.name]["properties"].as_object().unwrap_or_else(|| panic!("{}", target.name));
        for name in properties.keys().filter(|name| *name != "type") {
            assert!(target.has(name), "{}.{name} cannot be mapped", target.name);
        }
        // Any ticket event may carry fields of the ticket, which the schemas show where they matter.
        let of_stream = schema["$defs"].as_object().unwrap().values().filter_map(|part| part["properties"].as_object());
        let documented: Vec<&str> = of_stream.flat_map(|part| part.keys().map(String::as_str)).collect();
        for name in target.fields() {
            assert!(documented.contains(&name), "{}.{name} is not documented", target.name);
        }
        let instants = properties.iter().filter(|(_, value)| value["$ref"] == "#/$defs/instant").map(|(name, _)| name);
        for name in instants {
            assert_eq!(format!("{:?}", kind(name)), "Instant", "{name}");
        }
    }
}

#[test]
fn the_commented_configuration_names_every_format_and_every_shipped_mapping_at_its_stream() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/churnwatch.toml");
    let text = fs::read_to_string(path).unwrap();
    let section = |stream: Stream| {
        let start = text.find(&format!("[streams.{}]", stream.name())).unwrap();
        let rest = &text[start + 1..];
        rest[..rest.find("\n[streams.").unwrap_or(rest.len())].to_owned()
    };
    let words = |text: &str| -> Vec<String> { text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect() };
    for (name, file) in SHIPPED {
        let stream = compiled(file).rules().events[0].target.stream;
        let lines = section(stream);
        let named = lines.lines().skip_while(|line| !line.starts_with("#mapping")).take(2).collect::<Vec<_>>().join("\n");
        assert!(words(&named).contains(&name.to_owned()), "{name} is not named for the {} stream", stream.name());
    }
    for format in churnwatch::event::Format::NAMES {
        let line = text.lines().find(|line| line.starts_with("format = ")).unwrap();
        assert!(words(line).contains(&(*format).to_owned()), "{format}: {line}");
    }
}

#[test]
fn check_shows_what_a_sample_becomes_under_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let page = page("mappings");
    let (payload, mapping) = (blocks(&page, "json")[0].replace('\n', " "), blocks(&page, "toml")[1]);
    fs::write(folder.path().join("sample.ndjson"), format!("{payload}\n{{\"tenant\":1}}\n")).unwrap();
    fs::write(folder.path().join("shop.toml"), mapping).unwrap();
    let run = |mapping: &str| {
        let arguments = ["check", "--sample", "sample.ndjson", "--stream", "usage", "--mapping", mapping];
        std::process::Command::new(env!("CARGO_BIN_EXE_churnwatch")).args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let output = run("./shop.toml");
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["events"].as_array().unwrap().len(), 2, "{lines:?}");
    assert_eq!(lines[1]["reason"], "shop: /kind is missing, so this is no payload for the mapping");
    let unknown = run("shopp");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("--mapping: `shopp` is no mapping"));
    let format = String::from_utf8(run("stripe").stderr).unwrap();
    assert!(format.contains("`stripe` is a format, not a mapping: write --format stripe"), "{format}");
}
