//! One account at one instant by one model: components, coverage, health, rules in force, risk.
//!
//! Nothing here remembers anything: bands, which have hysteresis, and what was published are of [`State`](super::State).

use smallvec::SmallVec;

use super::model::{Component, Model, Rule};
use super::risk::{self, RiskReading};
use crate::metric::{Metric, Metrics, Stage};
use crate::time::Timestamp;

/// An account as far as scoring looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its metrics.
    pub metrics: &'a Metrics,
    /// Segment of its profile.
    pub segment: Option<&'a str>,
    /// Plan of its profile.
    pub plan: Option<&'a str>,
    /// Its stage.
    pub stage: Option<Stage>,
    /// `account.tenure_days`.
    pub tenure_days: f64,
    /// The override in force, if any; one that has ended is none.
    pub health_override: Option<Override<'a>>,
}

/// Health pinned by customer success.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Override<'a> {
    /// The pinned health, 0..=100.
    pub value: f64,
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: &'a str,
    /// By whom.
    pub by: &'a str,
}

/// What the model says of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Place of the profile in the model.
    pub profile: u8,
    /// The components that are present, in order of the profile.
    pub parts: SmallVec<[Part; 10]>,
    /// Weight present / weight total of the profile, 0..=1.
    pub coverage: f64,
    /// Weighted mean of the parts, before rules and override; 0 where no part is present.
    pub mean: f64,
    /// Health, 0..=100, up is good; `None` where coverage is too low and no override is in force.
    pub score: Option<f64>,
    /// The rules in force, in order of the model.
    pub rules: SmallVec<[RuleEffect; 4]>,
    /// The least cap of the immediate rules in force.
    pub immediate_cap: Option<f64>,
    /// What the override adds to the score after rules; `None` where none is in force.
    pub override_effect: Option<f64>,
    /// Churn risk; `None` without score, or where no component with a coefficient is present.
    pub risk: Option<RiskReading>,
}

/// A component that is present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Place of the component in the model.
    pub component: u8,
    /// The metric it took, its own or one that stands in.
    pub metric: Metric,
    /// Value of the metric.
    pub value: f64,
    /// The curve's score of the value, 0..=100.
    pub score: f64,
    /// Share of the weights present, 0..=1.
    pub weight: f64,
    /// `weight x score`.
    pub contribution: f64,
}

/// A rule in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleEffect {
    /// Place of the rule in the model.
    pub rule: u8,
    /// What its cap adds to health, <= 0, after the rules before it.
    pub effect: f64,
}

/// Assesses an account: health = sum(weight x score) / sum(weight) over the components present, capped by rules, pinned by an override.
#[must_use]
pub fn assess(model: &Model, subject: &Subject<'_>) -> Assessment {
    let place = model
        .profiles
        .iter()
        .position(|profile| profile.when.fits(subject.tenure_days, subject.segment, subject.plan, subject.stage))
        .unwrap_or_default();
    let profile = model.profiles.get(place);
    let (parts, weight_present, mean) = parts(model, profile.map_or(&[], |profile| &profile.components), subject.metrics);
    let coverage = profile.map_or(0.0, |profile| weight_present / profile.weight_total);
    let covered = !parts.is_empty() && coverage >= model.min_coverage;
    let ruled = apply_rules(model, subject.metrics, (covered || subject.health_override.is_some()).then_some(mean));
    let override_effect = subject.health_override.map(|pinned| pinned.value - ruled.score.unwrap_or_default());
    let score = subject.health_override.map(|pinned| pinned.value).or(ruled.score);
    let risk = score.and_then(|_| risk::read(model, &parts, ruled.risk_floor));
    Assessment {
        profile: u8::try_from(place).unwrap_or(u8::MAX),
        parts,
        coverage,
        mean,
        score,
        rules: ruled.rules,
        immediate_cap: ruled.immediate_cap,
        override_effect,
        risk,
    }
}

/// The parts present, the sum of their weights, and their weighted mean (0 of none).
fn parts(model: &Model, components: &[u8], metrics: &Metrics) -> (SmallVec<[Part; 10]>, f64, f64) {
    let mut parts: SmallVec<[Part; 10]> = SmallVec::new();
    let (mut weights, mut sum) = (0.0, 0.0);
    for &place in components {
        let Some(component) = model.components.get(usize::from(place)) else { continue };
        if let Some((metric, value, score)) = reading(component, metrics) {
            weights += component.weight;
            sum += component.weight * score;
            parts.push(Part { component: place, metric, value, score, weight: component.weight, contribution: component.weight * score });
        }
    }
    for part in &mut parts {
        part.weight /= weights;
        part.contribution /= weights;
    }
    // One division: components that all score 70 have a mean of exactly 70, which a sum of contributions need not have.
    let mean = if parts.is_empty() { 0.0 } else { sum / weights };
    (parts, weights, mean)
}

