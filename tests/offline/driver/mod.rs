//! Records in, changes out, without a broker: drives a task the way the service does.

use std::sync::Arc;

use churnwatch::account::billing::MRR_MAX;
use churnwatch::directory::{Directory, SharedTask};
use churnwatch::engine::bad_run::{BadRun, Thresholds};
use churnwatch::engine::{Input, Outcome, OutputRecord, RoundOptions, Store};
use churnwatch::event::{Code, Format, Headers, Stream};
use churnwatch::money::{Currency, RateTable, Rates};
use churnwatch::partitioner::{Candidates, PartitionCheck, Partitioner};
use churnwatch::score::{Model, ModelFile};
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use serde_json::{Value, json};

mod next_life;
mod predictions;
mod rig;
mod stored_state;
mod story;

use rig::Driver;

const PUBLISH: RoundOptions = RoundOptions { publish: true, catching_up: false, budget: 100_000, bytes: usize::MAX };
/// The section of the changelog that holds scores of past dates: when they were scored is no matter of events.
const HISTORY: u8 = 16;
const CATCH_UP: RoundOptions = RoundOptions { publish: false, catching_up: true, budget: 100_000, bytes: usize::MAX };

fn at(days: i64) -> Timestamp {
    Timestamp(1_767_225_600_000 + days * DAY_MS) // from 2026-01-01T00:00:00Z
}

fn model(text: &str) -> Model {
    Model::compile(&ModelFile::parse(text).unwrap()).unwrap()
}

fn used(id: &str, account: &str, user: &str, at: Timestamp) -> Value {
    json!({"id": id, "type": "feature_used", "account_id": account, "user_id": user, "feature": "report", "occurred_at": at.0})
}

fn subscribed(id: &str, account: &str, minor: i64, at: Timestamp) -> Value {
    json!({"id": id, "type": "subscription_changed", "account_id": account, "subscription_id": "s", "status": "active",
        "items": [{"amount_minor": minor, "currency": "USD", "interval": "month", "interval_count": 1, "quantity": 10}],
        "current_period_start": at.0, "current_period_end": at.0 + 30 * DAY_MS, "occurred_at": at.0})
}

/// An account with ten users on every weekday for 120 days, which then falls silent.
fn silent_customer(driver: &mut Driver) {
    driver.feed(Stream::Billing, &subscribed("b1", "acme", 5_000, at(0)), at(0));
    for day in (0..120).filter(|day| day % 7 < 5) {
        for user in 0..10 {
            let when = at(day).plus(9 * HOUR_MS);
            driver.feed(Stream::Usage, &used(&format!("{day}-{user}"), "acme", &format!("u{user}"), when), when);
        }
    }
}

fn parsed(record: &OutputRecord) -> Value {
    serde_json::from_slice(record.value.as_ref().unwrap()).unwrap()
}

