//! The conformance scenarios, and what envelopes say of what is inside.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::event::adapter::Format;
use crate::event::native::{Reading, testing};
use crate::event::{DecodeContext, Decoded, Headers, Record, Stream};

/// The conformance scenarios of the `CloudEvents` project.
const SCENARIOS: &str = include_str!("../../../../tests/fixtures/cloudevents/kafka-protocol-binding.feature");

fn context() -> DecodeContext {
    DecodeContext { text_bytes: 256, id_bytes: 256, ..testing::context() }
}

fn with_headers<R>(headers: &[(&str, &str)], payload: &str, read: impl FnOnce(&Raw<'_>) -> R) -> R {
    let headers: Vec<(String, Vec<u8>)> = headers.iter().map(|(name, value)| ((*name).into(), value.as_bytes().into())).collect();
    let (value, headers) = (Some(payload.as_bytes()), Headers::of(&headers));
    read(&Raw { stream: Stream::Usage, key: None, value, headers, timestamp: None, future_reference: None })
}

/// The rows of a table of a scenario, without its head.
fn table<'t>(scenario: &'t str, title: &str) -> Vec<(&'t str, &'t str)> {
    let lines = scenario.split_once(title).unwrap().1.lines().skip(1);
    let rows = lines.map(str::trim).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split_once('|').map(|(a, b)| (a.trim(), b.trim())));
    cells.map(Option::unwrap).skip(1).collect()
}

/// The texts in triple quotes: payload and expected data.
fn texts(scenario: &str) -> Vec<&str> {
    scenario.split("\"\"\"").skip(1).step_by(2).collect()
}

fn assert_scenario(scenario: &str, headers: &[(&str, &str)]) {
    let [payload, expected] = texts(scenario)[..] else { panic!("{scenario}") };
    with_headers(headers, payload, |raw| {
        let (context, text) = (context(), std::str::from_utf8(raw.value.unwrap()).unwrap());
        let reading = Reading::new(&context);
        let envelope = open(&Payload::new(text, raw, &context, &reading), Inside::Unread).unwrap();
        let attribute = |name| table(scenario, "attributes are:").into_iter().find(|(known, _)| *known == name).unwrap().1;
        assert_eq!(envelope.id, format!("{}#{}", attribute("source"), attribute("id")));
        assert_eq!(envelope.type_name, attribute("type"));
        assert_eq!(envelope.time, Timestamp::parse_rfc3339(attribute("time")));
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        assert_eq!(json(&envelope.data), json(expected.as_bytes()));
    });
}

#[test]
fn the_conformance_scenarios_of_kafkas_binding_pass() {
    let scenarios: Vec<&str> = SCENARIOS.split("Scenario").skip(1).collect();
    let [binary, structured] = scenarios[..] else { panic!("{} scenarios", scenarios.len()) };
    assert_scenario(binary, &table(binary, "Kafka headers:"));
    let content_types: Vec<&str> = structured.split_once("Examples:").unwrap().1.lines().skip(2).collect();
    let content_types: Vec<&str> = content_types.iter().map(|row| row.trim().trim_matches('|').trim()).collect();
    assert_eq!(content_types.iter().filter(|name| !name.is_empty()).count(), 2);
    for content_type in content_types.into_iter().filter(|name| !name.is_empty()) {
        assert_scenario(structured, &[("content-type", content_type)]);
    }
}

fn decode(headers: &[(&str, &str)], payload: &str) -> Result<Vec<Record<'static>>, Rejection> {
    with_headers(headers, payload, |raw| {
        let decoded = Format::CloudEvents(Box::default()).decode(raw, &context())?;
        Ok(match decoded {
            Decoded::Record(record) => vec![record.into_owned()],
            Decoded::Records(records) => records.into_iter().map(Record::into_owned).collect(),
            Decoded::Ignored => Vec::new(),
        })
    })
}

const BINARY: [(&str, &str); 6] = [
    ("ce_specversion", "1.0"),
    ("ce_id", "7"),
    ("ce_source", "/shop"),
    ("ce_type", "com.example.feature_used"),
    ("ce_time", "2026-01-01T00:00:00Z"),
    ("ce_subject", "acme"),
];

