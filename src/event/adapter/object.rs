//! Lenient types for the payloads of providers: one pass over the JSON, text borrowed, and no wrong type is an error while scanning.
//!
//! Whether a value has the right type is decided when it is read, so that a field that is not needed cannot cost the record, and the
//! rejection can name the field. The last of repeated keys wins.

use crate::event::scan::{self, Key, Scan, Scanner};
use crate::event::{Code, Rejection};

/// Declares an object: its fields with their keys. All other keys are skipped.
macro_rules! object {
    ($(#[$meta:meta])* struct $name:ident<$life:lifetime> { $($(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(in crate::event::adapter) struct $name<$life> {
            $($(#[$field_meta])* pub(in crate::event::adapter) $field: $type,)*
        }

        impl<$life> crate::event::scan::Scan<$life> for $name<$life> {
            fn scan(&mut self, scanner: &mut crate::event::scan::Scanner<$life>, at: usize) -> Option<usize> {
                #[derive(Clone, Copy)]
                #[allow(non_camel_case_types, reason = "named after the fields")]
                enum Name { $($field,)* }
                static NAMES: crate::event::names::Names<Name, { [$($key),*].len() }> =
                    crate::event::names::Names::new([$(($key, Name::$field)),*]);
                scanner.object(at, |scanner, key, at| match NAMES.get(key) {
                    $(Some(Name::$field) => crate::event::scan::Scan::scan(&mut self.$field, scanner, at),)*
                    None => scanner.skip(at),
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
        scan::content(self.0?)
    }

    /// A value found elsewhere.
    pub(super) const fn of(json: Option<&'a str>) -> Self {
        Self(json)
    }

    /// The JSON text; `None` if it is missing, null or empty text.
    #[inline]
    pub(super) fn given(self) -> Option<&'a str> {
        self.0.filter(|json| !matches!(*json, "null" | "\"\""))
    }
}

impl<'a> Scan<'a> for Json<'a> {
    #[inline]
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        let (json, end) = scanner.value(at)?;
        self.0 = Some(json);
        Some(end)
    }
}

/// Any value; the members of an object are listed on the way, so that whoever reads it need not scan it again.
#[derive(Debug, Default)]
pub(super) struct Listed<'a> {
    pub(super) json: Json<'a>,
    members: Vec<(&'a [u8], &'a str)>,
    is_complete: bool,
    /// Whether any string in it contains an escape.
    pub(super) has_escapes: bool,
}

impl<'a> Listed<'a> {
    /// The keys and values; `None` if it is no object, has very many members, or one whose key has escapes.
    pub(super) fn members(&self) -> Option<&[(&'a [u8], &'a str)]> {
        self.is_complete.then_some(self.members.as_slice())
    }
}

impl<'a> Scan<'a> for Listed<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        /// As many as most have.
        const MEMBERS_USUAL: usize = 16;
        /// More than any row or event has that is read; a record full of tiny members must not take many times its size.
        const MEMBERS_MAX: usize = 512;
        self.members = Vec::new();
        let escaped_before = scanner.take_escapes();
        self.is_complete = scanner.peek(at) == Some(b'{');
        let end = if self.is_complete {
            self.members.reserve(MEMBERS_USUAL);
            scanner.members(at, |scanner, key, at| {
                let (value, end) = scanner.value(at)?;
                match key {
                    Key::Plain(key) if self.members.len() < MEMBERS_MAX => self.members.push((key, value)),
                    Key::Plain(_) | Key::Unescaped(_) => self.is_complete = false,
                }
                Some(end)
            })?
        } else {
            scanner.skip(at)?
        };
        self.json = Json::of(scanner.between(at, end));
        self.has_escapes = scanner.escapes().any;
        scanner.restore_escapes(escaped_before);
        Some(end)
    }
}

/// A nested object, or a list with elements of one type, where the provider may send anything.
#[derive(Debug, Default)]
pub(super) enum Nested<T> {
    /// Missing, null or empty text.
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

    /// An object; `None` if it is missing.
    ///
    /// # Errors
    /// If the value at this path is something else.
    pub(super) fn object(&self, path: &str) -> Result<Option<&T>, Rejection> {
        match self {
            Self::Given(value) => Ok(Some(value)),
            Self::Missing => Ok(None),
            Self::Wrong => Err(Rejection::new(Code::WrongType, format!("{path} is not an object"))),
        }
    }

    /// What takes the place of the expected shape.
    fn fill_other(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Option<usize> {
        let (json, end) = scanner.value(at)?;
        *self = if Json::of(Some(json)).given().is_none() { Self::Missing } else { Self::Wrong };
        Some(end)
    }
}

impl<'a, T: Scan<'a>> Scan<'a> for Box<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        (**self).scan(scanner, at)
    }
}

impl<'a, T: Scan<'a>> Scan<'a> for Nested<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        if scanner.peek(at) != Some(b'{') {
            return self.fill_other(scanner, at);
        }
        *self = Self::Given(T::default());
        match self {
            Self::Given(value) => value.scan(scanner, at),
            Self::Missing | Self::Wrong => None,
        }
    }
}

/// A list whose elements are objects of one type.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Nested<Vec<Nested<T>>>);

impl<'a, T: Scan<'a>> Scan<'a> for List<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        if scanner.peek(at) != Some(b'[') {
            return self.0.fill_other(scanner, at);
        }
        let mut elements = Vec::new();
        let end = scanner.list(at, |scanner, at| {
            elements.push(Nested::Missing);
            elements.last_mut()?.scan(scanner, at)
        })?;
        self.0 = Nested::Given(elements);
        Some(end)
    }
}

impl<T> List<T> {
    /// The elements that are objects; none if it is missing or something else.
    pub(super) fn given(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.get().into_iter().flatten().filter_map(Nested::get)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Nested::Missing)
    }
}