#[test]
fn a_silent_account_is_published_as_declining_without_any_event() {
    let mut driver = Driver::new();
    silent_customer(&mut driver);
    let first = driver.round(at(120), &PUBLISH);
    assert_eq!(first.len(), 1);
    let first = parsed(&first[0]);
    assert_eq!((&first["sequence"], &first["cause"], &first["account_id"]), (&json!(1), &json!("initial"), &json!("acme")));

    // Another account is still active, so the stream is not stale; acme is scored only because time passes.
    let mut later = Vec::new();
    for hour in 0..24 * 30 {
        let now = at(120).plus(hour * HOUR_MS);
        driver.feed(Stream::Usage, &used(&format!("o{hour}"), "other", "u", now), now);
        later.extend(driver.round(now, &PUBLISH).iter().filter(|record| record.key == "acme").map(parsed));
    }
    let last = later.last().expect("a silent account changes");
    assert_eq!(last["cause"], "time");
    assert_eq!(last["direction"], "down");
    assert_eq!(last["health"]["band"], "red");
    let sequences: Vec<u64> = later.iter().map(|change| change["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (2..2 + later.len() as u64).collect::<Vec<_>>());
}

#[test]
fn readers_see_an_account_with_its_recent_changes() {
    let directory = Arc::new(Directory::new(Arc::new(Settings::default())));
    let mut task = SharedTask::new(0, Arc::clone(&directory));
    task.show();
    let record = subscribed("b1", "acme", 5_000, at(119)).to_string();
    let input = Input {
        stream: Stream::Billing,
        key: None,
        value: Some(record.as_bytes()),
        headers: Headers::NONE,
        timestamp: None,
        format: &Format::Native,
        broker_timestamp: Some(at(119)),
    };
    assert_eq!(task.engine.process(&input, at(119)), Outcome::Applied);
    let mut out = Vec::new();
    task.round(at(120), &PUBLISH, &mut out);
    let report: Value = serde_json::from_slice(&directory.account_report("acme", at(120)).unwrap().0).unwrap();
    assert_eq!((&report["recent_changes"], directory.accounts()), (&json!([parsed(&out[0])]), 1));
    assert!(directory.account_report("nobody", at(120)).is_none());
    drop(task);
    assert_eq!((directory.account_report("acme", at(120)), directory.accounts()), (None, 0));
}

#[test]
fn a_restored_task_reports_and_publishes_like_the_one_that_wrote_the_changelog() {
    let mut driver = Driver::new();
    silent_customer(&mut driver);
    driver.feed(Stream::Support, &json!({"id": "t", "type": "ticket_opened", "account_id": "acme", "ticket_id": "1", "priority": "urgent", "occurred_at": at(119).0}), at(119));
    driver.feed(
        Stream::Feedback,
        &json!({"id": "f", "type": "nps_answered", "account_id": "acme", "score": 3, "occurred_at": at(118).0}),
        at(119),
    );
    driver.feed(Stream::Accounts, &json!({"id": "p", "type": "account_profile", "account_id": "acme", "name": "Acme", "segment": "smb", "seats": 20, "occurred_at": at(1).0}), at(119));
    driver.round(at(120), &PUBLISH);
    let mut restored = driver.restart();
    assert_eq!(restored.report(at(121)), driver.report(at(121)));
    assert_eq!(restored.task.counts(), driver.task.counts());
    let again = used("new", "acme", "u1", at(121));
    assert_eq!(restored.feed(Stream::Usage, &again, at(121)), Outcome::Applied);
    assert_eq!(restored.feed(Stream::Usage, &again, at(121)), Outcome::Duplicate);
    driver.feed(Stream::Usage, &again, at(121));
    assert_eq!(restored.round(at(150), &PUBLISH), driver.round(at(150), &PUBLISH));
}

/// A few ids are stored with the section they arrived in, many are stored separately by day: a restart at any moment restores all of them.
#[test]
fn ids_survive_a_restart_however_many_there_are() {
    let mut driver = Driver::new();
    let events: Vec<Value> = (0..240).map(|n| used(&n.to_string(), "acme", "u", at(0).plus(n * HOUR_MS))).collect();
    for (now, event) in events.iter().enumerate() {
        let now = at(0).plus(i64::try_from(now).unwrap() * HOUR_MS);
        assert_eq!(driver.feed(Stream::Usage, event, now), Outcome::Applied);
        driver.round(now, &CATCH_UP);
        let mut restored = driver.restart();
        let known = |event: &&Value| event["occurred_at"].as_i64().unwrap() > now.0 - 7 * DAY_MS;
        for event in events.iter().filter(known).take_while(|event| event["occurred_at"].as_i64().unwrap() <= now.0) {
            assert_eq!(restored.feed(Stream::Usage, event, now), Outcome::Duplicate, "{event} at {now}");
        }
    }
    // Ids of a silent stream are kept; ids that expire the day after are deleted from the changelog too.
    let later = at(40);
    driver.feed(Stream::Usage, &used("later", "acme", "u", later), later);
    driver.round(later, &CATCH_UP);
    let keys = driver.changelog.keys().filter(|key| key.ends_with(b"acme") && key[1] != HISTORY);
    assert_eq!(keys.count(), 2);
}

#[test]
fn one_event_on_an_account_with_many_tickets_writes_few_bytes_and_restores_identically() {
    let mut events = 0;
    let mut add = |driver: &mut Driver, ticket: i64, kind: &str| {
        events += 1;
        let when = at(0).plus(events);
        let record = json!({"id": events.to_string(), "type": kind, "account_id": "acme", "ticket_id": ticket.to_string(), "occurred_at": when.0,
            "category": "what a help desk calls it, at some length"});
        assert_eq!(driver.feed(Stream::Support, &record, when), Outcome::Applied);
    };
    let mut driver = Driver::new();
    (0..4_900).for_each(|ticket| add(&mut driver, ticket, "ticket_opened"));
    driver.round(at(1), &PUBLISH);
    let whole = driver.written;
    assert!(whole > 256 * 1024, "{whole}");
    for life in 0..2 {
        for ticket in 0..3 {
            add(&mut driver, life * 10 + ticket, "ticket_resolved");
            driver.round(at(1), &PUBLISH);
            let again = life == 1 && ticket == 0;
            assert!(again || driver.written < whole / 4, "{} of {whole} bytes", driver.written);
            assert_eq!(driver.restart().report(at(1)), driver.report(at(1)));
        }
        // After a restart the task does not know what was written before, so it writes the section once more.
        driver = driver.restart();
    }
    let deletion = json!({"type": "account_profile", "account_id": "acme", "deleted": true, "occurred_at": at(1).0});
    driver.feed(Stream::Accounts, &deletion, at(1));
    driver.round(at(1), &PUBLISH);
    assert!(driver.changelog.keys().all(|key| key[0] != 1), "every part has left with the account");
}

#[test]
fn catch_up_publishes_nothing_and_then_one_change_per_account() {
    let mut driver = Driver::new();
    silent_customer(&mut driver);
    assert!(driver.round(at(100), &CATCH_UP).is_empty());
    assert_eq!(driver.round(at(120), &PUBLISH).len(), 1);
}

#[test]
fn a_record_ahead_of_its_time_counts_as_applied_and_waits() {
    let mut driver = Driver::new();
    driver.feed(Stream::Usage, &used("0", "acme", "u", at(0)), at(0));
    let ahead = used("1", "acme", "u", at(0).plus(HOUR_MS));
    assert_eq!(driver.feed(Stream::Usage, &ahead, at(0)), Outcome::Applied);
    assert_eq!(driver.feed(Stream::Usage, &ahead, at(0)), Outcome::Duplicate);
    let events = |driver: &Driver, now| {
        driver.task.store().read("acme", |slot| {
            slot.account.usage().use_within(Settings::default().zone.date_of(now).minus(7), Settings::default().zone.date_of(now)).0
        })
    };
    driver.round(at(0), &PUBLISH);
    assert_eq!(events(&driver, at(1)), Some(1));
    let mut restored = driver.restart();
    restored.round(at(0).plus(HOUR_MS), &PUBLISH);
    assert_eq!(events(&restored, at(1)), Some(2));
    let far = used("2", "acme", "u", at(2));
    assert!(matches!(driver.feed(Stream::Usage, &far, at(0)), Outcome::DeadLetter(rejection) if rejection.code == Code::FutureTime));
}

#[test]
fn a_deleted_account_leaves_no_trace_and_may_return() {
    let mut driver = Driver::new();
    silent_customer(&mut driver);
    driver.round(at(120), &PUBLISH);
    let deletion = json!({"id": "d", "type": "account_profile", "account_id": "acme", "deleted": true, "occurred_at": at(121).0});
    assert_eq!(driver.feed(Stream::Accounts, &deletion, at(121)), Outcome::Applied);
    assert_eq!(driver.round(at(121), &PUBLISH), [OutputRecord::tombstone("acme".to_owned())]);
    assert!(driver.report(at(121)).is_empty());
    assert!(driver.changelog.keys().all(|key| !String::from_utf8_lossy(key).contains("acme")));
    let mut restored = driver.restart();
    assert_eq!(restored.feed(Stream::Usage, &used("old", "acme", "u", at(120)), at(121)), Outcome::Applied);
    assert!(restored.report(at(121)).is_empty());
    restored.feed(Stream::Usage, &used("new", "acme", "u", at(122)), at(122));
    let reports = restored.report(at(122));
    assert_eq!(reports.len(), 1);
    assert_eq!((&reports[0]["metrics"]["usage.events_28d"], &reports[0]["metrics"]["account.tenure_days"]), (&json!(1), &json!(0.0)));
}

#[test]
fn the_outcomes_add_up_to_the_records_read() {
    let mut driver = Driver::new();
    let records = [
        used("1", "acme", "u", at(100)),
        used("1", "acme", "u", at(100)),
        used("2", "acme", "u", at(1)),
        json!({"type": "unheard_of", "account_id": "acme"}),
        json!({"type": "feature_used"}),
        json!([1, 2]),
    ];
    for record in &records {
        driver.feed(Stream::Usage, record, at(100));
    }
    let counts = driver.task.counts().of(Stream::Usage);
    assert_eq!((counts.read, counts.applied, counts.duplicate, counts.late, counts.ignored), (6, 1, 1, 1, 1));
    assert_eq!(counts.dead_letter.iter().map(|(code, n)| (code.name(), n)).collect::<Vec<_>>(), [("wrong_type", 1), ("missing_field", 1)]);
}

/// Customers who are active every day up to the end.
fn steady_customers(driver: &mut Driver, count: usize) {
    for account in 0..count {
        let name = format!("a{account}");
        driver.feed(Stream::Billing, &subscribed(&format!("b{account}"), &name, 5_000, at(0)), at(0));
        for day in 0..120 {
            let when = at(day).plus(9 * HOUR_MS);
            for user in 0..5 {
                driver.feed(Stream::Usage, &used(&format!("{account}-{day}-{user}"), &name, &format!("u{user}"), when), when);
            }
        }
    }
}

/// A model by which nobody is green.
const STRICT: &str = "[model]\nname = 'strict'\n[bands]\ngreen = 99.5\nyellow = 99\n";

fn causes(changes: &[OutputRecord]) -> Vec<(String, String, String)> {
    let field = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
    let of = |change: &Value| (field(change, "account_id"), field(change, "cause"), change["model"]["hash"].as_str().unwrap().to_owned());
    let mut causes: Vec<_> = changes.iter().map(parsed).map(|change| of(&change)).collect();
    causes.sort_unstable();
    causes
}

#[test]
fn a_new_model_rescores_every_account_within_the_budget_of_each_round() {
    let mut driver = Driver::new();
    steady_customers(&mut driver, 10);
    assert_eq!(driver.round(at(120), &PUBLISH).len(), 10);
    let strict = model(STRICT);
    driver.set_model(strict.clone());
    let few = RoundOptions { budget: 4, ..PUBLISH };
    let rounds: Vec<_> = (0..4).map(|_| driver.round(at(120).plus(1), &few)).collect();
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2, 0]);
    let expected: Vec<_> = (0..10).map(|n| (format!("a{n}"), "model_change".to_owned(), strict.hash.clone())).collect();
    assert_eq!(causes(&rounds.concat()), expected);
    driver.set_model(strict);
    assert!(driver.round(at(120).plus(2), &PUBLISH).is_empty(), "the same model changes nothing");
}

