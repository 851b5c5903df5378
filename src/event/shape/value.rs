//! The shape of one value: the payload of a record, or a line of a file.

use serde_json::{Map, Value};

use super::Shape;
use super::provider::provider;
use crate::event::Stream;
use crate::event::native::{known_type, needs_registry};

/// The first bytes of formats that are not JSON.
const MAGIC: [(&[u8], Shape); 14] = [
    (b"\x1f\x8b", Shape::Compressed("gzip")),
    (b"\x28\xb5\x2f\xfd", Shape::Compressed("zstd")),
    (b"\x04\x22\x4d\x18", Shape::Compressed("lz4")),
    (b"\xff\x06\x00\x00sNaPpY", Shape::Compressed("snappy")),
    (b"\x82SNAPPY\x00", Shape::Compressed("snappy")),
    (b"BZh", Shape::Compressed("bzip2")),
    (b"\xfd7zXZ\x00", Shape::Compressed("xz")),
    (b"PK\x03\x04", Shape::Compressed("zip")),
    (b"PAR1", Shape::Format("a Parquet file")),
    (b"ORC", Shape::Format("an ORC file")),
    (b"Obj\x01", Shape::Format("an Avro container file")),
    (b"SQLite format 3", Shape::Format("an SQLite database")),
    (b"\xff\xfe", Shape::Format("UTF-16 text")),
    (b"\xfe\xff", Shape::Format("UTF-16 text")),
];

/// The format that the first bytes announce.
pub(super) fn announced(bytes: &[u8]) -> Option<Shape> {
    MAGIC.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, shape)| shape)
}

/// The shape of a value that is not an event of `stream`.
pub(super) fn shape(value: &[u8], stream: Stream) -> Option<Shape> {
    if needs_registry(value) {
        return Some(Shape::Framed);
    }
    if let Some(shape) = announced(value) {
        return Some(shape);
    }
    let text = value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(value).trim_ascii();
    if text.is_empty() {
        return Some(Shape::Empty);
    }
    match serde_json::from_slice::<Value>(text) {
        Ok(Value::Object(fields)) => of_object(&fields, stream),
        Ok(Value::Array(_)) => Some(Shape::Array),
        Ok(Value::String(inner)) => inner.trim_start().starts_with(['{', '[']).then_some(Shape::Quoted),
        Ok(_) => None,
        Err(_) => of_text(text),
    }
}

fn of_object(fields: &Map<String, Value>, stream: Stream) -> Option<Shape> {
    let type_name = match fields.get("type") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return provider(fields).map(Shape::Provider),
    };
    match type_name.and_then(|name| known_type(name)) {
        Some((of, _)) if of == stream => None,
        Some((of, name)) => Some(Shape::OtherStream(of, name)),
        None => {
            let unknown = if type_name.is_some() { Shape::UnknownType } else { Shape::Untyped };
            Some(provider(fields).map_or(unknown, Shape::Provider))
        }
    }
}

/// Text that is not JSON.
fn of_text(text: &[u8]) -> Option<Shape> {
    match text {
        [b'<', ..] => Some(Shape::Format("XML or HTML")),
        [b'{', b'\'', ..] => Some(Shape::Format("a Python dictionary, with single quotes")),
        // Broken JSON, which the decoder's reason describes better.
        [b'{' | b'[' | b'"', ..] if !is_separated(text) => None,
        _ if is_separated(text) => Some(Shape::Csv),
        _ => None,
    }
}

