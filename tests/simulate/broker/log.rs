//! A partition: records and control records, the transactions that are open in it, and what compaction has removed.

use std::collections::BTreeMap;
use std::rc::Rc;

/// What the records of a transaction are until its marker is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open(u32),
    Committed,
    Aborted,
    /// A control record, which readers never see.
    Control,
}

#[derive(Debug)]
pub struct Entry {
    pub key: Rc<[u8]>,
    pub value: Option<Rc<[u8]>>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub fate: Fate,
    /// The transaction that it was written in; 0: none.
    pub transaction: u32,
    pub is_removed: bool,
}

/// The offset of an entry is its index.
#[derive(Debug, Default)]
pub struct Log {
    pub entries: Vec<Entry>,
    /// Where the log starts.
    pub start: usize,
    /// Open transactions, and the first offset of each.
    open: Vec<(u32, usize)>,
}

impl Log {
    /// Adds a record of a transaction.
    pub fn append(&mut self, key: Rc<[u8]>, value: Option<Rc<[u8]>>, headers: Vec<(String, Vec<u8>)>, transaction: u32) -> usize {
        let offset = self.entries.len();
        if !self.open.iter().any(|(open, _)| *open == transaction) {
            self.open.push((transaction, offset));
        }
        self.entries.push(Entry { key, value, headers, fate: Fate::Open(transaction), transaction, is_removed: false });
        offset
    }

    /// Adds a record of a plain producer, or what a reader never sees.
    pub fn append_plain(&mut self, key: Rc<[u8]>, value: Option<Rc<[u8]>>, fate: Fate) {
        self.entries.push(Entry { key, value, headers: Vec::new(), fate, transaction: 0, is_removed: false });
    }

    /// The marker that ends a transaction.
    pub fn mark(&mut self, transaction: u32, commits: bool) {
        let Some(place) = self.open.iter().position(|(open, _)| *open == transaction) else { return };
        let (_, first) = self.open.remove(place);
        for entry in &mut self.entries[first..] {
            if entry.fate == Fate::Open(transaction) {
                entry.fate = if commits { Fate::Committed } else { Fate::Aborted };
            }
        }
        self.append_plain(Rc::default(), None, Fate::Control);
    }

    pub fn end(&self) -> usize {
        self.entries.len()
    }

    pub fn stable_end(&self) -> usize {
        self.open.iter().map(|(_, first)| *first).min().unwrap_or(self.entries.len())
    }

    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The next committed record from `offset` on, before the last stable offset.
    pub fn next_committed(&self, offset: usize) -> Option<usize> {
        (offset.max(self.start)..self.stable_end()).find(|at| {
            let entry = &self.entries[*at];
            entry.fate == Fate::Committed && !entry.is_removed
        })
    }

    /// Removes what a newer committed record has superseded, and aborted records; tombstones only if nobody is reading, because they are kept
    /// for longer than a reader takes (`delete.retention.ms`).
    pub fn compact(&mut self, is_read: bool) {
        let stable = self.stable_end();
        let mut newest: BTreeMap<Rc<[u8]>, usize> = BTreeMap::new();
        for (offset, entry) in self.entries[..stable].iter().enumerate() {
            if entry.fate == Fate::Committed {
                newest.insert(Rc::clone(&entry.key), offset);
            }
        }
        for (offset, entry) in self.entries[..stable].iter_mut().enumerate() {
            let is_newest = entry.fate == Fate::Committed && newest.get(&entry.key) == Some(&offset);
            entry.is_removed |= !is_newest || entry.value.is_none() && !is_read;
        }
    }

    /// Deletes the head of the log; true if a live record was lost.
    pub fn delete_before(&mut self, start: usize) -> bool {
        let start = start.min(self.stable_end());
        let superseded = |at: usize| {
            let key = &self.entries[at].key;
            self.entries[at + 1..].iter().any(|entry| entry.fate == Fate::Committed && entry.key == *key)
        };
        let lost = (self.start..start).any(|at| {
            let entry = &self.entries[at];
            entry.fate == Fate::Committed && !entry.is_removed && entry.value.is_some() && !superseded(at)
        });
        self.start = self.start.max(start);
        lost
    }
}
