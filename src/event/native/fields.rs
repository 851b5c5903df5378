//! The fields of a JSON object: a single pass collects the known ones and validates the rest.

use serde::de::IgnoredAny;

use super::document;
use super::field::{Field, Path, Step};
use super::reading::Reading;
use super::value::Value;
use crate::event::scan::Scanner;
use crate::event::{Code, Rejection};
use crate::time::Timestamp;

/// The known fields of one object, each as the JSON text of its value. The last of repeated keys wins.
pub(super) struct Fields<'a, 'c> {
    slots: [Option<&'a str>; Field::COUNT],
    /// The path of the object; `None` for the record itself.
    object: Option<Step>,
    has_escapes: bool,
    reading: &'c Reading<'c>,
}

// Construction and filling are separate: returning the struct in a `Result` would copy a kilobyte per record.
impl<'a, 'c> Fields<'a, 'c> {
    /// An empty set of fields for a record.
    pub(super) const fn of_record(reading: &'c Reading<'c>) -> Self {
        Self { slots: [None; Field::COUNT], object: None, has_escapes: true, reading }
    }

    /// An empty set of fields for an object inside a record.
    pub(super) const fn of_object(value: &Value<'a, 'c>) -> Self {
        let object = value.path.last_step();
        Self { slots: [None; Field::COUNT], object, has_escapes: value.has_escapes, reading: value.reading }
    }

    /// Reads a record. The whole text must parse as JSON before it is required to be an object: `invalid_json` before `wrong_type`.
    pub(super) fn read_record(&mut self, text: &'a str) -> Result<(), Rejection> {
        self.has_escapes = self.fill(text).ok_or_else(|| not_an_object(text))?;
        if self.has_escapes && document::has_lone_surrogate(text) {
            return Err(Rejection::new(Code::InvalidJson, "contains a lone surrogate escape"));
        }
        Ok(())
    }

    /// Reads an object nested in a record that has been read.
    pub(super) fn read_object(&mut self, value: &Value<'a, 'c>) -> Result<(), Rejection> {
        if self.fill(value.json).is_some() { Ok(()) } else { Err(value.wrong_type("is not an object")) }
    }

    /// Reads a required field; null and empty text are `missing_field`.
    #[inline]
    pub(super) fn required<T>(&self, field: Field, read: impl FnOnce(&Value<'a, 'c>) -> Result<T, Rejection>) -> Result<T, Rejection> {
        match self.get(field) {
            Some(value) => read(&value),
            None => Err(self.missing(field)),
        }
    }

    /// Reads an optional field, which may be missing, null or empty text.
    #[inline]
    pub(super) fn optional<T>(
        &self,
        field: Field,
        read: impl FnOnce(&Value<'a, 'c>) -> Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        self.get(field).map(|value| read(&value)).transpose()
    }

    /// Reads an optional instant. One before 1900 counts as missing: .NET and Go write an unset time as the year 1.
    pub(super) fn optional_instant(&self, field: Field) -> Result<Option<Timestamp>, Rejection> {
        Ok(self.optional(field, Value::instant)?.filter(|at| *at >= Timestamp::Y1900))
    }

    /// Reads a required instant, not before 1900.
    pub(super) fn required_instant(&self, field: Field) -> Result<Timestamp, Rejection> {
        self.required(field, |value| match value.instant()? {
            at if at >= Timestamp::Y1900 => Ok(at),
            _ => Err(value.out_of_range("is before 1900")),
        })
    }

    /// The rejection of a record without this field.
    #[cold]
    pub(super) fn missing(&self, field: Field) -> Rejection {
        Rejection::new(Code::MissingField, format!("{} is missing", Path::new(self.object, field)))
    }

    #[inline]
    fn get(&self, field: Field) -> Option<Value<'a, 'c>> {
        let json = self.slots.get(field as usize).copied().flatten()?;
        let path = Path::new(self.object, field);
        let value = Value { json, path, has_escapes: self.has_escapes, reading: self.reading };
        value.is_given().then_some(value)
    }

    /// Whether any string of the object contains an escape; `None` if it is not JSON or not an object.
    fn fill(&mut self, object: &'a str) -> Option<bool> {
        let mut scanner = Scanner::new(object);
        scanner.object(|scanner, key| {
            match Field::of(key).and_then(|field| self.slots.get_mut(field as usize)) {
                Some(slot) => *slot = Some(scanner.value()?),
                None => scanner.skip()?,
            }
            Some(())
        })?;
        scanner.end().then_some(scanner.has_escapes)
    }
}

/// The rejection of a text that is no JSON object.
#[cold]
fn not_an_object(text: &str) -> Rejection {
    if let Err(rejection) = document::check_depth(text) {
        return rejection;
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => Rejection::new(Code::InvalidJson, format!("not valid JSON at line {}, column {}", error.line(), error.column())),
        Ok(_) if document::has_lone_surrogate(text) => Rejection::new(Code::InvalidJson, "contains a lone surrogate escape"),
        Ok(_) => Rejection::new(Code::WrongType, "the value is not an object"),
    }
}