/// Whether the first line is text in at least two columns. A quoted first column looks like the start of a JSON string.
fn is_separated(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_text = std::str::from_utf8(line).is_ok_and(|line| !line.chars().any(|c| c.is_control() && c != '\t' && c != '\r'));
    is_text && !line.starts_with(b"{") && !line.starts_with(b"[") && [b',', b';', b'\t'].iter().any(|separator| line.contains(separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: impl AsRef<[u8]>) -> Option<Shape> {
        shape(value.as_ref(), Stream::Usage)
    }

    #[test]
    fn an_event_of_the_stream_has_no_foreign_shape_and_one_of_another_stream_does() {
        assert_eq!(of(r#"{"type":"feature_used"}"#), None);
        assert_eq!(of(r#"{"type":"Ticket_Opened","ticket_id":"1"}"#), Some(Shape::OtherStream(Stream::Support, "ticket_opened")));
        assert_eq!(of(r#"{"type":"else"}"#), Some(Shape::UnknownType));
        assert_eq!(of(r#"{"event":"else"}"#), Some(Shape::Untyped));
    }

    #[test]
    fn the_events_of_other_providers_are_named() {
        let events = [
            (
                "Stripe",
                r#"{"id":"evt_1","object":"event","type":"customer.subscription.updated","data":{"object":{"object":"subscription"}}}"#,
            ),
            ("Stripe", r#"{"id":"sub_1","object":"subscription","livemode":false}"#),
            ("Segment", r#"{"type":"track","event":"Report Viewed","messageId":"m","userId":"u","context":{"groupId":"g"}}"#),
            ("Segment", r#"{"type":"identify","anonymousId":"a","traits":{}}"#),
            ("Zendesk", r#"{"type":"zen:event-type:ticket.created","account_id":1,"id":"x","detail":{"id":"2"},"event":{}}"#),
            ("CloudEvents", r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.used","data":{}}"#),
            ("Debezium", r#"{"before":null,"after":{"id":1},"source":{"ts_ms":1,"connector":"postgresql"},"op":"c","ts_ms":2}"#),
            ("Debezium", r#"{"schema":{},"payload":{"before":null,"after":{"id":1},"source":{},"op":"u"}}"#),
            ("Kafka Connect JSON with schemas", r#"{"schema":{},"payload":{"id":1}}"#),
            (
                "Chargebee",
                r#"{"id":"ev_1","occurred_at":1,"object":"event","event_type":"subscription_changed","content":{"subscription":{}}}"#,
            ),
            ("Intercom", r#"{"type":"notification_event","id":"n","topic":"conversation.admin.closed","data":{"type":"x","item":{}}}"#),
            ("Recurly", r#"{"object":"subscription","id":"s","account":{"object":"account","code":"acme"}}"#),
            ("Lago", r#"{"webhook_type":"subscription.started","object_type":"subscription","subscription":{}}"#),
            ("Paddle", r#"{"event_id":"evt_1","event_type":"subscription.created","data":{"id":"sub_1"}}"#),
            ("Jira", r#"{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{}}"#),
            ("Jira", r#"{"timestamp":1,"issue":{"key":"SUP-1","fields":{}}}"#),
            ("HubSpot", r#"{"id":"1","properties":{"hs_pipeline_stage":"1"},"createdAt":"2024-01-01T00:00:00Z"}"#),
            ("Freshdesk", r#"{"id":1,"source":2,"fr_escalated":false,"requester_id":3,"type":"Problem"}"#),
            ("PostHog", r#"{"event":"clicked","distinct_id":"d","properties":{}}"#),
            ("Mixpanel", r#"{"event":"clicked","properties":{"distinct_id":"d","time":1}}"#),
            ("Amplitude", r#"{"event_type":"clicked","amplitude_id":1,"event_time":"2024-01-01 00:00:00"}"#),
        ];
        for (name, event) in events {
            assert_eq!(of(event), Some(Shape::Provider(name)), "{event}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_named() {
        assert_eq!(of("account_id,feature,occurred_at"), Some(Shape::Csv));
        assert_eq!(of("\"acme\";\"report\";\"2026-01-01\""), Some(Shape::Csv));
        assert_eq!(of("<event/>"), Some(Shape::Format("XML or HTML")));
        assert_eq!(of("{'type': 'feature_used'}"), Some(Shape::Format("a Python dictionary, with single quotes")));
        assert_eq!(of(" \r\n"), Some(Shape::Empty));
        for broken in [r#"{"type":"feature_used","#, "{a,b}", "rubbish", "[1,"] {
            assert_eq!(of(broken), None, "{broken}");
        }
    }

    #[test]
    fn json_that_is_not_an_object_is_named() {
        assert_eq!(of(r#"[{"type":"feature_used"}]"#), Some(Shape::Array));
        assert_eq!(of(r#""{\"type\":\"feature_used\"}""#), Some(Shape::Quoted));
        for scalar in ["1", "null", "\"text\""] {
            assert_eq!(of(scalar), None);
        }
    }

    #[test]
    fn binary_formats_are_known_by_their_first_bytes() {
        assert_eq!(of(b"\x1f\x8b\x08\x00rest"), Some(Shape::Compressed("gzip")));
        assert_eq!(of(b"\x28\xb5\x2f\xfdrest"), Some(Shape::Compressed("zstd")));
        assert_eq!(of(b"PAR1"), Some(Shape::Format("a Parquet file")));
        assert_eq!(of(b"\xff\xfe{\0}\0"), Some(Shape::Format("UTF-16 text")));
        assert_eq!(of(b"\0\0\0\0\x07\x08acme"), Some(Shape::Framed));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = of(&bytes);
        }
    }
}
