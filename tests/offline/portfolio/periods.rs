//! The borders of the trailing period and of calendar months.

use churnwatch::replay::Request;
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, Timestamp, Zone};
use serde_json::{Value, json};

use super::world::{END, ONCE, World, ago, close, disturbed, movers};

#[test]
fn a_month_ends_at_its_last_millisecond_and_its_churn_is_not_scaled() {
    let (april, march) = (END, END - 31 * DAY_MS);
    let mut world = World::default();
    world.pays("a", march - 1, 100).pays("b", march - 1, 100).pays("b", april - 1, 0).pays("c", march, 30).pays("d", april, 70);
    let lines = world.lines(Request { as_of: Timestamp(april), ..ONCE }, true, Settings::default());
    let months: Vec<&str> = lines.iter().map(|line| line["period"]["from"].as_str().unwrap()).collect();
    assert_eq!(months, ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z"]);
    let kpis = &lines[1]["kpis"];
    assert_eq!(lines[1]["period"]["to"], json!("2026-04-01T00:00:00Z"));
    assert_eq!((&kpis["mrr"]["value"], &kpis["new_mrr"]["value"], &kpis["churned_mrr"]["value"]), (&json!(130), &json!(30), &json!(100)));
    close(&kpis["logo_churn_monthly"], 0.5);
    close(&kpis["logo_churn_yearly"], 1.0 - 0.5_f64.powf(365.0 / 31.0));
    close(&kpis["mean_lifespan_months"], 2.0);
}

#[test]
fn a_leap_february_and_a_month_whose_clocks_change_end_where_the_reporting_zone_says() {
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap().0;
    let mut world = World::default();
    world.pays("a", at("2024-01-10T00:00:00Z"), 100).pays("b", at("2024-01-10T00:00:00Z"), 100);
    world.pays("b", at("2024-02-29T22:59:59.999Z"), 0).pays("c", at("2024-02-29T23:00:00Z"), 30);
    world.pays("d", at("2024-03-31T21:59:59.999Z"), 7).pays("e", at("2024-03-31T22:00:00Z"), 70);
    let settings = Settings { zone: Zone::named("Europe/Berlin").unwrap(), ..Settings::default() };
    let request = Request { as_of: Timestamp(at("2024-03-31T22:00:00Z")), ..ONCE };
    let lines = world.lines(request, true, settings);
    let kpi = |line: usize, name: &str| &lines[line]["kpis"][name];
    let periods: Vec<&Value> = lines.iter().map(|line| &line["period"]["from"]).collect();
    assert_eq!(json!(periods), json!(["2023-12-31T23:00:00Z", "2024-01-31T23:00:00Z", "2024-02-29T23:00:00Z", "2024-03-03T22:00:00Z"]));
    assert_eq!((&kpi(1, "churned_mrr")["value"], &kpi(1, "new_mrr")["value"]), (&json!(100), &json!(0)));
    close(kpi(1, "logo_churn_yearly"), 1.0 - 0.5_f64.powf(365.0 / 29.0));
    assert_eq!((&kpi(2, "new_mrr")["value"], &kpi(3, "new_mrr")["value"]), (&json!(37), &json!(77)));
}

#[test]
fn the_trailing_period_includes_its_end_and_excludes_its_start_28_days_earlier() {
    let mut world = World::default();
    world.pays("at the end", END, 1).pays("just before the begin", ago(28), 2).pays("just after it", ago(28) + 1, 4);
    world.add("support", "ticket_opened", "a", ago(28), json!({"ticket_id": "before"}));
    world.add("support", "ticket_opened", "a", ago(28) + 1, json!({"ticket_id": "within"}));
    world.add("feedback", "nps_answered", "a", ago(28), json!({"score": 0}));
    world.add("feedback", "nps_answered", "a", END, json!({"score": 10}));
    let kpis = world.kpis();
    assert_eq!((&kpis["new_mrr"]["value"], &kpis["nrr"]["denominator"]), (&json!(5), &json!(2)));
    assert_eq!((&kpis["tickets_opened"]["value"], &kpis["nps"]["value"]), (&json!(1), &json!(100.0)));
    close(&kpis["nps_trend"], 200.0);
}

#[test]
fn every_month_matches_a_replay_as_of_its_end_without_accounts_deleted_since() {
    let worlds = [(movers(), None), (disturbed(), None), (disturbed(), Some(7))];
    let sorted = worlds.clone().map(|(world, score_every)| (world.sorted(), score_every));
    for (world, score_every) in worlds.into_iter().chain(sorted) {
        let request = Request { score_every, ..ONCE };
        let all = world.lines(request, true, Settings::default());
        let end = Timestamp(END - 31 * DAY_MS - 1);
        let mut earlier = world.clone();
        if earlier.0.contains_key("accounts") {
            // Deleted in March: gone from every month.
            earlier.0.values_mut().for_each(|records| records.retain(|record| record["account_id"] != "shrinks"));
        }
        let until = earlier.lines(Request { as_of: end, ..request }, true, Settings::default());
        let months = |lines: &[Value]| -> Vec<Value> {
            let is_until = |line: &&Value| line["period"]["from"].as_str() <= Some("2026-02-01T00:00:00Z");
            lines.iter().filter(is_until).filter(|line| line["period"]["to"].as_str().unwrap().ends_with("01T00:00:00Z")).cloned().collect()
        };
        assert!(!months(&until).is_empty());
        assert_eq!(months(&all), months(&until), "{score_every:?}");
    }
}
