//! Metrics to components, mean, rules and risk.

use super::super::fixture::{Account, model};
use super::super::model::ModelFile;
use super::*;
use crate::event::Stream;
use crate::metric::Stage;

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn health_is_the_weighted_mean_of_the_components_present() {
    let assessment = Account::scoring(80.0, 50.0, 20.0).assessed_by(&model(""));
    assert_eq!((assessment.score, assessment.coverage), (Some(56.0), 1.0)); // (20 x 80 + 20 x 50 + 10 x 20) / 50
    let of = |nth: usize| (assessment.components[nth].weight, assessment.components[nth].contribution.unwrap());
    assert_eq!((of(0), of(1), of(2)), ((0.4, 32.0), (0.4, 20.0), (0.2, 4.0)));
}

#[test]
fn an_absent_component_is_left_out_and_the_weights_renormalise() {
    let assessment = Account::scoring(80.0, 50.0, None).assessed_by(&model(""));
    assert_eq!((assessment.score, assessment.coverage), (Some(65.0), 0.8));
    assert_eq!(assessment.components.iter().map(|part| part.weight).collect::<Vec<_>>(), [0.5, 0.5]);
}

#[test]
fn a_score_needs_at_least_the_minimum_coverage() {
    let at_least = |coverage: &str| model(&format!("[model]\nmin_coverage = {coverage}"));
    let account = Account::scoring(80.0, None, None);
    assert_eq!(account.assessed_by(&at_least("0.4")).score, Some(80.0));
    assert_eq!(account.assessed_by(&at_least("0.41")).score, None);
    assert_eq!(Account::scoring(None, None, None).assessed_by(&at_least("0.0")).score, None);
}

#[test]
fn a_metric_with_too_small_a_sample_is_absent_and_one_without_a_sample_size_is_not() {
    let nps = |n| Account::scoring(80.0, 80.0, None).with(Metric::Nps91d, 0.0, n).assessed_by(&model("")).score;
    assert_eq!((nps(Some(2)), nps(Some(3)), nps(None)), (Some(80.0), Some(64.0), Some(64.0)));
}

#[test]
fn an_alternative_counts_while_the_metrics_before_it_are_absent() {
    let model = model("or = [{ metric = \"feedback.csat_91d\", curve = [[0.0, 10], [1.0, 90]] }]");
    let csat = Account::scoring(50.0, 50.0, None).with(Metric::FeedbackCsat, 0.5, Some(3));
    let part = &csat.assessed_by(&model).components[2];
    assert_eq!((part.metric, part.score), (Metric::FeedbackCsat, 50.0));
    let part = &csat.clone().with(Metric::Nps91d, 100.0, Some(3)).assessed_by(&model).components[2];
    assert_eq!((part.metric, part.score), (Metric::Nps91d, 100.0));
    let part = &csat.with(Metric::Nps91d, 100.0, Some(2)).assessed_by(&model).components[2];
    assert_eq!(part.metric, Metric::FeedbackCsat);
}

#[test]
fn components_that_all_score_70_average_exactly_70() {
    let metrics = [(Metric::Dau, 7), (Metric::Wau, 11), (Metric::Mau, 13), (Metric::Open, 17), (Metric::Adoption, 19), (Metric::Trend, 23)];
    let component = |(metric, weight): (Metric, u32)| {
        let name = metric.name();
        format!("[[health.component]]\nname='{name}'\ngroup='usage'\nmetric='{name}'\ncurve=[[0,70]]\nweight={weight}\n")
    };
    let text: String = metrics.into_iter().map(component).collect();
    let model = Model::compile(&ModelFile::parse(&text).unwrap()).unwrap();
    let account = metrics.into_iter().fold(Account::default(), |account, (metric, _)| account.with(metric, 1.0, None));
    assert_eq!(account.assessed_by(&model).score, Some(70.0));
}

const WEIGHTLESS: &str = r#"
    [[health.component]]
    name = "silence"
    group = "usage"
    metric = "usage.days_since_last"
    curve = [[0, 100], [100, 0]]
    weight = 0
"#;

#[test]
fn a_component_without_weight_moves_risk_and_not_health() {
    let model = model(&format!("{WEIGHTLESS}[risk]\nintercept = 0\ncoefficients = {{ silence = -2 }}"));
    let silent = |days: f64| Account::scoring(80.0, 50.0, 20.0).with(Metric::DaysSinceLast, days, None).assessed_by(&model);
    let (now, later) = (silent(0.0), silent(100.0));
    assert_eq!((now.score, later.score, later.coverage), (Some(56.0), Some(56.0), 1.0));
    let risk = |assessment: &Assessment<'_>| assessment.risk.unwrap().probability;
    assert!(close(risk(&now), 1.0 / (1.0 + 2.0_f64.exp())) && close(risk(&later), 1.0 / (1.0 + (-2.0_f64).exp())));
    let part = &later.components[3];
    assert_eq!((part.score, part.weight, part.contribution), (0.0, 0.0, Some(0.0)));
}

