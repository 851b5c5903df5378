//! Writes one JSON object, field by field. Missing values leave no trace.

use std::io::Write;

use crate::event::native::field::Field;
use crate::event::native::value::{FIRST_MILLISECOND_NUMBER, unit_too_fine};
use crate::money::Fixed;
use crate::time::Timestamp;

/// An object that is being written; [`Object::end`] closes it.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// Text; JSON's own escapes only.
    pub(super) fn text(&mut self, field: Field, text: &str) {
        self.text_of_key(field.text(), text);
    }

    pub(super) fn optional_text(&mut self, field: Field, text: Option<&str>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    /// Text under a key that is data.
    pub(super) fn text_of_key(&mut self, key: &str, text: &str) {
        self.key(key);
        quoted(self.out, text);
    }

    /// A whole number.
    pub(super) fn whole(&mut self, field: Field, number: impl itoa::Integer) {
        self.key(field.text());
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A float in the shortest form that reads back as the same one.
    pub(super) fn float(&mut self, field: Field, number: f64) {
        self.key(field.text());
        self.serialized(&number);
    }

    /// A flag, only if it is set: all flags of the contract but `public` are false by default.
    pub(super) fn flag_if_set(&mut self, field: Field, flag: bool) {
        if flag {
            self.flag(field, true);
        }
    }

    pub(super) fn flag(&mut self, field: Field, flag: bool) {
        self.key(field.text());
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    /// An exact decimal, moved by a number of decimal places: `decimal(field, 12345, 2)` writes 123.45.
    pub(super) fn decimal(&mut self, field: Field, number: Fixed, places: u32) {
        self.key(field.text());
        let places = usize::try_from(number.scale() + places).unwrap_or_default();
        let digits = format!("{:0>width$}", number.mantissa().unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if number.is_negative() { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        for part in [sign, whole, point, fraction] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// A duration in seconds.
    pub(super) fn nanoseconds(&mut self, field: Field, duration: u64) {
        self.decimal(field, Fixed::new(duration.into(), 9), 0);
    }

    /// An instant: as milliseconds where a number of that size is read as such, else as RFC 3339.
    pub(super) fn instant(&mut self, field: Field, at: Timestamp) {
        let millis = i128::from(at.0);
        if millis >= FIRST_MILLISECOND_NUMBER && unit_too_fine(millis).is_none() {
            self.whole(field, at.0);
        } else {
            self.key(field.text());
            self.written(format_args!("\"{at}\""));
        }
    }

    pub(super) fn optional_instant(&mut self, field: Field, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.instant(field, at);
        }
    }

    /// A nested object.
    pub(super) fn object(&mut self, field: Field, fill: impl FnOnce(&mut Object<'_>)) {
        self.key(field.text());
        object(self.out, fill);
    }

    /// An array of objects.
    pub(super) fn objects<T>(&mut self, field: Field, elements: &[T], fill: impl Fn(&mut Object<'_>, &T)) {
        self.array(field, elements, |out, element| object(out, |object| fill(object, element)));
    }

    /// An array of texts.
    pub(super) fn texts<T: AsRef<str>>(&mut self, field: Field, elements: &[T]) {
        self.array(field, elements, |out, element| quoted(out, element.as_ref()));
    }

    fn array<T>(&mut self, field: Field, elements: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
        self.key(field.text());
        self.out.push(b'[');
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write(self.out, element);
        }
        self.out.push(b']');
    }

    fn key(&mut self, key: &str) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        quoted(self.out, key);
        self.out.push(b':');
    }

    fn serialized(&mut self, value: &impl serde::Serialize) {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    fn written(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(text);
    }
}

fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    let mut object = Object::begin(out);
    fill(&mut object);
    object.end();
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    // Looked at without an early end, so that the compiler compares many bytes at once.
    let escaped = |byte: u8| u8::from(byte < b' ' || byte == b'"' || byte == b'\\');
    if text.bytes().fold(0, |found, byte| found | escaped(byte)) != 0 {
        let _ = serde_json::to_writer(out, text);
        return;
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::quoted;

    proptest! {
        #[test]
        fn text_is_quoted_as_serde_json_quotes_it(text in "([a-z é😀\"\\\\\u{0}-\u{20}\u{7f}]|[a-z]){0,80}") {
            let mut out = Vec::new();
            quoted(&mut out, &text);
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }
    }
}
