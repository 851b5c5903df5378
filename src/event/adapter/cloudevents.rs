//! `CloudEvents` 1.0 on Kafka: an envelope around the payload of another format, in headers (binary mode) or in JSON (structured mode).
//!
//! An event is identified by source and id together. What the payload does not say of itself, the envelope may: `time`, and for native
//! events `type` and, without a record key, `subject` as the account.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::inner;
use super::object::{Json, Listed, object};
use super::payload::{Payload, missing};
use super::{segment, stripe, zendesk};
use crate::event::native::{Raw, Value};
use crate::event::scan::{Scan, Scanner};
use crate::event::{Code, Rejection};
use crate::time::Timestamp;

/// What the envelope says, and the payload inside it.
pub(super) struct Envelope<'a> {
    /// Source and id.
    pub(super) id: Cow<'a, str>,
    /// `type`.
    pub(super) type_name: Cow<'a, str>,
    /// `time`.
    pub(super) time: Option<Timestamp>,
    /// `subject`.
    pub(super) subject: Option<Cow<'a, str>>,
    /// The payload.
    pub(super) data: Cow<'a, [u8]>,
    /// What was found in it when the envelope was read.
    inside: Inside<'a>,
}

/// What the pass over an envelope reads of the data inside, so that it need not be scanned again: by the format of the data.
#[derive(Debug, Default)]
pub(super) enum Inside<'a> {
    /// Nothing but where it is.
    #[default]
    Unread,
    /// The members of a native event.
    Native(Listed<'a>),
    /// A call of Segment.
    Segment(Box<segment::Call<'a>>),
    /// An event of Stripe.
    Stripe(Box<stripe::StripeEvent<'a>>),
    /// An event or ticket of Zendesk.
    Zendesk(Box<zendesk::Payloads<'a>>),
}

impl Inside<'_> {
    /// The same before anything was read.
    fn emptied(&self) -> Self {
        match self {
            Self::Unread => Self::Unread,
            Self::Native(_) => Self::Native(Listed::default()),
            Self::Segment(_) => Self::Segment(Box::default()),
            Self::Stripe(_) => Self::Stripe(Box::default()),
            Self::Zendesk(_) => Self::Zendesk(Box::default()),
        }
    }
}

/// The value of `data`.
#[derive(Debug, Default)]
pub(super) struct Data<'a> {
    json: Json<'a>,
    inside: Inside<'a>,
    is_object: bool,
}

impl<'a> Scan<'a> for Data<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        if self.is_object {
            // A repeated key, of which the last one counts.
            self.inside = self.inside.emptied();
        }
        self.is_object = scanner.peek(at) == Some(b'{');
        let end = match &mut self.inside {
            _ if !self.is_object => scanner.skip(at)?,
            Inside::Unread => scanner.skip(at)?,
            Inside::Native(members) => members.scan(scanner, at)?,
            Inside::Segment(call) => call.scan(scanner, at)?,
            Inside::Stripe(event) => event.scan(scanner, at)?,
            Inside::Zendesk(payloads) => payloads.scan(scanner, at)?,
        };
        self.json = Json::of(scanner.between(at, end));
        Some(end)
    }
}

object! {
    /// An event in structured mode.
    struct Structured<'a> {
        spec_version: Json<'a> = "specversion",
        id: Json<'a> = "id",
        source: Json<'a> = "source",
        kind: Json<'a> = "type",
        time: Json<'a> = "time",
        subject: Json<'a> = "subject",
        content_type: Json<'a> = "datacontenttype",
        data: Data<'a> = "data",
        data_base64: Json<'a> = "data_base64",
    }
}

/// The headers of binary mode, by their places in what [`open`] looks up.
const HEADERS: [&str; 7] = ["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"];