#[test]
fn a_round_ends_when_its_changes_are_large_enough() {
    let mut driver = Driver::new();
    steady_customers(&mut driver, 3);
    let small = RoundOptions { bytes: 1, ..PUBLISH };
    assert_eq!((0..4).map(|_| driver.round(at(120), &small).len()).collect::<Vec<_>>(), [1, 1, 1, 0]);
}

#[test]
fn accounts_with_new_events_do_not_wait_for_a_model_change() {
    let mut driver = Driver::new();
    steady_customers(&mut driver, 10);
    driver.round(at(120), &PUBLISH);
    driver.set_model(model(STRICT));
    let one = RoundOptions { budget: 1, ..PUBLISH };
    driver.round(at(120).plus(1), &one);
    for account in ["a3", "a7"] {
        driver.feed(Stream::Usage, &used("now", account, "u1", at(120).plus(2)), at(120).plus(2));
        let next = driver.round(at(120).plus(2), &one);
        assert_eq!(next.iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), [account]);
    }
    let others = driver.round(at(120).plus(3), &PUBLISH);
    assert!(others.len() >= 7 && others.iter().all(|change| parsed(change)["sequence"] == 2), "each is rescored once");
}

#[test]
fn a_model_loaded_during_catch_up_waits_for_its_end() {
    let mut driver = Driver::new();
    steady_customers(&mut driver, 2);
    driver.round(at(120), &PUBLISH);
    driver.set_model(model(STRICT));
    assert!(driver.round(at(120).plus(1), &CATCH_UP).is_empty());
    assert_eq!(driver.round(at(120).plus(2), &PUBLISH).len(), 2);
}

