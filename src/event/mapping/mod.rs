//! Mappings: formats without an adapter in code, described by a file.
//!
//! A mapping says where the fields of native events are in a payload. It is compiled once; each payload is parsed once into a `tree` that
//! borrows its text, and `evaluate` writes the native events that the rules make of it. These are read by the native decoder, so that a
//! mapped field obeys the same ranges, cuts and notations as a native one. Evaluation looks values up and rewrites them: it cannot compute.

mod condition;
mod convert;
mod evaluate;
mod place;
mod rule;
mod target;
mod tree;

use std::borrow::Cow;
use std::sync::Arc;

pub use condition::{Condition, Pattern, Test};
pub use convert::{Convert, TimeUnit, check_format};
pub use place::Place;
pub use rule::{Case, Content, EventRule, Field, FieldValue, Object, Origin, Refusal, Requirement, Source, Table};
pub use target::{EventTarget, Kind, TARGETS, kind};

use condition::all_hold;
use evaluate::NativeEvent;
use place::Scope;
use tree::{Inner, Tree};

use super::native::{self, Raw};
use super::{Code, DecodeContext, Decoded, Record, Rejection};

/// A compiled mapping.
#[derive(Clone, Debug)]
pub struct Mapping(Arc<Rules>);

/// The content of a mapping.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Its name, for messages.
    pub name: String,
    /// The text of its file: mappings of the same name and text are equal.
    pub text: String,
    /// Whether any place is a header.
    pub reads_headers: bool,
    /// What every payload has; one without is not what the mapping is for.
    pub envelope: Vec<Requirement>,
    /// Where payloads are inside others: the first that holds a list, or a single payload. A payload without any is one itself.
    pub each: Vec<Place>,
    /// The fields that every event has unless it has its own.
    pub common: Vec<Field>,
    /// The events.
    pub events: Vec<EventRule>,
}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        (&self.0.name, &self.0.text) == (&other.0.name, &other.0.text)
    }
}

impl Eq for Mapping {}

impl Mapping {
    /// A mapping with these rules.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self(Arc::new(rules))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether any place is a header.
    #[must_use]
    pub fn reads_headers(&self) -> bool {
        self.0.reads_headers
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.0
    }

    /// The native events of a payload; none if the mapping has no event for it. `text` has passed the checks on
    /// the value as a whole, or has been unwrapped from a value that has: an object, or a list with an object per payload.
    ///
    /// # Errors
    /// If one of the events is not valid, all are rejected: a dead letter holds the whole record.
    pub fn read(&self, text: &str, raw: &Raw<'_>, context: &DecodeContext) -> Result<Vec<Record<'static>>, Rejection> {
        let Some(tree) = Tree::parse(text) else { return Err(invalid_json(text)) };
        let record = Scope { raw, element: &tree, outer: None };
        let mut records = Vec::new();
        match &tree.inner {
            Inner::Array(payloads) => {
                for payload in payloads {
                    self.read_wrapped(&Scope { element: payload, ..record }, context, &mut records)?;
                }
            }
            _ => self.read_wrapped(&record, context, &mut records)?,
        }
        Ok(records)
    }

    /// Reads an object that may hold payloads.
    fn read_wrapped(&self, object: &Scope<'_>, context: &DecodeContext, records: &mut Vec<Record<'static>>) -> Result<(), Rejection> {
        let is_inside = |found: &Cow<'_, Tree<'_>>| !matches!(found.inner, Inner::Scalar);
        let found = self.0.each.iter().filter_map(|each| each.value(object)).find(is_inside);
        match found.as_deref() {
            Some(Tree { inner: Inner::Array(payloads), .. }) => {
                payloads.iter().try_for_each(|payload| self.read_payload(&Scope { element: payload, ..*object }, context, records))
            }
            Some(payload) => self.read_payload(&Scope { element: payload, ..*object }, context, records),
            None => self.read_payload(object, context, records),
        }
    }

    fn read_payload(&self, payload: &Scope<'_>, context: &DecodeContext, records: &mut Vec<Record<'static>>) -> Result<(), Rejection> {
        if !matches!(payload.element.inner, Inner::Object(_)) {
            return Err(Rejection::new(Code::WrongType, "the payload is not an object"));
        }
        self.0.envelope.iter().try_for_each(|requirement| requirement.check(payload))?;
        let first = records.len();
        for rule in &self.0.events {
            let mut events = Vec::new();
            evaluate::events(rule, &self.0.common, payload, &mut |event| events.push(event))?;
            // That two ids are one person says nothing without the account that they are in, as with an adapter in code.
            let has_account = |event: &NativeEvent<'_>| event.has_account || payload.raw.key.is_some_and(|key| !key.is_empty());
            for event in events.into_iter().filter(|event| event.rule.target.name != "user_identified" || has_account(event)) {
                let mut record = self.decode(&event, payload.raw, context)?;
                distinguish(&mut record, records.get(first..).unwrap_or_default());
                records.push(record);
            }
        }
        Ok(())
    }

    fn decode(&self, event: &NativeEvent<'_>, raw: &Raw<'_>, context: &DecodeContext) -> Result<Record<'static>, Rejection> {
        let native = Raw { stream: event.rule.target.stream, value: Some(event.json.as_bytes()), ..*raw };
        match native::decode(&native, context) {
            Ok(Decoded::Record(record)) => {
                let account_system = event.account_system.map(|system| system.to_owned().into());
                Ok(Record { account_system, unexpanded_discount: event.list_price, ..record.into_owned() })
            }
            Ok(_) => Err(Rejection::new(Code::OutOfRange, format!("{} is not a native type", event.rule.target.name))),
            Err(rejection) => Err(self.located(&rejection, event.rule)),
        }
    }