/// Opens the envelope around data of which this is to be read.
pub(super) fn open<'a>(payload: &Payload<'a, '_>, content: Inside<'a>) -> Result<Envelope<'a>, Rejection> {
    let mut headers = [None; HEADERS.len()];
    payload.raw.headers.find(&HEADERS, &mut headers);
    let content_type = text(headers[0]).map(lower_case).unwrap_or_default();
    let media_type = media_type(&content_type);
    match media_type {
        _ if media_type.starts_with("application/cloudevents-batch") => Err(batched()),
        "application/cloudevents" | "application/cloudevents+json" => structured(payload, content),
        _ if media_type.starts_with("application/cloudevents") => {
            Err(Rejection::new(Code::WrongType, "content-type names an event format other than application/cloudevents+json"))
        }
        _ if headers[1].is_some() => binary(payload, &headers, media_type),
        _ => structured(payload, content),
    }
}

/// The value of a header as text; `None` if it is not UTF-8 or empty.
fn text(value: Option<&[u8]>) -> Option<&str> {
    value.and_then(|value| std::str::from_utf8(value).ok()).filter(|text| !text.is_empty())
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) }
}

fn batched() -> Rejection {
    Rejection::new(
        Code::WrongType,
        "several events in one record (batched mode), which Kafka's binding excludes: send one event per record",
    )
}

/// A content type without its parameters.
fn media_type(content_type: &str) -> &str {
    let end = memchr::memchr(b';', content_type.as_bytes()).unwrap_or(content_type.len());
    content_type.get(..end).unwrap_or_default().trim()
}

/// Versions 1.x change nothing that is read here; version 0.3 names and encodes attributes in other ways.
fn check_version(version: &str, path: &str) -> Result<(), Rejection> {
    if version.trim().starts_with("1.") {
        return Ok(());
    }
    Err(Rejection::new(Code::OutOfRange, format!("{path} is not 1.x: only CloudEvents 1.0 and its later minor versions are read")))
}

/// Data is JSON, or was written with a schema of a registry, which has made JSON of it.
fn check_data_type(media_type: &str, path: &str, data: &str) -> Result<(), Rejection> {
    if media_type.is_empty() || media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let media_type = media_type.to_ascii_lowercase();
    let is = |name: &str| media_type.contains(name);
    let is_json = media_type.ends_with("/json") || media_type.ends_with("+json");
    if is_json || (is("avro") || is("protobuf")) && inner::is_object(data.trim_ascii_start()) {
        return Ok(());
    }
    let found = if is("xml") { "says that the data is XML" } else { "says that the data is not JSON" };
    Err(Rejection::new(Code::WrongType, format!("{path} {found}: only JSON is read")))
}

fn binary<'a>(payload: &Payload<'a, '_>, headers: &[Option<&'a [u8]>; HEADERS.len()], media_type: &str) -> Result<Envelope<'a>, Rejection> {
    let [_, version, id, source, kind, time, subject] = headers.map(text);
    let required = |value: Option<&'a str>, name: &str| value.ok_or_else(|| missing(name));
    check_version(version.unwrap_or_default(), "ce_specversion")?;
    check_data_type(media_type, "content-type", payload.text)?;
    let time = time.map(|time| {
        let wrong = || Rejection::new(Code::WrongType, "ce_time is not an instant with offset");
        Timestamp::parse_rfc3339(time).ok_or_else(wrong)
    });
    Ok(Envelope {
        id: identity(required(source, "ce_source")?, required(id, "ce_id")?),
        type_name: required(kind, "ce_type")?.into(),
        time: time.transpose()?,
        subject: subject.map(Cow::Borrowed),
        data: Cow::Borrowed(payload.text.as_bytes()),
        inside: Inside::Unread,
    })
}

