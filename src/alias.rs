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

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::AccountProfile;
use crate::time::Timestamp;

/// Which account an alias belongs to.
#[derive(Debug, Default)]
pub struct Aliases {
    /// By account id.
    profiles: HashMap<Arc<str>, Profile>,
    /// By system, then by id in that system.
    claims: HashMap<Arc<str>, HashMap<Arc<str>, Vec<Claim>>>,
    disputed: usize,
}

/// When a profile was written; the later one is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    at: Timestamp,
    id: Box<str>,
}

#[derive(Debug)]
struct Profile {
    /// Of the newest profile that replaces all others.
    version: Version,
    aliases: Vec<Alias>,
}

/// An alias that an account declares, and the newest profile that does.
#[derive(Debug)]
struct Alias {
    system: Arc<str>,
    id: Arc<str>,
    version: Version,
}

/// A declaration of an alias.
#[derive(Clone, Debug)]
struct Claim {
    account: Arc<str>,
    version: Version,
}

/// What a profile changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Whether any alias was added or withdrawn.
    pub aliases: bool,
    /// How many more aliases are now declared by several accounts.
    pub disputes: usize,
}

impl Aliases {
    /// The account that an id in another system stands for.
    #[must_use]
    pub fn account(&self, system: &str, id: &str) -> Option<&str> {
        let claims = self.claims.get(system)?.get(id)?;
        claims.iter().max_by(|a, b| (&a.version, &a.account).cmp(&(&b.version, &b.account))).map(|claim| &*claim.account)
    }

