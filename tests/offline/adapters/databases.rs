//! Debezium on several databases, and around rows that a mapping describes.

use std::path::Path;

use churnwatch::config::mapping;
use churnwatch::event::{Event, UsageKind};
use serde_json::{Value, json};

use super::*;

/// The `source` blocks of Debezium's documentation.
const SOURCES: &str = include_str!("../../fixtures/debezium/sources.json");

const KEY: &str = r#"{"id":1004}"#;

fn read(format: &Format, key: &str, change: &Value) -> Vec<Record<'static>> {
    let text = change.to_string();
    let raw = Raw { key: Some(key.as_bytes()), ..event_fixtures::line(Stream::Usage, text.as_bytes()) };
    match format.decode(&raw, &event_fixtures::context(&rates())) {
        Ok(decoded) => decoded.records().iter().cloned().map(Record::into_owned).collect(),
        Err(rejection) => panic!("{change}: {rejection}"),
    }
}

fn id(source: &Value, key: &str) -> String {
    let row = json!({"type": "feature_used", "account_id": "acme", "feature": "f", "user_id": "u"});
    let change = json!({"before": null, "after": row, "source": source, "op": "c", "ts_ms": NOW * 1000});
    let records = read(&Format::Debezium(Box::default()), key, &change);
    records[0].id.as_deref().unwrap().to_owned()
}

#[test]
fn every_database_has_positions_that_identify_a_change() {
    let sources: Vec<Value> = serde_json::from_str(SOURCES).unwrap();
    assert_eq!(sources.len(), 5);
    for example in sources {
        let (source, position) = (&example["source"], example["position"].as_str().unwrap());
        let first = id(source, KEY);
        assert_eq!(first.rsplit_once(':').unwrap().0, position, "{}", source["connector"]);
        assert_eq!(first, id(source, KEY), "a redelivery does not count twice");
        assert_ne!(first, id(source, r#"{"id":1005}"#), "a snapshot reads many rows at one position");
        for (part, value) in example["next"].as_object().unwrap() {
            let mut next = source.clone();
            next[part] = value.clone();
            assert_ne!(first, id(&next, KEY), "{} does not tell changes of another {part} apart", source["connector"]);
        }
    }
}

/// Columns and documents of a product that logs what is used.
const LOG: &str = r#"
envelope = [["/tenant_id", "/tenant"]]
[[event]]
type = "feature_used"
account_id = ["/tenant_id", "/tenant/$numberLong"]
occurred_at = [{ from = "/used_at", unit = "microseconds" }, "/at/$date"]
user_id = ["/user_id", "/user/_id/$oid"]
feature = ["/feature", "/what"]
"#;

fn mapped(log: &str) -> Format {
    let mapping = mapping::of_text(log, "log", Path::new("log.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    Format::Debezium(Box::new(Format::Mapping(mapping)))
}

fn source(connector: &str) -> Value {
    let sources: Vec<Value> = serde_json::from_str(SOURCES).unwrap();
    sources.into_iter().map(|example| example["source"].clone()).find(|source| source["connector"] == connector).unwrap()
}

fn used(record: &Record<'_>) -> (String, String, String) {
    let Event::Usage(usage) = &record.event else { panic!("{record:?}") };
    let UsageKind::Feature { feature, .. } = &usage.kind else { panic!("{record:?}") };
    (record.account.as_deref().unwrap().to_owned(), usage.user_id.as_deref().unwrap().to_owned(), feature.to_string())
}

#[test]
fn a_mapping_reads_the_columns_of_a_row() {
    let row = json!({"tenant_id": 42, "used_at": 1_772_357_400_123_456_i64, "user_id": "u-1", "feature": "report"});
    let change = |op: &str| json!({"before": null, "after": row, "source": source("mysql"), "op": op, "ts_ms": NOW * 1000});
    let records = read(&mapped(LOG), KEY, &change("c"));
    assert_eq!(used(&records[0]), ("42".to_owned(), "u-1".to_owned(), "report".to_owned()));
    assert_eq!(records[0].occurred_at, Timestamp(1_772_357_400_123));
    assert!(records[0].id.as_deref().unwrap().starts_with("mysql-bin.000003:725:0:"));
    let deleted = json!({"before": row, "after": null, "source": source("mysql"), "op": "d", "ts_ms": NOW * 1000});
    assert_eq!(read(&mapped(LOG), KEY, &deleted).len(), 0);
    let flat = json!({"tenant_id": 42, "user_id": "u-1", "feature": "report", "__op": "c", "__source_ts_ms": 1_772_357_400_000_i64});
    assert_eq!(read(&mapped(LOG), KEY, &flat)[0].occurred_at, Timestamp(1_772_357_400_000), "the time of the change, if the row has none");
    let other = json!({"after": {"id": 1}, "source": source("mysql"), "op": "c"}).to_string();
    let (code, reason) = refusal(&mapped(LOG), Stream::Usage, &other);
    assert_eq!(code, Code::MissingField);
    assert_eq!(reason, "debezium: log: /tenant_id, /tenant are all missing, so this is no payload for the mapping");
}

#[test]
fn a_mapping_reads_the_documents_of_mongodb() {
    for at in [json!(1_772_357_400_123_i64), json!({"$numberLong": "1772357400123"}), json!("2026-03-01T09:30:00.123Z")] {
        let document = json!({"_id": {"$oid": "64b7f0c2"}, "tenant": {"$numberLong": "42"}, "user": {"_id": {"$oid": "5f1c"}},
            "what": "report", "at": {"$date": at}});
        let change = json!({"before": null, "after": document.to_string(), "updateDescription": null, "source": source("mongodb"),
            "op": "c", "ts_ms": NOW * 1000});
        for mapping in [LOG.to_owned(), LOG.replace("/$date", "").replace("/$numberLong", "").replace("/$oid", "")] {
            let records = read(&mapped(&mapping), r#"{"id":"{\"$oid\":\"64b7f0c2\"}"}"#, &change);
            assert_eq!(used(&records[0]), ("42".to_owned(), "5f1c".to_owned(), "report".to_owned()));
            assert_eq!(records[0].occurred_at, Timestamp(1_772_357_400_123));
            assert!(records[0].id.as_deref().unwrap().starts_with("31:1558965508000:"));
        }
    }
}
