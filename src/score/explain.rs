//! Why an account stands where it stands, and what moved since the last published change, in points that sum to the change of the score.
//!
//! With w the renormalised weights and s the scores now, s' the scores and M' the weighted mean then, and d meaning "now less then":
//!
//! - a component present both times has moved health by w x (s - s');
//! - one that is new by w x (s - M'): how far it pulls the mean it joins;
//! - renormalisation, which is what components that have gone, and weights that are others, have done: sum of w x (s' - M') over the
//!   components present both times. Where none has gone and no weight is another it is 0;
//! - each rule by d(effect of its cap), and an override by d(its effect).
//!
//! Since the weights sum to 1, so does all of it to d(score).

use super::assess::{Assessment, Override, Part, Subject};
use super::change::Standing;
use super::driver;
use super::model::Model;
use super::published::{Published, PublishedPart};
use crate::metric::{Metric, Stage, Value};
use crate::money::Currency;
use crate::time::Timestamp;

/// Why an account stands where it stands. All points are of health. A churned account, whose score is frozen, has no parts and no rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The components present, in order of the profile.
    pub parts: Vec<ExplainedPart>,
    /// Places of the profile's components that are absent.
    pub absent: Vec<u8>,
    /// `None` where there is no score now or was none then.
    pub renormalisation_delta: Option<f64>,
    /// The rules in force, and those whose cap has ended since.
    pub rules: Vec<ExplainedRule>,
    /// The override in force.
    pub health_override: Option<ExplainedOverride>,
    /// Change of what the override adds; `None` as for renormalisation, or where there is no override now and was none then.
    pub override_delta: Option<f64>,
    /// Up to three sentences with numbers, the weightiest first.
    pub drivers: Vec<String>,
}

/// A component of an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedPart {
    /// Place of the component in the model.
    pub component: u8,
    /// The metric it took.
    pub metric: Metric,
    /// The metric's value.
    pub value: Value,
    /// Its score, 0..=100.
    pub score: f64,
    /// Renormalised weight, 0..=1.
    pub weight: f64,
    /// weight x score; `None` where the components make no score.
    pub contribution: Option<f64>,
    /// As the module says; `None` as for renormalisation.
    pub contribution_delta: Option<f64>,
}

/// A rule of an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedRule {
    /// Its name.
    pub name: Box<str>,
    /// Whether it is in force; else its cap has ended since the last change.
    pub in_force: bool,
    /// Its cap.
    pub cap_health: Option<f64>,
    /// Its least risk.
    pub risk_at_least: Option<f64>,
    /// What its cap adds to health: <= 0, or the whole score where the rule alone gives it.
    pub contribution: f64,
    /// Change of that; `None` as for renormalisation.
    pub delta: Option<f64>,
    /// Whether it was in force in the last change.
    pub was_in_force: bool,
    /// Whether it alone gives the score, too little being known for the components to make one.
    pub is_sole: bool,
}

/// An override of an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedOverride {
    /// The pinned health.
    pub value: f64,
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: Box<str>,
    /// By whom.
    pub by: Box<str>,
}

impl From<Override<'_>> for ExplainedOverride {
    fn from(pinned: Override<'_>) -> Self {
        Self { value: pinned.value, until: pinned.until, reason: pinned.reason.into(), by: pinned.by.into() }
    }
}

/// Explains an assessment against what was last published.
#[must_use]
pub fn explain(
    subject: &Subject<'_>,
    assessment: &Assessment,
    standing: &Standing,
    published: Option<&Published>,
    currency: Currency,
    model: &Model,
) -> Explanation {
    if subject.stage == Some(Stage::Churned) {
        return Explanation { drivers: vec![driver::churned(standing)], ..Explanation::default() };
    }
    let comparable = published.filter(|then| assessment.score.is_some() && then.score.is_some());
    let mut explanation = Explanation {
        parts: assessment.parts.iter().filter_map(|part| explained(part, subject, assessment, comparable, model)).collect(),
        absent: absent(assessment, model),
        renormalisation_delta: comparable.map(|then| renormalisation(assessment, then, model)),
        rules: rules(assessment, published, comparable.is_some(), model),
        health_override: subject.health_override.map(Into::into),
        override_delta: comparable.and_then(|then| match (assessment.override_effect, then.override_effect) {
            (None, None) => None,
            (now, then) => Some(now.unwrap_or_default() - then.unwrap_or_default()),
        }),
        drivers: Vec::new(),
    };
    explanation.drivers = driver::drivers(&explanation, assessment, standing, published, currency, model);
    explanation
}