#[test]
fn a_restart_with_another_model_has_the_same_cause_as_a_reload() {
    let mut driver = Driver::new();
    steady_customers(&mut driver, 3);
    driver.round(at(120), &PUBLISH);
    let strict = model(STRICT);
    let mut restarted = driver.restart_under(strict.clone());
    driver.set_model(strict);
    let (by_restart, by_reload) = (restarted.round(at(120).plus(1), &PUBLISH), driver.round(at(120).plus(1), &PUBLISH));
    assert!(by_restart.iter().all(|change| parsed(change)["cause"] == "model_change"));
    assert_eq!(causes(&by_restart), causes(&by_reload));
}

#[test]
fn a_border_moved_slightly_past_an_account_is_crossed_after_the_waiting_time() {
    let mut driver = Driver::new();
    steady_customers(&mut driver, 1);
    let first = parsed(&driver.round(at(120), &PUBLISH)[0]);
    let score = first["health"]["score"].as_f64().unwrap();
    let near = format!("[bands]\ngreen = {}\nyellow = 1\n[publish]\nscore_points = 100\nrisk = 1\n", score + 1.0);
    driver.set_model(model(&near));
    assert_eq!((first["health"]["band"].as_str(), driver.round(at(120).plus(1), &PUBLISH).len()), (Some("green"), 0));
    driver.feed(Stream::Usage, &used("later", "a0", "u1", at(121).plus(1)), at(121).plus(1));
    let dropped = parsed(&driver.round(at(121).plus(1), &PUBLISH)[0]);
    assert_eq!((dropped["health"]["band"].as_str(), dropped["cause"].as_str()), (Some("yellow"), Some("events")));
}

