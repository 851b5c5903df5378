//! Records which keys each table may have while a document is decoded; the example file must show all of them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::config::path::{KeyPath, PathStep};
use crate::config::tree::Node;

thread_local! {
    static NOTED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Records the keys of a table.
pub(super) fn note(path: &KeyPath, keys: &[&str]) {
    NOTED.with_borrow_mut(|noted| noted.extend(keys.iter().map(|key| without_indexes(&path.key(key)))));
}

/// Every key that the tables of this document may have, as paths without indexes.
pub(in crate::config) fn keys_of<T: DeserializeOwned + Default>(root: &Node, elsewhere: &[&str]) -> BTreeSet<String> {
    NOTED.take();
    assert_eq!(super::decode::<T>(root, elsewhere).problems, []);
    NOTED.take()
}

fn without_indexes(path: &KeyPath) -> String {
    let keys = path.steps().iter().filter_map(|step| match step {
        PathStep::Key(key) => Some(key.as_str()),
        PathStep::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}
