//! Limits how often an account's contribution to the live sums is recomputed: busy accounts once a minute, not once per event.

use std::collections::BTreeMap;

use crate::account::AccountKey;
use crate::portfolio::LiveEntry;
use crate::time::{MINUTE_MS, Timestamp};

/// Minimum interval between two refreshes of one account's contribution, except when its hourly scoring is due.
pub(super) const REFRESH_MS: i64 = MINUTE_MS;

/// Accounts by the second at which their refresh is due; each is queued at most once.
#[derive(Debug, Default)]
pub(super) struct Refresh(BTreeMap<i64, Vec<AccountKey>>);

impl Refresh {
    /// Whether the contribution is too recent to be replaced now; if so, the account is queued for later.
    pub(super) fn defers(&mut self, key: AccountKey, live: &mut LiveEntry, now: Timestamp) -> bool {
        let Some(contribution) = &mut live.contribution else { return false };
        let at = contribution.at();
        let young = (0..REFRESH_MS).contains(&now.since(at));
        if young && !std::mem::replace(&mut contribution.waits, true) {
            self.push(key, at);
        }
        young
    }

    /// Queues an account for [`REFRESH_MS`] after `at`, when its contribution was computed.
    fn push(&mut self, key: AccountKey, at: Timestamp) {
        self.0.entry(at.plus(REFRESH_MS).0.div_euclid(1000)).or_default().push(key);
    }

    /// Removes and returns an account that is due.
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
    fn an_account_is_refreshed_a_minute_after_its_last_refresh() {
        let mut refresh = Refresh::default();
        refresh.push(AccountKey(1), Timestamp(0));
        refresh.push(AccountKey(2), Timestamp(30_000));
        assert_eq!(refresh.pop(Timestamp(59_000)), None);
        assert_eq!([refresh.pop(Timestamp(61_000)), refresh.pop(Timestamp(61_000))], [Some(AccountKey(1)), None]);
        assert_eq!(refresh.pop(Timestamp(90_000)), Some(AccountKey(2)));
    }
}
