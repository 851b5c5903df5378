//! Which accounts still need a score for their history while a task catches up.

use std::collections::VecDeque;

use crate::account::AccountKey;
use crate::time::Date;

/// A pass over the accounts, for one date.
#[derive(Debug, Default)]
pub(super) struct Sampling {
    date: Option<Date>,
    left: VecDeque<AccountKey>,
}

impl Sampling {
    /// The next accounts to score for `date`, at most so many. A pass that is under way ends before that of another date begins.
    pub(super) fn take(&mut self, date: Date, most: usize, keys: impl FnOnce() -> Vec<AccountKey>) -> Vec<AccountKey> {
        if self.left.is_empty() && self.date != Some(date) {
            *self = Self { date: Some(date), left: keys().into() };
        }
        self.left.drain(..most.min(self.left.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_taken_once_per_pass_and_a_pass_ends_before_the_next_begins() {
        let mut sampling = Sampling::default();
        let mut take = |date| sampling.take(Date(date), 2, || vec![AccountKey(1), AccountKey(2), AccountKey(3)]).len();
        assert_eq!([take(1), take(2), take(2), take(2), take(2)], [2, 1, 2, 1, 0]);
    }
}