#[test]
fn the_envelope_completes_a_native_event() {
    let expected = decode(&BINARY, r#"{"user_id":"u","feature":"f"}"#).unwrap();
    let [record] = &expected[..] else { panic!("{expected:?}") };
    assert_eq!((record.account.as_deref(), record.id.as_deref(), record.payload_time), (Some("acme"), Some("/shop#7"), true));
    assert_eq!((record.type_name, record.occurred_at), ("feature_used", Timestamp(1_767_225_600_000)));
    let envelope = r#""specversion":"1.0","id":7,"source":"/shop","type":"feature_used","time":"2026-01-01T00:00:00Z","subject":"acme""#;
    let data = [
        r#""data":{"user_id":"u","feature":"f"}"#.to_owned(),
        r#""datacontenttype":"application/json","data":"{\"user_id\":\"u\",\"feature\":\"f\"}""#.to_owned(),
        format!(r#""data_base64":"{}""#, STANDARD.encode(r#"{"user_id":"u","feature":"f"}"#)),
    ];
    for data in data {
        assert_eq!(decode(&[], &format!("{{{envelope},{data}}}")).unwrap(), expected, "{data}");
    }
}

#[test]
fn what_the_event_says_of_itself_wins() {
    let json = r#"{"type":"feature_used","account_id":"own","occurred_at":"2026-01-02T00:00:00Z","id":"mine","feature":"f"}"#;
    let records = decode(&BINARY, json).unwrap();
    assert_eq!((records[0].account.as_deref(), records[0].occurred_at), (Some("own"), Timestamp(1_767_312_000_000)));
    assert_eq!(records[0].id.as_deref(), Some("/shop#7"), "duplicates are known by source and id");
}

#[test]
fn another_format_inside_keeps_its_name_in_reasons() {
    let segment = Format::CloudEvents(Box::new(Format::Segment(super::super::SegmentOptions::default())));
    with_headers(&BINARY, r#"{"type":"track","userId":"u"}"#, |raw| {
        let rejection = segment.decode(raw, &context()).unwrap_err();
        assert_eq!((rejection.code, &*rejection.reason), (Code::MissingField, "cloudevents: segment: event is missing"));
    });
}

#[test]
fn envelopes_that_are_none_are_refused_by_name() {
    let refused = |headers: &[(&str, &str)], payload: &str| {
        let rejection = decode(headers, payload).unwrap_err();
        (rejection.code, rejection.reason.into_owned())
    };
    assert!(refused(&[("content-type", "application/cloudevents-batch+json")], "[]").1.contains("batched"));
    assert!(refused(&[("content-type", "application/cloudevents+json")], "[{}]").1.contains("batched"));
    assert_eq!(refused(&[("content-type", "application/cloudevents+avro")], "x").0, Code::WrongType);
    assert_eq!(refused(&[], r#"{"type":"track"}"#), (Code::MissingField, "cloudevents: specversion is missing".into()));
    assert_eq!(refused(&BINARY[..1], "{}"), (Code::MissingField, "cloudevents: ce_source is missing".into()));
    assert_eq!(refused(&[], r#"{"specversion":"0.3"}"#).0, Code::OutOfRange);
    let base64 = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"?"}"#;
    assert_eq!(refused(&[], base64).1, "cloudevents: data_base64 is not Base64");
    let empty = r#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
    assert_eq!(refused(&[], empty).1, "cloudevents: data is missing");
}

#[test]
fn other_versions_are_refused_by_name_in_both_modes() {
    let versioned = |version: &str| {
        let binary = BINARY.map(|(name, value)| (name, if name == "ce_specversion" { version } else { value }));
        let structured = format!(r#"{{"specversion":"{version}","id":"1","source":"s","type":"feature_used","data":{DATA}}}"#);
        [decode(&binary, DATA).err().map(|e| e.to_string()), decode(&[], &structured).err().map(|e| e.to_string())]
    };
    assert_eq!([versioned("1.0"), versioned("1.1")], [const { [None, None] }; 2]);
    for version in ["0.3", "2.0", "10.0", "1", "x"] {
        let reasons = versioned(version).map(Option::unwrap_or_default);
        let end = "is not 1.x: only CloudEvents 1.0 and its later minor versions are read";
        assert_eq!(reasons[0], format!("out_of_range: cloudevents: ce_specversion {end}"), "{version}");
        assert_eq!(reasons[1], format!("out_of_range: cloudevents: specversion {end}"), "{version}");
    }
}

const DATA: &str = r#"{"account_id":"a","feature":"f","occurred_at":"2026-01-01T00:00:00Z"}"#;

#[test]
fn data_that_is_not_json_is_refused_by_its_content_type() {
    let binary = |content_type, payload: &str| {
        let headers: Vec<_> = BINARY.into_iter().chain([("content-type", content_type)]).collect();
        decode(&headers, payload).map(|records| records.len()).map_err(|rejection| rejection.to_string())
    };
    for json in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.acme+json", "text/json"] {
        assert_eq!(binary(json, DATA), Ok(1), "{json}");
    }
    // What a registry has turned into JSON keeps its header.
    assert_eq!(binary("application/avro", DATA), Ok(1));
    let xml = "wrong_type: cloudevents: content-type says that the data is XML: only JSON is read";
    assert_eq!(binary("application/xml", "<a/>").unwrap_err(), xml);
    assert_eq!(binary("application/atom+xml", DATA).unwrap_err(), xml);
    let other = "wrong_type: cloudevents: content-type says that the data is not JSON: only JSON is read";
    for content_type in ["text/plain", "application/avro", "application/octet-stream"] {
        assert_eq!(binary(content_type, "x").unwrap_err(), other, "{content_type}");
    }
    let structured = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/xml","data":"<a/>"}"#;
    let reason = decode(&[], structured).unwrap_err().to_string();
    assert_eq!(reason, "wrong_type: cloudevents: datacontenttype says that the data is XML: only JSON is read");
}

#[test]
fn several_events_of_one_type_keep_ids_of_their_own() {
    let call = |id: &str| format!(r#"{{"type":"track","event":"e","messageId":"{id}","userId":"u","timestamp":1767225600}}"#);
    let batch = format!(r#"{{"batch":[{},{}],"context":{{"groupId":"acme"}}}}"#, call("a"), call("b"));
    let envelope = format!(r#"{{"specversion":"1.0","id":"7","source":"/s","type":"t","data":{batch}}}"#);
    let format = Format::CloudEvents(Box::new(Format::Segment(crate::event::SegmentOptions::default())));
    let decoded =
        with_headers(&[], &envelope, |raw| format.decode(raw, &context()).map(|decoded| decoded.map(Record::into_owned))).unwrap();
    let ids: Vec<_> = decoded.records().iter().map(|record| record.id.as_deref().unwrap().to_owned()).collect();
    assert_eq!(ids, ["/s#7", "/s#7#1"]);
}
