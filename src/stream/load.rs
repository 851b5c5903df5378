//! The size of a transaction, and its limits.

use std::iter::Sum;

/// Most records in one transaction.
pub(super) const RECORDS_MAX: usize = 50_000;
/// Most bytes in one transaction.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A number of records and their total size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// How many records.
    pub records: usize,
    /// Their total size, bytes.
    pub bytes: usize,
}

impl Load {
    /// Whether a transaction has used four fifths of a limit; the rest is reserved for scores and changes.
    pub(super) const fn is_nearly_full(self) -> bool {
        self.records > RECORDS_MAX / 5 * 4 || self.bytes > BYTES_MAX / 5 * 4
    }

    /// What each of `tasks` tasks may add by scoring: accounts (each takes a change and a changelog record) and bytes of changes.
    pub(super) fn left_for_each_of(self, tasks: usize, changelog_record_bytes: usize) -> Self {
        let tasks = tasks.max(1);
        let records = RECORDS_MAX.saturating_sub(self.records).max(RECORDS_MAX / 10) / 2;
        let bytes = BYTES_MAX.saturating_sub(self.bytes + records * changelog_record_bytes).max(BYTES_MAX / 10);
        Self { records: records / tasks, bytes: bytes / tasks }
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
        let full = Load { records: 2 * RECORDS_MAX, bytes: 2 * BYTES_MAX };
        assert_eq!(full.left_for_each_of(0, 1), full.left_for_each_of(1, 1), "no task counts as one");
        let left = full.left_for_each_of(2, 1024);
        assert_eq!(left, Load { records: RECORDS_MAX / 10 / 2 / 2, bytes: BYTES_MAX / 10 / 2 });
    }

    #[test]
    fn bytes_alone_fill_a_transaction() {
        assert!(Load { records: 1, bytes: BYTES_MAX / 5 * 4 + 1 }.is_nearly_full());
        assert!(!Load { records: RECORDS_MAX / 5 * 4, bytes: BYTES_MAX / 5 * 4 }.is_nearly_full());
    }

    #[test]
    fn a_transaction_that_is_nearly_full_leaves_room_for_scores() {
        let full = [Load { records: RECORDS_MAX / 2, bytes: 0 }, Load { records: RECORDS_MAX / 2, bytes: 1 }].into_iter().sum::<Load>();
        assert!(full.is_nearly_full() && !Load::default().is_nearly_full());
        assert_eq!(
            full.left_for_each_of(5, 1024),
            Load { records: RECORDS_MAX / 100, bytes: (BYTES_MAX - 1 - RECORDS_MAX / 20 * 1024) / 5 }
        );
    }
}