fn explained(
    part: &Part,
    subject: &Subject<'_>,
    assessment: &Assessment,
    comparable: Option<&Published>,
    model: &Model,
) -> Option<ExplainedPart> {
    let sample = subject.metrics.get(part.metric)?;
    Some(ExplainedPart {
        component: part.component,
        metric: part.metric,
        value: sample.value.clone(),
        score: part.score,
        weight: part.weight,
        contribution: assessment.score.filter(|_| assessment.sole_rule.is_none()).map(|_| part.contribution),
        contribution_delta: comparable.filter(|_| assessment.sole_rule.is_none()).map(|then| {
            let before = published_part(then, part, model).map_or(then.mean, |before| before.score);
            part.weight * (part.score - before)
        }),
    })
}

fn absent(assessment: &Assessment, model: &Model) -> Vec<u8> {
    let all = model.profiles.get(usize::from(assessment.profile)).map_or(&[][..], |profile| &profile.components);
    all.iter().copied().filter(|place| assessment.parts.iter().all(|part| part.component != *place)).collect()
}

/// The same component as it was last published.
pub(super) fn published_part<'a>(then: &'a Published, part: &Part, model: &Model) -> Option<&'a PublishedPart> {
    let id = model.components.get(usize::from(part.component))?.id;
    then.parts.iter().find(|before| before.component == id)
}

fn renormalisation(assessment: &Assessment, then: &Published, model: &Model) -> f64 {
    if assessment.sole_rule.is_some() {
        return -then.mean;
    }
    let kept = assessment.parts.iter().filter_map(|part| Some((part, published_part(then, part, model)?)));
    let same_weights = then.model == model.id && then.profile == assessment.profile;
    if same_weights && kept.clone().count() == then.parts.len() {
        return 0.0;
    }
    if assessment.parts.is_empty() {
        return -then.mean;
    }
    kept.map(|(part, before)| part.weight * (before.score - then.mean)).sum()
}

