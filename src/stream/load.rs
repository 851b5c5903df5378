//! The size of a transaction, so far or to come, and what it may be.

use std::iter::Sum;

/// Records of one transaction, at most.
pub(super) const RECORDS_MAX: usize = 50_000;
/// Bytes of one transaction, at most.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Records and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Records.
    pub records: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl Load {
    /// Whether a transaction is at four fifths of what it may hold; scores and changes take the rest.
    pub(super) const fn is_nearly_full(self) -> bool {
        self.records > RECORDS_MAX / 5 * 4 || self.bytes > BYTES_MAX / 5 * 4
    }

    /// What each of so many tasks may add by scoring: accounts, each of which takes a change and a changelog record, and bytes of changes.
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
    fn a_transaction_that_is_nearly_full_leaves_room_for_scores() {
        let full = [Load { records: RECORDS_MAX / 2, bytes: 0 }, Load { records: RECORDS_MAX / 2, bytes: 1 }].into_iter().sum::<Load>();
        assert!(full.is_nearly_full() && !Load::default().is_nearly_full());
        assert_eq!(
            full.left_for_each_of(5, 1024),
            Load { records: RECORDS_MAX / 100, bytes: (BYTES_MAX - 1 - RECORDS_MAX / 20 * 1024) / 5 }
        );
    }
}
