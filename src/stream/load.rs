//! The size of a transaction, and its limits.

use std::iter::Sum;
use std::time::Duration;

/// Most records in one transaction.
pub(super) const RECORDS_MAX: usize = 50_000;
/// Most bytes in one transaction.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How often the limits may be halved: down to 1,562 records or 2 MiB.
const HALVINGS_MAX: u32 = 5;
/// Assumed size of the changelog record that scoring an account changes, bytes.
const CORE_RECORD_BYTES: usize = 1024;

/// A number of records and their total size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// How many records.
    pub records: usize,
    /// Their total size, bytes.
    pub bytes: usize,
}

/// The current limits of a transaction. They halve when one could not be committed in time, so that the same records are never tried
/// again in one, and grow back while transactions are quick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    halvings: u32,
}

impl Limits {
    /// Most records.
    pub(super) const fn records(self) -> usize {
        RECORDS_MAX >> self.halvings
    }

    /// Most bytes.
    pub(super) const fn bytes(self) -> usize {
        BYTES_MAX >> self.halvings
    }

    /// Whether they can shrink no further.
    pub(super) const fn are_least(self) -> bool {
        self.halvings == HALVINGS_MAX
    }

    /// A transaction was too large.
    pub(super) fn shrink(&mut self) {
        self.halvings = (self.halvings + 1).min(HALVINGS_MAX);
    }

    /// A transaction has been committed within `took` of the `allowed` time. One twice as large would have taken twice as long.
    pub(super) fn committed(&mut self, took: Duration, allowed: Duration) {
        if took < allowed / 4 {
            self.halvings = self.halvings.saturating_sub(1);
        }
    }

    /// Whether a transaction has used four fifths of a limit; the rest is reserved for scores and changes.
    pub(super) const fn are_nearly_reached(self, load: Load) -> bool {
        load.records > self.records() / 5 * 4 || load.bytes > self.bytes() / 5 * 4
    }

    /// What each of `tasks` tasks may add to a transaction by scoring: accounts (each takes a change and a changelog record) and bytes of
    /// changes.
    pub(super) fn left_for_each_of(self, tasks: usize, load: Load) -> Load {
        let tasks = tasks.max(1);
        let records = self.records().saturating_sub(load.records).max(self.records() / 10) / 2;
        let bytes = self.bytes().saturating_sub(load.bytes + records * CORE_RECORD_BYTES).max(self.bytes() / 10);
        Load { records: (records / tasks).max(1), bytes: bytes / tasks }
    }
}

impl Sum for Load {
    fn sum<I: Iterator<Item = Self>>(loads: I) -> Self {
        loads.fold(Self::default(), |sum, load| Self { records: sum.records + load.records, bytes: sum.bytes + load.bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_a_full_transaction_leaves_the_tasks_a_tenth_for_scoring() {
        let (limits, full) = (Limits::default(), Load { records: 2 * RECORDS_MAX, bytes: 2 * BYTES_MAX });
        assert_eq!(limits.left_for_each_of(0, full), limits.left_for_each_of(1, full), "no task counts as one");
        assert_eq!(limits.left_for_each_of(2, full), Load { records: RECORDS_MAX / 10 / 2 / 2, bytes: BYTES_MAX / 10 / 2 });
    }

    #[test]
    fn either_records_or_bytes_alone_fill_a_transaction() {
        let limits = Limits::default();
        assert!(limits.are_nearly_reached(Load { records: 1, bytes: BYTES_MAX / 5 * 4 + 1 }));
        assert!(limits.are_nearly_reached(Load { records: RECORDS_MAX / 5 * 4 + 1, bytes: 1 }));
        assert!(!limits.are_nearly_reached(Load { records: RECORDS_MAX / 5 * 4, bytes: BYTES_MAX / 5 * 4 }));
    }

    #[test]
    fn a_transaction_that_failed_is_repeated_with_half_the_records_down_to_a_floor() {
        let mut limits = Limits::default();
        let load = Load { records: RECORDS_MAX / 2, bytes: 0 };
        assert!(!limits.are_nearly_reached(load));
        limits.shrink();
        assert!(limits.are_nearly_reached(load) && limits.records() == RECORDS_MAX / 2 && limits.bytes() == BYTES_MAX / 2);
        (0..9).for_each(|_| limits.shrink());
        assert!(limits.are_least() && limits.records() == 1_562, "{}", limits.records());
    }

    #[test]
    fn limits_grow_back_only_while_twice_as_much_would_fit_easily() {
        let (mut limits, allowed) = (Limits { halvings: 2 }, Duration::from_secs(10));
        limits.committed(Duration::from_secs(3), allowed);
        assert_eq!(limits.halvings, 2);
        limits.committed(Duration::from_secs(1), allowed);
        limits.committed(Duration::from_secs(1), allowed);
        limits.committed(Duration::from_secs(1), allowed);
        assert_eq!(limits, Limits::default());
    }
}
