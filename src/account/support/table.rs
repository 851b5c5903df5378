//! The tickets of an account: a map from hash to bytes that costs an account with a dozen of them one allocation.
//!
//! Tickets lie one after the other, sorted by hash, in pages; the high bits of the hash choose the page. An entry is the hash (8 bytes,
//! little endian), the length (varint) and the bytes.

use crate::account::bytes::{Reader, Writer};

/// Tickets a page holds in the mean before the number of pages doubles.
const TICKETS_PER_PAGE: usize = 16;

/// Tickets by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// None, or a power of two.
    pages: Vec<Box<[u8]>>,
    len: usize,
}

impl Table {
    /// A table of these tickets, sorted by hash.
    pub(super) fn of(tickets: &[(u64, &[u8])]) -> Self {
        let pages = tickets.len().div_ceil(TICKETS_PER_PAGE).next_power_of_two();
        let mut rest = tickets;
        let pages = (0..pages).map(|page| {
            let here = rest.partition_point(|(hash, _)| page_of(*hash, pages) <= page);
            let (here, after) = rest.split_at_checked(here).unwrap_or((rest, &[]));
            rest = after;
            let mut out = Writer::default();
            for (hash, ticket) in here {
                out.entry(*hash, ticket);
            }
            out.0.into_boxed_slice()
        });
        Self { pages: pages.collect(), len: tickets.len() }
    }

    /// How many tickets there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The tickets, in the order of their hashes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pages.iter().flat_map(|page| Entries(Reader(page)))
    }

    /// The bytes of a ticket.
    pub(super) fn get(&self, hash: u64) -> Option<&[u8]> {
        let page = self.pages.get(page_of(hash, self.pages.len()))?;
        Entries(Reader(page)).take_while(|(other, _)| *other <= hash).find_map(|(other, ticket)| (other == hash).then_some(ticket))
    }

    /// Puts a ticket in the place of what was there; `None` takes it out.
    pub(super) fn put(&mut self, hash: u64, ticket: Option<&[u8]>) {
        if self.pages.is_empty() {
            self.pages = vec![Box::default()];
        }
        let pages = self.pages.len();
        let Some(page) = self.pages.get_mut(page_of(hash, pages)) else { return };
        let (before, found, after) = split(page, hash);
        self.len = self.len + usize::from(ticket.is_some()) - usize::from(found);
        let mut out = Writer(Vec::with_capacity(before.len() + ticket.map_or(0, |ticket| ticket.len() + 10) + after.len()));
        out.0.extend_from_slice(before);
        if let Some(ticket) = ticket {
            out.entry(hash, ticket);
        }
        out.0.extend_from_slice(after);
        *page = out.0.into_boxed_slice();
        if self.len > pages * TICKETS_PER_PAGE {
            let tickets: Vec<_> = self.iter().collect();
            *self = Self::of(&tickets);
        }
    }
}

/// The bytes before a hash's entry, whether there is one, and the bytes after it.
fn split(page: &[u8], hash: u64) -> (&[u8], bool, &[u8]) {
    let mut entries = Entries(Reader(page));
    let mut rest = page;
    let mut found = false;
    let mut before = 0;
    while let Some((other, _)) = entries.next()
        && other <= hash
    {
        rest = entries.0.0;
        found = other == hash;
        if !found {
            before = page.len() - rest.len();
        }
    }
    (page.get(..before).unwrap_or_default(), found, rest)
}

/// Place of a hash's page among `pages`, a power of two.
fn page_of(hash: u64, pages: usize) -> usize {
    let bits = pages.trailing_zeros();
    usize::try_from(hash.checked_shr(64 - bits).unwrap_or(0)).unwrap_or(0)
}

/// The entries of a page; ends early at bytes that are none.
#[derive(Debug)]
pub(super) struct Entries<'a>(pub Reader<'a>);

impl<'a> Iterator for Entries<'a> {
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
        fn a_table_holds_what_a_map_would(steps in prop::collection::vec((any::<u64>(), prop::option::of(any::<Vec<u8>>())), 0..200)) {
            let mut table = Table::default();
            let mut map = BTreeMap::new();
            for (hash, ticket) in &steps {
                // Few hashes, far apart, so that entries are replaced and every page is used.
                let hash = ((hash % 61) << 58) | (hash % 7);
                table.put(hash, ticket.as_deref());
                match ticket {
                    Some(ticket) => { map.insert(hash, ticket.clone()); }
                    None => { map.remove(&hash); }
                }
                prop_assert_eq!(table.get(hash), map.get(&hash).map(Vec::as_slice));
            }
            prop_assert_eq!(table.len(), map.len());
            let tickets: Vec<_> = table.iter().map(|(hash, ticket)| (hash, ticket.to_vec())).collect();
            prop_assert_eq!(tickets, map.into_iter().collect::<Vec<_>>());
        }
    }
}
