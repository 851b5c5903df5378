//! The size of a transaction, and its limits.
//!
//! Sizes are estimates until everything has been written, and an estimate counts what a transaction holds at least. So the limits learn: they
//! start small in each process, grow with every transaction that reached them and was quick, and after one that failed they are a quarter of
//! what it was. A process that exits because of a size is therefore not followed by one that tries the same size again.

use std::iter::Sum;
use std::time::Duration;

use crate::fault;

/// Most records in one transaction.
pub(in crate::stream) const RECORDS_MAX: usize = 50_000;
/// Most bytes in one transaction.
pub(in crate::stream) const BYTES_MAX: usize = 64 * 1024 * 1024;
/// The limits of a process that starts: 1,562 records or 2 MiB. Five quick transactions later they are at their maximum.
const START: Limits = Limits { records: RECORDS_MAX >> 5, bytes: BYTES_MAX >> 5, record_bytes: 0 };
/// The least limits. A transaction this small is tried whatever it holds.
const LEAST: Limits = Limits { records: 48, bytes: 64 * 1024, record_bytes: 0 };
/// What is left of the size of a failed transaction.
const SHRINK: usize = 4;
/// Assumed size of the changelog record that scoring an account changes, bytes.
const CORE_RECORD_BYTES: usize = 1024;

/// A number of records and their total size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::stream) struct Load {
    /// How many records.
    pub records: usize,
    /// Their total size, bytes.
    pub bytes: usize,
}

/// The current limits of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) struct Limits {
    records: usize,
    bytes: usize,
    /// Size of a record in the failed transactions, forgotten slowly; 0: none has failed.
    record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        START
    }
}

impl Limits {
    /// Most records.
    pub(in crate::stream) const fn records(self) -> usize {
        self.records
    }

    /// Most bytes of a transaction, whatever it was estimated at. The least ones are not bounded: nothing smaller could be tried instead.
    pub(in crate::stream) const fn bytes_written_max(self) -> usize {
        if self.are_least() { usize::MAX } else { BYTES_MAX }
    }

    /// The least size at which a record is estimated.
    pub(in crate::stream) const fn record_bytes(self) -> usize {
        self.record_bytes
    }

    /// Whether they can shrink no further.
    const fn are_least(self) -> bool {
        self.records <= LEAST.records && self.bytes <= LEAST.bytes
    }

    /// Whether a transaction has failed because of its size and none has been quick enough since: then each record counts.
    pub(in crate::stream) const fn are_reduced(self) -> bool {
        self.records < START.records || self.bytes < START.bytes
    }

    /// A transaction failed because of its size, or may have: it was estimated at this size, and this much of it was written.
    pub(in crate::stream) fn failed(&mut self, estimated: Load, written: Load) {
        if written.records == 0 || fault::is_mutant("limits-do-not-shrink") {
            return;
        }
        let below = |limit: usize, estimated: usize, written: usize| limit.min(estimated).min(written) / SHRINK;
        self.records = below(self.records, estimated.records, written.records).max(LEAST.records);
        self.bytes = below(self.bytes, estimated.bytes, written.bytes).max(LEAST.bytes);
        self.record_bytes = self.record_bytes.max(written.bytes / written.records);
    }

    /// A transaction has been committed within `took` of the `allowed` time. If the limits were what kept it from being larger, one twice
    /// as large would have taken twice as long.
    pub(in crate::stream) fn committed(&mut self, took: Duration, allowed: Duration, was_limited: bool) {
        self.record_bytes -= self.record_bytes.div_ceil(8);
        if was_limited && took < allowed / 4 {
            self.records = (self.records * 2).min(RECORDS_MAX);
            self.bytes = (self.bytes * 2).min(BYTES_MAX);
        }
    }

    /// Whether a transaction has used four fifths of a limit; the rest is reserved for scores and changes.
    pub(in crate::stream) const fn are_nearly_reached(self, load: Load) -> bool {
        load.records > self.records / 5 * 4 || load.bytes > self.bytes / 5 * 4
    }

