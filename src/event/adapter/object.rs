//! Lenient types for the payloads of providers: one pass over the JSON, text borrowed, and no wrong type is an error while scanning.
//!
//! Whether a value has the right type is decided when it is read, so that a field that is not needed cannot cost the record, and the
//! rejection can name the field. The last of repeated keys wins.

use crate::event::scan::{Scan, Scanner};

/// Declares an object: its fields with their keys. All other keys are skipped.
macro_rules! object {
    ($(#[$meta:meta])* struct $name:ident<$life:lifetime> { $($(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name<$life> {
            $($(#[$field_meta])* pub(super) $field: $type,)*
        }

        impl<$life> crate::event::scan::Scan<$life> for $name<$life> {
            fn scan(scanner: &mut crate::event::scan::Scanner<$life>) -> Option<Self> {
                let mut object = Self::default();
                scanner.object(|scanner, key| {
                    match key {
                        $($key => object.$field = crate::event::scan::Scan::scan(scanner)?,)*
                        _ => scanner.skip()?,
                    }
                    Some(())
                })?;
                Some(object)
            }
        }
    };
}
pub(super) use object;

/// Any value, as its JSON text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Json<'a>(Option<&'a str>);

impl<'a> Json<'a> {
    /// The text of a string without escapes: names that a provider gives to things of its own.
    pub(super) fn plain(self) -> Option<&'a str> {
        self.0?.strip_prefix('"')?.strip_suffix('"')
    }

    /// A value found elsewhere.
    pub(super) const fn of(json: Option<&'a str>) -> Self {
        Self(json)
    }

    /// The JSON text; `None` if it is missing, null or empty text.
    pub(super) fn given(self) -> Option<&'a str> {
        self.0.filter(|json| !matches!(*json, "null" | "\"\""))
    }
}

impl<'a> Scan<'a> for Json<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Option<Self> {
        scanner.value().map(|json| Self(Some(json)))
    }
}

/// A nested object, or a list with elements of one type, where the provider may send anything.
#[derive(Debug, Default)]
pub(super) enum Nested<T> {
    /// Missing or null.
    #[default]
    Missing,
    /// Something else.
    Wrong,
    /// As expected.
    Given(T),
}

impl<T> Nested<T> {
    /// The value; `None` if it is missing or something else.
    pub(super) const fn get(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Wrong => None,
        }
    }

    /// What takes the place of the expected shape.
    fn other<'a>(scanner: &mut Scanner<'a>) -> Option<Self> {
        Some(if scanner.value()? == "null" { Self::Missing } else { Self::Wrong })
    }
}

impl<'a, T: Scan<'a>> Scan<'a> for Nested<T> {
    fn scan(scanner: &mut Scanner<'a>) -> Option<Self> {
        match scanner.peek() {
            Some(b'{') => T::scan(scanner).map(Self::Given),
            _ => Self::other(scanner),
        }
    }
}

/// A list whose elements are objects of one type.
#[derive(Debug, Default)]
pub(super) struct List<T>(pub(super) Nested<Vec<Nested<T>>>);

impl<'a, T: Scan<'a>> Scan<'a> for List<T> {
    fn scan(scanner: &mut Scanner<'a>) -> Option<Self> {
        if scanner.peek() != Some(b'[') {
            return Nested::other(scanner).map(Self);
        }
        let mut elements = Vec::new();
        scanner.list(|scanner| {
            elements.push(Nested::scan(scanner)?);
            Some(())
        })?;
        Some(Self(Nested::Given(elements)))
    }
}
