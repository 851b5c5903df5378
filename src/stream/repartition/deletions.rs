//! Deletions of accounts that the aliases topic must learn of, and what they undo there.
//!
//! An accounts topic forgets a deletion once it is compacted, and the aliases that calls have declared for the account would then hold again:
//! so the deletion is written to the aliases topic. The declarations that it undoes would stay there for ever, since nothing replaces them:
//! each gets a tombstone, so that compaction removes it. The deletion itself stays, for declarations that are read late.
//!
//! A tombstone must not remove what the account declares in its next life under the same key. Only the thread that reads the place of a key
//! writes to it (`declaration`), so that thread alone writes its tombstone, and only once it has read whatever others wrote before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::declaration::{Declaration, parts_of_key};
use super::positions::Place;
use crate::time::Timestamp;

/// Tombstones in one transaction.
const TOMBSTONES_MAX: usize = 1_000;

/// The key of a record of the aliases topic.
pub(super) type Key = Box<[u8]>;

/// What the topics say about deletions, as far as they have been read.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    /// What the aliases topic says, by account.
    named: HashMap<Box<str>, Named>,
    /// Deletions in the accounts topics, by account.
    found: BTreeMap<String, Declaration>,
    undone: Undone,
}

/// Keys whose declarations are undone, by the place that they were read from.
#[derive(Debug, Default)]
struct Undone(BTreeMap<Place, BTreeSet<Key>>);

impl Undone {
    fn insert(&mut self, key: &[u8]) {
        if let Some((place, _)) = parts_of_key(key) {
            self.0.entry(place).or_default().insert(key.into());
        }
    }

    fn remove(&mut self, key: &[u8]) {
        // Nearly always there is nothing to look for.
        if self.0.is_empty() {
            return;
        }
        self.0.retain(|_, keys| {
            keys.remove(key);
            !keys.is_empty()
        });
    }
}

/// An account in the aliases topic.
#[derive(Debug, Default)]
struct Named {
    /// When it was deleted.
    deleted: Option<Timestamp>,
    /// Declarations of its aliases: their keys, and when they were made.
    declared: HashMap<Key, Timestamp>,
}

impl Deletions {
    /// A record of the aliases topic, or one that is about to be written there.
    pub(super) fn declared(&mut self, declaration: &Declaration, key: &[u8]) {
        let Self { named, undone, .. } = self;
        let named = named.entry(declaration.account().into()).or_default();
        // Of declarations in the instant of the deletion, some may be newer by their ids.
        if declaration.deletes() {
            named.declared.remove(key);
            undone.remove(key);
            named.deleted = named.deleted.max(Some(declaration.at()));
            named.declared.iter().filter(|(_, at)| Some(**at) < named.deleted).for_each(|(key, _)| undone.insert(key));
        } else {
            named.declared.insert(key.into(), declaration.at());
            if Some(declaration.at()) < named.deleted {
                undone.insert(key);
            } else {
                undone.remove(key);
            }
        }
    }

    /// A tombstone in the aliases topic, or one that has been written there.
    pub(super) fn removed(&mut self, key: &[u8]) {
        self.undone.remove(key);
        let Some((_, account)) = parts_of_key(key) else { return };
        if let Some(named) = self.named.get_mut(&*account) {
            named.declared.remove(key);
        }
    }

    /// A record of an accounts topic.
    pub(super) fn found(&mut self, declaration: Declaration) {
        if declaration.deletes() {
            self.found.insert(declaration.account().to_owned(), declaration);
        }
    }

    /// What must be written to the aliases topic. Both kinds of topics must have been read to their ends before.
    pub(super) fn unwritten(&mut self) -> Vec<Declaration> {
        let Self { named, found, .. } = self;
        found
            .retain(|account, deletion| named.get(account.as_str()).is_some_and(|named| named.deleted.is_none_or(|at| at < deletion.at())));
        found.values().cloned().collect()
    }

