//! Problems of a mapping while it is compiled.

use std::collections::BTreeMap;

use crate::config::nearest;
use crate::config::path::KeyPath;
use crate::config::problem::Problem;
use crate::config::tree::{Node, Value};

/// The problems found so far.
#[derive(Default)]
pub(super) struct Report {
    pub(super) problems: Vec<Problem>,
}

/// A value of the file and where it is.
#[derive(Clone)]
pub(super) struct At<'n> {
    pub(super) node: &'n Node,
    pub(super) path: KeyPath,
}

impl<'n> At<'n> {
    /// An entry of this table.
    pub(super) fn entry(&self, key: &str) -> Option<Self> {
        let node = self.node.entries()?.get(key)?;
        Some(Self { node, path: self.path.key(key) })
    }

    /// The entries of this table.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'n str, Self)> + '_ {
        let entries = self.node.entries().into_iter().flatten();
        entries.map(|(key, node)| (key.as_str(), Self { node, path: self.path.key(key) }))
    }

    /// The elements of a list, or the value itself if it is none.
    pub(super) fn elements(&self) -> Vec<Self> {
        match &self.node.value {
            Value::Array(items) => items.iter().enumerate().map(|(at, node)| Self { node, path: self.path.index(at) }).collect(),
            _ => vec![self.clone()],
        }
    }

    /// The text, if it is text.
    pub(super) fn text(&self) -> Option<&'n str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a table.
    pub(super) const fn is_table(&self) -> bool {
        matches!(self.node.value, Value::Table(_))
    }
}

impl Report {
    /// Adds a problem.
    pub(super) fn problem(&mut self, at: &At<'_>, message: impl Into<String>) {
        self.problems.push(Problem::new(at.node.origin.clone(), at.path.to_string(), message));
    }

    /// Adds a problem with a name that is not one of these.
    pub(super) fn unknown<'a>(&mut self, at: &At<'_>, written: &str, names: impl IntoIterator<Item = &'a str>, message: impl Into<String>) {
        let nearest = nearest::within_reach(written, names).map(str::to_owned);
        self.problems.push(Problem { nearest, ..Problem::new(at.node.origin.clone(), at.path.to_string(), message) });
    }

    /// Reports the keys of a table that are not among these.
    pub(super) fn keys(&mut self, table: &At<'_>, allowed: &[&str]) {
        for (key, at) in table.entries().filter(|(key, _)| !allowed.contains(key)) {
            let message = format!("unknown key: must be one of {}", allowed.join(", "));
            self.unknown(&at, key, allowed.iter().copied(), message);
        }
    }

    /// The text at a key, or a problem.
    pub(super) fn text<'n>(&mut self, at: &At<'n>) -> Option<&'n str> {
        let text = at.text();
        if text.is_none() {
            self.problem(at, "must be a string");
        }
        text
    }

    /// True or false, or a problem.
    pub(super) fn flag(&mut self, at: &At<'_>) -> Option<bool> {
        if let Value::Boolean(flag) = at.node.value {
            return Some(flag);
        }
        self.problem(at, "must be true or false");
        None
    }

    /// A table, or a problem.
    pub(super) fn table(&mut self, at: &At<'_>) -> bool {
        if !at.is_table() {
            self.problem(at, "must be a table");
        }
        at.is_table()
    }
}

/// Named tables with how often each is used.
pub(super) type Uses<T> = BTreeMap<String, (T, usize)>;
