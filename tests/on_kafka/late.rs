//! Requests of a transaction that reach the broker in the middle of the next one.
//!
//! librdkafka repeats a request whose connection has broken. Brokers tell producers apart by id and epoch, not transactions, so the first
//! copy, wherever it was held up, would act on whatever transaction its producer has open by then.

use crate::chaos::late::Late;
use crate::kafka::eventually;
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::zombie::{proxied_broker, through};

/// An instance whose request is held back until it is in its next transaction, and is then killed. What it has committed must be whole.
fn survives(late: Late) {
    let (broker, proxy) = proxied_broker();
    let scenario = Scenario::on(broker, "late", 1, &simulated(81, 5, 5));
    let mut service = scenario.application.start_with(&through(&proxy), &[]);
    scenario.wait_for_end(&mut service);
    proxy.hold(late);
    let mut seed = 82;
    eventually("the late request", LIMIT, || {
        scenario.topics.fill(broker, &simulated(seed, 5, 1));
        seed += 1;
        service.assert_alive();
        proxy.has_delivered().then_some(())
    });
    service.kill();
    scenario.run_to_end();
}

#[test]
fn offsets_that_arrive_in_the_next_transaction_change_nothing() {
    survives(Late::offsets());
}

#[test]
fn an_end_that_arrives_in_the_next_transaction_does_not_end_it() {
    survives(Late::end());
}
