//! The names that other systems have for an account, as declared by `aliases` of its profile.
//!
//! The table depends on the set of profiles alone, not on the order in which they are read:
//!
//! - An account's aliases are those of its newest profile; profiles that merge add to them. The newest has the latest
//!   (`occurred_at`, `id`).
//! - If several accounts declare the same alias, the newest declaration has it. If that one is withdrawn, the alias goes back to the newest
//!   of the others.
//! - A deleted account has no aliases.
//! - An alias leads to an account id and no further: an account id that happens to be an alias of another account is not followed, so there
//!   are no cycles.
//!
//! It is bounded by `limits.aliases`. A declaration beyond that is refused, and only then does the order matter.

mod claims;
mod resolve;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use claims::{Claim, Claims, Version};

use crate::event::AccountProfile;
use crate::time::Timestamp;

/// Which account an alias belongs to.
#[derive(Debug)]
pub struct Aliases {
    /// By account id.
    accounts: HashMap<Arc<str>, Account>,
    /// By system, then by id in that system.
    claims: HashMap<Arc<str>, HashMap<Arc<str>, Claims>>,
    /// Declarations in `claims`.
    declared: usize,
    disputed: usize,
    /// Accounts without aliases.
    bare: usize,
    limit: usize,
}

#[derive(Debug)]
struct Account {
    /// Of the newest profile that replaces all others.
    version: Version,
    /// System and id of each alias that it declares.
    aliases: Vec<(Arc<str>, Arc<str>)>,
}

/// What a profile changed, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// How many more aliases are now declared by several accounts.
    pub disputed: usize,
    /// How many aliases lead to another account than before.
    pub moved: usize,
    /// How many of its aliases are the id of an account that has this account's id as an alias. Neither is followed.
    pub cyclic: usize,
    /// How many declarations there was no room for.
    pub refused: usize,
}

impl Noted {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            disputed: self.disputed + other.disputed,
            moved: self.moved + other.moved,
            cyclic: self.cyclic + other.cyclic,
            refused: self.refused + other.refused,
        }
    }
}

/// The aliases of a profile: systems, and ids in them.
type Declared<'a> = [(Cow<'a, str>, Cow<'a, str>)];

