//! Deletions of accounts that the aliases topic must learn of. An accounts topic forgets a deletion once it is compacted, and the aliases
//! that calls have declared for the account would then hold again.

use std::collections::{BTreeMap, HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use super::declaration::Declaration;
use crate::time::Timestamp;

/// What the topics say about deletions, as far as they have been read.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    /// The accounts that the aliases topic names, by hash.
    named: HashSet<u64>,
    /// When the aliases topic says that they were deleted, by hash.
    written: HashMap<u64, Timestamp>,
    /// Deletions in the accounts topics, by account.
    found: BTreeMap<String, Declaration>,
}

impl Deletions {
    /// A record of the aliases topic.
    pub(super) fn declared(&mut self, declaration: &Declaration) {
        let account = xxh3_64(declaration.account().as_bytes());
        self.named.insert(account);
        if declaration.deletes() {
            let at = self.written.entry(account).or_insert(declaration.at());
            *at = declaration.at().max(*at);
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
        let Self { named, written, found } = self;
        found.retain(|account, deletion| {
            let account = xxh3_64(account.as_bytes());
            named.contains(&account) && written.get(&account).is_none_or(|at| *at < deletion.at())
        });
        found.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::Aliases;
    use crate::event::{DecodeContext, Format, Headers, Raw, Stream};
    use crate::stream::repartition::declaration::declared_by;

    fn declared(json: &str) -> Declaration {
        let (stream, value, headers) = (Stream::Accounts, Some(json.as_bytes()), Headers::NONE);
        let raw = Raw { stream, key: None, value, headers, timestamp: None, future_reference: None };
        declared_by(&raw, &Format::Native, &DecodeContext::of_accepted(256)).remove(0)
    }

    fn deletion(account: &str, second: i64) -> Declaration {
        declared(&format!(r#"{{"type":"account_profile","account_id":"{account}","occurred_at":{second},"deleted":true}}"#))
    }

    #[test]
    fn deletions_of_accounts_that_the_aliases_topic_names_are_written_once() {
        let mut deletions = Deletions::default();
        let alias = r#"{"type":"account_profile","account_id":"acme","occurred_at":5,"aliases":{"s":"u"},"merge":true}"#;
        deletions.found(deletion("acme", 7));
        deletions.found(deletion("bolt", 7));
        deletions.declared(&declared(alias));
        assert_eq!(deletions.unwritten(), [deletion("acme", 7)], "nobody has declared an alias of bolt on another topic");
        deletions.declared(&deletion("acme", 7));
        assert_eq!(deletions.unwritten(), []);
        deletions.found(deletion("acme", 9));
        assert_eq!(deletions.unwritten(), [deletion("acme", 9)], "the account has had another life");

        let mut table = Aliases::new(10);
        deletion("acme", 7).note(&mut table);
        declared(alias).note(&mut table);
        assert_eq!(table.account("s", "u"), None, "and the alias is gone for good");
    }
}
