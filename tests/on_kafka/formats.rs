//! Topics of other providers through the running service: headers reach `CloudEvents`, and Segment's calls become use.

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
