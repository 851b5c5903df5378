//! MRR and its movements, accounts won and lost, customer value and cost.

use churnwatch::time::DAY_MS;
use serde_json::json;

use super::world::{World, ago, close, movers};

#[test]
fn mrr_and_its_movements() {
    let kpis = movers().kpis();
    let sums = [("mrr", 1220), ("arr", 14_640), ("opening_mrr", 0), ("new_mrr", 500), ("expansion_mrr", 50), ("contraction_mrr", 80)];
    let more = [("reactivation_mrr", 50), ("fx_mrr", 0), ("portfolio_growth", -280)];
    for (name, value) in sums.into_iter().chain(more) {
        assert_eq!(kpis[name], json!({"value": value}), "{name}");
    }
    assert_eq!(kpis["churned_mrr"], json!({"value": 300, "by_kind": {"voluntary": 300, "involuntary": 0}}));
    assert_eq!(kpis["expansion_rate"], json!({"value": 0.05, "numerator": 50, "denominator": 1000}));
    assert_eq!((&kpis["nrr"]["numerator"], &kpis["grr"]["numerator"]), (&json!(670), &json!(620)));
    close(&kpis["expansion_share"], 50.0 / 550.0);
    close(&kpis["nrr"], 0.67);
    close(&kpis["grr"], 0.62);
    close(&kpis["portfolio_growth_rate"], -0.28);
}

#[test]
fn accounts_won_held_and_lost() {
    let kpis = movers().kpis();
    for (name, value) in [("new_accounts", 1), ("accounts_present", 5)] {
        assert_eq!(kpis[name], json!({"value": value}), "{name}");
    }
    assert_eq!(kpis["lost_accounts"], json!({"value": 1, "by_kind": {"voluntary": 1, "involuntary": 0}}));
    close(&kpis["retention_rate"], 0.75);
    let monthly = 1.0 - 0.75_f64.powf(365.0 / 12.0 / 28.0);
    close(&kpis["logo_churn_monthly"], monthly);
    close(&kpis["logo_churn_yearly"], 1.0 - 0.75_f64.powf(365.0 / 28.0));
    close(&kpis["mean_lifespan_months"], 1.0 / monthly);
    assert_eq!((&kpis["logo_churn_monthly"]["numerator"], &kpis["logo_churn_monthly"]["denominator"]), (&json!(1), &json!(4)));
    close(&kpis["arpa"], 244.0);
}

#[test]
fn without_losses_the_lifespan_is_absent() {
    let mut world = World::default();
    world.pays("a", ago(200), 100);
    let kpis = world.kpis();
    assert_eq!(kpis["logo_churn_monthly"]["value"], json!(0.0));
    for name in ["mean_lifespan_months", "clv", "clv_net", "clv_to_cac", "cac", "churned_after_support", "renewal_rate"] {
        assert!(kpis.get(name).is_none(), "{name}");
    }
    assert_eq!(kpis["retention_cost"], json!({"value": 0.0, "numerator": 0, "denominator": 1}));
}

#[test]
fn customer_lifetime_value_and_costs() {
    let mut world = movers();
    world.profile("new", json!({"segment": "smb"})).profile("stays", json!({"segment": "mid"}));
    for (category, minor, segment) in [("acquisition", 900, Some("smb")), ("acquisition", 100, None), ("retention", 60, None)] {
        let mut cost = json!({"category": category, "amount_minor": minor, "currency": "USD"});
        if let Some(segment) = segment {
            cost["segment"] = json!(segment);
        }
        world.add("billing", "cost_recorded", "", ago(1), cost);
    }
    world.add("billing", "invoice_paid", "stays", ago(90), json!({"invoice_id": "i", "amount_minor": 800, "currency": "USD"}));
    let kpis = world.kpis();
    let clv = 244.0 / (1.0 - 0.75_f64.powf(365.0 / 12.0 / 28.0));
    close(&kpis["clv"], clv);
    assert_eq!(kpis["clv_historic"], json!({"value": 800.0, "numerator": 800, "denominator": 1}));
    close(&kpis["cac"], 1000.0);
    close(&kpis["retention_cost"], 20.0);
    close(&kpis["clv_net"], clv - 1020.0);
    close(&kpis["clv_to_cac"], clv / 1000.0);
    close(&world.scoped(&json!({"segment": "smb"}))["cac"], 900.0);
    assert!(world.scoped(&json!({"segment": "mid"})).get("retention_cost").is_none());
}

