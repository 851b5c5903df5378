//! From the document to typed sections: serde over the tree, but all problems at once, each with its location.
//!
//! Serde stops at the first error. So each error is recorded with its path, the value at that path is left out, and the document is decoded
//! again until it succeeds. It always does in the end, because every section and key has a default.

mod access;
mod error;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

pub(super) use access::AS_WRITTEN;
use access::Reader;
#[cfg(test)]
pub(super) use schema::keys_of;

use super::path::KeyPath;
use super::problem::Problem;
use super::tree::Node;

/// Most problems reported per document; with more it is probably the wrong file.
const PROBLEMS_MAX: usize = 200;

/// As much of a document as could be decoded.
pub(super) struct Decoded<T> {
    /// The value, with defaults for what could not be decoded.
    pub(super) value: T,
    /// The paths that could not be decoded.
    pub(super) left_out: BTreeSet<KeyPath>,
    /// The reasons, in no particular order.
    pub(super) problems: Vec<Problem>,
}

/// Decodes a document. `elsewhere`: root keys that do not belong to `T` and are decoded separately.
pub(super) fn decode<T: DeserializeOwned + Default>(root: &Node, elsewhere: &[&str]) -> Decoded<T> {
    let mut left_out: BTreeSet<KeyPath> = elsewhere.iter().map(|key| KeyPath::of_keys([*key])).collect();
    let mut problems = Vec::new();
    loop {
        let error = match T::deserialize(Reader::new(root, &left_out)) {
            Ok(value) => return Decoded { value, left_out, problems },
            Err(error) => error,
        };
        let path = error.path.clone().unwrap_or_default();
        // A key that is missing only because it was left out is not a second problem.
        if !error.missing.is_some_and(|key| left_out.contains(&path.key(key))) {
            problems.push(error.problem(root, if path.steps().len() == 1 { elsewhere } else { &[] }));
        }
        if problems.len() == PROBLEMS_MAX {
            problems.push(Problem::new(root.origin.clone(), "", format!("has {PROBLEMS_MAX} problems and perhaps more")));
        }
        if path.steps().is_empty() || problems.len() > PROBLEMS_MAX || !left_out.insert(path) {
            return Decoded { value: T::default(), left_out, problems };
        }
    }
}