#[test]
fn components_without_weight_alone_give_no_score() {
    let model = model(&format!("{WEIGHTLESS}[risk.coefficients]\nsilence = -2\n[model]\nmin_coverage = 0"));
    let silent = Account::default().with(Metric::DaysSinceLast, 3.0, None).assessed_by(&model);
    assert_eq!((silent.coverage, silent.mean, silent.score, silent.risk), (0.0, 0.0, None, None));
}

#[test]
fn a_component_without_weight_and_coefficient_is_only_scored_for_a_fit() {
    let model = model(WEIGHTLESS);
    let account = Account::scoring(80.0, None, 20.0).with(Metric::DaysSinceLast, 25.0, None);
    let assessment = account.assessed_by(&model);
    assert_eq!(assessment.components.iter().map(|part| &*part.component.name).collect::<Vec<_>>(), ["days", "nps"]);
    assert_eq!(scores(&model, assessment.profile, &account.metrics), [Some(80.0), None, Some(20.0), Some(75.0)]);
    let of_profile = |profile| scores(&super::super::fixture::model(PROFILES), profile, &account.metrics);
    assert_eq!(of_profile(0), [None, None, Some(20.0)]);
    assert_eq!(of_profile(9), [None; 3]);
}

const PROFILES: &str = r#"
    [[profile]]
    name = "young"
    when = { tenure_days_below = 28 }
    components = ["nps"]
    [[profile]]
    name = "trial"
    when = { stage = ["trial"], segment = ["smb"] }
    components = ["sessions"]
    [[profile]]
    name = "default"
    components = ["days"]
    [risk.coefficients]
    days = -1
    nps = -1
"#;

#[test]
fn the_first_matching_profile_selects_the_components() {
    let model = model(PROFILES);
    let account = |tenure_days, stage, segment| Account { segment, tenure_days, ..Account::scoring(10.0, 20.0, 30.0).in_stage(stage) };
    let score = |account: Account| account.assessed_by(&model).score;
    assert_eq!(score(account(27.9, Stage::Trial, Some("smb"))), Some(30.0));
    assert_eq!(score(account(28.0, Stage::Trial, Some("smb"))), Some(20.0));
    assert_eq!(score(account(28.0, Stage::Trial, None)), Some(10.0));
    assert_eq!(score(account(28.0, Stage::Adopted, Some("smb"))), Some(10.0));
}

#[test]
fn coverage_is_relative_to_the_profile_and_other_components_are_absent() {
    let assessment = Account::scoring(10.0, None, 30.0).assessed_by(&model(PROFILES));
    assert_eq!((assessment.coverage, assessment.components.len()), (1.0, 1));
    let other = Account::scoring(10.0, None, None).assessed_by(&model(PROFILES));
    assert_eq!(assessment.risk, other.risk);
}

const MIXED: &str = r#"
    [[health.component]]
    name = "tickets"
    group = "support"
    metric = "support.open_weighted_per_10_users"
    curve = [[0, 100]]
    weight = 30
    or = [{ metric = "revenue.days_past_due", curve = [[0, 100]] }]
    [[health.component]]
    name = "age"
    group = "usage"
    metric = "account.tenure_days"
    curve = [[0, 50]]
    weight = 5
"#;

#[test]
fn coverage_is_relative_to_components_whose_streams_are_configured() {
    let coverage = |streams: &[Stream]| {
        let configured = PerStream::from_fn(|stream| streams.contains(&stream));
        Account { configured, ..Account::scoring(80.0, None, None) }.assessed_by(&model(MIXED)).coverage
    };
    assert!(close(coverage(&[Stream::Usage]), 20.0 / 45.0)); // days of days, sessions, age
    assert!(close(coverage(&[Stream::Usage, Stream::Feedback]), 20.0 / 55.0)); // and nps
    assert!(close(coverage(&[Stream::Usage, Stream::Support]), 20.0 / 75.0)); // and tickets
    assert!(close(coverage(&[Stream::Usage, Stream::Billing]), 20.0 / 75.0)); // and tickets, by the alternative
}

#[test]
fn tickets_per_user_need_usage_too_and_the_age_of_an_account_needs_nothing() {
    let of = |streams: &[Stream]| {
        let configured = PerStream::from_fn(|stream| streams.contains(&stream));
        Account { configured, ..Account::default() }.with(Metric::TenureDays, 3.0, None).assessed_by(&model(MIXED))
    };
    assert_eq!((of(&[Stream::Support]).coverage, of(&[Stream::Support]).score), (1.0, Some(50.0)));
    assert!(close(of(&[Stream::Billing]).coverage, 5.0 / 35.0));
}

#[test]
fn where_no_component_can_be_present_coverage_is_0() {
    let account = Account { configured: PerStream([false; 5]), ..Account::default() };
    let assessment = account.assessed_by(&model("[model]\nmin_coverage = 0"));
    assert_eq!((assessment.coverage, assessment.score), (0.0, None));
}

