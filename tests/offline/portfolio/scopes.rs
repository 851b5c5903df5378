//! Lines by segment, plan and CSM; sums that do not depend on grouping; all names.

use churnwatch::portfolio::Kpi;
use churnwatch::settings::Settings;
use serde_json::{Value, json};

use super::world::{ONCE, ago, movers};

#[test]
fn lines_come_for_all_accounts_then_by_segment_plan_and_csm() {
    let mut world = movers();
    world.profile("new", json!({"segment": "smb", "plan": "pro", "csm": "dana"})).profile("stays", json!({"segment": "mid"}));
    let lines = world.lines(ONCE, false, Settings::default());
    let scopes: Vec<Value> = lines.iter().map(|line| line["scope"].clone()).collect();
    assert_eq!(json!(scopes), json!([{}, {"segment": "mid"}, {"segment": "smb"}, {"plan": "pro"}, {"csm": "dana"}]));
    assert_eq!(lines[0]["period"], json!({"kind": "trailing", "from": "2026-03-04T00:00:00Z", "to": "2026-04-01T00:00:00Z"}));
    assert_eq!((&lines[1]["kpis"]["mrr"]["value"], &lines[4]["kpis"]["new_mrr"]["value"]), (&json!(400), &json!(500)));
}

#[test]
fn every_kpi_of_the_registry_appears_in_an_example() {
    let mut written: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    let mut world = movers();
    world.profile("new", json!({"segment": "smb", "seats": 2, "entitled_features": ["x"]}));
    world.used("new", "0", "x", ago(100)).used("new", "1", "x", ago(1));
    world.add("usage", "session_ended", "new", ago(1), json!({"user_id": "1", "session_id": "s", "duration_seconds": 3}));
    for days in [40, 5] {
        world.add("feedback", "nps_answered", "new", ago(days), json!({"score": 9}));
    }
    world.add("feedback", "csat_answered", "new", ago(5), json!({"score": 5, "scale": {"min": 1, "max": 5}}));
    world.add("feedback", "ces_answered", "new", ago(5), json!({"score": 5, "scale": {"min": 1, "max": 5}}));
    world.add("feedback", "survey_sent", "new", ago(5), json!({"kind": "nps"}));
    world.add("support", "ticket_opened", "new", ago(9), json!({"ticket_id": "t"}));
    world.add("support", "ticket_replied", "new", ago(9), json!({"ticket_id": "t", "by": "agent"}));
    world.add("support", "ticket_resolved", "new", ago(8), json!({"ticket_id": "t"}));
    world.add("billing", "cost_recorded", "", ago(1), json!({"category": "acquisition", "amount_minor": 5, "currency": "USD"}));
    world.add("billing", "invoice_paid", "new", ago(1), json!({"invoice_id": "i", "amount_minor": 5, "currency": "USD"}));
    world.subscribed("year", ago(370), json!({"current_period_start": ago(370), "current_period_end": ago(5)}));
    world.subscribed("month", ago(34), json!({"current_period_start": ago(34), "current_period_end": ago(4)}));
    world.subscribed("trial", ago(20), json!({"status": "trialing", "trial_end": ago(6)}));
    written.extend(world.kpis().as_object().unwrap().keys().cloned());
    let missing: Vec<&str> = Kpi::ALL.iter().map(|kpi| kpi.name()).filter(|name| !written.contains(*name)).collect();
    // No account is scored here, and business hours are not configured.
    let expected = ["health_mean", "resolution_business_hours_p50", "first_reply_business_minutes_p50"];
    assert!(missing.iter().all(|name| expected.contains(name)), "{missing:?}");
}
