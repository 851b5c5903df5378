//! The headers of a record, looked up by name while the record is alive: nothing is copied.

use std::fmt;

/// Where the headers of a record are.
pub trait HeaderLookup {
    /// The value of the last header of this name; `None` if there is none, or its value is null.
    fn header(&self, name: &str) -> Option<&[u8]>;

    /// The values of several headers at once, each in the place of its name.
    fn find<'h>(&'h self, names: &[&str], values: &mut [Option<&'h [u8]>]) {
        for (name, value) in names.iter().zip(values) {
            *value = self.header(name);
        }
    }
}

/// The headers of a record; those of a line of a file are empty.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a>(Option<&'a dyn HeaderLookup>);

impl<'a> Headers<'a> {
    /// No headers.
    pub const NONE: Self = Self(None);

    /// The headers of a record.
    #[must_use]
    pub const fn of(record: &'a dyn HeaderLookup) -> Self {
        Self(Some(record))
    }

    /// The value of the last header of this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.0?.header(name)
    }

    /// The values of several headers at once, each in the place of its name.
    pub fn find(self, names: &[&str], values: &mut [Option<&'a [u8]>]) {
        if let Some(record) = self.0 {
            record.find(names, values);
        }
    }

    /// The same as text; `None` if it is not UTF-8 or empty.
    #[must_use]
    pub fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Headers<'_> {
    /// Values are payload, and names cannot be listed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Headers" } else { "Headers::NONE" })
    }
}

impl HeaderLookup for Vec<(String, Vec<u8>)> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    fn find<'h>(&'h self, names: &[&str], values: &mut [Option<&'h [u8]>]) {
        for (known, header) in self {
            if let Some((_, value)) = names.iter().zip(&mut *values).find(|(name, _)| known == *name) {
                *value = Some(header.as_slice());
            }
        }
    }
}
