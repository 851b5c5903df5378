//! Structured mode: attributes and data are members of one object.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Envelope, Inside, batched, check_data_type, check_version, identity, media_type};
use crate::event::adapter::object::{Json, object};
use crate::event::adapter::payload::Payload;
use crate::event::native::Value;
use crate::event::scan::{Scan, Scanner};
use crate::event::{Code, Rejection};

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

/// Opens the envelope that a value is.
pub(super) fn open<'a>(payload: &Payload<'a, '_>, content: Inside<'a>) -> Result<Envelope<'a>, Rejection> {
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
    let text = event.data.json.given().unwrap_or_default();
    Ok(Envelope {
        id: identity(&source, &id),
        type_name: payload.required(event.kind, "type", Value::any_text)?,
        time: payload.optional(event.time, "time", Value::instant)?,
        subject: payload.optional(event.subject, "subject", Value::any_text)?,
        data: data(payload, &event)?,
        inside: if event.data.is_object && event.data_base64.given().is_none() { (event.data.inside, text) } else { (Inside::Unread, "") },
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
