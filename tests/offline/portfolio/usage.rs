//! Users and usage.

use churnwatch::time::HOUR_MS;
use serde_json::json;

use super::world::{END, World, ago, close, movers};

/// Account `a` used by two users, account `b` by one, both with four seats and two entitled features.
pub fn users() -> World {
    let mut world = World::default();
    let entitled = json!({"seats": 4, "entitled_features": ["x", "y"]});
    world.profile("a", entitled.clone()).profile("b", entitled);
    world.used("a", "old", "z", ago(100));
    world.used("a", "1", "x", END - HOUR_MS).used("a", "1", "y", ago(3)).used("a", "2", "x", ago(10)).used("b", "1", "x", ago(20));
    world.add("usage", "session_ended", "a", ago(10), json!({"user_id": "2", "session_id": "s", "duration_seconds": 90}));
    world.add("usage", "session_ended", "b", ago(20), json!({"user_id": "1", "session_id": "s", "duration_seconds": 30}));
    world
}

#[test]
fn active_users_and_usage_rates() {
    let kpis = users().kpis();
    assert_eq!((&kpis["dau"], &kpis["wau"], &kpis["mau"]), (&json!({"value": 1}), &json!({"value": 1}), &json!({"value": 3})));
    close(&kpis["dau_mau"], 1.0 / 3.0);
    assert_eq!((&kpis["usage_rate"]["numerator"], &kpis["usage_rate"]["denominator"]), (&json!(4), &json!(56)));
    close(&kpis["usage_frequency"], 2.0);
    close(&kpis["session_seconds"], 60.0);
    assert_eq!(kpis["feature_adopters"], json!({"value": {"x": 2, "y": 1}}));
    close(&kpis["adoption"], 0.75);
    close(&kpis["breadth"], 0.375);
    close(&kpis["depth"], 1.5);
    assert_eq!((&kpis["adoption"]["buckets"]["0.5"], &kpis["adoption"]["buckets"]["+Inf"]), (&json!(1), &json!(2)));
    assert!(kpis.get("mrr").is_none() && kpis.get("tickets_open").is_none(), "streams without a file have no KPIs");
}

#[test]
fn kpis_of_windows_wait_until_the_stream_has_been_observed_long_enough_and_those_of_periods_do_not() {
    let mut world = World::default();
    world.used("a", "1", "x", ago(10)).pays("a", ago(100), 100);
    let kpis = world.kpis();
    for name in ["mau", "dau_mau", "arpu", "depth", "breadth", "adoption"] {
        assert!(kpis.get(name).is_none(), "{name}");
    }
    assert_eq!((&kpis["dau"]["value"], &kpis["wau"]["value"]), (&json!(0), &json!(0)));
    close(&kpis["usage_rate"], 1.0 / 28.0);
}

#[test]
fn mrr_is_arpa_times_paying_accounts_and_arpu_times_users() {
    let mut world = movers();
    world.used("grows", "old", "z", ago(100)).used("grows", "1", "x", ago(1)).used("new", "2", "x", ago(1)).used(
        "leaves",
        "3",
        "x",
        ago(9),
    );
    let kpis = world.kpis();
    let number = |name: &str| kpis[name]["value"].as_f64().unwrap();
    assert!((number("arpa") * number("accounts_present") - number("mrr")).abs() < 1e-9);
    assert!((number("arpu") * number("mau") - number("mrr")).abs() < 1e-9);
    assert_eq!(kpis["mau"], json!({"value": 3}));
}

#[test]
fn the_usage_of_accounts_with_the_largest_counts_still_adds_up() {
    let mut world = World::default();
    let most = i64::MAX;
    for account in ["a", "b", "c"] {
        world.add("usage", "feature_used", account, ago(1), json!({"user_id": "u", "feature": "x", "count": most}));
        world.add("usage", "feature_used", account, ago(2), json!({"user_id": "u", "feature": "x", "count": most}));
    }
    close(&world.kpis()["usage_rate"], 6.0 * most as f64 / (3.0 * 28.0));
}
