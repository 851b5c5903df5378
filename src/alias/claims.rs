//! The accounts that declare one alias, the newest declaration first.

use std::sync::Arc;

use crate::time::Timestamp;

/// Declarations kept per alias. Of more, the newest stay: an id that every account declares, such as `undefined`, must not slow down each
/// of its declarations.
pub(super) const CLAIMS_MAX: usize = 64;

/// When a profile was written; the later one is newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) at: Timestamp,
    pub(super) id: Box<str>,
}

/// A declaration of an alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) version: Version,
    pub(super) account: Arc<str>,
}

/// At least one declaration.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    newest: Claim,
    others: Vec<Claim>,
}

impl Claims {
    pub(super) const fn of(claim: Claim) -> Self {
        Self { newest: claim, others: Vec::new() }
    }

    /// The account that the alias leads to.
    pub(super) const fn leader(&self) -> &Arc<str> {
        &self.newest.account
    }

    pub(super) fn is_disputed(&self) -> bool {
        !self.others.is_empty()
    }

    /// When an account declared it last.
    pub(super) fn version_of(&self, account: &str) -> Option<&Version> {
        let mut claims = std::iter::once(&self.newest).chain(&self.others);
        claims.find(|claim| *claim.account == *account).map(|claim| &claim.version)
    }

    /// Adds a declaration, or renews the one of its account. Returns the account whose declaration had to go, if there were too many.
    pub(super) fn put(&mut self, claim: Claim) -> Option<Arc<str>> {
        match std::iter::once(&mut self.newest).chain(&mut self.others).find(|known| known.account == claim.account) {
            Some(known) => known.version = claim.version,
            None => self.others.push(claim),
        }
        self.put_newest_first();
        if self.others.len() < CLAIMS_MAX {
            return None;
        }
        let oldest = self.others.iter().enumerate().min_by_key(|(_, claim)| *claim).map(|(place, _)| place)?;
        Some(self.others.swap_remove(oldest).account)
    }

    /// The declarations without that of an account; `None` if it was the only one.
    pub(super) fn without(mut self, account: &str) -> Option<Self> {
        self.others.retain(|claim| *claim.account != *account);
        if *self.newest.account == *account {
            self.newest = self.others.pop()?;
            self.put_newest_first();
        }
        Some(self)
    }

    fn put_newest_first(&mut self) {
        if let Some(newest) = self.others.iter_mut().max()
            && *newest > self.newest
        {
            std::mem::swap(newest, &mut self.newest);
        }
    }
}
