//! What an event of another topic than the accounts topics declares about aliases, as a record of the compacted aliases topic. Every
//! instance reads that topic, as it does the accounts topics, so an alias outlives the event that declares it.
//!
//! Compaction keeps the last record of a key, and only the newest declaration may be kept. So a key contains the place that its declarations
//! were read from: one thread at a time reads a place, knows what was declared there before, and writes nothing older
//! ([`Aliases::is_outdated`]).

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::positions::Place;
use crate::alias::{Aliases, Noted};
use crate::event::{self, AccountProfile, DecodeContext, Event, Format, Raw, Record};
use crate::time::Timestamp;

/// A system, and the account's id in it.
type Alias<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The part of a profile that matters to the table of aliases.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    account: String,
    at: Timestamp,
    id: Option<String>,
    profile: AccountProfile<'static>,
}

impl Declaration {
    /// What a profile declares that the table does not know from a newer one. Aliases that merge are declared one by one, so that each can
    /// be replaced by a newer declaration of itself.
    pub(super) fn of(account: &str, record: &Record<'_>, profile: &AccountProfile<'_>, known: &Aliases) -> Vec<Self> {
        let parts: Vec<&[Alias<'_>]> = if profile.deleted {
            vec![&[]]
        } else if profile.merge {
            profile.aliases.chunks(1).collect()
        } else {
            vec![&profile.aliases]
        };
        let declarations = parts.into_iter().map(|aliases| Self::new(account, record, profile, aliases));
        declarations.filter(|declaration| !declaration.is_outdated(known)).collect()
    }

    /// Of a profile, with these of its aliases.
    fn new(account: &str, record: &Record<'_>, profile: &AccountProfile<'_>, aliases: &[Alias<'_>]) -> Self {
        let owned = |(system, id): &Alias<'_>| (Cow::Owned(system.to_string()), Cow::Owned(id.to_string()));
        Self {
            account: account.to_owned(),
            at: record.occurred_at,
            id: record.id.as_deref().map(str::to_owned),
            profile: AccountProfile {
                aliases: aliases.iter().map(owned).collect(),
                merge: profile.merge,
                deleted: profile.deleted,
                ..AccountProfile::default()
            },
        }
    }

    /// The account.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// When it was declared.
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether the account was deleted.
    pub(super) const fn deletes(&self) -> bool {
        self.profile.deleted
    }

    fn is_outdated(&self, known: &Aliases) -> bool {
        known.is_outdated(&self.account, self.at, self.id.as_deref(), &self.profile)
    }

    /// Enters it into the table.
    pub(super) fn note(&self, table: &mut Aliases) -> Noted {
        table.note(&self.account, self.at, self.id.as_deref(), &self.profile)
    }

    /// The key of its record; `place` is where it was read from.
    pub(super) fn key(&self, place: (&str, i32)) -> Vec<u8> {
        let alias = if self.profile.merge && !self.profile.deleted { self.profile.aliases.first() } else { None };
        // Texts and numbers can always be written.
        serde_json::to_vec(&(place.0, place.1, &self.account, alias)).unwrap_or_default()
    }

    /// The value of its record, a native event.
    pub(super) fn value(&self) -> Vec<u8> {
        let mut value = Vec::new();
        let record = Record {
            account: Some(Cow::Borrowed(&self.account)),
            account_system: None,
            id: self.id.as_deref().map(Cow::Borrowed),
            type_name: "account_profile",
            occurred_at: self.at,
            payload_time: true,
            cut_text: false,
            unexpanded_discount: false,
            event: Event::Profile(Box::new(self.profile.clone())),
        };
        event::encode(&record, &mut value);
        value
    }
}

/// The place in the key of a declaration, and its account; `None` if it is no such key.
pub(super) fn parts_of_key(key: &[u8]) -> Option<(Place, String)> {
    let (topic, partition, account, _): (String, i32, String, IgnoredAny) = serde_json::from_slice(key).ok()?;
    Some(((topic, partition), account))
}

/// What a record of a topic that is read for its aliases declares; what is wrong with it is for others to say.
pub(super) fn declared_by(raw: &Raw<'_>, format: &Format, context: &DecodeContext) -> Vec<Declaration> {
    let Ok(decoded) = format.decode(raw, context) else { return Vec::new() };
    let declaration = |record: &Record<'_>| match (&record.event, record.account.as_deref()) {
        // A profile under the name of another system belongs to whichever account has declared that name.
        (Event::Profile(profile), Some(account)) if record.account_system.is_none() => {
            Some(Declaration::new(account, record, profile, &profile.aliases))
        }
        _ => None,
    };
    decoded.records().iter().filter_map(declaration).collect()
}
