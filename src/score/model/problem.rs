//! Problems of a model file, collected so that all are reported at once.

use std::fmt;

/// Maximum number of components, of profiles, and of rules.
pub const MAX_ENTRIES: usize = 64;
/// Bytes of a name, at most: the names of rules in force are stored with each account.
const MAX_NAME_BYTES: usize = 256;

/// A problem of a model file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ModelProblem {
    /// Where, such as `health.component[2].metric`; indices count from 0.
    pub path: String,
    /// What is wrong, with a suggestion if a name is unknown.
    pub message: String,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<ModelProblem>);

impl Problems {
    /// Adds a problem.
    pub fn add(&mut self, path: impl fmt::Display, message: impl Into<String>) {
        self.0.push(ModelProblem { path: path.to_string(), message: message.into() });
    }

    /// Adds a problem unless the condition holds.
    pub fn check(&mut self, holds: bool, path: impl fmt::Display, message: impl FnOnce() -> String) {
        if !holds {
            self.add(path, message());
        }
    }

    /// Adds a problem if a number is outside a range.
    pub fn in_range(&mut self, value: f64, low: f64, high: f64, path: impl fmt::Display) {
        self.check((low..=high).contains(&value), path, || format!("is {value}, must be {low} to {high}"));
    }

    /// Unwraps a result, adding its error as a problem.
    pub fn take<T>(&mut self, result: Result<T, String>, path: impl fmt::Display) -> Option<T> {
        result.map_err(|message| self.add(path, message)).ok()
    }

    /// Adds a problem for every empty, repeated or overlong name, and if there are too many.
    pub fn names<'a>(&mut self, names: impl Iterator<Item = &'a str>, table: &str) {
        let mut seen: Vec<&str> = Vec::new();
        for (place, name) in names.enumerate() {
            self.check(!name.is_empty(), format_args!("{table}[{place}].name"), || "is empty".into());
            let is_short = name.len() <= MAX_NAME_BYTES;
            self.check(is_short, format_args!("{table}[{place}].name"), || format!("is longer than {MAX_NAME_BYTES} bytes"));
            self.check(!seen.contains(&name), format_args!("{table}[{place}].name"), || format!("`{name}` is repeated"));
            seen.push(name);
        }
        self.check(seen.len() <= MAX_ENTRIES, table, || format!("has {} entries, at most {MAX_ENTRIES} are allowed", seen.len()));
    }
}