#[test]
fn a_misrouted_record_does_not_advance_stream_time() {
    let mut driver = Driver::new();
    let own = PartitionCheck { partitioners: Candidates::only(Partitioner::Murmur2), partition: 0, partitions: 2 };
    driver.task.set_partition_check(own);
    let ids = || (0..).map(|n| format!("account {n}"));
    let (acme, foreign) = (ids().find(|id| own.holds(id)).unwrap(), ids().find(|id| !own.holds(id)).unwrap());
    let untouched = *driver.task.stream_time();
    for (id, when) in [("now", at(200)), ("ahead of its time", at(200).plus(HOUR_MS))] {
        let misrouted = driver.feed(Stream::Usage, &used(id, &foreign, "u", when), at(200));
        assert!(matches!(misrouted, Outcome::DeadLetter(rejection) if rejection.code == Code::WrongPartition));
        assert_eq!(*driver.task.stream_time(), untouched, "neither its newest event time nor since when it is observed");
    }
    let old = used("old", &acme, "u", at(100));
    assert_eq!(driver.feed(Stream::Usage, &old, at(200)), Outcome::Applied, "100 days before the misrouted record");
    assert_eq!(driver.feed(Stream::Usage, &old, at(200)), Outcome::Duplicate);
    let cost = json!({"id": "c", "type": "cost_recorded", "category": "acquisition", "amount_minor": 5, "currency": "USD", "occurred_at": at(1).0});
    assert_eq!(driver.feed(Stream::Billing, &cost, at(200)), Outcome::Applied, "a cost belongs to no account, and to any partition");
}

