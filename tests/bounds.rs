//! Whatever is sent, memory stays below the sum of the limits and changelog records below 512 KiB. Every run uses small limits; for ten
//! times larger ones run `BOUNDS_SCALE=10 cargo test --release --test bounds -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that finds a figure out of bounds panics with it"
)]

mod hoard;

use std::sync::{Arc, Mutex};

use churnwatch::account::Limit;
use churnwatch::alias::Aliases;
use churnwatch::engine::{Input, Outcome, PlainStore, RoundOptions, Task};
use churnwatch::event::{AccountProfile, Code, Format, Headers, Stream};
use churnwatch::settings::{Limits, Settings, StateVersion};
use churnwatch::time::{Calendar, HOUR_MS, QuietPeriod, Timestamp, Zone};
use proptest::prelude::*;
use proptest::sample::select;

use hoard::{live_bytes, most_live_bytes_of, of_one_account};

const NOW: Timestamp = Timestamp(1_772_357_400_000);
const MIB: usize = 1024 * 1024;

/// The allocator counts for the whole process, so only one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Small enough to exceed each of them many times within seconds, unless `BOUNDS_SCALE` is set.
fn limits() -> Limits {
    let scale: usize = std::env::var("BOUNDS_SCALE").map_or(1, |scale| scale.parse().unwrap());
    Limits {
        users: 300 * scale,
        features: 60 * scale,
        ids_per_day: 400 * scale,
        tickets_open: 50 * scale,
        tickets_resolved: 50 * scale,
        subscriptions: 4 * scale,
        answers: 60 * scale,
        accounts: 2_000,
        ..Limits::default()
    }
}

fn task(limits: &Limits) -> Task<PlainStore> {
    let settings = Arc::new(Settings { limits: limits.clone(), ..Settings::default() });
    Task::new(settings, PlainStore::default())
}

fn feed(task: &mut Task<PlainStore>, stream: Stream, event: &str) -> Outcome {
    let input = Input {
        stream,
        key: None,
        value: Some(event.as_bytes()),
        headers: Headers::NONE,
        timestamp: Some(NOW),
        format: &Format::Native,
        broker_timestamp: Some(NOW),
    };
    task.process(&input, NOW)
}

/// Maximum memory of an account in bytes; docs/reliability.md explains the terms.
fn account_bound(limits: &Limits) -> usize {
    let text = limits.text_bytes;
    let usage = limits.users * 160 + limits.features * (text + 200) + 256 * 1024;
    let ids = Stream::ALL.len() * 9 * limits.ids_per_day * 32;
    let tickets = (limits.tickets_open + limits.tickets_resolved) * 6 * 1024;
    let subscriptions = limits.subscriptions * 472 * 1024;
    let invoices = 2_000 * 384;
    let answers = limits.answers * (4 * text + 256) * 4;
    usage + ids + tickets + subscriptions + invoices + answers + MIB
}

/// Writes what has changed, and checks the size of each record.
fn write(task: &mut Task<PlainStore>) -> usize {
    let mut largest = 0;
    task.round(NOW, &RoundOptions { publish: true, catching_up: false, budget: usize::MAX, bytes: usize::MAX }, &mut Vec::new());
    task.changelog(|_, value| largest = largest.max(value.map_or(0, <[u8]>::len)));
    largest = largest.max(task.stamp().len());
    assert!(largest <= 512 * 1024, "a changelog record of {largest} bytes");
    largest
}

#[test]
fn an_account_far_beyond_every_limit_stays_within_its_memory_bound() {
    let _alone = ALONE.lock().unwrap();
    let limits = limits();
    let most = [limits.users, limits.ids_per_day, limits.tickets_open, limits.answers].into_iter().max().unwrap();
    let mut task = task(&limits);
    let empty = live_bytes();
    let mut held = Vec::new();
    for times in 0..3 {
        for n in times * 2 * most..(times + 1) * 2 * most {
            for (stream, event) in of_one_account(n, limits.text_bytes, NOW) {
                feed(&mut task, stream, &event);
            }
        }
        let largest = write(&mut task);
        held.push(live_bytes() - empty);
        println!(
            "{} records of each kind: {} KiB live, largest changelog record {largest} bytes",
            (times + 1) * 2 * most,
            held[times] / 1024
        );
    }
    let bound = account_bound(&limits);
    println!("bound {} KiB", bound / 1024);
    assert!(held.iter().all(|held| *held <= bound), "{held:?} of {bound}");
    assert!(held[2] <= held[1] + held[1] / 10, "memory keeps growing: {held:?}");
    let summary = task.summary();
    let reached: Vec<_> = summary.limits.iter().filter(|(_, count)| *count > 0).map(|(limit, _)| limit).collect();
    for limit in [
        Limit::Users,
        Limit::Features,
        Limit::IdsPerDay,
        Limit::TicketsOpen,
        Limit::TicketsResolved,
        Limit::Subscriptions,
        Limit::Answers,
        Limit::Invoices,
    ] {
        assert!(reached.contains(&limit), "{limit:?} was not reached: {reached:?}");
    }
}

