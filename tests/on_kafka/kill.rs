//! kill -9 at random points: what is committed equals what an uninterrupted run commits.
//!
//! The oracle is a second application on the same input that is never killed. `CHURNWATCH_KILLS` sets the number of kills (default 5),
//! `CHURNWATCH_SEED` the seed, which is printed.

use std::collections::{BTreeMap, BTreeSet};

use crate::kafka::broker::Broker;
use crate::kafka::client::{self, Committed};
use crate::kafka::eventually;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::{Application, Service};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// A small generator of our own, so a seed determines everything.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Progress of a group, summed over all inputs.
fn progress(scenario: &Scenario, application: &Application) -> i64 {
    let group = client::Group::new(scenario.broker, &application.id);
    let committed = scenario.topics.all().into_iter().flat_map(|topic| group.committed(&topic, scenario.topics.partitions));
    committed.map(|offset| offset.max(0)).sum()
}

/// Origin and code of each dead letter.
fn letters(scenario: &Scenario, application: &Application) -> Vec<[String; 4]> {
    let letters = client::read_committed(scenario.broker, &application.dead_letters);
    let name =
        |letter: &Committed| ["topic", "partition", "offset", "code"].map(|name| letter.header(&format!("churnwatch_{name}")).to_owned());
    let mut names: Vec<_> = letters.iter().map(name).collect();
    names.sort();
    names
}

/// Per account, the sequences of its changes must be 1, 2, 3 ... with `as_of` never going back, each starting from the previous score. Returns the
/// number of accounts.
pub fn check_changes(broker: &Broker, application: &Application) -> usize {
    let mut last: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for record in client::read_committed(broker, &application.changes) {
        let (account, change) = (String::from_utf8(record.key.clone().unwrap()).unwrap(), record.json());
        let previous = last.get(&account);
        let sequence = previous.map_or(0, |previous| previous["sequence"].as_u64().unwrap());
        assert_eq!(change["sequence"].as_u64().unwrap(), sequence + 1, "{account}: {change}");
        assert_eq!(change["account_id"], account.as_str());
        if let Some(previous) = previous {
            let as_of = |change: &serde_json::Value| change["as_of"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            assert!(as_of(previous) <= as_of(&change), "{account}: {previous} then {change}");
            assert_eq!(change["health"]["previous"], previous["health"]["score"], "{account}: a change was lost or invented");
        }
        last.insert(account, change);
    }
    last.len()
}

/// One instance that nobody kills. Returns the number of accounts that it publishes; its last cycle scores whatever is left.
fn run_undisturbed(scenario: &Scenario, application: &Application) -> usize {
    let total: i64 = scenario.ends().iter().flatten().sum();
    let mut service = application.start();
    eventually("an undisturbed run", LIMIT, || {
        service.assert_alive();
        let live = !service.get("/api/pipeline").contains("\"catching_up\":true");
        (live && progress(scenario, application) == total).then_some(())
    });
    service.terminate();
    check_changes(scenario.broker, application)
}

/// Kills and restarts one of two instances each time the group has made a random amount of progress; then lets them finish.
fn kill_again_and_again(scenario: &Scenario, kills: u64, random: &mut Random, accounts: usize) {
    let total: i64 = scenario.ends().iter().flatten().sum();
    let step = total / i64::try_from(kills + 1).unwrap();
    let application = &scenario.application;
    let mut instances = vec![application.start(), application.start()];
    for kill in 0..kills {
        let target = i64::try_from(kill).unwrap() * step + random.below(step.max(1)) + 1;
        eventually(&format!("progress to {target} of {total}"), LIMIT, || {
            instances.iter_mut().for_each(Service::assert_alive);
            (progress(scenario, application) >= target).then_some(())
        });
        let victim = usize::try_from(random.below(2)).unwrap();
        instances.remove(victim).kill();
        instances.push(application.start());
    }
    finish(scenario, application, instances, accounts);
}

/// Waits until everything is read and every account has been published, and stops.
fn finish(scenario: &Scenario, application: &Application, mut instances: Vec<Service>, accounts: usize) {
    let total: i64 = scenario.ends().iter().flatten().sum();
    let mut seen = (-1, 0);
    eventually("the end", LIMIT, || {
        instances.iter_mut().for_each(Service::assert_alive);
        let (read, published) = (progress(scenario, application), check_changes(scenario.broker, application));
        if (read, published) != seen {
            eprintln!("{read} of {total} records, {published} of {accounts} accounts");
            seen = (read, published);
        }
        (seen == (total, accounts)).then_some(())
    });
    for instance in instances {
        instance.terminate();
    }
}

#[test]
fn kills_do_not_change_what_is_committed() {
    let seed = number("CHURNWATCH_SEED", 1);
    eprintln!("CHURNWATCH_SEED={seed}");
    let records = simulated(seed, 60, 30);
    // Not every customer has arrived yet, and the company's own costs belong to no account.
    let accounts =
        records.iter().filter(|record| record.json.contains("account_id")).map(|record| &record.account).collect::<BTreeSet<_>>().len();
    let scenario = Scenario::new("killed", 4, &records);
    let oracle = Application::new(scenario.broker, &scenario.topics);
    assert_eq!(run_undisturbed(&scenario, &oracle), accounts);
    kill_again_and_again(&scenario, number("CHURNWATCH_KILLS", 5), &mut Random(seed), accounts);

    assert_eq!(letters(&scenario, &scenario.application), letters(&scenario, &oracle));
    let state = |application: &Application| client::state_of_events(scenario.broker, &application.changelog);
    let (killed, whole) = (state(&scenario.application), state(&oracle));
    assert_eq!(killed.keys().collect::<BTreeSet<_>>(), whole.keys().collect::<BTreeSet<_>>());
    let differing: Vec<_> =
        whole.iter().filter(|(key, value)| killed.get(*key) != Some(value)).map(|(key, _)| String::from_utf8_lossy(key)).collect();
    assert!(differing.is_empty(), "{} of {} records of state differ: {differing:?}", differing.len(), whole.len());
}
