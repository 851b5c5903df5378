//! A named instance that has been replaced: it exits, names the cause, and leaves its successor alone, whatever it learns first: that its
//! producer was fenced, that the group knows another process by its name, or nothing at all.

use std::time::Duration;

use rdkafka::producer::Producer as _;

use crate::chaos::campaign::start_brokers;
use crate::chaos::proxy::Proxy;
use crate::kafka::broker::Broker;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::{Application, Service};
use crate::kafka::{client, eventually};
use crate::kill::check_changes;
use crate::repartition::{Foreign, body};

/// A pause of a thread that outlasts its transaction and the start of a successor.
const PAUSE_MILLIS: u64 = 20_000;

/// A broker, and a proxy that can cut off those of its clients that connect through it.
pub fn proxied_broker() -> (&'static Broker, Proxy) {
    let (proxy, listeners) = Proxy::listen(1, 1);
    (Box::leak(Box::new(start_brokers(&proxy, listeners, None))), proxy)
}

/// Options that let an instance connect through the proxy.
pub fn through(proxy: &Proxy) -> Vec<String> {
    let through_proxy = format!("kafka.bootstrap_servers={}", proxy.address());
    // Requests that were dropped are given up soon, so it is back in touch soon after the network is.
    let settings =
        [through_proxy.as_str(), "kafka.properties.\"socket.timeout.ms\"=3000", "kafka.properties.\"reconnect.backoff.max.ms\"=500"];
    settings.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]).collect()
}

/// An instance behind the proxy that may pause at a named point of its first transaction.
fn start_zombie(application: &Application, proxy: &Proxy, point: Option<&str>) -> Service {
    let pause = point.map(|point| ("CHURNWATCH_FAULT", format!("{point}:1:{PAUSE_MILLIS}")));
    application.start_with(&through(proxy), pause.as_slice())
}

/// Lets the network of a zombie recover once it has logged this, and waits for its exit.
fn comes_back(zombie: Service, proxy: &Proxy, message: &str) {
    eventually(message, LIMIT, || zombie.log().contains(message).then_some(()));
    proxy.cut_off(false);
    let log = zombie.fails_with("fenced");
    assert!(log.contains(message), "{log}");
}

#[test]
fn a_named_instance_whose_producer_was_fenced_exits_and_names_the_cause() {
    let mut scenario = Scenario::new("fenced-producer", 1, &simulated(71, 5, 5));
    scenario.application.set("application.instance", "a");
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    // A successor that has not joined the group yet: only the producer can tell.
    let successor = client::transactional(scenario.broker, &format!("{}-a-0", scenario.application.id), Duration::from_secs(10));
    scenario.topics.fill(scenario.broker, &simulated(72, 5, 2));
    let log = service.fails_with("fenced");
    assert!(log.lines().last().unwrap().contains("fenced by"), "the last line does not name the cause:\n{log}");
    client::add_to_transaction(&successor, &scenario.application.changes);
    successor.commit_transaction(LIMIT).expect("the successor was fenced");
}

#[test]
fn a_named_instance_that_was_cut_off_during_a_transaction_does_not_fence_its_successor() {
    let (broker, proxy) = proxied_broker();
    let mut scenario = Scenario::on(broker, "cut-off", 2, &simulated(73, 5, 5));
    scenario.application.set("application.instance", "a");
    let zombie = start_zombie(&scenario.application, &proxy, Some("before-begin"));
    eventually("its first tasks", LIMIT, || zombie.log().contains("restored").then_some(()));
    proxy.cut_off(true);
    let mut successor = scenario.application.start();
    scenario.wait_for_end(&mut successor);
    comes_back(zombie, &proxy, "transaction failed");
    for seed in [74, 75] {
        scenario.topics.fill(broker, &simulated(seed, 5, 2));
        scenario.wait_for_end(&mut successor);
    }
    assert!(!successor.log().contains("transaction failed"), "{}", successor.log());
    successor.terminate();
}

