//! A broker that is absent for longer than a request may take and for less than a minute, at each step of a start and of `check`: nothing
//! fails, and nothing is skipped.

use std::time::{Duration, Instant};

use crate::kafka::broker::Broker;
use crate::kafka::eventually;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::Service;

/// Longer than a pause and one request together, and than the patience before the first contact.
const ABSENCE: Duration = Duration::from_secs(25);

fn own_broker() -> &'static Broker {
    Box::leak(Box::new(Broker::start(|_, _| String::new(), "")))
}

/// Waits until the broker has been absent for long enough; the process must live on meanwhile.
fn outlasts(service: &mut Service, begun: Instant) {
    eventually("the end of the absence", LIMIT, || {
        service.assert_alive();
        (begun.elapsed() > ABSENCE).then_some(())
    });
}

/// A pause at a named point, long enough for a broker to go away, on a busy machine too.
fn pause(point: &str) -> [(&'static str, String); 1] {
    [("CHURNWATCH_FAULT", format!("{point}:1:15000"))]
}

#[test]
fn a_start_waits_for_a_broker_that_was_killed_between_two_of_its_checks() {
    let broker = own_broker();
    let scenario = Scenario::on(broker, "killed", 2, &simulated(91, 20, 5));
    let mut service = scenario.application.start_with(&[], &pause("in-preflight"));
    eventually("its own topics", LIMIT, || (service.log().matches("topic created").count() > 2).then_some(()));
    broker.end("KILL");
    outlasts(&mut service, Instant::now());
    broker.start_again();
    scenario.wait_for_end(&mut service);
    service.terminate();
}

#[test]
fn a_restore_at_the_start_waits_for_a_broker_that_was_killed() {
    let broker = own_broker();
    let scenario = Scenario::on(broker, "restoring", 2, &simulated(92, 20, 5));
    scenario.run_to_end();
    let mut service = scenario.application.start_with(&[], &pause("in-restore"));
    eventually("the assignment", LIMIT, || service.log().contains("assigned").then_some(()));
    broker.end("KILL");
    outlasts(&mut service, Instant::now());
    broker.start_again();
    scenario.topics.fill(broker, &simulated(93, 20, 5));
    scenario.wait_for_end(&mut service);
    service.terminate();
}

#[test]
fn a_check_waits_for_a_broker_that_does_not_answer_and_samples_everything() {
    let broker = own_broker();
    let scenario = Scenario::on(broker, "checked", 2, &simulated(94, 20, 5));
    let mut check = scenario.application.start_command_of(&["check"], &pause("before-trial"));
    eventually("the survey", LIMIT, || check.log().contains("partitioner  ").then_some(()));
    broker.signal("STOP");
    outlasts(&mut check, Instant::now());
    broker.signal("CONT");
    let status = check.wait(LIMIT);
    let log = check.log();
    assert!(status.success() && log.contains("topics: OK") && !log.contains("sampled"), "{log}");
}
