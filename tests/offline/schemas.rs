//! The JSON Schemas of the input events agree with the decoder, and the examples that users copy fit them.

use churnwatch::event::{Code, Decoded, Stream, decode};
use churnwatch::simulate::{Generator, Options};
use serde_json::Value;

use crate::contract::{document, violation};
use crate::event_fixtures::{all, context, line, rates};

pub fn path(stream: Stream) -> String {
    format!("config/schemas/{}.schema.json", stream.name())
}

fn is_decoded(stream: Stream, event: &Value) -> bool {
    let text = event.to_string();
    matches!(decode(&line(stream, text.as_bytes()), &context(&rates())), Ok(Decoded::Record(_)))
}

/// The schema of each event type, by stream and type.
pub fn types() -> Vec<(Stream, String, Value)> {
    let of_stream = |stream: Stream| {
        let schema = document(&path(stream));
        let references = schema["oneOf"].as_array().unwrap().clone();
        references.into_iter().map(move |reference| {
            let name = reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            let event = schema["$defs"][&name].clone();
            (stream, name, event)
        })
    };
    Stream::ALL.into_iter().flat_map(of_stream).collect()
}

/// The plain example of an event type.
pub fn example(name: &str) -> Value {
    let fixture = all().into_iter().find(|fixture| fixture.path.file_stem().is_some_and(|stem| stem == name));
    serde_json::from_str(&fixture.unwrap_or_else(|| panic!("no example of {name}")).json).unwrap()
}

#[test]
fn the_plain_example_of_every_event_type_fits_its_schema() {
    let types = types();
    assert_eq!(types.len(), 29, "one schema per event type");
    for (stream, name, _) in types {
        assert_eq!(violation(&path(stream), &example(&name)), None, "{name}");
    }
}

#[test]
fn the_fields_that_a_schema_requires_are_those_that_the_decoder_requires() {
    for (stream, name, schema) in types() {
        let example = example(&name);
        let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for field in example.as_object().unwrap().keys() {
            let mut without = example.clone();
            without.as_object_mut().unwrap().remove(field);
            // A line has neither key nor timestamp, and one of two ways to write an amount is always required.
            let is_needed = required.contains(&field.as_str()) || ["account_id", "occurred_at"].contains(&field.as_str());
            if field.starts_with("amount") || field == "account_id" && name == "cost_recorded" {
                continue;
            }
            let text = without.to_string();
            let decoded = decode(&line(stream, text.as_bytes()), &context(&rates()));
            let is_missing = decoded.is_err_and(|rejection| rejection.code == Code::MissingField);
            assert_eq!(is_missing, is_needed, "{name} without {field}");
        }
    }
}

#[test]
fn every_value_that_a_schema_lists_is_decoded() {
    let mut values = 0;
    for (stream, name, schema) in types() {
        for (field, property) in schema["properties"].as_object().unwrap() {
            for value in property["enum"].as_array().into_iter().flatten() {
                let mut with = example(&name);
                with[field] = value.clone();
                assert!(is_decoded(stream, &with), "{name} with {field} = {value}");
                assert_eq!(violation(&path(stream), &with), None, "{name} with {field} = {value}");
                values += 1;
            }
            if property["enum"].is_array() {
                let mut with = example(&name);
                with[field] = "nonsense".into();
                assert!(!is_decoded(stream, &with), "{name} with {field} = nonsense");
            }
        }
    }
    assert!(values > 30, "{values} values tried");
}

#[test]
fn simulated_events_fit_the_schemas() {
    let options = Options { accounts: 10, days: 30, ..Options::default() };
    let mut seen = std::collections::BTreeSet::new();
    for record in Generator::new(&options) {
        let event: Value = serde_json::from_str(&record.json).unwrap();
        let name = event["type"].as_str().unwrap().to_owned();
        // Compiling a schema is slow, so one event of each type and account is enough.
        if seen.insert((name.clone(), event["account_id"].to_string())) {
            assert_eq!(violation(&path(record.stream), &event), None, "{event}");
        }
    }
    assert!(seen.len() > 50, "{} kinds of events", seen.len());
}