/// The first source that is present and made of enough.
fn reading(component: &Component, metrics: &Metrics) -> Option<(Metric, f64, f64)> {
    component.sources.iter().find_map(|source| {
        let sample = metrics.get(source.metric)?;
        let value = sample.value.number().filter(|_| sample.n.is_none_or(|n| n >= source.min_n))?;
        Some((source.metric, value, source.curve.at(value)))
    })
}

struct Ruled {
    score: Option<f64>,
    rules: SmallVec<[RuleEffect; 4]>,
    immediate_cap: Option<f64>,
    risk_floor: Option<f64>,
}

fn apply_rules(model: &Model, metrics: &Metrics, score: Option<f64>) -> Ruled {
    let mut ruled = Ruled { score, rules: SmallVec::new(), immediate_cap: None, risk_floor: None };
    for (place, rule) in (0_u8..u8::MAX).zip(&model.rules) {
        if rule.condition.holds(metrics) {
            ruled.apply(place, rule);
        }
    }
    ruled
}

impl Ruled {
    fn apply(&mut self, place: u8, rule: &Rule) {
        let mut effect = 0.0;
        if let (Some(score), Some(cap)) = (self.score, rule.cap_health)
            && cap < score
        {
            effect = cap - score;
            self.score = Some(cap);
        }
        if let Some(cap) = rule.cap_health.filter(|_| rule.immediate) {
            self.immediate_cap = Some(self.immediate_cap.map_or(cap, |least| least.min(cap)));
        }
        if let Some(floor) = rule.risk_at_least {
            self.risk_floor = Some(self.risk_floor.map_or(floor, |most| most.max(floor)));
        }
        self.rules.push(RuleEffect { rule: place, effect });
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Account, model};
    use super::super::model::ModelFile;
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn health_is_the_weighted_mean_of_the_components_present() {
        let assessment = Account::scoring(80.0, 50.0, 20.0).assessed_by(&model(""));
        assert_eq!((assessment.score, assessment.coverage), (Some(56.0), 1.0)); // (20 x 80 + 20 x 50 + 10 x 20) / 50
        let of = |nth: usize| (assessment.parts[nth].weight, assessment.parts[nth].contribution);
        assert_eq!((of(0), of(1), of(2)), ((0.4, 32.0), (0.4, 20.0), (0.2, 4.0)));
    }

    #[test]
    fn an_absent_component_is_left_out_and_the_weights_renormalise() {
        let assessment = Account::scoring(80.0, 50.0, None).assessed_by(&model(""));
        assert_eq!((assessment.score, assessment.coverage), (Some(65.0), 0.8));
        assert_eq!(assessment.parts.iter().map(|part| part.weight).collect::<Vec<_>>(), [0.5, 0.5]);
    }

    #[test]
    fn there_is_no_score_below_the_least_coverage_and_one_at_it() {
        let at_least = |coverage: &str| model(&format!("[model]\nmin_coverage = {coverage}"));
        let account = Account::scoring(80.0, None, None);
        assert_eq!(account.assessed_by(&at_least("0.4")).score, Some(80.0));
        assert_eq!(account.assessed_by(&at_least("0.41")).score, None);
        assert_eq!(Account::scoring(None, None, None).assessed_by(&at_least("0.0")).score, None);
    }

    #[test]
    fn a_metric_of_too_few_answers_is_absent_and_one_that_counts_none_is_not() {
        let nps = |n| Account::scoring(80.0, 80.0, None).with(Metric::Nps91d, 0.0, n).assessed_by(&model("")).score;
        assert_eq!((nps(Some(2)), nps(Some(3)), nps(None)), (Some(80.0), Some(64.0), Some(64.0)));
    }

    #[test]
    fn what_stands_in_counts_while_the_metric_before_it_is_absent() {
        let model = model("or = [{ metric = \"feedback.csat_91d\", curve = [[0.0, 10], [1.0, 90]] }]");
        let csat = Account::scoring(50.0, 50.0, None).with(Metric::FeedbackCsat, 0.5, Some(3));
        let part = csat.assessed_by(&model).parts[2];
        assert_eq!((part.metric, part.score), (Metric::FeedbackCsat, 50.0));
        let part = csat.clone().with(Metric::Nps91d, 100.0, Some(3)).assessed_by(&model).parts[2];
        assert_eq!((part.metric, part.score), (Metric::Nps91d, 100.0));
        let part = csat.with(Metric::Nps91d, 100.0, Some(2)).assessed_by(&model).parts[2];
        assert_eq!(part.metric, Metric::FeedbackCsat);
    }

