//! Payloads in every form that providers publish, in `tests/fixtures/published`, and what becomes of each, judged by the specification of
//! formats. Inside the envelope of a `CloudEvent`, each gives the same, whether or not the pass over the envelope reads it.

use std::fs;
use std::path::Path;

use churnwatch::event::{DecodeContext, Decoded, Format, Headers, Raw, Record, Rejection, SegmentOptions, Stream, StripeOptions, encode};
use churnwatch::time::Timestamp;
use serde_json::{Value, json};

use crate::event_fixtures;

fn formats() -> [(&'static str, Stream, Format); 5] {
    [
        ("segment", Stream::Usage, Format::Segment(SegmentOptions::default())),
        ("stripe", Stream::Billing, Format::Stripe(StripeOptions::default())),
        ("zendesk", Stream::Support, Format::Zendesk),
        ("debezium", Stream::Usage, Format::Debezium(Box::default())),
        ("cloudevents", Stream::Usage, Format::CloudEvents(Box::default())),
    ]
}

fn lines(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/published").join(format!("{name}.ndjson"));
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The payload of a line as text; `None` if it is null.
fn payload(line: &Value) -> Option<String> {
    match &line["value"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        object => Some(object.to_string()),
    }
}

/// What a payload becomes.
fn outcome(format: &Format, stream: Stream, line: &Value, payload: Option<&str>) -> Result<Decoded<'static>, Rejection> {
    let headers = line["headers"].as_object().into_iter().flatten();
    let headers: Vec<(String, Vec<u8>)> = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().into())).collect();
    let raw = Raw {
        stream,
        key: line["key"].as_str().map(str::as_bytes),
        value: payload.map(str::as_bytes),
        headers: Headers::of(&headers),
        timestamp: Some(Timestamp(1_772_357_400_999)),
        future_reference: None,
    };
    let context: DecodeContext = event_fixtures::context(&event_fixtures::rates());
    format.decode(&raw, &context).map(|decoded| decoded.map(Record::into_owned))
}

/// The same as it is written in the file of outcomes.
fn written(outcome: &Result<Decoded<'_>, Rejection>) -> Value {
    let event = |record: &Record<'_>| {
        let mut text = Vec::new();
        encode(record, &mut text);
        let mut event: Value = serde_json::from_slice(&text).unwrap();
        if let Some(system) = &record.account_system {
            event["account_system"] = json!(system);
        }
        event
    };
    match outcome {
        Ok(Decoded::Ignored) => json!("ignored"),
        Ok(decoded) => decoded.records().iter().map(event).collect(),
        Err(rejection) => json!(rejection.to_string()),
    }
}

#[test]
fn every_payload_becomes_what_the_specification_says() {
    for (name, stream, format) in formats() {
        let (lines, expected) = (lines(name), lines(&format!("{name}.outcomes")));
        assert_eq!(lines.len(), expected.len(), "{name}");
        for (number, (line, expected)) in lines.iter().zip(&expected).enumerate() {
            let outcome = written(&outcome(&format, stream, line, payload(line).as_deref()));
            assert_eq!(outcome, *expected, "{name}, line {}", number + 1);
        }
    }
}

#[test]
fn data_that_is_read_with_its_envelope_gives_what_it_gives_alone() {
    for (name, stream, format) in formats().into_iter().filter(|(name, ..)| ["segment", "stripe", "zendesk"].contains(name)) {
        let inside = Format::CloudEvents(Box::new(format));
        for (number, line) in lines(name).iter().enumerate() {
            let envelope = |data: &str| format!(r#"{{"specversion":"1.0","id":"{number}","source":"/s","type":"t","data":{data}}}"#);
            let (object, text) = (line["value"].to_string(), Value::from(line["value"].to_string()).to_string());
            let expected = outcome(&inside, stream, line, Some(&envelope(&text)));
            assert_eq!(outcome(&inside, stream, line, Some(&envelope(&object))), expected, "{name}, line {}", number + 1);
            let repeated = format!(r#"{{"id":"other","type":"track"}},"data":{object}"#);
            assert_eq!(outcome(&inside, stream, line, Some(&envelope(&repeated))), expected, "{name}, line {}", number + 1);
            let replaced = format!(r#"{object},"data":{text}"#);
            assert_eq!(outcome(&inside, stream, line, Some(&envelope(&replaced))), expected, "{name}, line {}", number + 1);
        }
    }
}