    /// Adds to a reason of the native decoder where the field comes from.
    #[cold]
    fn located(&self, rejection: &Rejection, rule: &EventRule) -> Rejection {
        // Such as `items[0].currency is missing`.
        let path = rejection.reason.split(' ').next().unwrap_or_default();
        let (name, inner) = path.split_once('.').map_or((path, None), |(name, inner)| (name, Some(inner)));
        let name = name.split('[').next().unwrap_or_default();
        let field = rule.fields.iter().chain(&self.0.common).find(|field| field.name == name);
        let places = field.map(|field| field.places(inner)).unwrap_or_default();
        let from = if places.is_empty() { String::new() } else { format!(", from {}", places.join(" or ")) };
        Rejection::new(rejection.code, format!("{} ({}{from})", rejection.reason, rule.target.name))
    }
}

impl Requirement {
    fn check(&self, payload: &Scope<'_>) -> Result<(), Rejection> {
        let is_met = || self.one_of.iter().any(|place| place.value(payload).is_some());
        if !all_hold(&self.when, payload) || is_met() { Ok(()) } else { Err(self.unmet()) }
    }

    #[cold]
    fn unmet(&self) -> Rejection {
        let places: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
        let end = if self.when.is_empty() { ", so this is no payload for the mapping" } else { ": the payload is incomplete" };
        let are = if places.len() == 1 { "is missing" } else { "are all missing" };
        Rejection::new(Code::MissingField, format!("{} {are}{end}", places.join(", ")))
    }
}

/// Events of one payload share its id: those after the first of a type get a number, so that they do not pass for repetitions.
fn distinguish(record: &mut Record<'_>, before: &[Record<'_>]) {
    let Some(id) = record.id.as_deref() else { return };
    let is_same = |other: &&Record<'_>| {
        other.type_name == record.type_name && other.id.as_deref().is_some_and(|known| known.strip_prefix(id).is_some_and(is_number))
    };
    match before.iter().filter(is_same).count() {
        0 => {}
        count => record.id = Some(format!("{id}#{count}").into()),
    }
}

/// Whether this is what [`distinguish`] adds to an id: nothing, or a number.
fn is_number(suffix: &str) -> bool {
    suffix.is_empty() || suffix.strip_prefix('#').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cold]
fn invalid_json(text: &str) -> Rejection {
    let reason = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) => format!("not valid JSON at line {}, column {}", error.line(), error.column()),
        Ok(_) => "contains a key with an invalid escape".to_owned(),
    };
    Rejection::new(Code::InvalidJson, reason)
}
