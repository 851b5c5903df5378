//! Progress or exit, seen from outside: what stalls is found, whatever else moves; what need not wait runs on; and an instance is ready
//! only while it can work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::kafka::broker::Broker;
use crate::kafka::client::{self, Member};
use crate::kafka::eventually;
use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::Service;
use crate::kafka::unique;
use churnwatch::event::Stream;

fn fault(what: &str) -> [(&'static str, String); 1] {
    [("CHURNWATCH_FAULT", what.to_owned())]
}

#[test]
fn a_partition_that_stands_still_while_its_siblings_move_shows_in_the_lag_and_ends_the_process() {
    let mut scenario = Scenario::new("standing", 2, &simulated(71, 10, 10));
    // Whoever hunts a mutant with this test has named it in the environment.
    let hunted = std::env::var("CHURNWATCH_MUTANT").map(|name| name + ",").unwrap_or_default();
    scenario.application.variables.push(("CHURNWATCH_MUTANT".to_owned(), hunted + "partition-not-read"));
    let mut service = scenario.application.start();
    // The consumer never reads this input of task 0, so it knows no end of it.
    let skipped = scenario.topics.of(Stream::Usage);
    let unread = client::ends(scenario.broker, &skipped)[0];
    let lag = format!("\"lag_records\":{unread}");
    eventually("the lag of what is not read", LIMIT, || service.get("/api/pipeline").contains(&lag).then_some(()));
    // Another input of the same task never stands still.
    let (billing, mut number) = (scenario.topics.of(Stream::Billing), 0);
    let account = (0..100).map(|n| format!("moving-{n}")).find(|id| client::murmur2(id.as_bytes(), 2) == 0).unwrap();
    eventually("the end of the service", LIMIT, || {
        number += 1;
        let paid = format!(
            r#"{{"type":"invoice_paid","account_id":"{account}","invoice_id":"{number}","amount_minor":1,"currency":"USD","occurred_at":{}}}"#,
            now()
        );
        client::produce(scenario.broker, [(billing.as_str(), Some(account.as_str()), paid.as_bytes(), now())]);
        service.ended()
    });
    let log = service.fails_with("no_progress");
    assert!(log.contains(&format!("{skipped} [0] has been stuck")), "{log}");
}

#[test]
fn a_thread_that_hangs_is_seen_by_livez_and_ends_the_process() {
    let scenario = Scenario::new("hung", 1, &simulated(72, 3, 3));
    let mut service = scenario.application.start_with(&[], &fault("before-cycle:5:600000"));
    assert!(service.get("/livez").starts_with("HTTP/1.1 200"));
    eventually("a failing probe", 2 * LIMIT, || service.get("/livez").starts_with("HTTP/1.1 503").then_some(()));
    service.wait(LIMIT);
    let log = service.fails_with("no_progress");
    assert!(log.contains("stream thread 0 has been in one step"), "{log}");
}

#[test]
fn tasks_that_an_instance_keeps_run_on_while_it_restores_others() {
    let scenario = Scenario::new("keeping", 4, &[]);
    // Its first restore of written state pauses for long; at the start there is none.
    let mut keeper = scenario.application.start_with(&[], &fault("in-restore:1:40000"));
    eventually("all tasks", LIMIT, || keeper.log().contains("tasks=[0, 1, 2, 3]").then_some(()));
    scenario.wait_for_end(&mut keeper);
    let leaver = scenario.application.start();
    let kept = eventually("half of the tasks", LIMIT, || {
        let log = keeper.log();
        [[0, 1], [2, 3]].into_iter().find(|tasks| log.contains(&format!("tasks={tasks:?}")))
    });
    scenario.topics.fill(scenario.broker, &simulated(73, 20, 5));
    scenario.wait_for_end(&mut keeper);
    let assigned = keeper.log().matches("tasks=[0, 1, 2, 3]").count();
    leaver.terminate();
    eventually("all tasks again", LIMIT, || (keeper.log().matches("tasks=[0, 1, 2, 3]").count() > assigned).then_some(()));
    let restored = keeper.log().matches("restored").count();

    scenario.topics.fill(scenario.broker, &simulated(74, 20, 5));
    let of_kept = |offsets: Vec<Vec<i64>>| -> Vec<i64> {
        offsets.into_iter().flat_map(|topic| kept.map(|task| topic[usize::try_from(task).unwrap()])).collect()
    };
    let ends = of_kept(scenario.ends());
    eventually("new records of the kept tasks to be committed", Duration::from_secs(30), || {
        keeper.assert_alive();
        (of_kept(scenario.committed()) == ends).then_some(())
    });
    assert_eq!(keeper.log().matches("restored").count(), restored, "the restore has ended early, which proves nothing");
    scenario.wait_for_end(&mut keeper);
    keeper.terminate();
}

/// Writes an event for each of these accounts every 50 ms. Runs until `done`.
fn keep_busy(scenario: &Scenario, accounts: &[String], done: &AtomicBool) {
    let usage = scenario.topics.of(Stream::Usage);
    for number in 0.. {
        if done.load(Ordering::Acquire) {
            return;
        }
        let event = |account: &String| {
            let now = now();
            format!(r#"{{"type":"feature_used","id":"{account}-{number}","account_id":"{account}","feature":"f","occurred_at":{now}}}"#)
        };
        let events: Vec<_> = accounts.iter().map(|account| (account.as_str(), event(account))).collect();
        client::produce(scenario.broker, events.iter().map(|(account, event)| (usage.as_str(), Some(*account), event.as_bytes(), now())));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_restore_does_not_wait_for_tasks_that_another_member_has_taken_over_and_keeps_committing() {
    let mut scenario = Scenario::new("taken-over", 4, &simulated(75, 20, 5));
    // What a changelog holds never matches the offsets that were read just before.
    scenario.application.set("commit.interval_ms", "20");
    scenario.run_to_end();
    let of_task = |task| (0..1_000).map(|n| format!("busy-{n}")).find(|id| client::murmur2(id.as_bytes(), 4) == task).unwrap();
    let accounts: Vec<String> = [0, 1, 2, 3].map(of_task).to_vec();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = SetWhenDropped(&done);
        scope.spawn(|| keep_busy(&scenario, &accounts, &done));
        let mut slow = scenario.application.start_with(&[], &fault("before-restore:1:8000"));
        eventually("all tasks", LIMIT, || slow.log().contains("tasks=[0, 1, 2, 3]").then_some(()));
        let other = scenario.application.start();
        eventually("the end of its restore", LIMIT, || {
            slow.assert_alive();
            let log = slow.log();
            assert!(!log.contains("restored thread=0 tasks=[0, 1, 2, 3]"), "it has waited for all tasks, or none was taken over");
            log.contains("restored thread=0").then_some(())
        });
        other.terminate();
        slow.terminate();
    });
}

/// Has a member that reads another topic join the group and leave it again every three seconds, so that every other member loses its tasks
/// and gets them back. Runs until `done`.
fn rebalance(scenario: &Scenario, other_topic: &str, done: &AtomicBool) {
    while !done.load(Ordering::Acquire) {
        let (member, begun) = (Member::join(scenario.broker, &scenario.application.id, &[other_topic]), Instant::now());
        while begun.elapsed() < Duration::from_secs(3) && !done.load(Ordering::Acquire) {
            member.poll();
        }
    }
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_restore_comes_to_its_end_and_kept_tasks_commit_although_the_group_rebalances_every_three_seconds() {
    let scenario = Scenario::new("rebalancing", 4, &[]);
    // Nothing is written yet, so only later restores are slow.
    let mut keeper = scenario.application.start_with(&[], &fault("in-restore:*:30"));
    let assigned = |keeper: &Service, tasks: &str| keeper.log().matches(&format!("tasks={tasks}")).count();
    eventually("all tasks", LIMIT, || (assigned(&keeper, "[0, 1, 2, 3]") > 0).then_some(()));
    for seed in 80.. {
        scenario.topics.fill(scenario.broker, &simulated(seed, 60, 10));
        scenario.wait_for_end(&mut keeper);
        if client::ends(scenario.broker, &scenario.application.changelog).iter().all(|end| *end > 500) {
            break;
        }
    }
    let topics = scenario.topics.all();
    let thief = Member::join(scenario.broker, &scenario.application.id, &topics.iter().map(String::as_str).collect::<Vec<_>>());
    let kept = eventually("half of the tasks", LIMIT, || {
        thief.poll();
        [[0, 1], [2, 3]].into_iter().find(|tasks| assigned(&keeper, &format!("{tasks:?}")) > 0)
    });
    let before = assigned(&keeper, "[0, 1, 2, 3]");
    drop(thief);
    eventually("all tasks again", LIMIT, || (assigned(&keeper, "[0, 1, 2, 3]") > before).then_some(()));
    let (restored, done) = (keeper.log().matches("restored").count(), AtomicBool::new(false));
    let other_topic = unique("other");
    client::create_topic(scenario.broker, &other_topic, 1);
    std::thread::scope(|scope| {
        scope.spawn(|| rebalance(&scenario, &other_topic, &done));
        // Also if something below fails.
        let _end = SetWhenDropped(&done);
        let rebalances = |keeper: &Service| assigned(keeper, "[0, 1, 2, 3]") - before;
        let ended = |keeper: &Service| keeper.log().matches("restored").count() - restored;
        eventually("rebalances", LIMIT, || (rebalances(&keeper) > 2).then_some(()));
        scenario.topics.fill(scenario.broker, &simulated(74, 20, 5));
        let of_kept = |offsets: Vec<Vec<i64>>| -> Vec<i64> {
            offsets.into_iter().flat_map(|topic| kept.map(|task| topic[usize::try_from(task).unwrap()])).collect()
        };
        let ends = of_kept(scenario.ends());
        eventually("new records of the kept tasks to be committed", LIMIT, || (of_kept(scenario.committed()) == ends).then_some(()));
        assert_eq!(ended(&keeper), 0, "the restore has ended early, which proves nothing");
        eventually("the end of the restore", LIMIT, || (ended(&keeper) > 0).then_some(()));
        assert!(rebalances(&keeper) > 5, "{} rebalances", rebalances(&keeper));
        scenario.wait_for_end(&mut keeper);
    });
    keeper.terminate();
}

#[test]
fn an_instance_without_contact_to_kafka_is_not_ready_until_it_has_contact_again() {
    let broker: &Broker = Box::leak(Box::new(Broker::start(|_, _| String::new(), "")));
    let scenario = Scenario::on(broker, "contact", 1, &simulated(75, 3, 3));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let ready = |status: &str| eventually(status, LIMIT, || Some(service.get("/readyz")).filter(|answer| answer.contains(status)));
    ready("HTTP/1.1 200");
    broker.signal("STOP");
    let answer = ready("HTTP/1.1 503");
    assert!(answer.contains("contact with Kafka, lost since"), "{answer}");
    assert!(service.get("/api/pipeline").contains("\"no_contact_since\":\"2"));
    broker.signal("CONT");
    ready("HTTP/1.1 200");
    assert!(service.log().contains("contact with Kafka is back"));
    service.terminate();
}