impl Aliases {
    /// An empty table for at most this many declarations and accounts together.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { accounts: HashMap::new(), claims: HashMap::new(), declared: 0, disputed: 0, bare: 0, limit }
    }

    /// The account that an id in another system stands for.
    #[must_use]
    pub fn account(&self, system: &str, id: &str) -> Option<&str> {
        self.claims_on(system, id).map(|claims| &**claims.leader())
    }

    /// How many aliases are declared.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims.values().map(HashMap::len).sum()
    }

    /// Whether none is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// How many aliases several accounts declare.
    #[must_use]
    pub const fn disputed(&self) -> usize {
        self.disputed
    }

    /// Whether [`Self::note`] would refuse none of the profile's aliases.
    #[must_use]
    pub fn has_room_for(&self, account: &str, profile: &AccountProfile<'_>) -> bool {
        let is_new = |(system, id): &&(Cow<'_, str>, Cow<'_, str>)| self.version_of(account, system, id).is_none();
        let claims = if profile.deleted { 0 } else { profile.aliases.iter().filter(is_new).count() };
        let accounts = usize::from(!self.accounts.contains_key(account));
        claims == 0 || self.declared + self.accounts.len() - self.bare + claims + accounts <= self.limit
    }

    /// Whether a newer profile says all that this one could: noting it would change nothing, now or later.
    #[must_use]
    pub fn is_outdated(&self, account: &str, at: Timestamp, id: Option<&str>, profile: &AccountProfile<'_>) -> bool {
        let version = Version { at, id: id.unwrap_or_default().into() };
        let is_replaced = self.accounts.get(account).is_some_and(|account| account.version > version);
        let is_newer =
            |(system, id): &(Cow<'_, str>, Cow<'_, str>)| self.version_of(account, system, id).is_some_and(|known| *known > version);
        is_replaced || (profile.merge && !profile.deleted && profile.aliases.iter().all(is_newer))
    }

    /// Takes note of a profile.
    pub fn note(&mut self, account: &str, at: Timestamp, id: Option<&str>, profile: &AccountProfile<'_>) -> Noted {
        let (version, mut noted) = (Version { at, id: id.unwrap_or_default().into() }, Noted::default());
        let declared: &Declared<'_> = if profile.deleted { &[] } else { &profile.aliases };
        if (profile.deleted || !profile.merge) && !self.replace(account, declared, &version, &mut noted) {
            return noted;
        }
        for (system, id) in declared {
            self.add(account, system, id, &version, &mut noted);
        }
        noted
    }

    /// Withdraws what the account has declared before a profile that replaces everything older; returns whether it is the newest of those.
    fn replace(&mut self, account: &str, declared: &Declared<'_>, version: &Version, noted: &mut Noted) -> bool {
        // Without room nothing is known of the account, so nothing can be withdrawn.
        let Some(account) = self.known_or_new(account) else { return true };
        let Some(entry) = self.accounts.get_mut(&account).filter(|entry| entry.version < *version) else { return false };
        entry.version = version.clone();
        let (mut kept, before) = (Vec::new(), std::mem::take(&mut entry.aliases));
        let had_any = !before.is_empty();
        for (system, id) in before {
            let is_declared = declared.iter().any(|(known, name)| **known == *system && **name == *id);
            if is_declared || self.version_of(&account, &system, &id).is_some_and(|known| known >= version) {
                kept.push((system, id));
            } else {
                noted.moved += usize::from(self.withdraw(&account, &system, &id));
            }
        }
        self.bare += usize::from(had_any && kept.is_empty());
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.aliases = kept;
        }
        true
    }

    /// Adds a declaration, unless a newer profile has replaced the one that it comes from.
    fn add(&mut self, account: &str, system: &str, id: &str, version: &Version, noted: &mut Noted) {
        let is_replaced = self.accounts.get(account).is_some_and(|account| account.version > *version);
        let known = self.version_of(account, system, id);
        if is_replaced || known.is_some_and(|known| known >= version) {
            return;
        }
        let is_known = known.is_some();
        let needed = usize::from(!is_known) + usize::from(!self.accounts.contains_key(account));
        let Some(account) = self.room(needed).then(|| self.known_or_new(account)).flatten() else {
            noted.refused += 1;
            return;
        };
        let claim = Claim { version: version.clone(), account: Arc::clone(&account) };
        if !self.claims.contains_key(system) {
            self.claims.insert(Arc::from(system), HashMap::new());
        }
        let Some(names) = self.claims.get_mut(system) else { return };
        let Some(claims) = names.get_mut(id) else {
            let id = Arc::<str>::from(id);
            names.insert(Arc::clone(&id), Claims::of(claim));
            self.declared += 1;
            noted.cyclic += usize::from(self.is_cyclic(&account, &id));
            self.list(&account, system, id);
            return;
        };
        let (leader, was_disputed) = (Arc::clone(claims.leader()), claims.is_disputed());
        let dropped = claims.put(claim);
        noted.moved += usize::from(*claims.leader() != leader);
        let newly_disputed = !was_disputed && claims.is_disputed();
        self.disputed += usize::from(newly_disputed);
        noted.disputed += usize::from(newly_disputed);
        if !is_known {
            let id = names.get_key_value(id).map_or_else(|| Arc::from(id), |(known, _)| Arc::clone(known));
            self.declared += 1;
            noted.cyclic += usize::from(self.is_cyclic(&account, &id));
            self.list(&account, system, id);
        }
        if let Some(dropped) = dropped {
            noted.refused += 1;
            self.unlist(&dropped, system, id);
        }
    }

    /// Adds to the aliases that an account declares.
    fn list(&mut self, account: &str, system: &str, id: Arc<str>) {
        let Some((system, _)) = self.claims.get_key_value(system) else { return };
        if let Some(entry) = self.accounts.get_mut(account) {
            self.bare -= usize::from(entry.aliases.is_empty());
            entry.aliases.push((Arc::clone(system), id));
        }
    }

    /// Removes one of them, whose claim has been dropped.
    fn unlist(&mut self, account: &str, system: &str, id: &str) {
        self.declared -= 1;
        if let Some(entry) = self.accounts.get_mut(account) {
            entry.aliases.retain(|(known, name)| **known != *system || **name != *id);
            self.bare += usize::from(entry.aliases.is_empty());
        }
    }

    /// Returns whether the alias now leads to another account.
    fn withdraw(&mut self, account: &str, system: &str, id: &str) -> bool {
        let Some(names) = self.claims.get_mut(system) else { return false };
        let Some((name, claims)) = names.remove_entry(id) else { return false };
        let (was_leader, was_disputed) = (**claims.leader() == *account, claims.is_disputed());
        self.declared -= 1;
        let Some(claims) = claims.without(account) else {
            if names.is_empty() {
                self.claims.remove(system);
            }
            return false;
        };
        self.disputed -= usize::from(was_disputed && !claims.is_disputed());
        names.insert(name, claims);
        was_leader
    }

    /// The account's own copy of its id; `None` if it is new and there is no room.
    fn known_or_new(&mut self, account: &str) -> Option<Arc<str>> {
        if let Some((known, _)) = self.accounts.get_key_value(account) {
            return Some(Arc::clone(known));
        }
        if !self.room(1) {
            return None;
        }
        let account = Arc::<str>::from(account);
        let version = Version { at: Timestamp(i64::MIN), id: "".into() };
        self.accounts.insert(Arc::clone(&account), Account { version, aliases: Vec::new() });
        self.bare += 1;
        Some(account)
    }

    /// Whether there is room for this many more entries. Accounts without aliases make room: all that is lost is how late their newest
    /// profile was, which keeps out older ones that arrive after it.
    fn room(&mut self, entries: usize) -> bool {
        let is_full = |table: &Self| table.declared + table.accounts.len() + entries > table.limit;
        if entries > 0 && is_full(self) && self.bare > 0 {
            self.accounts.retain(|_, account| !account.aliases.is_empty());
            self.bare = 0;
        }
        entries == 0 || !is_full(self)
    }

    /// Whether the alias is the id of an account that has this account's id as an alias in some system.
    fn is_cyclic(&self, account: &str, alias: &str) -> bool {
        self.accounts.contains_key(alias)
            && self.claims.values().any(|names| names.get(account).is_some_and(|claims| claims.version_of(alias).is_some()))
    }

    fn claims_on(&self, system: &str, id: &str) -> Option<&Claims> {
        self.claims.get(system)?.get(id)
    }

    fn version_of(&self, account: &str, system: &str, id: &str) -> Option<&Version> {
        self.claims_on(system, id)?.version_of(account)
    }
}

#[cfg(test)]
mod tests;