const RULES: &str = r#"
    [[rule]]
    name = "late"
    when = "revenue.days_past_due > 14"
    cap_health = 55
    immediate = true
    [[rule]]
    name = "leaving"
    when = "revenue.cancel_scheduled >= 1"
    cap_health = 39
    risk_at_least = 0.6
    [[rule]]
    name = "later"
    when = "revenue.days_past_due > 20"
    cap_health = 50
    immediate = true
"#;

#[test]
fn the_lowest_cap_wins_and_each_rule_has_its_own_effect() {
    let account = Account::scoring(80.0, 80.0, 80.0).with(Metric::DaysPastDue, 21.0, None).with(Metric::CancelScheduled, 1.0, None);
    let assessment = account.assessed_by(&model(RULES));
    assert_eq!((assessment.mean, assessment.score, assessment.immediate_cap), (80.0, Some(39.0), Some(50.0)));
    let effects: Vec<_> = assessment.rules.iter().map(|rule| (&*rule.name, rule.contribution)).collect();
    assert_eq!(effects, [("late", -25.0), ("leaving", -16.0), ("later", 0.0)]);
}

#[test]
fn a_cap_above_the_score_is_in_force_and_changes_nothing() {
    let assessment = Account::scoring(30.0, 30.0, 30.0).with(Metric::DaysPastDue, 15.0, None).assessed_by(&model(RULES));
    assert_eq!((assessment.score, assessment.rules.len(), assessment.rules[0].contribution), (Some(30.0), 1, 0.0));
}

#[test]
fn below_the_minimum_coverage_the_lowest_cap_is_the_score_and_its_rule_contributes_all_of_it() {
    let account = Account::scoring(None, None, 80.0).with(Metric::DaysPastDue, 21.0, None).with(Metric::CancelScheduled, 1.0, None);
    let assessment = account.assessed_by(&model(&format!("{RULES}[risk.coefficients]\nnps = -1")));
    assert_eq!((assessment.coverage, assessment.score, assessment.mean), (0.2, Some(39.0), 0.0));
    let effects: Vec<_> = assessment.rules.iter().map(|rule| (&*rule.name, rule.contribution)).collect();
    assert_eq!(effects, [("late", 0.0), ("leaving", 39.0), ("later", 0.0)]);
    // nps scores 80; the floor is 0.6.
    assert_eq!(assessment.risk.map(|risk| risk.probability), Some(0.6));
}

#[test]
fn a_sole_rule_sets_no_risk_without_a_component_and_no_score_without_a_cap() {
    let leaving = Account::default().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
    assert_eq!((leaving.score, leaving.risk, leaving.coverage), (Some(39.0), None, 0.0));
    let watch = "[[rule]]\nname='watch'\nwhen='revenue.cancel_scheduled >= 1'\nrisk_at_least=0.5";
    let watched = Account::default().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(watch));
    assert_eq!((watched.score, watched.has_sole_rule(), watched.rules.len()), (None, false, 1));
}

#[test]
fn with_enough_coverage_rules_only_cap_the_mean() {
    let assessment = Account::scoring(20.0, None, None).with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
    assert_eq!((assessment.score, assessment.has_sole_rule()), (Some(20.0), false));
}

#[test]
fn an_override_replaces_the_score_of_a_sole_rule() {
    let pinned = Account::default().with(Metric::CancelScheduled, 1.0, None).pinned_to(65.0).assessed_by(&model(RULES));
    assert_eq!((pinned.score, pinned.override_effect, pinned.rules[0].contribution), (Some(65.0), Some(26.0), 39.0));
}

#[test]
fn an_override_pins_health_whatever_components_and_rules_say() {
    let pinned = Account::scoring(80.0, 80.0, 80.0).with(Metric::DaysPastDue, 15.0, None).pinned_to(65.0).assessed_by(&model(RULES));
    assert_eq!((pinned.mean, pinned.rules[0].contribution, pinned.override_effect, pinned.score), (80.0, -25.0, Some(10.0), Some(65.0)));
    let unknown = Account::scoring(None, None, 80.0).pinned_to(65.0).assessed_by(&model(""));
    assert_eq!((unknown.score, unknown.override_effect, unknown.coverage), (Some(65.0), Some(-15.0), 0.2));
}

#[test]
fn effects_of_parts_rules_and_override_sum_to_the_score() {
    let account = Account::scoring(80.0, 33.3, 71.7);
    for account in [&account, &account.clone().pinned_to(12.3), &Account::default(), &Account::default().pinned_to(7.0)] {
        let assessment = account.clone().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
        let parts: f64 = assessment.components.iter().filter_map(|part| part.contribution).sum();
        let rules: f64 = assessment.rules.iter().map(|rule| rule.contribution).sum();
        assert!(close(parts, assessment.mean));
        assert!(close(parts + rules + assessment.override_effect.unwrap_or_default(), assessment.score.unwrap()));
    }
}
