//! The newest facts of an account's tickets that matter only if earlier ones are forgotten: replies beyond the second one, contacts with
//! known teams, changes without content. A deletion of the account that is read after them forgets the earlier ones.
//!
//! `varint(zigzag(first instant))`, then each fact in order, after the hash of its ticket (8 bytes, little endian); nothing if there is none.

use crate::account::bytes::{Reader, Writer};
use crate::time::Timestamp;

use super::fact::Fact;

/// Facts kept per account, at most.
pub(super) const MAX_REDUNDANT: usize = 8;

/// Facts with the hashes of their tickets, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Redundant(Box<[u8]>);

impl Redundant {
    /// The facts in `bytes`; `None` if they are malformed.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let read = Self(bytes.into());
        let is_whole = bytes.is_empty() || write(&read.facts()) == bytes;
        is_whole.then_some(read)
    }

    /// The facts, encoded.
    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The facts after an instant, each with the hash of its ticket.
    pub(super) fn after(&self, instant: Timestamp) -> Vec<(Fact<'_>, u64)> {
        self.facts().into_iter().filter(|(fact, _)| fact.at > instant).collect()
    }

    /// Adds facts of a ticket, and keeps the newest.
    pub(super) fn add<'a>(&mut self, ticket: u64, facts: impl IntoIterator<Item = Fact<'a>>) {
        let added = facts.into_iter().map(|fact| (fact, ticket));
        let mut all: Vec<_> = self.facts().into_iter().chain(added).collect();
        all.sort_unstable();
        all.dedup();
        let newest = all.get(all.len().saturating_sub(MAX_REDUNDANT)..).unwrap_or_default();
        let bytes = write(newest);
        self.0 = bytes.into();
    }

    fn facts(&self) -> Vec<(Fact<'_>, u64)> {
        let mut reader = Reader(&self.0);
        let mut before = reader.signed().unwrap_or_default();
        let next = || {
            let ticket = u64::from_le_bytes(reader.take(8)?.try_into().ok()?);
            let fact = reader.fact(before)?;
            before = fact.at.0;
            Some((fact, ticket))
        };
        std::iter::from_fn(next).collect()
    }
}

fn write(facts: &[(Fact<'_>, u64)]) -> Vec<u8> {
    let mut out = Writer::default();
    let Some((first, _)) = facts.first() else { return out.0 };
    let mut before = first.at;
    out.signed(before.0);
    for (fact, ticket) in facts {
        out.0.extend_from_slice(&ticket.to_le_bytes());
        out.fact(fact, before);
        before = fact.at;
    }
    out.0
}
