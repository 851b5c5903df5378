//! One account at one instant by one model: components, coverage, health, rules in force, risk.
//!
//! Nothing here remembers anything: bands, which have hysteresis, and what was published are of [`State`](super::State).

use smallvec::SmallVec;

use super::model::{Component, Model, Rule};
use super::risk::{self, RiskReading};
use crate::event::{PerStream, Stream};
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
    /// Which streams are configured.
    pub configured: PerStream<bool>,
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
    /// Weight present / weight of the profile's components whose streams are configured, 0..=1; 0 where there is no such component.
    pub coverage: f64,
    /// Weighted mean of the parts, before rules and override; 0 where no part is present, or where a rule alone gives the score.
    pub mean: f64,
    /// Health, 0..=100, up is good; `None` where coverage is too low, no rule caps health, and no override is in force.
    pub score: Option<f64>,
    /// The rules in force, in order of the model.
    pub rules: SmallVec<[RuleEffect; 4]>,
    /// Place in the model of the rule whose cap is the score, where coverage is too low for the components to make one.
    pub sole_rule: Option<u8>,
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
    /// What its cap adds to health: <= 0, after the rules before it. The whole score, where the rule alone gives it.
    pub effect: f64,
}

impl Assessment {
    /// Whether the band follows the score at once: hysteresis damps noise, and neither a decision nor a rule that stands alone is noise.
    #[must_use]
    pub const fn skips_hysteresis(&self) -> bool {
        self.override_effect.is_some() || self.sole_rule.is_some()
    }
}