    /// What each of `tasks` tasks may add to a transaction by scoring: accounts (each takes a change and a changelog record) and bytes of
    /// changes.
    pub(in crate::stream) fn left_for_each_of(self, tasks: usize, load: Load) -> Load {
        let tasks = tasks.max(1);
        let records = self.records.saturating_sub(load.records).max(self.records / 10) / 2;
        let bytes = self.bytes.saturating_sub(load.bytes + records * CORE_RECORD_BYTES).max(self.bytes / 10);
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

    const MAX: Limits = Limits { records: RECORDS_MAX, bytes: BYTES_MAX, record_bytes: 0 };
    const ALLOWED: Duration = Duration::from_secs(10);

    #[test]
    fn even_a_full_transaction_leaves_the_tasks_a_tenth_for_scoring() {
        let full = Load { records: 2 * RECORDS_MAX, bytes: 2 * BYTES_MAX };
        assert_eq!(MAX.left_for_each_of(0, full), MAX.left_for_each_of(1, full), "no task counts as one");
        assert_eq!(MAX.left_for_each_of(2, full), Load { records: RECORDS_MAX / 10 / 2 / 2, bytes: BYTES_MAX / 10 / 2 });
    }

    #[test]
    fn either_records_or_bytes_alone_fill_a_transaction() {
        assert!(MAX.are_nearly_reached(Load { records: 1, bytes: BYTES_MAX / 5 * 4 + 1 }));
        assert!(MAX.are_nearly_reached(Load { records: RECORDS_MAX / 5 * 4 + 1, bytes: 1 }));
        assert!(!MAX.are_nearly_reached(Load { records: RECORDS_MAX / 5 * 4, bytes: BYTES_MAX / 5 * 4 }));
    }

    #[test]
    fn limits_start_small_and_reach_their_maximum_after_five_quick_transactions() {
        let mut limits = Limits::default();
        assert_eq!((limits.records(), limits.bytes), (1_562, 2 * 1024 * 1024));
        (0..5).for_each(|_| limits.committed(ALLOWED / 5, ALLOWED, true));
        assert_eq!((limits.records(), limits.bytes), (49_984, BYTES_MAX));
        limits.committed(ALLOWED / 5, ALLOWED, true);
        assert_eq!(limits, MAX);
    }

    #[test]
    fn a_transaction_that_was_slow_or_that_they_did_not_limit_says_nothing_about_larger_ones() {
        let mut limits = Limits::default();
        limits.committed(ALLOWED / 4, ALLOWED, true);
        limits.committed(ALLOWED / 100, ALLOWED, false);
        assert_eq!(limits, START);
    }

    #[test]
    fn after_a_failure_the_limits_are_below_what_failed_however_small_that_was() {
        let mut limits = MAX;
        let estimated = Load { records: 1_000, bytes: 1_000_000 };
        limits.failed(estimated, Load { records: 800, bytes: 32_000_000 });
        assert_eq!((limits.records(), limits.bytes, limits.record_bytes()), (200, 250_000, 40_000));
        assert!(limits.are_reduced());
        (0..9).for_each(|_| limits.failed(Load { records: 1, bytes: 1 }, Load { records: 1, bytes: 1 }));
        assert_eq!((limits.records(), limits.bytes, limits.bytes_written_max()), (LEAST.records, LEAST.bytes, usize::MAX));
    }

    #[test]
    fn a_failure_before_anything_was_written_is_not_one_of_size() {
        let mut limits = Limits::default();
        limits.failed(Load { records: 1_000, bytes: 1_000_000 }, Load::default());
        assert_eq!(limits, START);
    }

    /// How many transactions of accounts of this size a process fails to commit in a row until one succeeds, and how large that one is, on
    /// a broker that takes this many bytes a second. Every account is estimated at 1 KiB until a failure teaches better.
    fn failures(mut limits: Limits, account_bytes: usize, bytes_per_second: usize) -> (usize, usize) {
        for failures in 0.. {
            let estimate = |accounts: usize| Load { records: accounts, bytes: accounts * limits.record_bytes().max(1024) };
            let accounts = (1..40_000).find(|accounts| limits.are_nearly_reached(estimate(*accounts))).unwrap_or(40_000);
            let in_time = 10 * bytes_per_second;
            if accounts * account_bytes <= in_time.min(limits.bytes_written_max()) {
                return (failures, accounts);
            }
            limits.failed(estimate(accounts), Load { records: accounts, bytes: accounts * account_bytes });
        }
        unreachable!()
    }

    #[test]
    fn a_burst_of_large_accounts_is_committed_after_few_failures_whatever_the_limits_were() {
        const KIB: usize = 1024;
        for account_bytes in [4 * KIB, 32 * KIB, 512 * KIB] {
            for bytes_per_second in [100 * KIB, KIB * KIB, 20 * KIB * KIB] {
                for limits in [START, MAX] {
                    let (failures, accounts) = failures(limits, account_bytes, bytes_per_second);
                    let case =
                        format!("{accounts} accounts of {account_bytes} bytes at {bytes_per_second} bytes per second, from {limits:?}");
                    assert!(failures <= 3, "{failures} failures: {case}");
                }
            }
        }
        assert_eq!(failures(START, 32 * KIB, 20 * KIB * KIB).0, 0, "a process that starts does not fail at all on a quick broker");
    }

    #[test]
    fn what_a_failure_taught_about_sizes_is_forgotten_slowly() {
        let mut limits = Limits { record_bytes: 8_000, ..START };
        limits.committed(ALLOWED, ALLOWED, false);
        assert_eq!(limits.record_bytes(), 7_000);
        (0..100).for_each(|_| limits.committed(ALLOWED, ALLOWED, false));
        assert_eq!(limits.record_bytes(), 0);
    }
}
