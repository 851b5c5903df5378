//! Names by number, so that what many accounts share is held once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::OTHER;

/// A name; 0 stands for every name that found no entry.
pub(super) type NameId = u32;

/// Names in use, held to a number. A name that nobody uses any more gives its entry back.
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
    /// No name yet, and room for `max`.
    pub fn new(max: usize) -> Self {
        let other = Entry { name: OTHER.into(), uses: 0 };
        Self { entries: vec![other], by_name: BTreeMap::new(), free: Vec::new(), max }
    }

    /// The number of a name, used once more.
    pub fn acquire(&mut self, name: &str) -> NameId {
        let id = self.by_name.get(name).copied().or_else(|| self.insert(name)).unwrap_or_default();
        if let Some(entry) = self.entry(id) {
            entry.uses += 1;
        }
        id
    }

    /// The name is used once less.
    pub fn release(&mut self, id: NameId) {
        let Some(entry) = self.entry(id) else { return };
        entry.uses = entry.uses.saturating_sub(1);
        if id > 0 && entry.uses == 0 {
            let name = Arc::clone(&entry.name);
            self.by_name.remove(&name);
            self.free.push(id);
        }
    }

    /// The name of a number.
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
    fn a_name_keeps_its_number_while_it_is_used_and_gives_it_back_then() {
        let mut names = Names::new(2);
        let (a, b) = (names.acquire("a"), names.acquire("b"));
        assert_eq!((names.acquire("a"), names.get(a), names.get(b)), (a, "a", "b"));
        assert_eq!(names.acquire("c"), 0, "no entry is left");
        names.release(b);
        names.release(0);
        assert_eq!(names.acquire("c"), b);
        assert_eq!(names.get(b), "c");
        names.release(a);
        assert_eq!((names.acquire("a"), names.get(a)), (a, "a"));
    }
}
