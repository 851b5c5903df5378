//! One payload of another format, and what adapters need to read it.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::object::Json;
use crate::event::native::{self, Raw, Reading, Value};
use crate::event::scan::{self, Scan};
use crate::event::{Code, DecodeContext, Event, Record, Rejection};
use crate::time::Timestamp;

/// A value that has passed the checks on it as a whole: size and UTF-8.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a, 'c> {
    /// The text, without framing and byte-order mark.
    pub(super) text: &'a str,
    /// The payload that this is a part of, if it is one of several; else empty.
    pub(super) around: &'a str,
    /// The record.
    pub(super) raw: &'c Raw<'a>,
    /// The limits.
    pub(super) context: &'c DecodeContext,
    reading: &'c Reading<'c>,
}

/// An account: its own id, or its id in another system.
#[derive(Clone)]
pub(super) struct Account<'a> {
    /// The id.
    pub(super) id: Cow<'a, str>,
    /// The system, if the id is an alias.
    pub(super) system: Option<Cow<'a, str>>,
}

impl<'a> Account<'a> {
    /// An account by its own id.
    pub(super) const fn own(id: Cow<'a, str>) -> Self {
        Self { id, system: None }
    }

    /// An account by its id in another system.
    pub(super) const fn alias(system: &'static str, id: Cow<'a, str>) -> Self {
        Self { id, system: Some(Cow::Borrowed(system)) }
    }
}

/// When an event happened.
#[derive(Clone, Copy)]
pub(super) struct OccurredAt {
    /// Event time.
    pub(super) at: Timestamp,
    /// Whether it is from the payload rather than the record.
    pub(super) from_payload: bool,
}

impl<'a, 'c> Payload<'a, 'c> {
    pub(super) const fn new(text: &'a str, raw: &'c Raw<'a>, context: &'c DecodeContext, reading: &'c Reading<'c>) -> Self {
        Self { text, around: "", raw, context, reading }
    }

    /// One of several payloads that this one holds.
    pub(super) const fn part(&self, text: &'a str) -> Self {
        Self { text, around: self.text, ..*self }
    }

    /// Fills an object declared with `object!`.
    ///
    /// # Errors
    /// `invalid_json`; `wrong_type` if it is not an object.
    pub(super) fn parse(&self, object: &mut impl Scan<'a>) -> Result<(), Rejection> {
        let escapes = scan::fill(object, self.text).ok_or_else(|| self.not_an_object())?;
        if escapes.code_units && native::has_lone_surrogate(self.text) {
            return Err(Rejection::new(Code::InvalidJson, "contains a lone surrogate escape"));
        }
        self.reading.has_escapes.set(escapes.any);
        Ok(())
    }

    #[cold]
    fn not_an_object(&self) -> Rejection {
        if let Err(rejection) = native::check_depth(self.text) {
            return rejection;
        }
        match serde_json::from_str::<IgnoredAny>(self.text) {
            Err(error) => Rejection::new(Code::InvalidJson, format!("not valid JSON at line {}, column {}", error.line(), error.column())),
            Ok(_) if self.text.trim_ascii_start().starts_with('{') => {
                Rejection::new(Code::InvalidJson, "contains a key with an invalid escape")
            }
            Ok(_) if self.text.trim_ascii_start().starts_with('[') => {
                Rejection::new(Code::WrongType, "the value is a list: publish each of its elements as a record of its own")
            }
            Ok(_) => Rejection::new(Code::WrongType, "the value is not an object"),
        }
    }

    /// A field to be read as its type; `None` if it is missing, null or empty text.
    #[inline]
    pub(super) fn value(&self, json: Json<'a>, path: &'c str) -> Option<Value<'a, 'c>> {
        json.given().map(|json| Value::foreign(json, path, self.reading))
    }

    /// Reads an optional field.
    ///
    /// # Errors
    /// Those of `read`.
    #[inline]
    pub(super) fn optional<T>(
        &self,
        json: Json<'a>,
        path: &'c str,
        read: impl FnOnce(&Value<'a, 'c>) -> Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        match self.value(json, path) {
            Some(value) => Ok(Some(read(&value)?)),
            None => Ok(None),
        }
    }

    /// Reads a required field.
    ///
    /// # Errors
    /// `missing_field`, and those of `read`.
    #[inline]
    pub(super) fn required<T>(
        &self,
        json: Json<'a>,
        path: &'c str,
        read: impl FnOnce(&Value<'a, 'c>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        match self.value(json, path) {
            Some(value) => read(&value),
            None => Err(missing(path)),
        }
    }

    /// The time of an event: the first of these fields that is given, else the record's timestamp.
    ///
    /// # Errors
    /// If it is not an instant, impossible, or there is none.
    pub(super) fn occurred_at(&self, fields: &[(Json<'a>, &'c str)]) -> Result<OccurredAt, Rejection> {
        let given = fields.iter().find_map(|(json, path)| Some((self.value(*json, path)?, *path)));
        let (at, path) = match given {
            Some((value, path)) => (value.instant()?, Some(path)),
            None => (native::record_time(self.raw)?, None),
        };
        native::check_time(at, path, self.raw, self.context)?;
        Ok(OccurredAt { at, from_payload: path.is_some() })
    }

    /// Whether any string in it contains an escape.
    pub(super) fn has_escapes(&self) -> bool {
        self.reading.has_escapes.get()
    }

    /// Notes that a discount of which the payload holds only an id was left out of the event.
    pub(super) fn note_unexpanded_discount(&self) {
        self.reading.unexpanded_discount.set(true);
    }

    /// The record of an event.
    pub(super) fn record(
        &self,
        account: Account<'a>,
        id: Option<Cow<'a, str>>,
        type_name: &'static str,
        at: OccurredAt,
        event: Event<'a>,
    ) -> Record<'a> {
        Record {
            account: Some(account.id),
            account_system: account.system,
            id,
            type_name,
            occurred_at: at.at,
            payload_time: at.from_payload,
            cut_text: self.reading.cut_text.take(),
            unexpanded_discount: self.reading.unexpanded_discount.take(),
            event,
        }
    }
}

/// The rejection of a payload without this field.
#[cold]
pub(super) fn missing(path: &str) -> Rejection {
    Rejection::new(Code::MissingField, format!("{path} is missing"))
}
