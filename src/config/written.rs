//! The keys that a configuration sets besides the model, to detect changes that need a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use super::model;
use super::path::KeyPath;
use super::tree::{Node, Value};

/// The keys that are set, each with a hash instead of its value, which may be a secret.
#[derive(Clone, Default)]
pub(super) struct Written(BTreeMap<String, u64>);

impl Written {
    /// All keys of a document except those of the model.
    pub(super) fn of(root: &Node) -> Self {
        let mut written = Self::default();
        for (name, node) in root.entries().into_iter().flatten().filter(|(name, _)| *name != "model_file") {
            let path = KeyPath::of_keys([name.as_str()]);
            if !model::has_table_of(&path) {
                written.note(&path, node);
            }
        }
        written
    }

    /// Whether only a model is set.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that only one of two documents has, or whose values differ, sorted.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key)).cloned().collect()
    }

    fn note(&mut self, path: &KeyPath, node: &Node) {
        let text = match &node.value {
            Value::Table(entries) => return entries.iter().for_each(|(name, entry)| self.note(&path.key(name), entry)),
            Value::Array(items) => return items.iter().enumerate().for_each(|(place, item)| self.note(&path.index(place), item)),
            Value::Text(text) | Value::Float(text) | Value::Datetime(text) | Value::Untyped(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
        };
        self.0.insert(path.to_string(), xxh3_64(text.as_bytes()));
    }
}

/// Shows nothing: hashes of short secrets can be reversed.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written(..)")
    }
}
