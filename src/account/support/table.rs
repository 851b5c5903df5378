//! The tickets of an account: a map from hash to bytes that takes one allocation for an account with a dozen tickets.
//!
//! Tickets are stored in pages, sorted by hash. A full page is split in two, so whatever the hashes are, finding or replacing a ticket
//! touches one page. An entry is the hash (8 bytes, little endian), the length (varint) and the bytes.

use crate::account::bytes::{Reader, Writer};

/// Tickets per page, at most.
const TICKETS_PER_PAGE: usize = 32;

/// Tickets by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct TicketTable {
    /// In order of hash; no page is empty.
    pages: Box<[Box<[u8]>]>,
}

impl TicketTable {
    /// Builds a table from tickets sorted by hash.
    pub(super) fn of(tickets: &[(u64, &[u8])]) -> Self {
        Self { pages: tickets.chunks(TICKETS_PER_PAGE).map(page).collect() }
    }

    /// Whether there are no tickets.
    pub(super) const fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The tickets, in order of hash.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pages.iter().flat_map(|page| TicketEntries(Reader(page)))
    }

    /// The bytes of a ticket.
    pub(super) fn get(&self, hash: u64) -> Option<&[u8]> {
        let page = self.pages.get(self.place_of(hash))?;
        TicketEntries(Reader(page)).take_while(|(other, _)| *other <= hash).find_map(|(other, ticket)| (other == hash).then_some(ticket))
    }

    /// Sets or, with `None`, removes a ticket; returns whether there was one.
    pub(super) fn put(&mut self, hash: u64, ticket: Option<&[u8]>) -> bool {
        let place = self.place_of(hash);
        let old = self.pages.get(place).map(|page| &**page).unwrap_or_default();
        let Split { before, found, after, entries } = Split::of(old, hash);
        let mut new = Writer(Vec::with_capacity(before.len() + ticket.map_or(0, |ticket| ticket.len() + 10) + after.len()));
        new.0.extend_from_slice(before);
        if let Some(ticket) = ticket {
            new.entry(hash, ticket);
        }
        new.0.extend_from_slice(after);
        let entries = entries + usize::from(ticket.is_some()) - usize::from(found);
        if entries > TICKETS_PER_PAGE {
            let tickets: Vec<_> = TicketEntries(Reader(&new.0)).collect();
            let (lower, upper) = tickets.split_at(entries / 2);
            self.change_pages(|pages| drop(pages.splice(place..=place, [page(lower), page(upper)])));
        } else if let Some(page) = self.pages.get_mut(place) {
            *page = new.0.into_boxed_slice();
            if entries == 0 {
                self.change_pages(|pages| drop(pages.remove(place)));
            }
        } else if entries > 0 {
            self.pages = Box::new([new.0.into_boxed_slice()]);
        }
        found
    }

    fn change_pages(&mut self, change: impl FnOnce(&mut Vec<Box<[u8]>>)) {
        let mut pages = std::mem::take(&mut self.pages).into_vec();
        change(&mut pages);
        self.pages = pages.into();
    }

    /// The position of the page that a hash belongs to: the last that starts at or before it, or the first.
    fn place_of(&self, hash: u64) -> usize {
        let begins_by = |page: &[u8]| TicketEntries(Reader(page)).next().is_none_or(|(first, _)| first <= hash);
        self.pages.partition_point(|page| begins_by(page)).saturating_sub(1)
    }
}

/// The page of these tickets.
fn page(tickets: &[(u64, &[u8])]) -> Box<[u8]> {
    let mut out = Writer::default();
    for (hash, ticket) in tickets {
        out.entry(*hash, ticket);
    }
    out.0.into_boxed_slice()
}

/// A page, split at a hash.
struct Split<'a> {
    /// The bytes before its entry.
    before: &'a [u8],
    /// Whether the page has the entry.
    found: bool,
    /// The bytes after the entry.
    after: &'a [u8],
    /// Entries on the page.
    entries: usize,
}

impl<'a> Split<'a> {
    fn of(page: &'a [u8], hash: u64) -> Self {
        let mut split = Self { before: &[], found: false, after: page, entries: 0 };
        let mut entries = TicketEntries(Reader(page));
        while let Some((other, _)) = entries.next() {
            split.entries += 1;
            if other <= hash {
                split.found = other == hash;
                split.after = entries.0.0;
                if !split.found {
                    split.before = page.get(..page.len() - split.after.len()).unwrap_or_default();
                }
            }
        }
        split
    }
}

/// The entries of a page; ends early at malformed bytes.
#[derive(Debug)]
pub(super) struct TicketEntries<'a>(pub Reader<'a>);

impl<'a> Iterator for TicketEntries<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut ahead = self.0.clone();
        let hash = u64::from_le_bytes(ahead.take(8)?.try_into().ok()?);
        let count = usize::try_from(ahead.varint()?).ok()?;
        let ticket = ahead.take(count)?;
        self.0 = ahead;
        Some((hash, ticket))
    }
}

impl Writer {
    /// Writes one entry.
    pub(super) fn entry(&mut self, hash: u64, ticket: &[u8]) {
        self.0.extend_from_slice(&hash.to_le_bytes());
        self.varint(ticket.len() as u64);
        self.0.extend_from_slice(ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_holds_what_a_map_would(steps in prop::collection::vec((any::<u64>(), prop::option::of(any::<Vec<u8>>())), 0..400)) {
            let mut table = TicketTable::default();
            let mut map = BTreeMap::new();
            for (hash, ticket) in &steps {
                // Few hashes, far apart, so that entries are replaced and every page is used.
                let hash = ((hash % 61) << 58) | (hash % 7);
                let was_there = table.put(hash, ticket.as_deref());
                let before = match ticket {
                    Some(ticket) => map.insert(hash, ticket.clone()),
                    None => map.remove(&hash),
                };
                prop_assert_eq!(was_there, before.is_some());
                prop_assert_eq!(table.get(hash), map.get(&hash).map(Vec::as_slice));
            }
            prop_assert_eq!(table.is_empty(), map.is_empty());
            let tickets: Vec<_> = table.iter().map(|(hash, ticket)| (hash, ticket.to_vec())).collect();
            prop_assert_eq!(tickets, map.into_iter().collect::<Vec<_>>());
        }
    }
    #[test]
    fn pages_stay_of_similar_size_whatever_the_hashes() {
        let mut table = TicketTable::default();
        for hash in 0..1_000_u64 {
            table.put(u64::MAX - hash, Some(b"ticket"));
        }
        let mut sizes = table.pages.iter().map(|page| TicketEntries(Reader(page)).count());
        assert!(sizes.all(|entries| (TICKETS_PER_PAGE / 2..=TICKETS_PER_PAGE).contains(&entries)));
        let tickets: Vec<_> = table.iter().collect();
        assert!(TicketTable::of(&tickets).iter().eq(table.iter()));
    }
}
