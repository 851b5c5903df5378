//! The fields of a JSON object: a single pass collects the known ones and validates the rest.

use serde::de::IgnoredAny;
use smallvec::SmallVec;

use super::document;
use super::field::{Field, Path, Step};
use super::reading::Reading;
use super::value::{Unit, Value};
use crate::event::scan::{Escapes, Scanner};
use crate::event::{Code, Rejection};
use crate::time::Timestamp;

/// The known fields of one object, each as the JSON text of its value. The last of repeated keys wins.
pub(super) struct Fields<'a, 'c> {
    /// Where the value of each field is in `values`, from 1 on; 0 if the object lacks it.
    places: [u8; Field::COUNT],
    values: SmallVec<[(&'a str, Unit); 16]>,
    /// The path of the object; `None` for the record itself.
    object: Option<Step>,
    has_escapes: bool,
    reading: &'c Reading<'c>,
}

// Construction and filling are separate: returning the struct in a `Result` would copy it for each record.
impl<'a, 'c> Fields<'a, 'c> {
    /// An empty set of fields for a record.
    pub(super) fn of_record(reading: &'c Reading<'c>) -> Self {
        Self { places: [0; Field::COUNT], values: SmallVec::new(), object: None, has_escapes: true, reading }
    }

    /// An empty set of fields for an object inside a record.
    pub(super) fn of_object(value: &Value<'a, 'c>) -> Self {
        let object = value.path.last_step();
        Self { places: [0; Field::COUNT], values: SmallVec::new(), object, has_escapes: value.has_escapes, reading: value.reading }
    }

    /// Reads a record. The whole text must parse as JSON before it is required to be an object: `invalid_json` before `wrong_type`.
    pub(super) fn read_record(&mut self, text: &'a str) -> Result<(), Rejection> {
        let escapes = self.fill(text).ok_or_else(|| not_an_object(text))?;
        self.has_escapes = escapes.any;
        if escapes.code_units && document::has_lone_surrogate(text) {
            return Err(Rejection::new(Code::InvalidJson, "contains a lone surrogate escape"));
        }
        Ok(())
    }

    /// Takes the members of a record that has been read elsewhere; `None` if one of them is.
    pub(super) fn set_members(
        &mut self,
        mut members: impl Iterator<Item = Option<(&'a [u8], (&'a str, Unit))>>,
        has_escapes: bool,
    ) -> Option<()> {
        self.has_escapes = has_escapes;
        members.try_for_each(|member| {
            let (name, value) = member?;
            Field::of(name).map_or(Some(()), |field| self.set(field, value))
        })
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
        match self.get(field) {
            Some(value) => Ok(Some(read(&value)?)),
            None => Ok(None),
        }
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

    /// Whether any text that was read has been cut.
    pub(super) const fn has_cut_text(&self) -> bool {
        self.reading.cut_text.get()
    }

    /// The rejection of a record without this field.
    #[cold]
    pub(super) fn missing(&self, field: Field) -> Rejection {
        Rejection::new(Code::MissingField, format!("{} is missing", Path::new(self.object, field)))
    }

    #[inline]
    fn get(&self, field: Field) -> Option<Value<'a, 'c>> {
        let place = self.places.get(field as usize).copied().filter(|place| *place > 0)?;
        let (json, unit) = *self.values.get(usize::from(place) - 1)?;
        let path = Path::new(self.object, field);
        let value = Value { json, unit, path, has_escapes: self.has_escapes, reading: self.reading };
        value.is_given().then_some(value)
    }

    /// What escapes the strings of the object contain; `None` if it is not JSON or not an object.
    fn fill(&mut self, object: &'a str) -> Option<Escapes> {
        let mut scanner = Scanner::new(object);
        let end = scanner.object(scanner.start(), |scanner, key, at| {
            let (json, end) = scanner.value(at)?;
            if let Some(field) = Field::of(key) {
                self.set(field, (json, Unit::Usual))?;
            }
            Some(end)
        })?;
        scanner.is_end(end).then(|| scanner.escapes())
    }

    #[inline]
    fn set(&mut self, field: Field, value: (&'a str, Unit)) -> Option<()> {
        let place = self.places.get_mut(field as usize)?;
        if let Some(index) = usize::from(*place).checked_sub(1) {
            *self.values.get_mut(index)? = value;
            return Some(());
        }
        self.values.push(value);
        *place = u8::try_from(self.values.len()).ok()?;
        Some(())
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
