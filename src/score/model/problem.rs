//! What is wrong with a model: collected, so that all of it is reported at once.

use std::fmt;

/// Components, profiles or rules a model may have, each.
pub const MAX_ENTRIES: usize = 64;

/// Something wrong with a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ModelProblem {
    /// Where, as `health.component[2].metric`; places count from 0.
    pub path: String,
    /// What, with the nearest valid name where a name is unknown.
    pub message: String,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<ModelProblem>);

impl Problems {
    /// Notes a problem.
    pub fn add(&mut self, path: impl fmt::Display, message: impl Into<String>) {
        self.0.push(ModelProblem { path: path.to_string(), message: message.into() });
    }

    /// Notes a problem unless something holds.
    pub fn check(&mut self, holds: bool, path: impl fmt::Display, message: impl FnOnce() -> String) {
        if !holds {
            self.add(path, message());
        }
    }

    /// Notes a number outside a range.
    pub fn in_range(&mut self, value: f64, low: f64, high: f64, path: impl fmt::Display) {
        self.check((low..=high).contains(&value), path, || format!("is {value}, must be {low} to {high}"));
    }

    /// Keeps what is right and notes what is not.
    pub fn take<T>(&mut self, result: Result<T, String>, path: impl fmt::Display) -> Option<T> {
        result.map_err(|message| self.add(path, message)).ok()
    }

    /// Notes names that are empty or there twice, and more of them than are allowed.
    pub fn names<'a>(&mut self, names: impl Iterator<Item = &'a str>, table: &str) {
        let mut seen: Vec<&str> = Vec::new();
        for (place, name) in names.enumerate() {
            self.check(!name.is_empty(), format_args!("{table}[{place}].name"), || "is empty".into());
            self.check(!seen.contains(&name), format_args!("{table}[{place}].name"), || format!("`{name}` is there twice"));
            seen.push(name);
        }
        self.check(seen.len() <= MAX_ENTRIES, table, || format!("has {} entries, at most {MAX_ENTRIES} are allowed", seen.len()));
    }
}