#[test]
fn records_whose_timestamps_are_in_seconds_are_a_bad_run_and_the_reason_says_so() {
    let mut driver = Driver::new();
    let mut run = BadRun::default();
    let finding = (0..300).find_map(|n| {
        let record = serde_json::to_vec(&used(&n.to_string(), "acme", "u", at(100))).unwrap();
        let seconds = Some(Timestamp(at(100).0 / 1000));
        let input = Input {
            stream: Stream::Usage,
            key: None,
            value: Some(&record),
            headers: Headers::NONE,
            timestamp: seconds,
            format: &Format::Native,
            broker_timestamp: seconds,
        };
        run.count(&driver.task.process(&input, at(100)), true, Thresholds::default())
    });
    let finding = finding.expect("a bad run");
    assert_eq!((finding.bad, finding.commonest), (200, Some(Code::FutureTime)));
    assert_eq!(finding.reason, "the record timestamp looks like seconds, not milliseconds");
}

#[test]
fn an_account_that_was_deleted_and_re_created_is_scored_once_an_hour() {
    let mut driver = Driver::new();
    for times in 0..5 {
        let now = at(100).plus(times);
        driver.feed(Stream::Usage, &used(&times.to_string(), "acme", "u", now), now);
        driver.round(now, &PUBLISH);
        let deletion = json!({"type": "account_profile", "account_id": "acme", "deleted": true, "occurred_at": now.0});
        driver.feed(Stream::Accounts, &deletion, now);
    }
    driver.feed(Stream::Usage, &used("last", "acme", "u", at(101)), at(101));
    driver.round(at(101), &PUBLISH);
    let scored = (1..=60).map(|minute| driver.task.round(at(101).plus(minute * MINUTE_MS), &PUBLISH, &mut Vec::new()).scored);
    assert_eq!(scored.sum::<usize>(), 1);
}

#[test]
fn counts_as_large_as_the_contract_allows_never_overflow_a_sum() {
    let mut driver = Driver::new();
    let most = i64::MAX;
    for account in ["one", "two"] {
        for n in 0..3 {
            let when = at(100 - 40 * (n / 2)).plus(n);
            let mut record = used(&n.to_string(), account, "u", when);
            record["count"] = json!(most);
            assert_eq!(driver.feed(Stream::Usage, &record, when), Outcome::Applied);
            let session = json!({"id": format!("s{n}"), "type": "session_ended", "account_id": account, "user_id": "u", "session_id": "s",
                "duration_seconds": 18_000_000_000_u64, "occurred_at": when.0});
            assert_eq!(driver.feed(Stream::Usage, &session, at(100)), Outcome::Applied);
            let paid = json!({"id": format!("i{n}"), "type": "invoice_paid", "account_id": account, "invoice_id": n.to_string(),
                "amount_minor": most, "currency": "USD", "occurred_at": when.0});
            assert_eq!(driver.feed(Stream::Billing, &paid, at(100)), Outcome::Applied);
            let cost = json!({"id": format!("c{account}{n}"), "type": "cost_recorded", "category": "acquisition", "amount_minor": most,
                "currency": "USD", "segment": "smb", "occurred_at": when.0});
            assert_eq!(driver.feed(Stream::Billing, &cost, at(100)), Outcome::Applied);
        }
        let mut subscription = subscribed("b", account, most, at(1));
        subscription["items"] = json!(vec![json!({"amount_minor": most, "currency": "USD", "interval": "day", "quantity": most}); 3]);
        assert_eq!(driver.feed(Stream::Billing, &subscription, at(100)), Outcome::Applied);
    }
    driver.round(at(100), &PUBLISH);
    let line = &driver.report(at(100))[0]["metrics"];
    assert_eq!((&line["usage.events_28d"], &line["revenue.lifetime_value"]), (&json!(most), &json!(most)));
    assert_eq!(line["revenue.mrr"], json!(MRR_MAX));
}

