//! Reference-counted interned names: many accounts share the same few.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::OTHER;

/// Id of a name; 0 stands for every name beyond the maximum.
pub(super) type NameId = u32;

/// Names in use, up to a maximum. The entry of an unused name is reused.
#[derive(Debug)]
pub(super) struct Names {
    entries: Vec<Entry>,
    by_name: BTreeMap<Arc<str>, NameId>,
    free: Vec<NameId>,
    max: usize,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    uses: u64,
}

impl Names {
    /// An empty set with room for `max` names.
    pub fn new(max: usize) -> Self {
        let other = Entry { name: OTHER.into(), uses: 0 };
        Self { entries: vec![other], by_name: BTreeMap::new(), free: Vec::new(), max }
    }

    /// The id of a name, counting one more use.
    pub fn acquire(&mut self, name: &str) -> NameId {
        let id = self.by_name.get(name).copied().or_else(|| self.insert(name)).unwrap_or_default();
        if let Some(entry) = self.entry(id) {
            entry.uses += 1;
        }
        id
    }

    /// Counts one use less.
    pub fn release(&mut self, id: NameId) {
        let Some(entry) = self.entry(id) else { return };
        entry.uses = entry.uses.saturating_sub(1);
        if id > 0 && entry.uses == 0 {
            let name = Arc::clone(&entry.name);
            self.by_name.remove(&name);
            self.free.push(id);
        }
    }

    /// The name of an id.
    pub fn get(&self, id: NameId) -> &str {
        usize::try_from(id).ok().and_then(|id| self.entries.get(id)).map_or(OTHER, |entry| &entry.name)
    }

    fn entry(&mut self, id: NameId) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(id).ok()?)
    }

    fn insert(&mut self, name: &str) -> Option<NameId> {
        if self.by_name.len() >= self.max {
            return None;
        }
        let name: Arc<str> = name.into();
        let entry = Entry { name: Arc::clone(&name), uses: 0 };
        let id = if let Some(id) = self.free.pop() {
            *self.entry(id)? = entry;
            id
        } else {
            self.entries.push(entry);
            NameId::try_from(self.entries.len() - 1).ok()?
        };
        self.by_name.insert(name, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_id_while_in_use_and_releases_it_afterwards() {
        let mut names = Names::new(2);
        let (a, b) = (names.acquire("a"), names.acquire("b"));
        assert_eq!((names.acquire("a"), names.get(a), names.get(b)), (a, "a", "b"));
        assert_eq!(names.acquire("c"), 0, "the table is full");
        names.release(b);
        names.release(0);
        assert_eq!(names.acquire("c"), b);
        assert_eq!(names.get(b), "c");
        names.release(a);
        assert_eq!((names.acquire("a"), names.get(a)), (a, "a"));
    }
}
