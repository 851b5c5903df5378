//! A new model for a running service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::kafka::input::now;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::Service;
use crate::kafka::{client, eventually};
use churnwatch::event::Stream;
use serde_json::Value;

pub(super) const ACCOUNTS: usize = 12;

/// A service with two threads and four tasks whose model is in a separate file.
pub(super) struct Modelled {
    pub(super) scenario: Scenario,
    folder: tempfile::TempDir,
}

impl Modelled {
    pub(super) fn new(name: &str, model: &str) -> Self {
        let mut scenario = Scenario::new(name, 4, &[]);
        let folder = tempfile::tempdir().unwrap();
        scenario.application.set("application.threads", "2");
        let own = Self { scenario, folder };
        own.write(model);
        own.use_product();
        let path = own.file().display().to_string();
        Self { scenario: with(own.scenario, "model_file", &path), ..own }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("model.toml")
    }

    pub(super) fn write(&self, model: &str) {
        std::fs::write(self.file(), model).unwrap();
    }

    /// One more usage event for every account.
    fn use_product(&self) {
        let (topic, at) = (self.scenario.topics.of(Stream::Usage), now());
        let accounts: Vec<String> = (0..ACCOUNTS).map(|n| format!("account-{n}")).collect();
        let event = |account| {
            format!("{{\"type\":\"feature_used\",\"account_id\":\"{account}\",\"user_id\":\"u\",\"feature\":\"f\",\"occurred_at\":{at}}}")
        };
        let events: Vec<String> = accounts.iter().map(event).collect();
        let records = accounts.iter().zip(&events).map(|(account, event)| (topic.as_str(), Some(account.as_str()), event.as_bytes(), at));
        client::produce(self.scenario.broker, records);
    }

    /// The published changes by account, in order.
    fn changes(&self) -> BTreeMap<String, Vec<Value>> {
        let mut changes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in client::read_committed(self.scenario.broker, &self.scenario.application.changes) {
            let change = record.json();
            changes.entry(change["account_id"].as_str().unwrap().to_owned()).or_default().push(change);
        }
        changes
    }

    /// Waits until the newest change of every account comes from the model of this name.
    pub(super) fn wait_for_model(&self, name: &str) -> BTreeMap<String, Vec<Value>> {
        eventually(&format!("changes by the model {name}"), LIMIT, || {
            let changes = self.changes();
            let all = changes.len() == ACCOUNTS && changes.values().all(|own| own.last().unwrap()["model"]["name"] == name);
            all.then_some(changes)
        })
    }
}

fn with(mut scenario: Scenario, key: &str, value: &str) -> Scenario {
    scenario.application.set(key, value);
    scenario
}

/// A model in which every score is 0 or 100.
pub(super) fn model(name: &str, score: u32) -> String {
    format!(
        "[model]\nname = '{name}'\nmin_coverage = 0.1\n\
         [[health.component]]\nname = 'age'\ngroup = 'usage'\nmetric = 'account.tenure_days'\nweight = 1\ncurve = [[0, {score}], [1, {score}]]\n"
    )
}

fn reloads(service: &Service, outcome: &str) -> u32 {
    let series = format!("churnwatch_model_reloads_total{{outcome=\"{outcome}\"}} ");
    let metrics = service.get("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&series).map(str::to_owned));
    line.expect("the counter").parse().unwrap()
}

#[test]
fn sighup_loads_another_model_and_rescores_every_account() {
    let modelled = Modelled::new("reload", &model("kind", 100));
    let mut service = modelled.scenario.application.start();
    modelled.scenario.wait_for_end(&mut service);
    modelled.wait_for_model("kind");

    modelled.write(&model("harsh", 0));
    service.signal("HUP");
    let changes = modelled.wait_for_model("harsh");
    let mut hashes = BTreeSet::new();
    for own in changes.values() {
        let [.., before, last] = own.as_slice() else { panic!("two changes of each account: {own:?}") };
        assert_eq!((&last["cause"], &last["direction"]), (&Value::from("model_change"), &Value::from("down")));
        assert_eq!((&last["health"]["band"], &last["health"]["previous_band"]), (&Value::from("red"), &Value::from("green")));
        assert_eq!(last["sequence"].as_u64().unwrap(), before["sequence"].as_u64().unwrap() + 1);
        hashes.insert((before["model"]["hash"].to_string(), last["model"]["hash"].to_string()));
    }
    assert_eq!(hashes.len(), 1);
    assert!(hashes.iter().all(|(before, last)| before != last));
    assert_eq!((reloads(&service, "applied"), reloads(&service, "refused")), (1, 0));
    assert!(service.get("/metrics").contains("name=\"harsh\"} 1"));
    service.terminate();
}

#[test]
fn an_invalid_model_is_rejected_with_its_position_and_the_old_one_stays() {
    let modelled = Modelled::new("refused", &model("kind", 100));
    let mut service = modelled.scenario.application.start();
    modelled.scenario.wait_for_end(&mut service);
    let before = modelled.wait_for_model("kind");

    modelled.write(&model("harsh", 0).replace("account.tenure_days", "account.tenure_day"));
    service.signal("HUP");
    eventually("the rejection", LIMIT, || (reloads(&service, "refused") == 1).then_some(()));
    let log = service.log();
    let line = log.lines().find(|line| line.contains("model.toml:7: health.component[0].metric")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("ERROR") && line.contains("did you mean `account.tenure_days`?"), "{line}");
    assert!(service.get("/metrics").contains("name=\"kind\"} 1"));

    modelled.use_product();
    modelled.scenario.wait_for_end(&mut service);
    assert!(modelled.changes().values().flatten().all(|change| change["model"]["name"] == "kind"));
    modelled.write(&model("better", 0));
    service.signal("HUP");
    let after = modelled.wait_for_model("better");
    assert!(before.keys().eq(after.keys()));
    assert_eq!((reloads(&service, "applied"), reloads(&service, "refused")), (1, 1));
    service.terminate();
}

#[test]
fn a_restart_with_another_model_is_a_model_change_and_applies_other_keys() {
    let mut modelled = Modelled::new("restarted", &model("kind", 100));
    modelled.scenario.run_to_end();
    modelled.wait_for_model("kind");
    modelled.write(&model("harsh", 0));
    let mut service = modelled.scenario.application.start();
    let changes = modelled.wait_for_model("harsh");
    assert!(changes.values().all(|own| own.last().unwrap()["cause"] == "model_change"));

    modelled.scenario.application.dead_letters = "elsewhere".to_owned();
    modelled.scenario.application.rewrite();
    service.signal("HUP");
    eventually("the warning about keys that need a restart", LIMIT, || {
        service.assert_alive();
        service.log().contains("output.dead_letters_topic").then_some(())
    });
    assert_eq!(reloads(&service, "applied"), 1);
    assert!(service.log().contains("the model has not changed"));
    service.terminate();
}