    #[test]
    fn components_that_all_score_70_make_70_and_not_a_little_less() {
        let metrics =
            [(Metric::Dau, 7), (Metric::Wau, 11), (Metric::Mau, 13), (Metric::Open, 17), (Metric::Adoption, 19), (Metric::Trend, 23)];
        let component = |(metric, weight): (Metric, u32)| {
            let name = metric.name();
            format!("[[health.component]]\nname='{name}'\ngroup='usage'\nmetric='{name}'\ncurve=[[0,70]]\nweight={weight}\n")
        };
        let text: String = metrics.into_iter().map(component).collect();
        let model = Model::compile(&ModelFile::parse(&text).unwrap()).unwrap();
        let account = metrics.into_iter().fold(Account::default(), |account, (metric, _)| account.with(metric, 1.0, None));
        assert_eq!(account.assessed_by(&model).score, Some(70.0));
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
    fn the_first_profile_that_fits_names_the_components() {
        let model = model(PROFILES);
        let account = |tenure_days, stage, segment| Account { segment, tenure_days, ..Account::scoring(10.0, 20.0, 30.0).in_stage(stage) };
        let score = |account: Account| account.assessed_by(&model).score;
        assert_eq!(score(account(27.9, Stage::Trial, Some("smb"))), Some(30.0));
        assert_eq!(score(account(28.0, Stage::Trial, Some("smb"))), Some(20.0));
        assert_eq!(score(account(28.0, Stage::Trial, None)), Some(10.0));
        assert_eq!(score(account(28.0, Stage::Adopted, Some("smb"))), Some(10.0));
    }

    #[test]
    fn coverage_is_of_the_profile_and_components_outside_it_are_absent() {
        let assessment = Account::scoring(10.0, None, 30.0).assessed_by(&model(PROFILES));
        assert_eq!((assessment.coverage, assessment.parts.len()), (1.0, 1));
        let other = Account::scoring(10.0, None, None).assessed_by(&model(PROFILES));
        assert_eq!(assessment.risk, other.risk);
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
    fn the_least_cap_holds_and_each_rule_has_its_own_effect() {
        let account = Account::scoring(80.0, 80.0, 80.0).with(Metric::DaysPastDue, 21.0, None).with(Metric::CancelScheduled, 1.0, None);
        let assessment = account.assessed_by(&model(RULES));
        assert_eq!((assessment.mean, assessment.score, assessment.immediate_cap), (80.0, Some(39.0), Some(50.0)));
        let effects: Vec<_> = assessment.rules.iter().map(|rule| (rule.rule, rule.effect)).collect();
        assert_eq!(effects, [(0, -25.0), (1, -16.0), (2, 0.0)]);
    }

    #[test]
    fn a_cap_above_the_score_is_in_force_and_changes_nothing() {
        let assessment = Account::scoring(30.0, 30.0, 30.0).with(Metric::DaysPastDue, 15.0, None).assessed_by(&model(RULES));
        assert_eq!((assessment.score, assessment.rules.len(), assessment.rules[0].effect), (Some(30.0), 1, 0.0));
    }

    #[test]
    fn an_override_pins_health_whatever_components_and_rules_say() {
        let pinned = Account::scoring(80.0, 80.0, 80.0).with(Metric::DaysPastDue, 15.0, None).pinned_to(65.0).assessed_by(&model(RULES));
        assert_eq!((pinned.mean, pinned.rules[0].effect, pinned.override_effect, pinned.score), (80.0, -25.0, Some(10.0), Some(65.0)));
        let unknown = Account::scoring(None, None, 80.0).pinned_to(65.0).assessed_by(&model(""));
        assert_eq!((unknown.score, unknown.override_effect, unknown.coverage), (Some(65.0), Some(-15.0), 0.2));
    }

    #[test]
    fn effects_of_parts_rules_and_override_sum_to_the_score() {
        let account = Account::scoring(80.0, 33.3, 71.7);
        for account in [&account, &account.clone().pinned_to(12.3), &Account::default().pinned_to(7.0)] {
            let assessment = account.clone().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
            let parts: f64 = assessment.parts.iter().map(|part| part.contribution).sum();
            let rules: f64 = assessment.rules.iter().map(|rule| rule.effect).sum();
            assert!(close(parts, assessment.mean));
            assert!(close(parts + rules + assessment.override_effect.unwrap_or_default(), assessment.score.unwrap()));
        }
    }
}
