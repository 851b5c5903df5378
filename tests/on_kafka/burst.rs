//! More to commit than a broker takes in the time of a transaction.

use std::time::Duration;

use churnwatch::event::Stream;

use crate::chaos::campaign::start_brokers;
use crate::chaos::proxy::Proxy;
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::input::now;
use crate::kafka::scenario::Scenario;
use crate::kafka::{eventually, service::Service};

const ACCOUNTS: usize = 1_200;
/// Events that make an account large: each by another user, of another feature.
const USES: usize = 30;
/// Bytes per second that the slow broker takes.
const SLOW: u64 = 200_000;
/// The burst is about six megabytes of changelog.
const BURST_LIMIT: Duration = Duration::from_mins(4);

/// Writes uses of every account: the n-th is by the n-th user, of the n-th feature.
fn use_all(scenario: &Scenario, uses: std::ops::Range<usize>, life: &str) {
    let usage = scenario.topics.of(Stream::Usage);
    let accounts: Vec<String> = (0..ACCOUNTS).map(|account| format!("account-{account}")).collect();
    let event = |account: &String, number: usize| {
        let long = "x".repeat(100);
        format!(
            r#"{{"type":"feature_used","id":"{life}-{number}","account_id":"{account}","user_id":"user-{number}","feature":"{number}-{long}","occurred_at":{}}}"#,
            now()
        )
    };
    let events: Vec<(&String, String)> =
        uses.flat_map(|number| accounts.iter().map(move |account| (account, event(account, number)))).collect();
    client::produce(
        scenario.broker,
        events.iter().map(|(account, event)| (usage.as_str(), Some(account.as_str()), event.as_bytes(), now())),
    );
}

/// Waits until everything is committed.
fn commits_everything(scenario: &Scenario, service: &mut Service) {
    let ends = scenario.ends();
    eventually("the end of the burst", BURST_LIMIT, || {
        service.assert_alive();
        (scenario.committed() == ends).then_some(())
    });
}

#[test]
fn a_burst_of_large_accounts_is_committed_on_a_slow_broker() {
    let (proxy, listeners) = Proxy::listen(1, 1);
    let broker: &Broker = Box::leak(Box::new(start_brokers(&proxy, listeners, None)));
    let mut scenario = Scenario::on(broker, "burst", 1, &[]);
    use_all(&scenario, 0..USES, "first");
    scenario.run_to_end();

    use_all(&scenario, 0..1, "second");
    proxy.slow_down(SLOW);
    scenario.application.set("kafka.bootstrap_servers", &proxy.address());
    scenario.application.set("kafka.properties.\"compression.type\"", "none");
    let mut service = scenario.application.start();
    commits_everything(&scenario, &mut service);
    assert!(service.log().contains("transaction failed"), "nothing was too large:\n{}", service.log());
    service.terminate();
}