/// Assesses an account: health = sum(weight x score) / sum(weight) over the components present, capped by rules, pinned by an override.
/// Where too little is known for that, the least cap of the rules in force is the health.
#[must_use]
pub fn assess(model: &Model, subject: &Subject<'_>) -> Assessment {
    let place = model
        .profiles
        .iter()
        .position(|profile| profile.when.fits(subject.tenure_days, subject.segment, subject.plan, subject.stage))
        .unwrap_or_default();
    let profile = model.profiles.get(place);
    let components = profile.map_or(&[][..], |profile| &profile.components);
    let (parts, weight_present, mean) = parts(model, components, subject.metrics);
    let coverage = if parts.is_empty() { 0.0 } else { weight_present / weight_configured(model, components, &subject.configured) };
    let covered = !parts.is_empty() && coverage >= model.min_coverage;
    let ruled = match apply_sole_rule(model, subject.metrics).filter(|_| !covered) {
        Some(ruled) => ruled,
        None => apply_rules(model, subject.metrics, (covered || subject.health_override.is_some()).then_some(mean)),
    };
    let override_effect = subject.health_override.map(|pinned| pinned.value - ruled.score.unwrap_or_default());
    let score = subject.health_override.map(|pinned| pinned.value).or(ruled.score);
    let risk = score.and_then(|_| risk::read(model, &parts, ruled.risk_floor));
    Assessment {
        profile: u8::try_from(place).unwrap_or(u8::MAX),
        parts,
        coverage,
        mean: if ruled.sole_rule.is_some() { 0.0 } else { mean },
        score,
        rules: ruled.rules,
        sole_rule: ruled.sole_rule,
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

/// The weight of the components that could be present: one of their metrics rests on configured streams.
fn weight_configured(model: &Model, components: &[u8], configured: &PerStream<bool>) -> f64 {
    let is_configured = |stream: Stream| *configured.of(stream);
    let components = components.iter().filter_map(|place| model.components.get(usize::from(*place)));
    components
        .filter(|component| component.sources.iter().any(|source| source.metric.has_streams(is_configured)))
        .map(|component| component.weight)
        .sum()
}

struct Ruled {
    score: Option<f64>,
    rules: SmallVec<[RuleEffect; 4]>,
    sole_rule: Option<u8>,
    immediate_cap: Option<f64>,
    risk_floor: Option<f64>,
}

fn apply_rules(model: &Model, metrics: &Metrics, score: Option<f64>) -> Ruled {
    let mut ruled = Ruled { score, rules: SmallVec::new(), sole_rule: None, immediate_cap: None, risk_floor: None };
    for (place, rule) in (0_u8..u8::MAX).zip(&model.rules) {
        if rule.condition.holds(metrics) {
            ruled.apply(place, rule);
        }
    }
    ruled
}

/// The rules where no components make a score: the least cap is the score, and that of its rule alone. `None` without a cap in force.
fn apply_sole_rule(model: &Model, metrics: &Metrics) -> Option<Ruled> {
    let mut ruled = apply_rules(model, metrics, None);
    let cap = |effect: &RuleEffect| model.rules.get(usize::from(effect.rule))?.cap_health;
    let caps = ruled.rules.iter_mut().filter_map(|effect| Some((cap(effect)?, effect)));
    let (cap, effect) = caps.min_by(|(one, _), (other, _)| one.total_cmp(other))?;
    effect.effect = cap;
    ruled.sole_rule = Some(effect.rule);
    ruled.score = Some(cap);
    Some(ruled)
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
    fn coverage_is_of_the_components_whose_streams_are_configured() {
        let coverage = |streams: &[Stream]| {
            let configured = PerStream::from_fn(|stream| streams.contains(&stream));
            Account { configured, ..Account::scoring(80.0, None, None) }.assessed_by(&model(MIXED)).coverage
        };
        assert!(close(coverage(&[Stream::Usage]), 20.0 / 45.0)); // days of days, sessions, age
        assert!(close(coverage(&[Stream::Usage, Stream::Feedback]), 20.0 / 55.0)); // and nps
        assert!(close(coverage(&[Stream::Usage, Stream::Support]), 20.0 / 75.0)); // and tickets
        assert!(close(coverage(&[Stream::Usage, Stream::Billing]), 20.0 / 75.0)); // and tickets, by what stands in
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
    fn below_the_least_coverage_the_least_cap_is_the_score_and_its_rule_the_whole_of_it() {
        let account = Account::scoring(None, None, 80.0).with(Metric::DaysPastDue, 21.0, None).with(Metric::CancelScheduled, 1.0, None);
        let assessment = account.assessed_by(&model(&format!("{RULES}[risk.coefficients]\nnps = -1")));
        assert_eq!((assessment.coverage, assessment.score, assessment.mean), (0.2, Some(39.0), 0.0));
        assert_eq!(assessment.sole_rule, Some(1));
        let effects: Vec<_> = assessment.rules.iter().map(|rule| (rule.rule, rule.effect)).collect();
        assert_eq!(effects, [(0, 0.0), (1, 39.0), (2, 0.0)]);
        let risk = assessment.risk.unwrap().probability; // nps scores 80, the floor is 0.6
        assert_eq!(risk, 0.6);
    }

    #[test]
    fn a_rule_alone_brings_no_risk_where_no_component_has_one_and_one_without_a_cap_brings_no_score() {
        let leaving = Account::default().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
        assert_eq!((leaving.score, leaving.risk, leaving.coverage), (Some(39.0), None, 0.0));
        let watch = "[[rule]]\nname='watch'\nwhen='revenue.cancel_scheduled >= 1'\nrisk_at_least=0.5";
        let watched = Account::default().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(watch));
        assert_eq!((watched.score, watched.sole_rule, watched.rules.len()), (None, None, 1));
    }

    #[test]
    fn enough_coverage_leaves_the_rules_to_cap_the_mean() {
        let assessment = Account::scoring(20.0, None, None).with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
        assert_eq!((assessment.score, assessment.sole_rule), (Some(20.0), None));
    }

    #[test]
    fn an_override_pins_what_a_rule_alone_would_give() {
        let pinned = Account::default().with(Metric::CancelScheduled, 1.0, None).pinned_to(65.0).assessed_by(&model(RULES));
        assert_eq!((pinned.score, pinned.override_effect, pinned.rules[0].effect), (Some(65.0), Some(26.0), 39.0));
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
        for account in [&account, &account.clone().pinned_to(12.3), &Account::default(), &Account::default().pinned_to(7.0)] {
            let assessment = account.clone().with(Metric::CancelScheduled, 1.0, None).assessed_by(&model(RULES));
            let parts: f64 = assessment.parts.iter().map(|part| part.contribution).sum();
            let rules: f64 = assessment.rules.iter().map(|rule| rule.effect).sum();
            assert!(close(parts, assessment.mean));
            assert!(close(parts + rules + assessment.override_effect.unwrap_or_default(), assessment.score.unwrap()));
        }
    }
}
