//! The API and the topics are as docs/api describes them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::contract::{document, violation};
use crate::kafka::client::{self, Committed};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::{eventually, input::simulated};

const OPENAPI: &str = "docs/api/openapi.yaml";
const ASYNCAPI: &str = "docs/api/asyncapi.yaml";

/// Writes one level of a JSON pointer.
fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn status_and_body(response: &str) -> (&str, &str) {
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (&head["HTTP/1.1 ".len()..][..3], body)
}

/// The response to `path`, which must be described under `described` with its status and content.
fn assert_described(described: &str, response: &str) {
    let (status, body) = status_and_body(response);
    let place = format!("/paths/{}/get/responses/{status}", escaped(described));
    let openapi = document(OPENAPI);
    let mut answer = openapi.pointer(&place).unwrap_or_else(|| panic!("{described} answers {status}, which {OPENAPI} does not describe"));
    let mut pointer = place;
    if let Some(reference) = answer["$ref"].as_str() {
        pointer = reference[1..].to_owned();
        answer = openapi.pointer(&pointer).unwrap();
    }
    if answer["content"]["application/json"].is_object() {
        let value: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{described}: {error}: {body}"));
        let schema = format!("{OPENAPI}#{pointer}/content/application~1json/schema");
        assert_eq!(violation(&schema, &value), None, "{described}: {value}");
    }
}

fn headers(record: &Committed) -> Value {
    let header = |(name, value): (&String, &Vec<u8>)| (name.clone(), String::from_utf8_lossy(value).into());
    Value::Object(record.headers.iter().map(header).collect())
}

#[test]
fn every_response_and_every_record_fits_its_description() {
    let scenario = Scenario::new("documents", 2, &simulated(11, 12, 60));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let list = || -> Value { serde_json::from_str(status_and_body(&service.get("/api/accounts")).1).unwrap() };
    let list = eventually("scored accounts", LIMIT, || Some(list()).filter(|list| list["matched"].as_u64() > Some(8)));
    let id = list["accounts"][0]["account_id"].as_str().unwrap();
    let described = document(OPENAPI);
    let paths: BTreeSet<&str> = described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(paths.len() >= 8);
    // A stream has no end, and a session no content: tests beside the server cover them.
    for path in paths.into_iter().filter(|path| !["/events", "/session"].contains(path)) {
        let response = service.get(&path.replace("{id}", id));
        assert!(response.starts_with("HTTP/1.1 200"), "{path}: {response}");
        assert_described(path, &response);
    }
    assert_described("/api/accounts", &service.get("/api/accounts?band=blue"));
    assert_described("/api/accounts/{id}", &service.get("/api/accounts/nobody"));
    assert_described("/api/accounts/{id}/explanation", &service.get("/api/accounts/nobody/explanation"));
    service.terminate();

    let changes = client::read_committed(scenario.broker, &scenario.application.changes);
    assert!(changes.len() > 8, "{} changes", changes.len());
    for change in &changes {
        assert_eq!(violation(&format!("{ASYNCAPI}#/components/messages/change/headers"), &headers(change)), None);
        assert_eq!(violation("config/schemas/account-health.schema.json", &change.json()), None);
    }
    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    assert!(!letters.is_empty(), "the simulated input holds bad records");
    for letter in &letters {
        assert_eq!(violation(&format!("{ASYNCAPI}#/components/messages/dead_letter/headers"), &headers(letter)), None);
    }
}
