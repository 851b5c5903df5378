//! Serde errors in plain words, with their paths.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

use crate::config::keys;
use crate::config::nearest;
use crate::config::path::KeyPath;
use crate::config::problem::{Origin, Problem};
use crate::config::tree::Node;

/// A decoding error without a location.
#[derive(Debug)]
pub(in crate::config) struct Error {
    message: String,
    /// The unknown name, and the valid ones.
    names: Option<(String, &'static [&'static str])>,
    is_unknown_key: bool,
    /// The key that is missing in the table at `path`.
    pub(super) missing: Option<&'static str>,
    /// Where it occurred; filled in as the error propagates.
    pub(super) path: Option<KeyPath>,
}

impl Error {
    fn new(message: String) -> Self {
        Self { message, names: None, is_unknown_key: false, missing: None, path: None }
    }

    /// Sets the path, unless a deeper one is already set.
    pub(super) fn at(mut self, path: impl FnOnce() -> KeyPath) -> Self {
        self.path.get_or_insert_with(path);
        self
    }

    /// The problem with its location. `more`: valid names besides those that serde knows.
    pub(super) fn problem(self, root: &Node, more: &[&str]) -> Problem {
        let path = self.path.unwrap_or_default();
        let path = self.missing.map_or_else(|| path.clone(), |key| path.key(key));
        let origin = root.origin_of(&path).clone();
        let nearest = match self.names {
            Some((written, names)) if self.is_unknown_key => nearest_key(&path, &written, names.iter().chain(more).copied()),
            Some((written, names)) => nearest::within_reach(&written, names.iter().copied()).map(str::to_owned),
            None => None,
        };
        let from_outside = matches!(origin, Origin::Option(_) | Origin::Variable(_));
        let message = match self.message.strip_prefix("must be a table, not ") {
            Some(_) if from_outside => section_needs_key(&path),
            _ => self.message,
        };
        Problem { origin, key: path.to_string(), message, nearest }
    }
}

/// What an unknown key was probably meant to be: a misspelt key of the same table, the full key that its name ends, or a similar one.
fn nearest_key<'a>(path: &KeyPath, written: &str, neighbours: impl Iterator<Item = &'a str>) -> Option<String> {
    let neighbour = nearest::within_reach(written, neighbours);
    let is_slip = neighbour.is_some_and(|neighbour| strsim::damerau_levenshtein(written, neighbour) == 1);
    let path = path.to_string();
    let elsewhere = if is_slip { Vec::new() } else { keys::ending_in(written) };
    let found = match (elsewhere.is_empty(), neighbour) {
        (false, _) => elsewhere,
        (true, Some(neighbour)) => vec![neighbour],
        (true, None) => keys::meant_by(&path),
    };
    (!found.is_empty()).then(|| found.join("` or `"))
}

fn section_needs_key(path: &KeyPath) -> String {
    let keys = keys::in_section(&path.to_string());
    let examples = if keys.is_empty() { String::new() } else { format!(", such as {}", keys.join(" or ")) };
    format!("is a section: set one of its keys{examples}")
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}, not {}", wanted(expected), kind_of(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Signed(number) => Self::new(format!("{number} is out of range: must be {}", wanted(expected))),
            _ => Self::new(format!("must be {}", wanted(expected))),
        }
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("has {length} entries: must be {}", wanted(expected)))
    }

    fn unknown_field(field: &str, names: &'static [&'static str]) -> Self {
        Self { names: Some((field.to_owned(), names)), is_unknown_key: true, ..Self::new("unknown key".to_owned()) }
    }

    fn unknown_variant(variant: &str, names: &'static [&'static str]) -> Self {
        let allowed = names.join(", ");
        Self { names: Some((variant.to_owned(), names)), ..Self::new(format!("`{variant}` is not allowed: must be one of {allowed}")) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new("is missing".to_owned()) }
    }
}

/// What serde expected, in the words of the documentation.
fn wanted(expected: &dyn Expected) -> String {
    let name = expected.to_string();
    match name.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number >= 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        _ if name.starts_with("struct ") => "a table".to_owned(),
        _ => name,
    }
}

/// The type that was found, without the value, which may be a secret.
fn kind_of(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with decimals",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "a value of another type",
    }
}
