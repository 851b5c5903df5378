//! Checks that a deletion leaves the facts after it, and nothing else, whatever was outranked while the earlier ones were known.

use proptest::prelude::*;

use super::fixture::{TestAccount, day, monthly, usd, with_status};
use super::invoices::MAX_REPEATED_FAILURES;
use super::subscription::MAX_OUTRANKED;
use crate::account::{Limit, Section};
use crate::event::{SubscriptionSnapshot, SubscriptionStatus};
use crate::settings::StateVersion;

/// Few enough that nothing is left out for a limit.
const MAX_RECORDS: usize = 10;

#[derive(Clone, Copy, Debug)]
struct BillingRecord {
    day: i64,
    kind: u8,
    subject: usize,
    version: Option<i64>,
    minor: i64,
}

const SUBJECTS: [&str; 2] = ["a", "b"];

fn records() -> impl Strategy<Value = Vec<BillingRecord>> {
    let record = (0..9_i64, 0..6_u8, 0..SUBJECTS.len(), prop::option::of(0..4_i64), 1..4_i64);
    let record = record.prop_map(|(day, kind, subject, version, minor)| BillingRecord { day, kind, subject, version, minor });
    prop::collection::vec(record, 1..=MAX_RECORDS)
}

fn account(records: &[BillingRecord]) -> TestAccount {
    let mut account = TestAccount::default();
    for record in records {
        let (at, subject) = (day(record.day), SUBJECTS[record.subject]);
        match record.kind {
            0 => account.failed(at, subject),
            1 => account.paid(at, subject, &format!("evt_{}", record.minor), usd(record.minor)),
            2 => account.snapshot(
                at,
                SubscriptionSnapshot { version: record.version, ..with_status(subject, record.minor, SubscriptionStatus::PastDue) },
            ),
            _ => account.snapshot(at, SubscriptionSnapshot { version: record.version, ..monthly(subject, record.minor) }),
        }
    }
    account
}

/// As restored from the changelog.
fn restarted(mut account: TestAccount) -> TestAccount {
    let parts = account.state.parts(StateVersion::NEWEST);
    account.state = super::Billing::default();
    for (part, bytes) in parts {
        account.state.restore(part, &bytes).unwrap();
    }
    account
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_deletion_leaves_exactly_what_is_after_it(
        (records, delivered) in records().prop_flat_map(|records| {
            let twice = [records.clone(), records.clone()].concat();
            (Just(records), Just(twice).prop_shuffle())
        }),
        deleted_on in -1..10_i64,
        restarts in any::<bool>(),
    ) {
        let next_life: Vec<_> = records.into_iter().filter(|record| record.day > deleted_on).collect();
        let expected = account(&next_life);
        let mut deleted = account(&delivered);
        prop_assume!([Limit::Snapshots, Limit::Invoices].iter().all(|limit| deleted.reached(*limit) == 0));
        if restarts {
            deleted = restarted(deleted);
        }
        deleted.state.forget_until(day(deleted_on));
        prop_assert_eq!(deleted.state.parts(StateVersion::NEWEST), expected.state.parts(StateVersion::NEWEST));
    }
}

#[test]
fn a_snapshot_is_in_force_once_the_greater_version_of_an_earlier_life_is_forgotten() {
    let version = |minor, version| SubscriptionSnapshot { version: Some(version), ..monthly("a", minor) };
    let mut account = TestAccount::default();
    account.snapshot(day(1), version(900, 7));
    account.snapshot(day(5), version(300, 1));
    account.snapshot(day(6), version(400, 2));
    assert_eq!(account.mrr(day(9)), 900);
    account.state.forget_until(day(3));
    assert_eq!([4, 5, 6].map(|number| account.mrr(day(number))), [0, 300, 400]);
}

#[test]
fn an_invoice_is_open_since_its_first_failure_after_the_deletion() {
    let mut account = TestAccount::default();
    for number in [1, 3, 7, 5] {
        account.failed(day(number), "in_1");
    }
    account.state.forget_until(day(3));
    let failures = account.ledger().invoices(day(9)).0;
    assert_eq!((failures.open, failures.oldest), (1, Some(day(5))));
    assert_eq!(account.state.first_record_at(), Some(day(5)));
}

#[test]
fn beyond_the_limits_the_newest_outranked_facts_are_kept_in_any_order() {
    let most = i64::try_from(MAX_OUTRANKED.max(MAX_REPEATED_FAILURES)).unwrap() + 5;
    let mut days: Vec<i64> = (1..=most).collect();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        days.reverse();
        let mut account = TestAccount::default();
        account.snapshot(day(0), SubscriptionSnapshot { version: Some(1_000), ..monthly("a", 1) });
        account.failed(day(0), "in_1");
        for number in &days {
            account.snapshot(day(*number), SubscriptionSnapshot { version: Some(*number), ..monthly("a", 100 + number) });
            account.failed(day(*number), "in_1");
        }
        let reached = [Limit::Snapshots, Limit::Invoices].map(|limit| account.reached(limit));
        assert_eq!(reached, [MAX_OUTRANKED, MAX_REPEATED_FAILURES].map(|kept| u64::try_from(most).unwrap() - kept as u64));
        seen.insert(account.state.parts(StateVersion::NEWEST));
        account.state.forget_until(day(most - 2));
        assert_eq!([most - 1, most].map(|number| account.mrr(day(number))), [100 + most - 1, 100 + most]);
        assert_eq!(account.ledger().invoices(day(most)).0.oldest, Some(day(most - 1)));
    }
    assert_eq!(seen.len(), 1);
}

#[test]
fn outranked_facts_are_left_out_of_version_1_and_add_nothing_where_there_are_none() {
    let version = |minor, version| SubscriptionSnapshot { version: Some(version), ..monthly("a", minor) };
    let mut plain = TestAccount::default();
    plain.snapshot(day(1), version(900, 7));
    plain.failed(day(1), "in_1");
    let mut outranked = plain.clone();
    outranked.snapshot(day(5), version(300, 1));
    outranked.failed(day(5), "in_1");
    assert_eq!(outranked.state.least_version(), StateVersion::V1);
    assert_eq!(outranked.state.parts(StateVersion::V1), plain.state.parts(StateVersion::V1));
    let [plain, outranked] = [plain, outranked].map(|account| account.state.parts(StateVersion::V2).remove(0).1.len());
    assert!((plain + 1..plain + 60).contains(&outranked), "{plain} and {outranked} bytes");
}