#[test]
fn a_segment_with_costs_only_before_the_period_has_cac_0() {
    let mut world = World::default();
    world.pays("a", ago(3), 100).profile("a", json!({"segment": "smb", "plan": "pro"}));
    assert!(world.scoped(&json!({"segment": "smb"})).get("cac").is_none());
    let cost = json!({"category": "acquisition", "amount_minor": 5, "currency": "USD", "segment": "smb"});
    world.add("billing", "cost_recorded", "", ago(250), cost);
    close(&world.scoped(&json!({"segment": "smb"}))["cac"], 0.0);
    assert!(world.scoped(&json!({"plan": "pro"})).get("cac").is_none());
}

#[test]
fn terms_that_ended_and_trials_that_converted() {
    let mut world = World::default();
    let year = |end: i64| json!({"current_period_start": end - 365 * DAY_MS, "current_period_end": end});
    world.subscribed("renews", ago(370), year(ago(5)));
    let ends = json!({"current_period_start": ago(370), "current_period_end": ago(5), "cancel_at_period_end": true});
    world.subscribed("ends", ago(370), ends);
    world.subscribed("monthly", ago(34), json!({"current_period_start": ago(34), "current_period_end": ago(4)}));
    world.subscribed("converts", ago(20), json!({"status": "trialing", "trial_end": ago(6)})).pays("converts", ago(6), 100);
    world.subscribed("lapses", ago(20), json!({"status": "trialing", "trial_end": ago(6)}));
    let kpis = world.kpis();
    assert_eq!(kpis["renewal_rate"], json!({"value": 0.5, "numerator": 1, "denominator": 2}));
    assert_eq!(kpis["renewal_rate_short"], json!({"value": 1.0, "numerator": 1, "denominator": 1}));
    assert_eq!(kpis["trial_conversion"], json!({"value": 0.5, "numerator": 1, "denominator": 2}));
}

#[test]
fn onboarding_referrals_and_churn_reasons() {
    let mut world = movers();
    world.profile("new", json!({"referred_by": "stays", "onboarded_at": ago(2)}));
    world.profile("stays", json!({"referred_by": "leaves", "onboarded_at": ago(100)}));
    world.pays("silent", ago(200), 100).pays("silent", ago(4), 0);
    world.add("support", "ticket_opened", "leaves", ago(30), json!({"ticket_id": "t"}));
    world.add("support", "ticket_opened", "silent", ago(40), json!({"ticket_id": "t"}));
    let kpis = world.kpis();
    assert_eq!((&kpis["onboarded"], &kpis["referred_accounts"]), (&json!({"value": 1}), &json!({"value": 1})));
    assert_eq!(kpis["churn_reasons"], json!({"value": {"too expensive": 1, "unspecified": 1}}));
    assert_eq!(kpis["churned_after_support"], json!({"value": 0.5, "numerator": 1, "denominator": 2}));
}

#[test]
fn health_by_band_and_money_at_risk() {
    let kpis = movers().kpis();
    let bands = kpis["accounts_by_band"]["value"].as_object().unwrap();
    assert_eq!(bands.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 6);
    assert_eq!(bands["churned"], json!(1));
    let money = kpis["mrr_by_band"]["value"].as_object().unwrap();
    assert_eq!(money.values().map(|minor| minor.as_i64().unwrap()).sum::<i64>(), 1220);
    assert!(kpis["mrr_at_risk"]["value"].as_f64().unwrap() >= 0.0);
}
