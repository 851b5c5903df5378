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

/// The record that a native event decodes to; `account_system` and `list_price` stand beside its fields.
fn expected(event: &Value, timestamp: Option<i64>) -> Record<'static> {
    let stream = TARGETS.iter().find(|target| target.name == event["type"]).unwrap().stream;
    let json = event.to_string();
    let rates = crate::event_fixtures::rates();
    let raw = churnwatch::event::Raw {
        timestamp: timestamp.map(churnwatch::time::Timestamp),
        ..crate::event_fixtures::line(stream, json.as_bytes())
    };
    match decode(&raw, &crate::event_fixtures::context(&rates)) {
        Ok(Decoded::Record(record)) => Record {
            account_system: text(&event["account_system"]).map(Into::into),
            unexpanded_discount: event["list_price"] == true,
            ..record.into_owned()
        },
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
fn a_payload_without_the_envelope_is_rejected_by_the_field_that_it_lacks() {
    for (name, _) in SHIPPED {
        let rejection = super::read(&shipped(name), Stream::Usage, r#"{"hello":"world"}"#).unwrap_err();
        assert_eq!(rejection.code.name(), "missing_field", "{name}");
        assert!(rejection.reason.contains("missing, so this is no payload for the mapping"), "{name}: {}", rejection.reason);
    }
}

/// Payloads of all providers, with the mapping that they are for.
fn payloads() -> Vec<(String, String)> {
    let fixture = |(provider, path): (String, PathBuf)| {
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        // What the provider's own mapping rejects is half a payload.
        (!file["rejected"].is_string()).then(|| (provider, file["payload"].to_string()))
    };
    let mut payloads: Vec<_> = files().into_iter().filter_map(fixture).collect();
    payloads.extend(crate::event_fixtures::all().into_iter().map(|event| ("native".to_owned(), event.json.replace('\u{feff}', ""))));
    let others = [
        (
            "stripe",
            r#"{"id":"evt_1","object":"event","api_version":"2024-06-20","created":1704103200,"type":"customer.subscription.updated","data":{"object":{"id":"sub_1","object":"subscription","status":"active","created":1704103200,"customer":"cus_1","items":{"data":[]}}}}"#,
        ),
        ("stripe", r#"{"id":"sub_1","object":"subscription","status":"active","created":1704103200,"customer":"cus_1"}"#),
        (
            "segment",
            r#"{"type":"track","event":"Report Exported","messageId":"m","userId":"u","properties":{"path":"/"},"timestamp":"2024-01-01T10:00:00Z","context":{"groupId":"a"}}"#,
        ),
        (
            "zendesk",
            r#"{"type":"zen:event-type:ticket.created","id":"e","account_id":1,"time":"2024-01-01T10:00:00Z","detail":{"id":"7","organization_id":"2","status":"NEW"},"event":{}}"#,
        ),
        (
            "zendesk",
            r#"{"id":7,"status":"open","priority":"high","created_at":"2024-01-01T10:00:00Z","updated_at":"2024-01-01T10:00:00Z","organization_id":2,"via":{"channel":"email"}}"#,
        ),
        ("cloudevents", r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2024-01-01T10:00:00Z","data":{"a":1}}"#),
        ("debezium", r#"{"op":"c","before":null,"after":{"id":1,"status":"open"},"source":{"ts_ms":1704103200000},"ts_ms":1704103200000}"#),
    ];
    payloads.extend(others.map(|(provider, payload)| (provider.to_owned(), payload.to_owned())));
    payloads
}

#[test]
fn a_payload_of_another_provider_is_never_ignored_and_never_an_event() {
    let mut wrong = BTreeSet::new();
    for (name, _) in SHIPPED {
        let mapping = shipped(name);
        for (provider, payload) in payloads().into_iter().filter(|(provider, _)| provider != name) {
            match super::read_record(&mapping, &payload, Some("key"), &Vec::new(), Some(1_704_103_200_000)) {
                Err(rejection) if rejection.code.name() == "missing_field" && rejection.reason.contains('/') => {}
                other => _ = wrong.insert(format!("{name} reads one of {provider}: {:?}", other.map(|records| records.len()))),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
