//! `CloudEvents` 1.0 on Kafka: an envelope around the payload of another format, in headers (binary mode) or in JSON (structured mode).
//!
//! An event is identified by source and id together. What the payload does not say of itself, the envelope may: `time`, and for native
//! events `type` and, without a record key, `subject` as the account.

mod binary;
mod inside;
mod structured;

use std::borrow::Cow;

pub(super) use self::inside::Inside;
use super::inner;
use super::payload::Payload;
use crate::event::native::Raw;
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
    /// What was found in it when the envelope was read, and the text where.
    inside: (Inside<'a>, &'a str),
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
        "application/cloudevents" | "application/cloudevents+json" => structured::open(payload, content),
        _ if media_type.starts_with("application/cloudevents") => {
            Err(Rejection::new(Code::WrongType, "content-type names an event format other than application/cloudevents+json"))
        }
        _ if headers[1].is_some() => binary::open(payload, &headers, media_type),
        _ => structured::open(payload, content),
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

/// What nearly all data is.
const JSON: &str = "application/json";

/// A content type without its parameters.
fn media_type(content_type: &str) -> &str {
    if content_type == JSON {
        return content_type;
    }
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
    if media_type.is_empty() || media_type.eq_ignore_ascii_case(JSON) {
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

fn identity<'a>(source: &str, id: &str) -> Cow<'a, str> {
    Cow::Owned([source, "#", id].concat())
}

impl<'a> Envelope<'a> {
    /// What has been read of the data, and its text.
    pub(super) const fn inside(&self) -> (&Inside<'a>, &'a str) {
        (&self.inside.0, self.inside.1)
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
mod tests;
