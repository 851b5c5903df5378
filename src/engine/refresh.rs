//! Accounts whose part of the live sums is to be replaced later: one that events keep coming to has its part replaced once a minute.

use std::collections::BTreeMap;

use crate::account::AccountKey;
use crate::portfolio::LiveEntry;
use crate::time::{MINUTE_MS, Timestamp};

/// The part of an account is replaced at most this often, unless the account falls due.
pub(super) const REFRESH_MS: i64 = MINUTE_MS;

/// Accounts by the second at which their turn comes; each is here once at most.
#[derive(Debug, Default)]
pub(super) struct Refresh(BTreeMap<i64, Vec<AccountKey>>);

impl Refresh {
    /// Whether the part of an account is too young to be replaced already; the account then has its turn later.
    pub(super) fn defers(&mut self, key: AccountKey, live: &mut LiveEntry, now: Timestamp) -> bool {
        let Some(contribution) = &mut live.contribution else { return false };
        let at = contribution.at();
        let young = (0..REFRESH_MS).contains(&now.since(at));
        if young && !std::mem::replace(&mut contribution.waits, true) {
            self.push(key, at);
        }
        young
    }

    /// Puts an account down for the instant at which its part, worked out at `at`, is old enough.
    fn push(&mut self, key: AccountKey, at: Timestamp) {
        self.0.entry(at.plus(REFRESH_MS).0.div_euclid(1000)).or_default().push(key);
    }

    /// An account whose turn has come.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<AccountKey> {
        let mut first = self.0.first_entry().filter(|first| *first.key() <= now.0.div_euclid(1000))?;
        let key = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_turn_a_minute_after_its_last() {
        let mut refresh = Refresh::default();
        refresh.push(AccountKey(1), Timestamp(0));
        refresh.push(AccountKey(2), Timestamp(30_000));
        assert_eq!(refresh.pop(Timestamp(59_000)), None);
        assert_eq!([refresh.pop(Timestamp(61_000)), refresh.pop(Timestamp(61_000))], [Some(AccountKey(1)), None]);
        assert_eq!(refresh.pop(Timestamp(90_000)), Some(AccountKey(2)));
    }
}
