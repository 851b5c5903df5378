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
            fn scan(&mut self, scanner: &mut crate::event::scan::Scanner<$life>) -> Option<()> {
                scanner.object(|scanner, key| match key {
                    $($key => crate::event::scan::Scan::scan(&mut self.$field, scanner),)*
                    _ => scanner.skip(),
                })
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
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        self.0 = Some(scanner.value()?);
        Some(())
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
    fn other(scanner: &mut Scanner<'_>) -> Option<Self> {
        Some(if scanner.value()? == "null" { Self::Missing } else { Self::Wrong })
    }
}

impl<'a, T: Scan<'a>> Scan<'a> for Nested<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        if scanner.peek() != Some(b'{') {
            *self = Self::other(scanner)?;
            return Some(());
        }
        *self = Self::Given(T::default());
        match self {
            Self::Given(value) => value.scan(scanner),
            Self::Missing | Self::Wrong => None,
        }
    }
}

/// A list whose elements are objects of one type.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Nested<Vec<Nested<T>>>);

impl<'a, T: Scan<'a>> Scan<'a> for List<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        if scanner.peek() != Some(b'[') {
            self.0 = Nested::other(scanner)?;
            return Some(());
        }
        let mut elements = Vec::new();
        scanner.list(|scanner| {
            elements.push(Nested::Missing);
            elements.last_mut()?.scan(scanner)
        })?;
        self.0 = Nested::Given(elements);
        Some(())
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Nested::Missing)
    }
}
