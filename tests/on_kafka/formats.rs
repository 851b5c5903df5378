//! Topics of other providers through the running service: headers reach `CloudEvents`, and Segment's calls become use.

use std::process::Command;

use churnwatch::event::Stream;

use crate::kafka::client;
use crate::kafka::input::now;
use crate::kafka::scenario::Scenario;

/// Header and value.
type Header<'a> = (&'a str, &'a str);

fn cloud_event<'a>(id: &'a str, content_type: &'a str) -> Vec<Header<'a>> {
    let own = [("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", "/shop"), ("ce_type", "com.example.feature_used")];
    own.into_iter().chain([("ce_time", "2026-03-01T09:30:00Z"), ("content-type", content_type)]).collect()
}

fn track(message: &str) -> String {
    format!(
        r#"{{"type":"track","event":"Report Exported","messageId":"{message}","userId":"u2","context":{{"groupId":"acme"}},"timestamp":"2026-03-01T09:31:00Z"}}"#
    )
}

#[test]
fn cloudevents_by_their_headers_and_segments_calls_share_a_topic() {
    let mut scenario = Scenario::new("formats", 1, &[]);
    scenario.application.set("streams.usage.format", "segment");
    let choice = r#"[{ when = { header = "ce_specversion" }, format = "cloudevents", inner_format = "native" }]"#;
    scenario.application.set("streams.usage.formats", choice);
    scenario.application.set("streams.usage.repartition", "false");
    let native = r#"{"user_id":"u1","feature":"search"}"#.to_owned();
    let records: Vec<(Vec<Header<'_>>, String)> = vec![
        (cloud_event("1", "application/json"), native.clone()),
        // The same event again, by source and id.
        (cloud_event("1", "application/json"), native),
        (cloud_event("2", "application/xml"), "<used/>".to_owned()),
        (Vec::new(), track("m1")),
        (Vec::new(), track("m2")),
        (Vec::new(), r#"{"specversion":"1.0","type":"track"}"#.to_owned()),
    ];
    let usage = scenario.topics.of(Stream::Usage);
    for (headers, value) in &records {
        client::produce_with_headers(scenario.broker, (usage.as_str(), Some("acme"), value.as_bytes(), now()), headers);
    }
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let answer = service.get("/api/pipeline");
    service.terminate();
    let pipeline: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&pipeline["usage"]["applied"], &pipeline["usage"]["duplicate"]), (&3.into(), &1.into()), "{pipeline}");
    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    let reasons: Vec<_> = letters.iter().map(|letter| letter.header("churnwatch_reason")).collect();
    let xml = "cloudevents: content-type says that the data is XML: only JSON is read";
    assert_eq!(reasons, [xml, "segment: messageId is missing"]);
    assert_eq!(letters[0].header("content-type"), "application/xml", "a dead letter keeps the headers of its record");
}

#[test]
fn a_sampled_topic_says_what_share_ends_how_and_shows_no_payload() {
    let scenario = Scenario::new("sample-topic", 4, &[]);
    let usage = scenario.topics.of(Stream::Usage);
    let mut values: Vec<String> = (0..6).map(|number| track(&format!("m{number}"))).collect();
    values.push(r#"{"type":"alias","previousId":"secret","userId":"secret2","messageId":"a"}"#.to_owned());
    values.extend([
        "\"secret\"".to_owned(),
        r#"{"type":"track","event":"secret"}"#.to_owned(),
        r#"{"type":"page","name":"secret"}"#.to_owned(),
    ]);
    let keyed = values.iter().enumerate().map(|(number, value)| (format!("k{number}"), value));
    let keyed: Vec<_> = keyed.collect();
    client::produce(scenario.broker, keyed.iter().map(|(key, value)| (usage.as_str(), Some(key.as_str()), value.as_bytes(), now())));
    let sample = |topic: &str, more: &[&str]| {
        let arguments = ["check", "--sample-topic", topic, "--stream", "usage", "--bootstrap-servers", &scenario.broker.address()];
        let output = Command::new(env!("CARGO_BIN_EXE_churnwatch")).args(arguments).args(more).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, lines, errors) = sample(&usage, &["--format", "segment"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("6 of the 10 newest records would be applied to the usage stream"), "{errors}");
    assert!(!lines.contains("secret") && !errors.contains("secret"), "{lines}");
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ends: Vec<_> =
        lines.iter().map(|line| (line["outcome"].as_str().unwrap(), line["code"].as_str(), line["share"].as_f64().unwrap())).collect();
    let missing = ("dead_letter", Some("missing_field"), 0.2);
    assert_eq!(ends, [("applied", None, 0.6), ("ignored", None, 0.1), missing, ("dead_letter", Some("wrong_type"), 0.1)]);
    assert_eq!(lines[0]["types"], serde_json::json!({"feature_used": 6}));
    let reason = &lines[2]["reasons"][0];
    assert_eq!((&reason["reason"], &reason["records"]), (&"segment: messageId is missing".into(), &2.into()), "{}", lines[2]);
    assert!(reason["partition"].is_number() && reason["offset"].is_number() && lines[2]["advice"].is_string());

    let (code, lines, errors) = sample(&usage, &[]);
    assert_eq!((code, lines.contains("applied")), (Some(1), false), "as native events, nothing would be applied: {lines} {errors}");
    let (code, _, errors) = sample("no-such-topic", &[]);
    assert_eq!((code, errors.contains("there is no topic no-such-topic")), (Some(1), true), "{errors}");
}
