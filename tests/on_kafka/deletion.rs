//! Deleting an account removes it from state, changelog, output and API, as docs/operations.md promises.

use std::collections::BTreeMap;

use churnwatch::event::Stream;

use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::{client, eventually};

fn holds(bytes: &[u8], id: &str) -> bool {
    bytes.windows(id.len()).any(|window| window == id.as_bytes())
}

#[test]
fn a_deleted_account_is_gone_from_output_changelog_and_api_and_does_not_come_back() {
    let scenario = Scenario::new("deletion", 2, &simulated(31, 8, 60));
    let mut service = scenario.application.start();
    let changes = || client::read_committed(scenario.broker, &scenario.application.changes);
    let account =
        eventually("a change", LIMIT, || changes().first().map(|change| change.json()["account_id"].as_str().unwrap().to_owned()));
    let path = format!("/api/accounts/{account}");
    assert!(service.get(&path).starts_with("HTTP/1.1 200"));

    let profiles = scenario.topics.of(Stream::Accounts);
    let event = format!(r#"{{"type":"account_profile","account_id":"{account}","deleted":true}}"#);
    client::produce(scenario.broker, [(profiles.as_str(), Some(account.as_str()), event.as_bytes(), now())]);
    let last = || changes().into_iter().rfind(|change| change.key.as_deref() == Some(account.as_bytes()));
    eventually("the tombstone", LIMIT, || last().is_some_and(|change| change.value.is_none()).then_some(()));
    assert!(service.get(&path).starts_with("HTTP/1.1 404"));
    service.assert_alive();
    service.terminate();

    let mut newest = BTreeMap::new();
    for record in client::read_committed(scenario.broker, &scenario.application.changelog) {
        newest.insert(record.key.unwrap(), record.value);
    }
    let mut others = 0;
    for (key, value) in newest.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        assert!(!holds(key, &account) && !holds(value, &account), "{:?} is still there", String::from_utf8_lossy(key));
        others += 1;
    }
    assert!(others > 7, "the other accounts are");

    let mut again = scenario.application.start();
    scenario.wait_for_end(&mut again);
    assert!(again.get(&path).starts_with("HTTP/1.1 404"));
    again.terminate();
}