#[test]
fn an_account_that_is_pinned_to_red_for_an_hour_is_published_as_green_again_and_never_as_yellow() {
    let text = "[model]\nname = \"mrr\"\n[[health.component]]\nname = \"mrr\"\ngroup = \"revenue\"\nmetric = \"revenue.mrr\"\n\
        curve = [[0, 0], [10000, 100]]\nweight = 10\n[[profile]]\nname = \"default\"\ncomponents = [\"mrr\"]\n";
    let mut driver = Driver::under(model(text));
    driver.feed(Stream::Billing, &subscribed("b", "acme", 720, at(0)), at(0));
    let pinned = at(4);
    let mut bands = Vec::new();
    for hour in 0..24 * 8 {
        let now = at(0).plus(hour * HOUR_MS);
        if now == pinned {
            let pin = json!({"id": "o", "type": "health_override_set", "account_id": "acme", "value": 30, "until": pinned.0 + HOUR_MS,
                "reason": "r", "by": "b", "occurred_at": pinned.0});
            assert_eq!(driver.feed(Stream::Feedback, &pin, now), Outcome::Applied);
        }
        for change in driver.round(now, &PUBLISH).iter().map(parsed) {
            bands.push((now.since(pinned) / HOUR_MS, change["health"]["score"].clone(), change["health"]["band"].clone()));
        }
    }
    let expected =
        [(-96, 72.0, "green"), (0, 30.0, "red"), (1, 72.0, "green")].map(|(hour, score, band)| (hour, json!(score), json!(band)));
    assert_eq!(bands, expected);
}

#[test]
fn a_waiting_record_takes_effect_even_if_the_configuration_would_refuse_it_by_then() {
    let euro = Currency::parse("EUR").unwrap();
    let tables = vec![RateTable { valid_from: at(0), rates: vec![(euro, "1".parse().unwrap())] }];
    let mut before = Settings::default();
    before.money.rates = Rates::new(Currency::USD, tables);
    let mut driver = Driver::with(before);
    let later = at(100).plus(HOUR_MS);
    let mut subscription = subscribed(&"long".repeat(50), "acme", 5_000, later);
    subscription["items"][0]["currency"] = json!("EUR");
    let used = used("u", "acme", "a user with a long id", later);
    for (stream, record) in [(Stream::Billing, &subscription), (Stream::Usage, &used)] {
        assert_eq!(driver.feed(stream, record, at(100)), Outcome::Applied);
    }
    driver.round(at(100), &PUBLISH);
    let mut after = Settings::default();
    (after.limits.record_bytes, after.limits.text_bytes, after.time.earliest) = (64, 8, at(101));
    let mut restarted = driver.restart_with(after);
    restarted.round(later, &PUBLISH);
    let facts =
        restarted.task.store().read("acme", |slot| (slot.account.billing().first_subscription_at(), slot.account.usage().last_activity()));
    assert_eq!(facts, Some((Some(later), Some(later))));
}

#[test]
fn waiting_records_beyond_the_budget_of_a_round_are_applied_in_the_next_and_nothing_is_scored_before() {
    let mut driver = Driver::new();
    let later = at(100).plus(HOUR_MS);
    for number in 0..5 {
        driver.feed(Stream::Usage, &used(&number.to_string(), &format!("a{number}"), "u", later), at(100));
    }
    let few = RoundOptions { budget: 2, ..PUBLISH };
    let mut rounds = Vec::new();
    for _ in 0..4 {
        let report = driver.task.round(later, &few, &mut Vec::new());
        let mut applied = 0;
        driver.task.store().for_each(|slot| applied += usize::from(slot.account.usage().last_activity().is_some()));
        rounds.push((report.waiting_left, report.scored, applied));
    }
    assert_eq!(rounds, [(true, 0, 2), (true, 0, 4), (false, 2, 5), (false, 2, 5)]);
}

#[test]
fn ids_that_differ_only_beyond_256_bytes_are_different_ids() {
    let id = |tail: &str| format!("{}{}", "x".repeat(256), tail.repeat(44));
    let mut settings = Settings::default();
    settings.limits.text_bytes = 4_096;
    let policy = settings.money.clone();
    let mrr_after = |snapshots: [(&str, i64); 2]| {
        let mut driver = Driver::with(settings.clone());
        for (tail, minor) in snapshots {
            assert_eq!(driver.feed(Stream::Billing, &subscribed(&id(tail), "acme", minor, at(100)), at(100)), Outcome::Applied);
        }
        driver.task.store().read("acme", |slot| slot.account.billing().ledger(&policy).mrr_at(at(100)))
    };
    // Of two at one instant the greater id is in force; were they one id, it would be the first read.
    assert_eq!(mrr_after([("a", 1_000), ("b", 2_000)]), mrr_after([("b", 2_000), ("a", 1_000)]));
}