fn rules(assessment: &Assessment, published: Option<&Published>, comparable: bool, model: &Model) -> Vec<ExplainedRule> {
    let then = published.map_or(&[][..], |then| &then.rules);
    let effect_then = |name: &str| then.iter().find(|rule| *rule.name == *name).map(|rule| rule.effect);
    let now = assessment.rules.iter().filter_map(|effect| Some((effect, model.rules.get(usize::from(effect.rule))?)));
    let in_force = now.clone().map(|(effect, rule)| ExplainedRule {
        name: rule.name.as_str().into(),
        in_force: true,
        cap_health: rule.cap_health,
        risk_at_least: rule.risk_at_least,
        contribution: effect.effect,
        delta: comparable.then(|| effect.effect - effect_then(&rule.name).unwrap_or_default()),
        was_in_force: effect_then(&rule.name).is_some(),
        is_sole: assessment.sole_rule == Some(effect.rule),
    });
    let is_in_force = |name: &str| now.clone().any(|(_, rule)| rule.name == name);
    let ended = then.iter().filter(|rule| comparable && rule.effect != 0.0 && !is_in_force(&rule.name)).map(|rule| ExplainedRule {
        name: rule.name.clone(),
        in_force: false,
        cap_health: None,
        risk_at_least: None,
        contribution: 0.0,
        delta: Some(-rule.effect),
        was_in_force: true,
        is_sole: false,
    });
    in_force.chain(ended).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{Account, COMPONENTS, model};
    use super::super::model::{Model, ModelFile};
    use super::super::{Change, State};
    use crate::metric::Metric;

    const RULES: &str = r#"
        [[rule]]
        name = "leaving"
        when = "revenue.cancel_scheduled >= 1"
        cap_health = 39
        [[rule]]
        name = "late"
        when = "revenue.days_past_due > 14"
        cap_health = 55
        risk_at_least = 0.5
        [risk.coefficients]
        days = -1
        [publish]
        score_points = 1e-9
        [model]
        min_coverage = 0.2
    "#;

    fn changes(accounts: &[(Account, &Model)]) -> Vec<Change> {
        let mut state = State::default();
        let hours = 0..;
        accounts.iter().zip(hours).filter_map(|((account, model), hour)| account.advance(&mut state, hour, model).change).collect()
    }

    fn last(accounts: &[Account], model: &Model) -> Change {
        let accounts: Vec<_> = accounts.iter().map(|account| (account.clone(), model)).collect();
        changes(&accounts).pop().unwrap()
    }

    fn deltas(change: &Change) -> Vec<Option<f64>> {
        change.explanation.parts.iter().map(|part| part.contribution_delta.map(|delta| (delta * 1e9).round() / 1e9)).collect()
    }

    #[test]
    fn a_component_moves_health_by_its_weight_times_its_score() {
        let change = last(&[Account::scoring(80.0, 50.0, 20.0), Account::scoring(40.0, 60.0, 20.0)], &model(RULES));
        assert_eq!(deltas(&change), [Some(-16.0), Some(4.0), Some(0.0)]);
        assert_eq!(change.explanation.renormalisation_delta, Some(0.0));
        assert_eq!(change.explanation.drivers, ["active days in 28 d fell from 80 to 40"]);
    }

    #[test]
    fn a_component_that_goes_is_renormalisation_and_one_that_comes_pulls_the_mean() {
        let model = model(RULES);
        let gone = last(&[Account::scoring(80.0, 50.0, 20.0), Account::scoring(80.0, 50.0, None)], &model);
        assert_eq!((deltas(&gone), gone.standing.score), (vec![Some(0.0), Some(0.0)], Some(65.0)));
        assert_eq!(gone.explanation.renormalisation_delta, Some(9.0)); // 65 - 56
        assert_eq!(gone.explanation.drivers, ["no longer counted: net promoter score of the answers of 91 d"]);
        let come = last(&[Account::scoring(80.0, 50.0, None), Account::scoring(80.0, 50.0, 20.0)], &model);
        assert_eq!(deltas(&come), [Some(0.0), Some(0.0), Some(-9.0)]);
        assert!(come.explanation.renormalisation_delta.unwrap().abs() < 1e-9);
        assert_eq!(come.explanation.drivers, ["net promoter score of the answers of 91 d is 20"]);
    }

    #[test]
    fn rules_are_entries_of_their_own_when_they_come_and_when_they_go() {
        let model = model(RULES);
        let calm = Account::scoring(80.0, 80.0, 80.0);
        let leaving = calm.clone().with(Metric::CancelScheduled, 1.0, None);
        let come = last(&[calm.clone(), leaving.clone()], &model);
        let rule = &come.explanation.rules[0];
        assert_eq!((&*rule.name, rule.in_force, rule.contribution, rule.delta), ("leaving", true, -41.0, Some(-41.0)));
        assert_eq!(come.explanation.drivers, ["leaving: health is capped at 39"]);
        let gone = last(&[calm.clone(), leaving, calm], &model);
        let rule = &gone.explanation.rules[0];
        assert_eq!((&*rule.name, rule.in_force, rule.contribution, rule.delta), ("leaving", false, 0.0, Some(41.0)));
        assert_eq!(gone.explanation.drivers, ["leaving: health is no longer capped"]);
    }

    #[test]
    fn the_rule_that_alone_gives_the_score_is_the_whole_of_it() {
        let model = model(&RULES.replace("min_coverage = 0.2", "min_coverage = 0.5"));
        let leaving = Account::scoring(None, None, 20.0).with(Metric::CancelScheduled, 1.0, None);
        let change = last(&[Account::scoring(80.0, 80.0, None), leaving.clone()], &model);
        let part = &change.explanation.parts[0];
        assert_eq!((part.contribution, part.contribution_delta), (None, None));
        assert_eq!(change.explanation.renormalisation_delta, Some(-80.0));
        let rule = &change.explanation.rules[0];
        assert_eq!((rule.is_sole, rule.contribution, rule.delta), (true, 39.0, Some(39.0)));
        let back = last(&[leaving, Account::scoring(30.0, 50.0, None)], &model);
        assert_eq!(deltas(&back), [Some(15.0), Some(25.0)]);
        assert_eq!((back.explanation.rules[0].delta, back.explanation.renormalisation_delta), (Some(-39.0), Some(0.0)));
        assert_eq!(back.explanation.drivers[0], "80 % of the weights have data, enough for a score");
    }

    #[test]
    fn a_floor_of_risk_is_not_claimed_where_there_is_no_risk() {
        let model = model(&RULES.replace("days = -1", "nps = -1"));
        let late = Account::scoring(50.0, 50.0, None).with(Metric::DaysPastDue, 20.0, None);
        let drivers = last(&[Account::scoring(70.0, 70.0, None), late], &model).explanation.drivers;
        assert_eq!(drivers, ["active days in 28 d fell from 70 to 50", "sessions in 28 d fell from 70 to 50"]);
    }

    #[test]
    fn a_rule_that_only_raises_risk_is_told_too() {
        let calm = Account::scoring(50.0, 50.0, 50.0);
        let late = calm.clone().with(Metric::DaysPastDue, 20.0, None);
        assert_eq!(last(&[calm, late], &model(RULES)).explanation.drivers, ["late: risk is at least 0.5"]);
    }

    #[test]
    fn the_first_change_tells_what_weighs_most() {
        let first = last(&[Account::scoring(80.0, 50.0, 100.0)], &model(RULES));
        assert_eq!(first.explanation.drivers, ["sessions in 28 d is 50", "active days in 28 d is 80"]);
        assert_eq!(deltas(&first), [None, None, None]);
        let unknown = last(&[Account::scoring(None, None, None)], &model(RULES));
        assert_eq!(unknown.explanation.drivers, ["0 % of the weights have data and a score needs 20 %"]);
        assert_eq!(unknown.explanation.absent, [0, 1, 2]);
    }

    #[test]
    fn drivers_are_three_at_most_and_go_the_way_the_account_went() {
        let text =
            format!("{COMPONENTS}[[health.component]]\nname='wau'\ngroup='usage'\nmetric='usage.wau'\ncurve=[[0,0],[100,100]]\nweight=1");
        let model = Model::compile(&ModelFile::parse(&text).unwrap()).unwrap();
        let before = Account::scoring(90.0, 90.0, 90.0).with(Metric::Wau, 90.0, None);
        let down = last(&[before.clone(), Account::scoring(50.0, 80.0, 60.0).with(Metric::Wau, 0.0, None)], &model);
        let fell = [
            "active days in 28 d fell from 90 to 50",
            "net promoter score of the answers of 91 d fell from 90 to 60",
            "sessions in 28 d fell from 90 to 80",
        ];
        assert_eq!(down.explanation.drivers, fell);
        let mixed = last(&[before, Account::scoring(50.0, 99.0, 90.0).with(Metric::Wau, 90.0, None)], &model);
        assert_eq!(mixed.explanation.drivers, ["active days in 28 d fell from 90 to 50"]);
    }

    /// Deltas of components, renormalisation, rules and override against the delta of the score; `None` where one has no score.
    fn gap(change: &Change) -> Option<f64> {
        let explanation = &change.explanation;
        let moved = change.standing.score? - change.previous?.score?;
        let parts: f64 = explanation.parts.iter().filter_map(|part| part.contribution_delta).sum();
        let rules: f64 = explanation.rules.iter().filter_map(|rule| rule.delta).sum();
        Some(parts + explanation.renormalisation_delta? + rules + explanation.override_delta.unwrap_or_default() - moved)
    }

    fn any_account() -> impl Strategy<Value = Account> {
        let score = || prop::option::of(0.0_f64..100.0);
        let facts =
            (score(), score(), score(), any::<bool>(), prop::option::of(0.0_f64..30.0), prop::option::weighted(0.2, 0.0_f64..100.0));
        facts.prop_map(|(days, sessions, nps, leaving, late, pinned)| {
            let mut account = Account::scoring(days, sessions, nps).with(Metric::CancelScheduled, f64::from(u8::from(leaving)), None);
            account.pinned = pinned;
            match late {
                Some(days) => account.with(Metric::DaysPastDue, days, None),
                None => account,
            }
        })
    }

    proptest! {
        #[test]
        fn the_deltas_sum_to_the_delta_of_the_score(rounds in prop::collection::vec((any_account(), 0_usize..3), 2..12)) {
            let other = "[[health.component]]\nname='nps'\ngroup='usage'\nmetric='usage.sessions_28d'\ncurve=[[0,90],[100,10]]\nweight=3\n\
                         [[health.component]]\nname='new'\ngroup='usage'\nmetric='usage.active_days_28d'\ncurve=[[0,0],[50,100]]\nweight=1\n";
            let models = [model(RULES), model(&RULES.replace("min_coverage = 0.2", "min_coverage = 0.7")), Model::compile(&ModelFile::parse(&format!("{other}{RULES}").replace("days = -1", "new = -1")).unwrap()).unwrap()];
            let rounds: Vec<_> = rounds.into_iter().map(|(account, model)| (account, &models[model])).collect();
            for (place, change) in changes(&rounds).iter().enumerate() {
                prop_assert_eq!(change.sequence, place as u64 + 1);
                if let (Some(now), Some(before)) = (change.standing.score, change.previous.and_then(|previous| previous.score)) {
                    let gap = gap(change).expect("every delta");
                    prop_assert!(gap.abs() < 1e-9, "{} -> {}: {}", before, now, gap);
                }
            }
        }
    }
}