    /// How many aliases are declared.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims.values().map(HashMap::len).sum()
    }

    /// Whether none is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.claims.values().all(HashMap::is_empty)
    }

    /// How many aliases several accounts declare.
    #[must_use]
    pub const fn disputed(&self) -> usize {
        self.disputed
    }

    /// Takes note of a profile.
    pub fn note(&mut self, account: &str, at: Timestamp, id: Option<&str>, profile: &AccountProfile<'_>) -> Changed {
        let version = Version { at, id: id.unwrap_or_default().into() };
        let before = self.disputed;
        let account = self.profiles.get_key_value(account).map_or_else(|| Arc::from(account), |(known, _)| Arc::clone(known));
        let declared: &[_] = if profile.deleted { &[] } else { &profile.aliases };
        let changed = if profile.merge && !profile.deleted {
            declared.iter().filter(|(system, id)| self.add(&account, system, id, &version)).count() > 0
        } else {
            self.replace(&account, declared, &version)
        };
        Changed { aliases: changed, disputes: self.disputed.saturating_sub(before) }
    }

    /// A profile that replaces everything older than itself; what merged later stays.
    fn replace(
        &mut self,
        account: &Arc<str>,
        declared: &[(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)],
        version: &Version,
    ) -> bool {
        let entry = self.profile(account);
        if entry.version >= *version {
            return false;
        }
        entry.version = version.clone();
        let (outdated, kept) = std::mem::take(&mut entry.aliases).into_iter().partition(|alias| alias.version < *version);
        entry.aliases = kept;
        let outdated: Vec<Alias> = outdated;
        let mut changed = false;
        for (system, id) in declared {
            changed |= self.add(account, system, id, version);
        }
        for alias in outdated {
            if !declared.iter().any(|(system, id)| **system == *alias.system && **id == *alias.id) {
                self.withdraw(account, &alias);
                changed = true;
            }
        }
        changed
    }

    /// Adds a declaration, unless a newer profile has replaced the one that it comes from. Returns whether it is new.
    fn add(&mut self, account: &Arc<str>, system: &str, id: &str, version: &Version) -> bool {
        let (system, id) = (self.interned(system), Arc::<str>::from(id));
        let entry = self.profile(account);
        if entry.version > *version {
            return false;
        }
        match entry.aliases.iter_mut().find(|alias| alias.system == system && alias.id == id) {
            Some(alias) if alias.version >= *version => return false,
            Some(alias) => alias.version = version.clone(),
            None => entry.aliases.push(Alias { system: Arc::clone(&system), id: Arc::clone(&id), version: version.clone() }),
        }
        let claims = self.claims.entry(system).or_default().entry(id).or_default();
        if let Some(claim) = claims.iter_mut().find(|claim| claim.account == *account) {
            claim.version = version.clone();
            return false;
        }
        claims.push(Claim { account: Arc::clone(account), version: version.clone() });
        self.disputed += usize::from(claims.len() == 2);
        true
    }

    fn withdraw(&mut self, account: &Arc<str>, alias: &Alias) {
        let Some(ids) = self.claims.get_mut(&alias.system) else { return };
        let Some(claims) = ids.get_mut(&alias.id) else { return };
        let before = claims.len();
        claims.retain(|claim| claim.account != *account);
        self.disputed -= usize::from(before == 2 && claims.len() == 1);
        if claims.is_empty() {
            ids.remove(&alias.id);
        }
    }

    fn profile(&mut self, account: &Arc<str>) -> &mut Profile {
        let none = || Profile { version: Version { at: Timestamp(i64::MIN), id: "".into() }, aliases: Vec::new() };
        self.profiles.entry(Arc::clone(account)).or_insert_with(none)
    }

    /// One copy of each system's name.
    fn interned(&self, system: &str) -> Arc<str> {
        self.claims.get_key_value(system).map_or_else(|| Arc::from(system), |(known, _)| Arc::clone(known))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn profile(ids: &[&'static str]) -> AccountProfile<'static> {
        let aliases = ids.iter().map(|id| (Cow::Borrowed("stripe"), Cow::Borrowed(*id))).collect();
        AccountProfile { aliases, ..AccountProfile::default() }
    }

    fn merging(ids: &[&'static str]) -> AccountProfile<'static> {
        AccountProfile { merge: true, ..profile(ids) }
    }

    fn note(table: &mut Aliases, account: &str, at: i64, ids: &[&'static str]) -> Changed {
        table.note(account, Timestamp(at), None, &profile(ids))
    }

    #[test]
    fn an_alias_leads_to_the_account_that_declares_it() {
        let mut table = Aliases::default();
        assert_eq!(note(&mut table, "acme", 1, &["cus_1", "cus_2"]), Changed { aliases: true, disputes: 0 });
        assert_eq!((table.account("stripe", "cus_2"), table.account("zendesk", "cus_2"), table.len()), (Some("acme"), None, 2));
        assert_eq!(note(&mut table, "acme", 2, &["cus_1"]), Changed { aliases: true, disputes: 0 });
        assert_eq!((table.account("stripe", "cus_2"), table.len()), (None, 1));
    }

    #[test]
    fn an_older_profile_changes_nothing() {
        let mut table = Aliases::default();
        note(&mut table, "acme", 2, &[]);
        assert!(!note(&mut table, "acme", 1, &["cus_1"]).aliases);
        assert!(table.is_empty());
    }

    #[test]
    fn the_newest_declaration_has_an_alias_and_the_other_gets_it_back() {
        let mut table = Aliases::default();
        note(&mut table, "acme", 1, &["cus_1"]);
        assert_eq!(note(&mut table, "bolt", 2, &["cus_1"]).disputes, 1);
        assert_eq!((table.account("stripe", "cus_1"), table.disputed()), (Some("bolt"), 1));
        note(&mut table, "acme", 3, &["cus_1"]);
        assert_eq!(table.account("stripe", "cus_1"), Some("acme"), "it moves back when it is declared again");
        note(&mut table, "acme", 4, &[]);
        assert_eq!((table.account("stripe", "cus_1"), table.disputed()), (Some("bolt"), 0), "and when it is withdrawn");
    }

    #[test]
    fn a_deleted_account_has_no_aliases() {
        let mut table = Aliases::default();
        note(&mut table, "acme", 1, &["cus_1"]);
        table.note("acme", Timestamp(2), None, &AccountProfile { deleted: true, ..profile(&["cus_1"]) });
        assert_eq!(table.account("stripe", "cus_1"), None);
    }

    #[test]
    fn profiles_that_merge_add_up() {
        let mut table = Aliases::default();
        table.note("acme", Timestamp(1), None, &merging(&["cus_1"]));
        table.note("acme", Timestamp(2), None, &merging(&["cus_2"]));
        assert_eq!((table.account("stripe", "cus_1"), table.account("stripe", "cus_2")), (Some("acme"), Some("acme")));
        note(&mut table, "acme", 2, &["cus_3"]);
        assert_eq!(
            (table.account("stripe", "cus_1"), table.account("stripe", "cus_2")),
            (None, Some("acme")),
            "a whole profile replaces what is older"
        );
    }

    #[test]
    fn an_alias_of_an_alias_is_not_followed() {
        let mut table = Aliases::default();
        note(&mut table, "cus_2", 1, &["cus_1"]);
        note(&mut table, "cus_1", 1, &["cus_2"]);
        assert_eq!((table.account("stripe", "cus_1"), table.account("stripe", "cus_2")), (Some("cus_2"), Some("cus_1")));
    }

    fn declaration() -> impl Strategy<Value = (&'static str, i64, Vec<&'static str>, bool, bool)> {
        let accounts = prop::sample::select(vec!["a", "b", "c"]);
        let ids = prop::sample::subsequence(vec!["1", "2", "3"], 0..=3);
        (accounts, 0_i64..40, ids, any::<bool>(), prop::bool::weighted(0.1))
    }

    proptest! {
        #[test]
        fn the_order_of_profiles_does_not_matter(profiles in prop::collection::vec(declaration(), 0..20).prop_shuffle()) {
            let build = |order: &[usize]| {
                let mut table = Aliases::default();
                for (number, (account, at, ids, merges, deleted)) in order.iter().map(|number| (number, &profiles[*number])) {
                    // Two different profiles with the same time differ by id.
                    let id = number.to_string();
                    let profile = AccountProfile { deleted: *deleted, merge: *merges, ..profile(ids) };
                    table.note(account, Timestamp(*at), Some(&id), &profile);
                }
                (["1", "2", "3"].map(|id| table.account("stripe", id).map(str::to_owned)), table.disputed(), table.len())
            };
            let forwards = build(&(0..profiles.len()).collect::<Vec<_>>());
            let backwards = build(&(0..profiles.len()).rev().collect::<Vec<_>>());
            prop_assert_eq!(forwards, backwards);
        }
    }
}
