//! Progress or exit: a service that cannot continue exits with a code, and a signalled one stops in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::eventually;
use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::{Application, Service};
use churnwatch::event::Stream;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::Producer as _;

/// Waits for the exit of a service with status 1 and this failure code, for longer than the failure may take.
fn ends_with(mut service: Service, code: &str) -> String {
    service.wait(Duration::from_mins(3));
    service.fails_with(code)
}

/// A scenario that has run, with the stamp of its only task replaced.
fn with_stamp(name: &str, stamp: &[u8]) -> Scenario {
    let scenario = Scenario::new(name, 1, &simulated(51, 3, 3));
    scenario.run_to_end();
    client::produce(scenario.broker, [(scenario.application.changelog.as_str(), Some("\0stamp"), stamp, now())]);
    scenario
}

#[test]
fn state_of_a_newer_version_is_left_alone() {
    let scenario = with_stamp("newer", &[200, 1, 2, 3]);
    let before = client::ends(scenario.broker, &scenario.application.changelog);
    scenario.fails_with("state_newer");
    assert_eq!(client::ends(scenario.broker, &scenario.application.changelog), before, "nothing was written");
}

#[test]
fn a_changelog_record_that_is_not_state_is_rejected() {
    let log = with_stamp("unreadable", &[1, 0xff, 0xff]).fails_with("state_unreadable");
    assert!(log.contains("-changelog"), "{log}");
}

#[test]
fn a_restore_gives_up_on_a_changelog_transaction_that_never_ends() {
    let scenario = Scenario::new("stuck", 1, &simulated(52, 3, 3));
    scenario.run_to_end();
    let open = client::open_transaction(scenario.broker, &scenario.application.changelog, Duration::from_mins(10));
    let log = ends_with(scenario.application.start(), "restore_stuck");
    assert!(log.contains(&format!("{} [0]", scenario.application.changelog)), "{log}");
    open.abort_transaction(LIMIT).unwrap();
    scenario.run_to_end();
}

#[test]
fn an_instance_with_a_different_topic_set_is_rejected() {
    let mut scenario = Scenario::new("other", 2, &simulated(53, 3, 3));
    let mut first = scenario.application.start();
    scenario.wait_for_end(&mut first);
    scenario.application.set("streams.feedback.topics", "[]");
    let log = scenario.application.start().fails_with("topic_set_changed");
    assert!(log.contains(&scenario.topics.of(Stream::Feedback)), "{log}");
    first.terminate();
}

#[test]
fn a_task_without_all_its_topics_is_parked_and_then_the_process_exits() {
    let scenario = Scenario::new("parked", 2, &simulated(54, 3, 3));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let (usage, done) = (scenario.topics.of(Stream::Usage), Arc::new(AtomicBool::new(false)));
    let stranger: BaseConsumer = client::config(scenario.broker)
        .set("group.id", &scenario.application.id)
        .set("partition.assignment.strategy", "range")
        .set("client.id", "a-stranger")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    stranger.subscribe(&[&usage]).unwrap();
    let polls = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            while !done.load(Ordering::Acquire) {
                drop(stranger.poll(Duration::from_millis(100)));
            }
        }
    });
    // The foreign consumer gets one partition of usage; it does not subscribe to the other topics.
    eventually("the rebalance", LIMIT, || service.log().contains("parked").then_some(()));
    let log = ends_with(service, "incomplete_assignment");
    assert!(log.contains(&format!("without {usage}")), "{log}");
    done.store(true, Ordering::Release);
    polls.join().unwrap();
}

/// Sends SIGTERM and expects status 0 within ten seconds.
fn stops_cleanly(mut service: Service) {
    let begun = Instant::now();
    service.signal("TERM");
    let status = service.wait(LIMIT);
    assert!(status.success() && begun.elapsed() < Duration::from_secs(10), "{status} after {:?}:\n{}", begun.elapsed(), service.log());
}

#[test]
fn sigterm_under_load_commits_everything_and_exits_with_status_0_within_ten_seconds() {
    let scenario = Scenario::new("term", 2, &simulated(56, 60, 60));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                scenario.topics.fill(scenario.broker, &simulated(60, 60, 10));
            }
        });
        for _ in 0..3 {
            let before = scenario.committed();
            let service = scenario.application.start();
            eventually("something new to be committed", LIMIT, || (scenario.committed() != before).then_some(()));
            stops_cleanly(service);
            let reset = scenario.application.command(&["topics", "reset"]);
            assert!(reset.status.success() && reset.stdout.is_empty(), "the group's offsets are those of the state");
        }
        done.store(true, Ordering::Release);
    });
    scenario.run_to_end();
}