/// Waits until an instance has published all its accounts: it has nothing left to write until an event arrives.
fn is_idle(scenario: &Scenario, service: &mut Service) {
    eventually("its changes", LIMIT, || {
        service.assert_alive();
        let published = check_changes(scenario.broker, &scenario.application) as u64;
        let accounts = body(&service.get("/api/accounts"))?["matched"].as_u64()?;
        (published > 0 && published == accounts).then_some(())
    });
}

#[test]
fn a_named_instance_that_was_cut_off_while_idle_does_not_fence_its_successor() {
    let (broker, proxy) = proxied_broker();
    let mut scenario = Scenario::on(broker, "idle", 2, &simulated(78, 5, 5));
    scenario.application.set("application.instance", "a");
    let mut zombie = start_zombie(&scenario.application, &proxy, None);
    scenario.wait_for_end(&mut zombie);
    is_idle(&scenario, &mut zombie);
    proxy.cut_off(true);
    let mut successor = scenario.application.start();
    // Its session ends without any answer of the group.
    comes_back(zombie, &proxy, "lost=true");
    scenario.topics.fill(broker, &simulated(79, 5, 2));
    scenario.wait_for_end(&mut successor);
    successor.terminate();
}

#[test]
fn a_named_instance_that_was_cut_off_does_not_fence_its_successor_in_the_repartition_stage() {
    let (broker, proxy) = proxied_broker();
    let records = simulated(76, 10, 5);
    let foreign = Foreign::create(broker, &records);
    let mut application = foreign.application(broker);
    application.set("application.instance", "a");
    let zombie = start_zombie(&application, &proxy, Some("before-repartition-commit"));
    let internal = format!("churnwatch-{}-repartition", application.id);
    eventually("its first transaction", LIMIT, || {
        let log = zombie.log();
        // Its tasks too: a process that has never joined their group cannot tell that another has its name.
        let has_joined = log.contains("repartition stage: assigned") && log.contains("restored");
        (has_joined && client::ends(broker, &internal).iter().any(|end| *end > 0)).then_some(())
    });
    proxy.cut_off(true);
    let mut successors = [application.start()];
    eventually("the successor to read everything", LIMIT, || foreign.is_read(broker, &application, &mut successors).then_some(()));
    comes_back(zombie, &proxy, "transaction of the repartition stage failed");
    foreign.fill(broker, &simulated(77, 10, 2));
    eventually("the successor to read on", LIMIT, || foreign.is_read(broker, &application, &mut successors).then_some(()));
    let [successor] = successors;
    assert!(!successor.log().contains("stage failed"), "{}", successor.log());
    successor.terminate();
}

/// A named instance pauses at this point before it has ever joined its group, for longer than a session, while a successor starts.
fn gives_way_at_the_start(name: &str, point: &str, message: &str, seed: u64) {
    let mut scenario = Scenario::new(name, 2, &simulated(seed, 5, 5));
    scenario.application.set("application.instance", "a");
    let zombie = scenario.application.start_with(&[], &[("CHURNWATCH_FAULT", format!("{point}:1:{PAUSE_MILLIS}"))]);
    eventually(message, LIMIT, || zombie.log().contains(message).then_some(()));
    let mut successor = scenario.application.start();
    scenario.wait_for_end(&mut successor);
    let log = zombie.fails_with("fenced");
    assert!(log.contains("starting took longer than a session"), "{log}");
    scenario.topics.fill(scenario.broker, &simulated(seed + 1, 5, 2));
    scenario.wait_for_end(&mut successor);
    assert!(!successor.log().contains("transaction failed"), "{}", successor.log());
    successor.terminate();
}

#[test]
fn a_named_instance_that_was_suspended_before_its_producer_was_ready_does_not_fence_its_successor() {
    gives_way_at_the_start("late-producer", "in-preflight", "topic created", 80);
}

#[test]
fn a_named_instance_that_was_suspended_before_it_joined_does_not_fence_its_successor() {
    gives_way_at_the_start("late-member", "before-join", "joining the group", 82);
}
