//! Payloads as the providers document them, and the native events that they are, written by hand, in `tests/fixtures/mappings`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use churnwatch::config::Origin;
use churnwatch::config::mapping::{self, SHIPPED};
use churnwatch::event::mapping::Mapping;
use churnwatch::event::mapping::TARGETS;
use churnwatch::event::{Decoded, Record, Stream, decode};
use serde_json::Value;

fn shipped(name: &str) -> Mapping {
    mapping::named(name, &Origin::Default, "").unwrap_or_else(|problems| panic!("{name}: {problems}"))
}

fn files() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mappings");
    let files = SHIPPED.iter().flat_map(|(name, _)| {
        let folder = fs::read_dir(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        folder.map(|file| ((*name).to_owned(), file.unwrap().path())).collect::<Vec<_>>()
    });
    files.collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The record that a native event decodes to; `account_system` stands beside its fields.
fn expected(event: &Value, timestamp: Option<i64>) -> Record<'static> {
    let stream = TARGETS.iter().find(|target| target.name == event["type"]).unwrap().stream;
    let json = event.to_string();
    let rates = crate::event_fixtures::rates();
    let raw = churnwatch::event::Raw {
        timestamp: timestamp.map(churnwatch::time::Timestamp),
        ..crate::event_fixtures::line(stream, json.as_bytes())
    };
    match decode(&raw, &crate::event_fixtures::context(&rates)) {
        Ok(Decoded::Record(record)) => Record { account_system: text(&event["account_system"]).map(Into::into), ..record.into_owned() },
        other => panic!("{json} is no event: {other:?}"),
    }
}

#[test]
fn every_payload_becomes_the_events_that_stand_beside_it() {
    let mut seen = BTreeSet::new();
    for (provider, path) in files() {
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let headers: Vec<(String, Vec<u8>)> = file["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text(value).unwrap().into_bytes()))
            .collect();
        let timestamp = file["timestamp"].as_i64();
        let result = super::read_record(&shipped(&provider), &file["payload"].to_string(), file["key"].as_str(), &headers, timestamp);
        match (result, &file["rejected"]) {
            (Err(rejection), Value::String(reason)) => assert_eq!(rejection.to_string(), *reason, "{path:?}"),
            (Err(rejection), _) => panic!("{path:?}: {rejection}"),
            (Ok(records), _) => {
                let events: Vec<_> = file["events"]
                    .as_array()
                    .unwrap_or_else(|| panic!("{path:?}: {records:#?}"))
                    .iter()
                    .map(|event| expected(event, timestamp))
                    .collect();
                assert_eq!(records, events, "{path:?}");
            }
        }
        seen.insert(provider);
    }
    assert_eq!(seen.len(), SHIPPED.len());
}

#[test]
fn every_event_of_a_shipped_mapping_has_an_example() {
    for (name, _) in SHIPPED {
        let types: BTreeSet<&str> = shipped(name).rules().events.iter().map(|event| event.target.name).collect();
        let mut shown = BTreeSet::new();
        for (_, path) in files().into_iter().filter(|(provider, _)| *provider == name) {
            let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            shown.extend(file["events"].as_array().into_iter().flatten().filter_map(|event| text(&event["type"])));
        }
        let missing: Vec<_> = types.iter().filter(|known| !shown.contains(**known)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

#[test]
fn a_payload_of_another_provider_is_told_by_the_field_that_it_lacks() {
    for (name, _) in SHIPPED.iter().filter(|(name, _)| *name != "posthog") {
        let rejection = super::read(&shipped(name), Stream::Usage, r#"{"hello":"world"}"#).unwrap_err();
        assert_eq!(rejection.code.name(), "missing_field", "{name}");
        assert!(rejection.reason.contains("is missing, so this is no payload for the mapping"), "{name}: {}", rejection.reason);
    }
}
