//! Aliases that events of other topics than the accounts topics declare: they hold on every instance, and outlive each of them.

use std::collections::{BTreeMap, BTreeSet};

use churnwatch::event::Stream;

use crate::kafka::input::now;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::Service;
use crate::kafka::{client, eventually};

/// Segment's calls on the usage topic, and nothing on the accounts topic.
struct Calls {
    scenario: Scenario,
    usage: String,
    called: usize,
}

impl Calls {
    fn new(name: &str) -> Self {
        let mut scenario = Scenario::new(name, 4, &[]);
        scenario.application.set("streams.usage.format", "segment");
        scenario.application.set("output.on_bad_run", "dead_letter");
        let usage = scenario.topics.of(Stream::Usage);
        Self { scenario, usage, called: 0 }
    }

    /// A call of a user with these fields, in the partition of a key.
    fn call(&mut self, key: &str, kind: &str, user: &str, fields: &str) {
        let (at, number) = (now() / 1000, self.called);
        self.called += 1;
        let call = format!(r#"{{"type":"{kind}","event":"e","userId":"{user}","messageId":"m{number}","timestamp":{at}{fields}}}"#);
        client::produce(self.scenario.broker, [(self.usage.as_str(), Some(key), call.as_bytes(), now())]);
    }

    fn track(&mut self, key: &str, user: &str) {
        self.call(key, "track", user, "");
    }

    fn identify(&mut self, key: &str, user: &str, account: &str) {
        self.call(key, "identify", user, &format!(r#","context":{{"groupId":"{account}"}}"#));
    }

    /// How many uses each account has in the internal topic.
    fn uses(&self) -> BTreeMap<String, usize> {
        let mut uses = BTreeMap::new();
        for record in client::read_committed(self.scenario.broker, &format!("churnwatch-{}-repartition", self.scenario.application.id)) {
            if record.json()["type"] == "feature_used" {
                *uses.entry(String::from_utf8(record.key.unwrap()).unwrap()).or_default() += 1;
            }
        }
        uses
    }

    fn aliases_topic(&self) -> String {
        format!("churnwatch-{}-aliases", self.scenario.application.id)
    }

    /// Dead letters by code.
    fn letters(&self) -> BTreeMap<String, usize> {
        let mut letters = BTreeMap::new();
        for letter in client::read_committed(self.scenario.broker, &self.scenario.application.dead_letters) {
            *letters.entry(letter.header("churnwatch_code").to_owned()).or_default() += 1;
        }
        letters
    }

    fn wait_for_uses(&self, services: &mut [Service], expected: &[(&str, usize)]) {
        let expected: BTreeMap<String, usize> = expected.iter().map(|(account, uses)| ((*account).to_owned(), *uses)).collect();
        eventually("the uses", LIMIT, || {
            services.iter_mut().for_each(Service::assert_alive);
            (self.uses() == expected).then_some(())
        });
    }

    fn wait_for_aliases(&self, service: &mut Service, count: usize) {
        eventually("the aliases", LIMIT, || {
            service.assert_alive();
            let is_there = service.log().contains("page, API");
            let topic = format!("churnwatch-{}-aliases", self.scenario.application.id);
            (is_there && client::read_committed(self.scenario.broker, &topic).len() >= count).then_some(())
        });
    }
}

#[test]
fn an_alias_declared_by_a_call_holds_on_every_instance_and_after_kills() {
    let mut calls = Calls::new("aliases-of-calls");
    calls.identify("p", "u1", "acme");
    let mut services = vec![calls.scenario.application.start()];
    calls.wait_for_aliases(&mut services[0], 1);
    services.push(calls.scenario.application.start());
    // In every partition, so that both instances need it.
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        calls.track(key, "u1");
    }
    calls.wait_for_uses(&mut services, &[("acme", 8)]);
    // The alias moves, and every partition must learn of it.
    calls.identify("q", "u1", "bolt");
    calls.wait_for_aliases(&mut services[0], 2);
    services.drain(..).for_each(Service::kill);
    let mut services = vec![calls.scenario.application.start()];
    for key in ["a", "b", "c", "d"] {
        calls.track(key, "u1");
    }
    calls.wait_for_uses(&mut services, &[("acme", 8), ("bolt", 4)]);
    let metrics = services[0].get("/metrics");
    assert!(metrics.contains("churnwatch_alias_conflicts_total{kind=\"disputed\"} 1\n"), "{metrics}");
    assert!(metrics.contains("churnwatch_aliases{state=\"declared\"} 1\n"));
    assert_eq!(calls.letters(), BTreeMap::new());
    for service in services {
        service.terminate();
    }
}

#[test]
fn a_deletion_by_a_call_takes_the_aliases_with_it() {
    let mut calls = Calls::new("aliases-deleted");
    calls.identify("p", "u1", "acme");
    let mut services = vec![calls.scenario.application.start()];
    calls.track("p", "u1");
    calls.wait_for_uses(&mut services, &[("acme", 1)]);
    let at = now() / 1000 + 1;
    let deleted = format!(
        r#"{{"type":"track","event":"Account Deleted","userId":"u1","messageId":"d","timestamp":{at},"context":{{"groupId":"acme"}}}}"#
    );
    client::produce(calls.scenario.broker, [(calls.usage.as_str(), Some("p"), deleted.as_bytes(), now())]);
    calls.wait_for_aliases(&mut services[0], 2);
    services.drain(..).for_each(Service::kill);
    let mut service = calls.scenario.application.start();
    calls.track("q", "u1");
    eventually("the dead letter", LIMIT, || {
        service.assert_alive();
        (calls.letters() == BTreeMap::from([("unknown_account".to_owned(), 1)])).then_some(())
    });
    service.terminate();
}

#[test]
fn a_deletion_on_the_accounts_topic_is_written_down_since_compaction_will_forget_it_there() {
    let mut calls = Calls::new("aliases-tombstone");
    calls.identify("p", "u1", "acme");
    let mut service = calls.scenario.application.start();
    calls.wait_for_aliases(&mut service, 1);
    let accounts = calls.scenario.topics.of(Stream::Accounts);
    let at = now() / 1000 + 1;
    let deletion = |account: &str| format!(r#"{{"type":"account_profile","account_id":"{account}","occurred_at":{at},"deleted":true}}"#);
    for account in ["acme", "bolt"] {
        client::produce(calls.scenario.broker, [(accounts.as_str(), Some(account), deletion(account).as_bytes(), now())]);
    }
    calls.wait_for_aliases(&mut service, 2);
    service.terminate();
    let topic = format!("churnwatch-{}-aliases", calls.scenario.application.id);
    let records = client::read_committed(calls.scenario.broker, &topic);
    let deletion = records[1].json();
    assert_eq!((deletion["account_id"].as_str(), deletion["deleted"].as_bool()), (Some("acme"), Some(true)));
    assert!(records[2..].iter().all(|record| record.value.is_none()), "what it undoes is removed");
    let keys: BTreeSet<_> = records.iter().map(|record| &record.key).collect();
    assert_eq!(keys.len(), 2, "nobody has declared an alias of bolt");
}

/// The keys of the aliases topic that name this user, and whether a tombstone is the last record of each.
fn keys_of_user(calls: &Calls, user: &str) -> BTreeMap<String, bool> {
    let mut keys = BTreeMap::new();
    for record in client::read_committed(calls.scenario.broker, &calls.aliases_topic()) {
        let key = String::from_utf8(record.key.unwrap()).unwrap();
        if key.contains(&format!("\"{user}\"")) {
            keys.insert(key, record.value.is_none());
        }
    }
    keys
}

#[test]
fn the_aliases_of_a_deleted_account_are_removed_and_declared_again_in_its_next_life() {
    let mut calls = Calls::new("aliases-removed");
    // From two partitions, so that two instances must remove what each of them reads.
    for (key, user) in [("a", "u1"), ("b", "u1"), ("c", "u1"), ("d", "u1"), ("a", "u2")] {
        calls.identify(key, user, if user == "u1" { "acme" } else { "bolt" });
    }
    let mut services = vec![calls.scenario.application.start(), calls.scenario.application.start()];
    calls.wait_for_aliases(&mut services[0], 2);
    let accounts = calls.scenario.topics.of(Stream::Accounts);
    let at = now() / 1000 + 1;
    let deletion = format!(r#"{{"type":"account_profile","account_id":"acme","occurred_at":{at},"deleted":true}}"#);
    client::produce(calls.scenario.broker, [(accounts.as_str(), Some("acme"), deletion.as_bytes(), now())]);
    let wait_for_removal = |calls: &Calls, services: &mut [Service]| {
        eventually("the tombstones", LIMIT, || {
            services.iter_mut().for_each(Service::assert_alive);
            let keys = keys_of_user(calls, "u1");
            (!keys.is_empty() && keys.values().all(|is_removed| *is_removed)).then_some(())
        });
    };
    wait_for_removal(&calls, &mut services);
    assert!(keys_of_user(&calls, "u2").values().all(|is_removed| !is_removed), "another account keeps its aliases");
    let tombstones = |calls: &Calls| {
        let records = client::read_committed(calls.scenario.broker, &calls.aliases_topic());
        records.iter().filter(|record| record.value.is_none()).count()
    };
    let removed = tombstones(&calls);
    assert_eq!(removed, keys_of_user(&calls, "u1").len(), "each once");

    // After a restart nothing is removed again, and nobody is known by the alias.
    services.drain(..).for_each(Service::kill);
    let mut services = vec![calls.scenario.application.start()];
    calls.track("e", "u1");
    eventually("the dead letter", LIMIT, || {
        services[0].assert_alive();
        (calls.letters() == BTreeMap::from([("unknown_account".to_owned(), 1)])).then_some(())
    });
    assert_eq!(tombstones(&calls), removed);

    // The account comes back under the same key.
    let at = at + 1;
    let identify = format!(r#"{{"type":"identify","userId":"u1","messageId":"again","timestamp":{at},"context":{{"groupId":"acme"}}}}"#);
    client::produce(calls.scenario.broker, [(calls.usage.as_str(), Some("a"), identify.as_bytes(), now())]);
    eventually("the alias", LIMIT, || keys_of_user(&calls, "u1").values().any(|is_removed| !is_removed).then_some(()));
    services.drain(..).for_each(Service::kill);
    let mut services = vec![calls.scenario.application.start()];
    calls.track("f", "u1");
    calls.wait_for_uses(&mut services, &[("acme", 1)]);
    assert_eq!(tombstones(&calls), removed);
    services.drain(..).for_each(|service| drop(service.terminate()));
}

#[test]
fn an_aliases_topic_whose_next_records_are_gone_is_read_from_its_start_again() {
    let mut calls = Calls::new("aliases-truncated");
    calls.identify("p", "u1", "acme");
    let mut services = vec![calls.scenario.application.start()];
    calls.wait_for_aliases(&mut services[0], 1);
    let (broker, topic) = (calls.scenario.broker, calls.aliases_topic());
    client::configure_topic(broker, &topic, "cleanup.policy", "delete");
    // For less than its session.
    services[0].signal("STOP");
    // The first is what the broker answers the request with that it has at this moment.
    for user in ["u2", "deleted", "u3"] {
        let alias = format!(
            r#"{{"type":"account_profile","account_id":"acme","occurred_at":{},"aliases":{{"segment-user":"{user}"}},"merge":true}}"#,
            now()
        );
        client::produce_raw(broker, &topic, 0, format!(r#"["elsewhere",0,"acme",["segment-user","{user}"]]"#).as_bytes(), alias.as_bytes());
        if user == "deleted" {
            client::delete_records(broker, &topic, 0, client::ends(broker, &topic)[0]);
        }
    }
    services[0].signal("CONT");
    eventually("the aliases that are left", LIMIT, || {
        services[0].assert_alive();
        services[0].get("/metrics").contains("churnwatch_aliases{state=\"declared\"} 3\n").then_some(())
    });
    assert!(services[0].log().contains("read from its start again"), "{}", services[0].log());
    calls.track("q", "u3");
    calls.wait_for_uses(&mut services, &[("acme", 1)]);
    services.drain(..).for_each(|service| drop(service.terminate()));
}

#[test]
fn an_aliases_topic_that_is_created_again_ends_the_service_by_name() {
    let mut calls = Calls::new("aliases-recreated");
    calls.identify("p", "u1", "acme");
    let mut service = calls.scenario.application.start();
    calls.wait_for_aliases(&mut service, 1);
    let (broker, topic) = (calls.scenario.broker, calls.aliases_topic());
    client::delete_topic(broker, &topic);
    eventually("the topic", LIMIT, || client::try_create_topic(broker, &topic, 1).then_some(()));
    let log = service.fails_with("topic_recreated");
    assert!(log.contains(&topic), "{log}");
}

#[test]
fn aliases_beyond_the_limit_are_dead_letters_that_a_redrive_applies_once_there_is_room() {
    let mut calls = Calls::new("aliases-limit");
    calls.scenario.application.set("limits.aliases", "2");
    calls.identify("p", "u1", "acme");
    calls.identify("p", "u2", "acme");
    calls.track("p", "u1");
    calls.track("p", "u2");
    let mut service = calls.scenario.application.start();
    let expected = BTreeMap::from([("too_many_aliases".to_owned(), 1), ("unknown_account".to_owned(), 1)]);
    eventually("the dead letters", LIMIT, || {
        service.assert_alive();
        (service.log().contains("page, API") && calls.letters() == expected).then_some(())
    });
    assert_eq!(calls.uses(), BTreeMap::from([("acme".to_owned(), 1)]));
    service.terminate();
    calls.scenario.application.set("limits.aliases", "100");
    let mut service = calls.scenario.application.start();
    let output = calls.scenario.application.command(&["redrive", "--code", "unknown_account"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    // The alias is declared by the first letter, if it is read before the second; else another redrive applies that.
    calls.scenario.application.command(&["redrive", "--code", "unknown_account"]);
    calls.wait_for_uses(std::slice::from_mut(&mut service), &[("acme", 2)]);
    calls.track("q", "u2");
    calls.wait_for_uses(std::slice::from_mut(&mut service), &[("acme", 3)]);
    service.terminate();
}