#[test]
fn a_consumer_that_hangs_while_it_closes_does_not_make_a_commit_uncommitted() {
    let scenario = Scenario::new("hanging", 2, &simulated(61, 10, 10));
    let mut service = scenario.application.start_with(&[], &[("CHURNWATCH_FAULT", "before-close:1:60000".to_owned())]);
    scenario.wait_for_end(&mut service);
    stops_cleanly(service);
    assert_eq!(scenario.committed(), scenario.ends());
    scenario.run_to_end();
}

#[test]
fn a_shutdown_that_cannot_commit_says_so() {
    let broker: &Broker = Box::leak(Box::new(Broker::start(|_, _| String::new(), "")));
    let scenario = Scenario::on(broker, "uncommitted", 2, &simulated(59, 60, 60));
    // Whether the service has read something that it has not committed when the broker stops is a matter of luck.
    let says_so = (60..70).any(|seed| {
        let mut service = scenario.application.start();
        scenario.wait_for_end(&mut service);
        scenario.topics.fill(broker, &simulated(seed, 60, 30));
        broker.signal("STOP");
        let begun = Instant::now();
        service.signal("TERM");
        let status = service.wait(LIMIT);
        assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
        broker.signal("CONT");
        if status.success() {
            return false;
        }
        service.fails_with("stopped_uncommitted");
        true
    });
    assert!(says_so, "no attempt left anything uncommitted");
    scenario.run_to_end();
}

/// Fences the producer of an unnamed instance that has read something, so its last commit fails at once.
#[test]
fn a_shutdown_whose_last_commit_fails_says_so() {
    let mut scenario = Scenario::new("last-commit", 1, &[]);
    for interval in ["commit.interval_ms", "commit.catch_up_interval_ms"] {
        scenario.application.set(interval, "60000");
    }
    let mut service = scenario.application.start();
    // Until its task is live it commits whenever it reaches the end of its inputs; after that, once in a minute.
    scenario.wait_for_end(&mut service);
    let is_live = |metrics: &str| metrics.contains("churnwatch_task_catching_up{task=\"0\"} 0");
    eventually("the task to be live", LIMIT, || is_live(&service.get("/metrics")).then_some(()));
    let before = scenario.committed();
    let usage = scenario.topics.of(Stream::Usage);
    client::produce(scenario.broker, [(usage.as_str(), Some("a"), br#"{"type":"pulse"}"#.as_slice(), now())]);
    eventually("the record to be read", LIMIT, || service.log().contains("record of an unknown type").then_some(()));
    let ids = client::transactional_ids(scenario.broker, &format!("{}-", scenario.application.id));
    assert_eq!(ids.len(), 1, "{ids:?}");
    for id in &ids {
        drop(client::transactional(scenario.broker, id, Duration::from_secs(10)));
    }
    service.signal("TERM");
    service.fails_with("stopped_uncommitted");
    assert_eq!(scenario.committed(), before, "nothing was committed");
    for interval in ["commit.interval_ms", "commit.catch_up_interval_ms"] {
        scenario.application.set(interval, "200");
    }
    scenario.run_to_end();
}

/// Suspends the broker, so a clean shutdown has something to wait for.
#[test]
fn a_second_signal_exits_at_once_and_uncommitted_input_is_read_again() {
    let broker: &Broker = Box::leak(Box::new(Broker::start(|_, _| String::new(), "")));
    let scenario = Scenario::on(broker, "twice", 2, &simulated(57, 60, 60));
    for signals in [["TERM", "TERM"], ["INT", "INT"], ["TERM", "INT"]] {
        let mut service = scenario.application.start();
        let before = scenario.committed();
        scenario.topics.fill(broker, &simulated(58, 60, 5));
        eventually("something new to be committed", LIMIT, || (scenario.committed() != before).then_some(()));
        broker.signal("STOP");
        service.signal(signals[0]);
        eventually("the first signal to be heard", LIMIT, || service.log().contains("shutting down").then_some(()));
        let begun = Instant::now();
        service.signal(signals[1]);
        service.wait(LIMIT);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        broker.signal("CONT");
        service.fails_with("stopped_at_once");
    }
    scenario.run_to_end();
    let reset = scenario.application.command(&["topics", "reset"]);
    assert!(reset.status.success() && reset.stdout.is_empty(), "the group's offsets are those of the state");
    let state = |application: &Application| client::state_of_events(broker, &application.changelog);
    let interrupted = state(&scenario.application);
    let undisturbed = Scenario { application: Application::new(broker, &scenario.topics), ..scenario };
    undisturbed.run_to_end();
    assert!(state(&undisturbed.application) == interrupted, "the state is not that of an undisturbed run");
}
