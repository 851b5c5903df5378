//! Avro, Protobuf and JSON Schema, with the schemas in a real registry.

use std::time::Duration;

use apache_avro::types::Value;
use apache_avro::{Schema, to_avro_datum};
use churnwatch::event::Stream;

use crate::kafka::client;
use crate::kafka::eventually;
use crate::kafka::input::now;
use crate::kafka::registry::{PASSWORD, Registry, USER};
use crate::kafka::scenario::{LIMIT, Scenario};

const AVRO: &str = r#"{"type":"record","name":"FeatureUsed","namespace":"demo","fields":[
    {"name":"type","type":"string"},{"name":"account_id","type":"string"},{"name":"user_id","type":["null","string"]},
    {"name":"feature","type":"string"},{"name":"occurred_at","type":{"type":"long","logicalType":"timestamp-micros"}}]}"#;
const ITEM: &str = r#"syntax = "proto3"; package shared; message Plan { string feature = 1; }"#;
const PROTOBUF: &str = r#"syntax = "proto3"; import "plan.proto";
    message Other {} message Used { string type = 1; string account_id = 2; string user_id = 3; string feature = 4; shared.Plan plan = 5; }"#;

/// A use by this user, framed as Avro.
fn avro(id: u32, user: &str) -> Vec<u8> {
    let text = |text: &str| Value::String(text.to_owned());
    let record = Value::Record(vec![
        ("type".to_owned(), text("feature_used")),
        ("account_id".to_owned(), text("a")),
        ("user_id".to_owned(), Value::Union(1, Box::new(text(user)))),
        ("feature".to_owned(), text("report")),
        ("occurred_at".to_owned(), Value::TimestampMicros(now() * 1000)),
    ]);
    framed(id, &to_avro_datum(&Schema::parse_str(AVRO).unwrap(), record).unwrap())
}

/// A use by this user, framed as the second message of a Protobuf file.
fn protobuf(id: u32, user: &str) -> Vec<u8> {
    let field = |number: u8, text: &str| [&[number << 3 | 2, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let message = [field(1, "feature_used"), field(2, "a"), field(3, user), field(4, "report")].concat();
    framed(id, &[&[2, 2], message.as_slice()].concat())
}

fn framed(id: u32, payload: &[u8]) -> Vec<u8> {
    [&[0], id.to_be_bytes().as_slice(), payload].concat()
}

/// An application that knows this registry, with these usage records in one partition.
fn scenario(name: &str, url: &str, values: &[Vec<u8>]) -> Scenario {
    let mut scenario = Scenario::new(name, 1, &[]);
    scenario.application.set("schema_registry.url", url);
    let usage = scenario.topics.of(Stream::Usage);
    client::produce(scenario.broker, values.iter().map(|value| (usage.as_str(), Some("a"), value.as_slice(), now())));
    scenario
}

/// Reads everything; the number of usage records that were applied.
fn applied(scenario: &Scenario) -> i64 {
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let answer = service.get("/api/pipeline");
    service.terminate();
    let pipeline: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    pipeline["usage"]["applied"].as_i64().unwrap()
}

#[test]
fn avro_protobuf_and_json_on_one_topic_are_read_and_the_rest_are_dead_letters_by_name() {
    let registry = Registry::shared();
    let of_avro = registry.register("used-value", "AVRO", AVRO, &[]);
    registry.register("plan.proto", "PROTOBUF", ITEM, &[]);
    let of_protobuf = registry.register("used-protobuf", "PROTOBUF", PROTOBUF, &[("plan.proto", "plan.proto")]);
    let of_json = registry.register("used-json", "JSON", r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}"#, &[]);
    let json = format!(r#"{{"type":"feature_used","account_id":"a","user_id":"w","feature":"report","occurred_at":{}}}"#, now());
    let mut values: Vec<Vec<u8>> =
        (0..10).flat_map(|n| [avro(of_avro, &format!("u{n}")), protobuf(of_protobuf, &format!("v{n}"))]).collect();
    values.extend([framed(of_json, json.as_bytes()), json.clone().into_bytes()]);
    values.extend([framed(999_999, b"\x08acme"), framed(of_avro, b"\x08acm"), framed(of_protobuf, b"\x02\x0eacme")]);
    let scenario = scenario("registry", &registry.url(), &values);
    assert_eq!(applied(&scenario), 22);
    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    let codes: Vec<_> = letters.iter().map(|letter| letter.header("churnwatch_code")).collect();
    assert_eq!(codes, ["unknown_schema", "schema_mismatch", "schema_mismatch"]);
    assert_eq!(letters[1].value.as_deref(), Some(framed(of_avro, b"\x08acm").as_slice()), "a dead letter keeps the original bytes");
    assert!(letters[0].header("churnwatch_reason").contains("999999"));
    let check = scenario.application.command(&["check"]);
    let words = String::from_utf8_lossy(&check.stderr).into_owned() + &String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success() && words.contains("unknown_schema"), "{words}");
}

#[test]
fn a_registry_that_does_not_answer_is_waited_for() {
    let registry = Registry::start();
    let id = registry.register("used-value", "AVRO", AVRO, &[]);
    let scenario = scenario("registry-down", &registry.url(), &[avro(id, "u")]);
    registry.signal("STOP");
    let mut service = scenario.application.start();
    eventually("the wait", LIMIT, || service.log().contains("waiting for the schema registry").then_some(()));
    service.assert_alive();
    registry.signal("CONT");
    scenario.wait_for_end(&mut service);
    service.terminate();
    assert_eq!(client::read_committed(scenario.broker, &scenario.application.dead_letters), []);
}

#[test]
fn a_registry_that_stays_down_ends_the_service_by_name_and_a_stop_does_not_wait_for_it() {
    let scenario = scenario("registry-gone", "http://127.0.0.1:1", &[avro(1, "u")]);
    let service = scenario.application.start();
    eventually("the wait", LIMIT, || service.log().contains("waiting for the schema registry").then_some(()));
    service.terminate();
    let mut service = scenario.application.start();
    assert_eq!(service.wait(Duration::from_secs(110)).code(), Some(1));
    let log = service.log();
    assert!(log.contains("schema_registry") && log.contains("http://127.0.0.1:1/schemas/ids/1"), "{log}");
    let check = scenario.application.command(&["check"]);
    let words = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.code() == Some(1) && words.contains("schema_registry"), "{words}");
}

#[test]
fn behind_tls_the_certificate_is_verified_and_the_password_stays_secret() {
    let registry = Registry::shared();
    let id = registry.register("tls-value", "AVRO", AVRO, &[]);
    let mut scenario = scenario("registry-tls", &registry.tls_url(), &[avro(id, "u")]);
    let refused = |scenario: &Scenario, words: &str| {
        let log = scenario.fails_with("schema_registry");
        assert!(log.contains(words) && !log.contains(PASSWORD), "{log}");
    };
    scenario.application.set("schema_registry.ca", &registry.certificate("stranger.pem"));
    refused(&scenario, "certificate");
    scenario.application.set("schema_registry.ca", &registry.certificate("ca.pem"));
    refused(&scenario, "refuses access: 401");
    scenario.application.set("schema_registry.username", USER);
    let password = scenario.application.file("registry-password", PASSWORD);
    scenario.application.set("schema_registry.password", &format!("file:{password}"));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let log = service.terminate();
    assert!(!log.contains(PASSWORD), "{log}");
    assert_eq!(client::read_committed(scenario.broker, &scenario.application.dead_letters), []);
}