/// The minimum and maximum that the configuration accepts for each limit.
fn extremes() -> impl Strategy<Value = (Limits, StateVersion)> {
    let one_of = |least: usize, most: usize| select(vec![least, most]);
    let limits = (one_of(1, 1_000_000), one_of(1, 100_000), one_of(1, 80_000), one_of(1, 100_000), one_of(1, 10_000), one_of(1, 100_000));
    (limits, select(vec![64, 4_096]), select(StateVersion::ALL.to_vec())).prop_map(
        |((users, features, ids_per_day, tickets, subscriptions, answers), text_bytes, version)| {
            let (tickets_open, tickets_resolved) = (tickets, tickets);
            let record_bytes = 16 * MIB;
            let limits = Limits {
                record_bytes,
                text_bytes,
                users,
                features,
                ids_per_day,
                tickets_open,
                tickets_resolved,
                subscriptions,
                answers,
                ..Limits::default()
            };
            (limits, version)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn no_changelog_record_is_too_large_at_the_extreme_limits((limits, version) in extremes()) {
        let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let settings = Arc::new(Settings { limits: limits.clone(), state_write_version: version, ..Settings::default() });
        let mut task = Task::new(settings, PlainStore::default());
        let entitled = (0..1_000).map(|n| format!("\"{}\"", hoard::text(n, limits.text_bytes))).collect::<Vec<_>>().join(",");
        let profile = format!(r#"{{"type":"account_profile","account_id":"acme","entitled_features":[{entitled}]}}"#);
        assert_eq!(feed(&mut task, Stream::Accounts, &profile), Outcome::Applied);
        write(&mut task);
        for n in 0..1_200 {
            assert_eq!(feed(&mut task, Stream::Billing, &cost(n, limits.text_bytes)), Outcome::Applied);
        }
        write(&mut task);
        for n in (0..700).filter(|n| n % 64 != 0) {
            for (stream, event) in of_one_account(n, limits.text_bytes, NOW) {
                feed(&mut task, stream, &event);
            }
        }
        write(&mut task);
    }
}

/// A cost of a segment that no other cost names.
fn cost(n: usize, bytes: usize) -> String {
    let segment = hoard::text(n, bytes);
    format!(
        r#"{{"type":"cost_recorded","id":"c{n}","occurred_at":{},"category":"acquisition","amount_minor":1,"currency":"USD","segment":"{segment}"}}"#,
        NOW.0
    )
}

#[test]
fn usage_of_every_hour_fits_its_record_even_with_a_year_of_quiet_days() {
    let _alone = ALONE.lock().unwrap();
    let today = Zone::utc().date_of(NOW);
    let quiet = QuietPeriod { from: today.minus(365), to: today, regions: Vec::new() };
    let calendar = Calendar::new(vec![quiet]);
    for state_write_version in StateVersion::ALL {
        let settings = Settings { calendar: calendar.clone(), state_write_version, ..Settings::default() };
        let mut task = Task::new(Arc::new(settings), PlainStore::default());
        for hours in (0..24 * 465).rev() {
            let at = NOW.0 - hours * HOUR_MS;
            let used = format!(
                r#"{{"type":"feature_used","id":"{hours}","account_id":"acme","feature":"f","count":{},"occurred_at":{at}}}"#,
                i64::MAX
            );
            assert_eq!(feed(&mut task, Stream::Usage, &used), Outcome::Applied);
        }
        assert!(write(&mut task) > 64 * 1024, "every hour is kept");
    }
}

#[test]
fn one_more_id_on_a_busy_day_does_not_rewrite_the_others() {
    let _alone = ALONE.lock().unwrap();
    let mut task = task(&Limits::default());
    let used = |n: usize| {
        format!(r#"{{"type":"feature_used","id":"{n}","account_id":"acme","user_id":"u","feature":"f","occurred_at":{}}}"#, NOW.0)
    };
    (0..40_000).for_each(|n| assert_eq!(feed(&mut task, Stream::Usage, &used(n)), Outcome::Applied));
    write(&mut task);
    feed(&mut task, Stream::Usage, &used(40_000));
    let mut bytes = 0;
    task.changelog(|_, value| bytes += value.map_or(0, <[u8]>::len));
    assert!((1..8 * 1024).contains(&bytes), "{bytes}");
}

#[test]
fn accounts_beyond_the_limit_are_dead_letters_and_cost_nothing() {
    let _alone = ALONE.lock().unwrap();
    let limits = limits();
    let mut task = task(&limits);
    let event = |n: usize| {
        let id = hoard::text(n, limits.text_bytes);
        format!(r#"{{"type":"feature_used","id":"{id}","account_id":"{id}","user_id":"{id}","feature":"{id}","occurred_at":{}}}"#, NOW.0)
    };
    for n in 0..limits.accounts {
        assert_eq!(feed(&mut task, Stream::Usage, &event(n)), Outcome::Applied);
    }
    write(&mut task);
    let held = live_bytes();
    for n in limits.accounts..limits.accounts * 5 {
        assert!(
            matches!(feed(&mut task, Stream::Usage, &event(n)), Outcome::DeadLetter(rejection) if rejection.code == Code::TooManyAccounts)
        );
    }
    assert!(live_bytes() <= held + 64 * 1024, "{} bytes more", live_bytes() - held);
}

#[test]
fn waiting_records_costs_and_deletions_have_their_own_limits() {
    let _alone = ALONE.lock().unwrap();
    let mut task = task(&limits());
    let empty = live_bytes();
    let filler = "x".repeat(20_000);
    for n in 0..15_000_u32 {
        let later = NOW.0 + 3_600_000 + i64::from(n);
        let waits = format!(
            r#"{{"type":"feature_used","id":"w{n}","account_id":"a","user_id":"u","feature":"f","occurred_at":{later},"x":"{filler}"}}"#
        );
        feed(&mut task, Stream::Usage, &waits);
    }
    let held = live_bytes() - empty;
    println!("waiting records: {} KiB live", held / 1024);
    assert!(held <= 24 * MIB, "{held}");
    for n in 0..60_000 {
        feed(&mut task, Stream::Billing, &cost(n, 200));
    }
    let held = live_bytes() - empty;
    println!("and costs: {} KiB live", held / 1024);
    assert!(held <= 64 * MIB, "{held}");
    write(&mut task);
}

#[test]
fn a_huge_record_is_rejected_before_anything_is_allocated() {
    let _alone = ALONE.lock().unwrap();
    let mut task = task(&limits());
    let deep = format!(r#"{{"type":"feature_used","x":{}{}}}"#, "[".repeat(400_000), "]".repeat(400_000));
    let wide = format!(r#"{{"type":"feature_used","x":[{}0]}}"#, "0,".repeat(400_000));
    let long = format!(r#"{{"type":"feature_used","account_id":"{}"}}"#, "x".repeat(900_000));
    let large = format!(r#"{{"type":"feature_used","account_id":"a","x":"{}"}}"#, "x".repeat(8 * MIB));
    for event in [deep, wide, long, large] {
        let most = most_live_bytes_of(|| assert!(matches!(feed(&mut task, Stream::Usage, &event), Outcome::DeadLetter(_))));
        assert!(most <= event.len().min(MIB) * 2, "{} bytes of input took {most}", event.len());
    }
}

#[test]
fn aliases_are_bounded_and_take_less_than_what_is_documented() {
    const PER_ALIAS: usize = 250;
    let _alone = ALONE.lock().unwrap();
    let limit = 200_000;
    let before = live_bytes();
    let mut table = Aliases::new(limit);
    let mut refused = 0;
    for n in 0..limit + 1_000 {
        // As Segment writes them: a user id of 24 bytes, and a message id of 36.
        let (user, id) = (hoard::text(n, 24), hoard::text(n, 36));
        let profile = AccountProfile { aliases: vec![("segment-user".into(), user.into())], ..AccountProfile::merging() };
        refused += table.note(&format!("account-{}", n % 1_000), NOW, Some(&id), &profile).refused;
    }
    let per_alias = (live_bytes() - before) / table.len();
    println!("aliases: {} of them, {per_alias} bytes each", table.len());
    assert_eq!((table.len(), refused), (limit - 1_000, 2_000));
    assert!(per_alias <= PER_ALIAS, "{per_alias} bytes per alias");
}
