//! Customer feedback and tickets.

use churnwatch::time::{HOUR_MS, MINUTE_MS};
use serde_json::json;

use super::world::{World, ago, close};

#[test]
fn answers_referrals_and_advocacy() {
    let mut world = World::default();
    for (at, score) in [(40, 9), (40, 3), (40, 3), (5, 10), (5, 9), (5, 7), (5, 0)] {
        world.add("feedback", "nps_answered", "a", ago(at), json!({"score": score}));
    }
    for score in [5, 4, 2] {
        world.add("feedback", "csat_answered", "a", ago(5), json!({"score": score, "scale": {"min": 1, "max": 5}}));
    }
    for score in [1, 4] {
        world.add("feedback", "ces_answered", "a", ago(5), json!({"score": score, "scale": {"min": 1, "max": 5}}));
    }
    for kind in ["nps", "nps", "nps", "nps", "nps", "nps", "nps", "nps", "own", "own"] {
        world.add("feedback", "survey_sent", "a", ago(6), json!({"kind": kind}));
    }
    world.add("feedback", "referral_made", "a", ago(2), json!({}));
    world.add("feedback", "advocacy_made", "a", ago(2), json!({"kind": "review"}));
    world.add("support", "ticket_opened", "a", ago(9), json!({"ticket_id": "t"}));
    world.add("support", "ticket_rated", "a", ago(1), json!({"ticket_id": "t", "score": "good"}));
    let kpis = world.kpis();
    assert_eq!(
        kpis["nps"],
        json!({"value": 25.0, "numerator": 1, "denominator": 4, "buckets": {"promoters": 2, "passives": 1, "detractors": 1}})
    );
    close(&kpis["nps_trend"], 25.0 + 100.0 / 3.0);
    assert_eq!(kpis["csat"], json!({"value": 0.75, "numerator": 3, "denominator": 4}));
    close(&kpis["csat_highly_satisfied"], 0.5);
    close(&kpis["csat_dissatisfied"], 0.25);
    close(&kpis["ces"], 0.375);
    close(&kpis["survey_response_rate"], 0.9);
    assert_eq!(kpis["survey_response_rate"]["by_kind"]["nps"]["value"], json!(0.5));
    assert_eq!(kpis["survey_response_rate"]["by_kind"]["own"]["value"], json!(0.0));
    assert_eq!((&kpis["referrals"], &kpis["advocacy"]), (&json!({"value": 1}), &json!({"value": 1, "by_kind": {"review": 1}})));
}

#[test]
fn tickets_and_their_resolution() {
    let mut world = World::default();
    for (ticket, hours, priority, category) in [("1", 2, "urgent", "bug"), ("2", 4, "low", "bug"), ("3", 12, "low", "billing")] {
        let opened = json!({"ticket_id": ticket, "priority": priority, "category": category, "product": "api"});
        world.add("support", "ticket_opened", "a", ago(20), opened);
        let reply = json!({"ticket_id": ticket, "by": "agent"});
        world.add("support", "ticket_replied", "a", ago(20) + hours * MINUTE_MS, reply);
        world.add("support", "ticket_resolved", "a", ago(20) + hours * HOUR_MS, json!({"ticket_id": ticket}));
    }
    world.add("support", "ticket_reopened", "a", ago(19), json!({"ticket_id": "3"}));
    world.add("support", "ticket_opened", "a", ago(400), json!({"ticket_id": "4"}));
    let kpis = world.kpis();
    assert_eq!(
        kpis["tickets_opened"],
        json!({"value": 3, "by_priority": {"low": 2, "urgent": 1}, "by_product": {"api": 3}, "by_category": {"billing": 1, "bug": 2}})
    );
    assert_eq!((&kpis["tickets_resolved"]["value"], &kpis["tickets_open"]["value"]), (&json!(3), &json!(2)));
    assert_eq!(
        kpis["resolution_hours_p50"],
        json!({"value": 4.0, "by_priority": {"low": 4.0, "urgent": 2.0}, "by_category": {"billing": 12.0, "bug": 2.0}})
    );
    close(&kpis["resolution_hours_mean"], 6.0);
    let mean = &kpis["resolution_hours_mean"];
    assert_eq!((&mean["buckets"]["4"], &mean["by_category"]["bug"]["denominator"]), (&json!(2), &json!(2)));
    close(&kpis["resolution_hours_p90"], 12.0);
    close(&kpis["resolution_hours_agent_p50"], 4.0);
    close(&kpis["first_reply_minutes_p50"], 4.0);
    close(&kpis["reopen_rate"], 1.0 / 3.0);
    close(&kpis["fcr"], 2.0 / 3.0);
    close(&kpis["fcr_simple"], 2.0 / 3.0);
}
