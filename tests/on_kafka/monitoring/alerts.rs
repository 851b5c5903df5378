//! An alert about one account, from its records to the webhook of customer success.

use churnwatch::event::Stream;

use super::alertmanager::Alertmanager;
use super::program::{free_address, get};
use super::prometheus::Prometheus;
use super::webhook::Notified;
use crate::demo::Demo;
use crate::kafka::input::now;
use crate::kafka::scenario::LIMIT;
use crate::kafka::{client, eventually};
use crate::reload::{ACCOUNTS, Modelled, model};

const DROPPED: &str = "ChurnwatchAccountHealthDropped";

#[test]
fn an_account_whose_health_drops_reaches_customer_success_with_its_driver_and_links_and_resolves() {
    let mut demo = Demo::start(&["--accounts", "120", "--seed", "3"]);
    demo.wait_for_history();
    let alertmanager = Alertmanager::start();
    let mut prometheus = Prometheus::start(demo.address, alertmanager.address);
    prometheus.wait_for("churnwatch_account_band_worsened == 1");

    let mut alerts = Vec::new();
    let resolved = eventually("an alert that resolves", 2 * LIMIT, || {
        alerts = alertmanager.webhook.of(DROPPED);
        alerts.iter().find(|alert| alert.status == "resolved").cloned()
    });
    let fired = alerts.iter().find(|alert| alert.status == "firing" && alert.account() == resolved.account()).expect("fired before");
    assert_eq!((fired.path.as_str(), &fired.labels["severity"]), ("/customer-success", &"warning".into()));
    let said = |name: &str| fired.annotations[name].as_str().unwrap_or_else(|| panic!("{name} is not in {fired:?}")).to_owned();
    let score: f64 = said("score").parse().unwrap();
    assert!((0.0..=100.0).contains(&score), "{fired:?}");
    assert!(said("driver").len() > 10 && said("driver").contains(' '), "a sentence: {fired:?}");
    assert_eq!(said("page_url"), format!("http://{}/accounts/{}", demo.address, fired.account()));
    assert!(said("dashboard_url").ends_with(&format!("/d/churnwatch-customer-health?var-account={}", fired.account())), "{fired:?}");
    assert_eq!(said("runbook_url"), "docs/operations.md#churnwatchaccounthealthdropped");
    let page = get(demo.address, &format!("/accounts/{}", fired.account())).unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
}

/// Pins the health of an account by an override.
fn pin(modelled: &Modelled, account: &str, value: u32) {
    let (topic, at) = (modelled.scenario.topics.of(Stream::Feedback), now());
    let until = at + 3_600_000;
    let event = format!(
        "{{\"type\":\"health_override_set\",\"account_id\":\"{account}\",\"id\":\"pin\",\"occurred_at\":{at},\"value\":{value},\"until\":{until},\
         \"reason\":\"lost their champion\",\"by\":\"dana\"}}"
    );
    client::produce(modelled.scenario.broker, [(topic.as_str(), Some(account), event.as_bytes(), at)]);
}

/// Which accounts were notified about, and how.
fn notified(alerts: &[Notified]) -> Vec<(&str, &str)> {
    alerts.iter().map(|alert| (alert.account(), alert.status.as_str())).collect()
}

#[test]
fn a_first_start_a_model_reload_and_a_restart_raise_no_alert_and_neither_resolve_nor_repeat_one() {
    let mut modelled = Modelled::new("alerts", &model("kind", 100));
    let address = free_address();
    modelled.scenario.application.set("http.listen", &address.to_string());
    let alertmanager = Alertmanager::start();
    let mut prometheus = Prometheus::start(address, alertmanager.address);
    let scored = |score: u32| format!("count(churnwatch_account_health_score == {score}) >= {}", ACCOUNTS - 1);

    let service = modelled.scenario.application.start();
    prometheus.wait_for(&scored(100));
    modelled.write(&model("fair", 60));
    service.signal("HUP");
    prometheus.wait_for(&scored(60));
    prometheus.wait_for_evaluation();
    let alerts = alertmanager.webhook.of(DROPPED);
    assert!(alerts.is_empty(), "every account went from green to yellow, but no customer has moved: {alerts:?}");

    pin(&modelled, "account-3", 5);
    let alerts = eventually("the alert", LIMIT, || Some(alertmanager.webhook.of(DROPPED)).filter(|alerts| !alerts.is_empty()));
    assert_eq!(notified(&alerts), [("account-3", "firing")]);
    let driver = alerts[0].annotations["driver"].as_str().unwrap();
    assert!(driver.contains("lost their champion"), "{driver}");
    assert_eq!(alerts[0].annotations["score"], "5.0");
    let page = alerts[0].annotations["page_url"].as_str().unwrap_or_default();
    assert!(page.is_empty(), "http.external_url is not set: {page}");

    service.terminate();
    prometheus.wait_for("up == 0");
    prometheus.wait_for_evaluation();
    let service = modelled.scenario.application.start();
    prometheus.wait_for(&format!("churnwatch_ready == 1 and on () {}", scored(60)));
    prometheus.wait_for_evaluation();
    let firing = prometheus.wait_for(&format!("ALERTS{{alertname=\"{DROPPED}\"}}"));
    assert_eq!((firing.len(), &firing[0]["metric"]["account_id"]), (1, &"account-3".into()));
    assert_eq!(notified(&alertmanager.webhook.of(DROPPED)), [("account-3", "firing")]);
    service.terminate();
}