fn structured<'a>(payload: &Payload<'a, '_>, content: Inside<'a>) -> Result<Envelope<'a>, Rejection> {
    if payload.text.trim_ascii_start().starts_with('[') {
        return Err(batched());
    }
    let mut event = Structured { data: Data { inside: content, ..Data::default() }, ..Structured::default() };
    payload.parse(&mut event)?;
    check_version(&payload.required(event.spec_version, "specversion", Value::any_text)?, "specversion")?;
    let content_type = payload.optional(event.content_type, "datacontenttype", Value::any_text)?.unwrap_or_default();
    check_data_type(media_type(&content_type), "datacontenttype", event.data.json.given().unwrap_or_default())?;
    let source = payload.required(event.source, "source", Value::any_text)?;
    let id = payload.required(event.id, "id", Value::id)?;
    Ok(Envelope {
        id: identity(&source, &id),
        type_name: payload.required(event.kind, "type", Value::any_text)?,
        time: payload.optional(event.time, "time", Value::instant)?,
        subject: payload.optional(event.subject, "subject", Value::any_text)?,
        data: data(payload, &event)?,
        inside: if event.data.is_object && event.data_base64.given().is_none() { event.data.inside } else { Inside::Unread },
    })
}

/// The data: JSON, text with JSON in it, or bytes in Base64.
fn data<'a>(payload: &Payload<'a, '_>, event: &Structured<'a>) -> Result<Cow<'a, [u8]>, Rejection> {
    if let Some(encoded) = payload.optional(event.data_base64, "data_base64", Value::any_text)? {
        let wrong = |_| Rejection::new(Code::WrongType, "data_base64 is not Base64");
        return STANDARD.decode(encoded.as_bytes()).map(Cow::Owned).map_err(wrong);
    }
    payload.required(event.data.json, "data", |value| match value.raw() {
        json if json.starts_with('"') => Ok(match value.any_text()? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }),
        json => Ok(Cow::Borrowed(json.as_bytes())),
    })
}

fn identity<'a>(source: &str, id: &str) -> Cow<'a, str> {
    Cow::Owned([source, "#", id].concat())
}

impl<'a> Envelope<'a> {
    /// What has been read of the data, and its text.
    pub(super) const fn inside(&self) -> &Inside<'a> {
        &self.inside
    }

    /// The record inside the envelope, if it is there as it stands; otherwise it can be read from [`Envelope::unpacked`].
    pub(super) fn borrowed(&self, outside: &Raw<'a>) -> Option<Raw<'a>> {
        let (Cow::Borrowed(data), None | Some(Cow::Borrowed(_))) = (&self.data, &self.subject) else { return None };
        let subject = self.subject.as_ref().and_then(|subject| match subject {
            Cow::Borrowed(subject) => Some(*subject),
            Cow::Owned(_) => None,
        });
        Some(self.record(outside, data, subject))
    }

    /// The record inside the envelope, for as long as the envelope lives.
    pub(super) fn unpacked<'d>(&'d self, outside: &Raw<'d>) -> Raw<'d> {
        self.record(outside, &self.data, self.subject.as_deref())
    }

    fn record<'d>(&self, outside: &Raw<'d>, data: &'d [u8], subject: Option<&'d str>) -> Raw<'d> {
        let key = outside.key.filter(|key| !key.is_empty()).or(subject.map(str::as_bytes));
        Raw { key, value: Some(data), timestamp: self.time.or(outside.timestamp), ..*outside }
    }

    /// The type as native events would write it: without the reversed domain that `CloudEvents` recommend.
    pub(super) fn native_type(&self) -> &str {
        let dot = memchr::memrchr(b'.', self.type_name.as_bytes());
        dot.and_then(|dot| self.type_name.get(dot + 1..)).unwrap_or(&self.type_name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;
    use crate::event::native::{Reading, testing};
    use crate::event::{DecodeContext, Decoded, Headers, Record, Stream};

    /// The conformance scenarios of the `CloudEvents` project.
    const SCENARIOS: &str = include_str!("../../../tests/fixtures/cloudevents/kafka-protocol-binding.feature");

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
        let envelope =
            r#""specversion":"1.0","id":7,"source":"/shop","type":"feature_used","time":"2026-01-01T00:00:00Z","subject":"acme""#;
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
}
