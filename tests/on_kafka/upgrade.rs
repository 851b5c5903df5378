//! A rolling upgrade: instances of another revision and of this one work side by side on the same state.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::kafka::client;
use crate::kafka::in_time;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::{Application, Service};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `./dev test upgrade --from REV`"))
}

/// Counts and amounts of every account; other metrics change while one looks.
fn whole_numbers(service: &Service) -> BTreeMap<String, BTreeMap<String, i64>> {
    let json = |path: &str| -> Value { serde_json::from_str(service.get(path).split_once("\r\n\r\n").unwrap().1).unwrap() };
    let list = json("/api/accounts?limit=1000");
    let of_account = |row: &Value| {
        let id = row["account_id"].as_str().unwrap().to_owned();
        let account = json(&format!("/api/accounts/{id}"));
        let metrics = account["metrics"].as_object().unwrap().iter();
        (id, metrics.filter_map(|(name, value)| Some((name.clone(), value.as_i64()?))).collect())
    };
    list["accounts"].as_array().unwrap().iter().map(of_account).collect()
}

#[test]
#[ignore = "needs the binary of another revision: ./dev test upgrade --from REV"]
fn instances_are_replaced_one_by_one_under_load_and_nothing_is_lost() {
    let old = PathBuf::from(variable("UPGRADE_FROM_BINARY"));
    let pinned = format!("state.write_version={}", variable("UPGRADE_WRITE_VERSION"));
    let records = simulated(41, 20, 60);
    let parts: Vec<_> = records.chunks(records.len().div_ceil(4)).collect();
    let scenario = Scenario::new("upgrade", 4, parts[0]);
    let application = &scenario.application;
    let named = |name: &str| ["--set".to_owned(), format!("application.instance={name}")];
    let old_instance = |name: &str| application.start_command(application.run_by(&old, &named(name)));
    let new_instance = |name: &str, more: &[String]| application.start_with(&[&named(name), more].concat(), &[]);
    let pin = ["--set".to_owned(), pinned];

    let (one, mut two) = (old_instance("one"), old_instance("two"));
    scenario.wait_for_end(&mut two);
    scenario.topics.fill(scenario.broker, parts[1]);
    one.terminate();
    let one = new_instance("one", &pin);
    scenario.wait_for_end(&mut two);
    scenario.topics.fill(scenario.broker, parts[2]);
    two.terminate();
    let mut two = new_instance("two", &pin);
    scenario.wait_for_end(&mut two);
    scenario.topics.fill(scenario.broker, parts[3]);
    one.terminate();
    let mut one = new_instance("one", &[]);
    scenario.wait_for_end(&mut one);
    two.terminate();
    scenario.wait_for_end(&mut one);

    let control = Application::new(scenario.broker, &scenario.topics);
    let beside = control.start();
    // The control has no group offsets of its own to wait for, so it is caught up when it agrees.
    in_time(LIMIT, || Some(whole_numbers(&one)).filter(|accounts| accounts.len() > 15 && *accounts == whole_numbers(&beside)));
    let accounts = whole_numbers(&one);
    assert_eq!(accounts, whole_numbers(&beside));
    one.terminate();
    beside.terminate();

    let mut sequences: BTreeMap<String, u64> = BTreeMap::new();
    for change in client::read_committed(scenario.broker, &application.changes) {
        let change = change.json();
        let last = sequences.entry(change["account_id"].as_str().unwrap().to_owned()).or_default();
        *last += 1;
        assert_eq!(change["sequence"], *last, "{change}");
    }
    assert!(accounts.len() > 15 && sequences.len() >= accounts.len(), "{} accounts, {} published", accounts.len(), sequences.len());
}