    /// Keys of declarations that were read from these places and are undone, as many as one transaction takes.
    pub(super) fn undone(&self, is_own: impl Fn(&Place) -> bool) -> Vec<Key> {
        let own = self.undone.0.iter().filter(|(place, _)| is_own(place)).flat_map(|(_, keys)| keys);
        own.take(TOMBSTONES_MAX).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::Aliases;
    use crate::event::{DecodeContext, Format, Headers, Raw, Stream};
    use crate::stream::repartition::declaration::declared_by;

    const CLICKS: (&str, i32) = ("clicks", 7);

    fn declared(json: &str) -> Declaration {
        let (stream, value, headers) = (Stream::Accounts, Some(json.as_bytes()), Headers::NONE);
        let raw = Raw { stream, key: None, value, headers, timestamp: None, future_reference: None };
        declared_by(&raw, &Format::Native, &DecodeContext::of_accepted(256)).remove(0)
    }

    fn deletion(account: &str, second: i64) -> Declaration {
        declared(&format!(r#"{{"type":"account_profile","account_id":"{account}","occurred_at":{second},"deleted":true}}"#))
    }

    fn alias(account: &str, user: &str, second: i64) -> Declaration {
        let aliases = format!(r#""aliases":{{"s":"{user}"}},"merge":true"#);
        declared(&format!(r#"{{"type":"account_profile","account_id":"{account}","occurred_at":{second},{aliases}}}"#))
    }

    /// A record of the aliases topic that declares this, read from a place.
    fn read(deletions: &mut Deletions, declaration: &Declaration, place: (&str, i32)) -> Key {
        let key = declaration.key(place);
        deletions.declared(declaration, &key);
        key.into()
    }

    #[test]
    fn deletions_of_accounts_that_the_aliases_topic_names_are_written_once() {
        let mut deletions = Deletions::default();
        deletions.found(deletion("acme", 7));
        deletions.found(deletion("bolt", 7));
        read(&mut deletions, &alias("acme", "u", 5), CLICKS);
        assert_eq!(deletions.unwritten(), [deletion("acme", 7)], "nobody has declared an alias of bolt on another topic");
        read(&mut deletions, &deletion("acme", 7), ("deletions", 0));
        assert_eq!(deletions.unwritten(), []);
        deletions.found(deletion("acme", 9));
        assert_eq!(deletions.unwritten(), [deletion("acme", 9)], "the account has had another life");

        let mut table = Aliases::new(10);
        deletion("acme", 7).note(&mut table);
        alias("acme", "u", 5).note(&mut table);
        assert_eq!(table.account("s", "u"), None, "and the alias is gone for good");
    }

    #[test]
    fn what_a_deletion_undoes_is_removed_once_by_whoever_reads_its_place_and_in_any_order() {
        let records = [(alias("acme", "u", 5), CLICKS), (deletion("acme", 7), ("deletions", 0)), (alias("bolt", "v", 5), CLICKS)];
        let later = (alias("acme", "w", 8), CLICKS);
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [2, 0, 1]] {
            let mut deletions = Deletions::default();
            for index in order {
                read(&mut deletions, &records[index].0, records[index].1);
            }
            read(&mut deletions, &later.0, later.1);
            let undone: Key = records[0].0.key(CLICKS).into();
            assert_eq!(deletions.undone(|place| *place == ("clicks".to_owned(), 7)), std::slice::from_ref(&undone), "{order:?}");
            assert_eq!(deletions.undone(|place| *place == ("clicks".to_owned(), 6)), [], "another thread writes there");
            deletions.removed(&undone);
            assert_eq!(deletions.undone(|_| true), []);
        }
    }

    #[test]
    fn an_account_that_comes_back_declares_its_aliases_again() {
        let mut deletions = Deletions::default();
        let key = read(&mut deletions, &alias("acme", "u", 5), CLICKS);
        read(&mut deletions, &deletion("acme", 7), ("deletions", 0));
        read(&mut deletions, &alias("acme", "u", 9), CLICKS);
        assert_eq!(deletions.undone(|_| true), [], "the key has a declaration of the next life");
        read(&mut deletions, &deletion("acme", 11), ("deletions", 0));
        assert_eq!(deletions.undone(|_| true), std::slice::from_ref(&key));
        deletions.removed(&key);
        read(&mut deletions, &alias("acme", "u", 12), CLICKS);
        assert_eq!(deletions.undone(|_| true), []);
        read(&mut deletions, &deletion("acme", 13), CLICKS);
        assert_eq!(deletions.undone(|_| true), [key], "the deletion itself, which a call may declare in the same place, stays");
    }

    #[test]
    fn a_transaction_takes_so_many_tombstones() {
        let mut deletions = Deletions::default();
        for user in 0..=TOMBSTONES_MAX {
            read(&mut deletions, &alias("acme", &user.to_string(), 5), CLICKS);
        }
        read(&mut deletions, &deletion("acme", 7), ("deletions", 0));
        let first = deletions.undone(|_| true);
        assert_eq!(first.len(), TOMBSTONES_MAX);
        for key in &first {
            deletions.removed(key);
        }
        assert_eq!(deletions.undone(|_| true).len(), 1);
    }
}
