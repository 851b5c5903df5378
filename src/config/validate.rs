//! Collects problems and warnings from the checks after decoding, each with the location of its key.

use std::collections::BTreeSet;

use super::path::{KeyPath, PathStep};
use super::problem::{Origin, Problem};
use super::tree::Node;

/// Problems and warnings of a document.
pub(super) struct Report<'a> {
    root: &'a Node,
    /// What could not be decoded: in lists, later entries have moved up; elsewhere, the default applies.
    left_out: &'a BTreeSet<KeyPath>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Report<'a> {
    pub(super) fn new(root: &'a Node, left_out: &'a BTreeSet<KeyPath>) -> Self {
        Self { root, left_out, problems: Vec::new(), warnings: Vec::new() }
    }

    /// Adds a problem with a key.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let path = self.path(key);
        self.problems.push(self.at(&path, message.into()));
    }

    /// Adds a conflict between two keys, at the first one that is written; does nothing if one could not be decoded.
    pub(super) fn problem_of_either(&mut self, keys: [&str; 2], message: impl Into<String>) {
        let [first, second] = keys.map(|key| self.path(key));
        if self.left_out.contains(&first) || self.left_out.contains(&second) {
            return;
        }
        let path = if self.root.at(&first).is_none() && self.root.at(&second).is_some() { second } else { first };
        self.problems.push(self.at(&path, message.into()));
    }

    /// Whether everything written under a key could be decoded.
    pub(super) fn is_complete(&self, key: &str) -> bool {
        let path = self.path(key);
        !self.left_out.iter().any(|left_out| left_out.steps().starts_with(path.steps()))
    }

    /// Adds a problem that already has its location.
    pub(super) fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Adds a warning about a key.
    pub(super) fn warning(&mut self, key: &str, message: impl Into<String>) {
        let path = self.path(key);
        self.warnings.push(self.at(&path, message.into()));
    }

    /// The location of a key.
    pub(super) fn origin(&self, key: &str) -> &'a Origin {
        self.root.origin_of(&self.path(key))
    }

    /// Problems and warnings.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        (self.problems, self.warnings)
    }

    fn at(&self, path: &KeyPath, message: String) -> Problem {
        Problem::new(self.root.origin_of(path).clone(), path.to_string(), message)
    }

    /// Maps a path in the decoded value to the document, where entries that were left out still count.
    fn path(&self, key: &str) -> KeyPath {
        let read = KeyPath::parse(key).unwrap_or_else(|| KeyPath::of_keys([key]));
        read.steps().iter().fold(KeyPath::default(), |path, step| match step {
            PathStep::Key(key) => path.key(key),
            PathStep::Index(index) => {
                let kept = (0..).map(|index| path.index(index)).filter(|entry| !self.left_out.contains(entry));
                kept.into_iter().nth(*index).unwrap_or(path)
            }
        })
    }
}
