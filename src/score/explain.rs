//! Why an account has its score, and what moved it since the last published change, in points that add up to the change of the score.
//!
//! Let w be the renormalised weights and s the scores now, s' the scores and M' the weighted mean then, and d(x) = x now - x then. Then
//!
//! - a component present both times moved health by w x (s - s');
//! - a new component by w x (s - M'), how far it pulls the mean that it joins;
//! - renormalisation, the effect of lost components and changed weights, by the sum of w x (s' - M') over the components present both
//!   times, which is 0 if no component was lost and no weight changed;
//! - each rule by d(effect of its cap), and an override by d(its effect).
//!
//! The weights sum to 1, so the total is d(score). A score set by a sole rule has no components: M' is 0 after it, and renormalisation is
//! -M' on the way to it.

use super::assess::Assessment;
use super::contribution::{ComponentScore, RuleEffect};
use super::model::Model;
use super::published::{self, Published};
use super::subject::{Override, Subject};
use crate::metric::Stage;

/// Why an account has its score, in points of health. A churned account, whose score is frozen, has neither components nor rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation<'a> {
    /// The present components, in profile order.
    pub components: Vec<ComponentScore<'a>>,
    /// Names of the profile's absent components.
    pub absent: Vec<&'a str>,
    /// `None` if there is no score now or there was none then.
    pub renormalisation_delta: Option<f64>,
    /// The rules in force, and those whose cap has ended since.
    pub rules: Vec<RuleEffect<'a>>,
    /// The override in force.
    pub health_override: Option<Override<'a>>,
    /// Change of the override's effect; `None` as for renormalisation, or if there is no override now and was none then.
    pub override_delta: Option<f64>,
    /// What moved the score: up to three sentences, the most important first.
    pub drivers: Vec<String>,
    /// Why the score is what it is: up to three sentences, the most important first. Empty in a change that is published.
    pub reasons: Vec<String>,
}

impl<'a> Explanation<'a> {
    /// Explains an assessment against what was last published, without the sentences.
    pub(super) fn of(subject: &Subject<'a>, assessment: &Assessment<'a>, published: Option<&Published>, model: &'a Model) -> Self {
        if subject.stage == Some(Stage::Churned) {
            return Self::default();
        }
        let comparable = published.filter(|then| assessment.score.is_some() && then.score.is_some());
        Self {
            components: assessment.components.iter().map(|component| explained(component, comparable)).collect(),
            absent: absent(assessment, model),
            renormalisation_delta: comparable.map(|then| renormalisation(assessment, then, model)),
            rules: rules(assessment, published, comparable.is_some()),
            health_override: subject.health_override,
            override_delta: comparable.and_then(|then| match (assessment.override_effect, then.override_effect) {
                (None, None) => None,
                (now, then) => Some(now.unwrap_or_default() - then.unwrap_or_default()),
            }),
            drivers: Vec::new(),
            reasons: Vec::new(),
        }
    }
}

fn explained<'a>(component: &ComponentScore<'a>, comparable: Option<&Published>) -> ComponentScore<'a> {
    let delta = comparable.filter(|_| component.contribution.is_some()).map(|then| {
        let before = then.component(component.component.id).map_or(then.mean, |before| before.score);
        if component.weight == 0.0 { 0.0 } else { component.weight * (component.score - before) } // not -0
    });
    ComponentScore { delta, ..component.clone() }
}

fn absent<'a>(assessment: &Assessment<'_>, model: &'a Model) -> Vec<&'a str> {
    let profile = model.profiles.get(usize::from(assessment.profile));
    let is_absent = |id: u32| assessment.components.iter().all(|present| present.component.id != id);
    model.components_of(profile).filter(|component| is_absent(component.id)).map(|component| component.name.as_str()).collect()
}

fn renormalisation(assessment: &Assessment<'_>, then: &Published, model: &Model) -> f64 {
    if assessment.has_sole_rule() || assessment.components.iter().all(|component| component.weight == 0.0) {
        return 0.0 - then.mean; // not -mean, which would turn 0 into -0
    }
    let kept = assessment.components.iter().filter_map(|component| Some((component, then.component(component.component.id)?)));
    let same_weights = then.model == model.id && then.profile == assessment.profile;
    if same_weights && kept.clone().count() == then.components.len() {
        return 0.0;
    }
    kept.map(|(component, before)| component.weight * (before.score - then.mean)).sum()
}

fn rules<'a>(assessment: &Assessment<'a>, published: Option<&Published>, is_comparable: bool) -> Vec<RuleEffect<'a>> {
    let then = published.map_or(&[][..], |then| &then.rules);
    let effect_then = |name: &str| then.iter().find(|rule| *rule.name == *name).map(|rule| rule.effect);
    let in_force = assessment.rules.iter().map(|effect| {
        let before = effect_then(&effect.name);
        let delta = is_comparable.then(|| effect.contribution - before.unwrap_or_default());
        RuleEffect { delta, was_in_force: before.is_some(), ..effect.clone() }
    });
    let is_in_force = |name: &str| assessment.rules.iter().any(|effect| effect.name == name);
    let has_ended = |rule: &&published::Rule| is_comparable && rule.effect != 0.0 && !is_in_force(&rule.name);
    let ended = then.iter().filter(has_ended).map(|rule| RuleEffect {
        name: rule.name.to_string().into(),
        rule: None,
        contribution: 0.0,
        delta: Some(-rule.effect),
        is_sole: false,
        was_in_force: true,
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

    fn changes(accounts: &[(Account, &Model)]) -> Vec<Change<'static>> {
        let mut state = State::default();
        let hours = 0..;
        accounts.iter().zip(hours).filter_map(|((account, model), hour)| account.advance(&mut state, hour, model).change).collect()
    }

    fn last(accounts: &[Account], model: &Model) -> Change<'static> {
        let accounts: Vec<_> = accounts.iter().map(|account| (account.clone(), model)).collect();
        changes(&accounts).pop().unwrap()
    }

    fn deltas(change: &Change<'_>) -> Vec<Option<f64>> {
        change.explanation.components.iter().map(|part| part.delta.map(|delta| (delta * 1e9).round() / 1e9)).collect()
    }

    #[test]
    fn a_component_moves_health_by_its_weight_times_its_score() {
        let change = last(&[Account::scoring(80.0, 50.0, 20.0), Account::scoring(40.0, 60.0, 20.0)], &model(RULES));
        assert_eq!(deltas(&change), [Some(-16.0), Some(4.0), Some(0.0)]);
        assert_eq!(change.explanation.renormalisation_delta, Some(0.0));
        assert_eq!(change.explanation.drivers, ["active days in 28 d fell from 80 to 40"]);
    }

    #[test]
    fn a_lost_component_is_renormalisation_and_a_new_one_pulls_the_mean() {
        let model = model(RULES);
        let gone = last(&[Account::scoring(80.0, 50.0, 20.0), Account::scoring(80.0, 50.0, None)], &model);
        assert_eq!((deltas(&gone), gone.status.score), (vec![Some(0.0), Some(0.0)], Some(65.0)));
        assert_eq!(gone.explanation.renormalisation_delta, Some(9.0)); // 65 - 56
        assert_eq!(gone.explanation.drivers, ["no longer counted: net promoter score over 91 d, last 20"]);
        let come = last(&[Account::scoring(80.0, 50.0, None), Account::scoring(80.0, 50.0, 20.0)], &model);
        assert_eq!(deltas(&come), [Some(0.0), Some(0.0), Some(-9.0)]);
        assert!(come.explanation.renormalisation_delta.unwrap().abs() < 1e-9);
        assert_eq!(come.explanation.drivers, ["net promoter score over 91 d is 20; 70 or more is healthy"]);
    }

    #[test]
    fn a_component_of_risk_alone_is_listed_and_drives_nothing_and_one_of_neither_is_not_listed() {
        let weightless = |name: &str, metric: &str| {
            format!("[[health.component]]\nname='{name}'\ngroup='usage'\nmetric='{metric}'\ncurve=[[0, 100], [100, 0]]\nweight=0\n")
        };
        let more = weightless("silence", "usage.days_since_last") + &weightless("age", "usage.age_days");
        let model = model(&format!("{more}{}", RULES.replace("days = -1", "silence = -9")));
        let silent =
            |days: f64| Account::scoring(80.0, 50.0, 20.0).with(Metric::DaysSinceLast, days, None).with(Metric::AgeDays, days, None);
        let change = last(&[silent(0.0), silent(60.0)], &model);
        let names: Vec<&str> = change.explanation.components.iter().map(|part| &*part.component.name).collect();
        assert_eq!(names, ["days", "sessions", "nps", "silence"]);
        assert_eq!(serde_json::to_string(&change.explanation.components[3].delta).unwrap(), "0.0");
        assert_eq!((change.explanation.renormalisation_delta, change.explanation.absent.len()), (Some(0.0), 0));
        assert!(change.explanation.drivers.iter().all(|driver| !driver.contains("last activity")), "{:?}", change.explanation.drivers);
        let gone = last(&[silent(0.0), Account::scoring(80.0, 60.0, 20.0)], &model);
        assert_eq!(gone.explanation.absent, ["silence"]);
        assert!(gone.explanation.renormalisation_delta.unwrap().abs() < 1e-12);
        assert_eq!(gone.explanation.drivers, ["sessions in 28 d rose from 50 to 60"]);
    }

    #[test]
    fn a_rule_is_listed_when_it_comes_into_force_and_when_it_ends() {
        let model = model(RULES);
        let calm = Account::scoring(80.0, 80.0, 80.0);
        let leaving = calm.clone().with(Metric::CancelScheduled, 1.0, None);
        let come = last(&[calm.clone(), leaving.clone()], &model);
        let rule = &come.explanation.rules[0];
        assert_eq!((&*rule.name, rule.rule.is_some(), rule.contribution, rule.delta), ("leaving", true, -41.0, Some(-41.0)));
        assert_eq!(come.explanation.drivers, ["leaving: health is capped at 39; 1 cancellation is scheduled"]);
        let gone = last(&[calm.clone(), leaving, calm], &model);
        let rule = &gone.explanation.rules[0];
        assert_eq!((&*rule.name, rule.rule.is_some(), rule.contribution, rule.delta), ("leaving", false, 0.0, Some(41.0)));
        assert_eq!(gone.explanation.drivers, ["leaving: health is no longer capped at 39"]);
    }

    #[test]
    fn a_sole_rule_contributes_the_whole_score() {
        let model = model(&RULES.replace("min_coverage = 0.2", "min_coverage = 0.5"));
        let leaving = Account::scoring(None, None, 20.0).with(Metric::CancelScheduled, 1.0, None);
        let change = last(&[Account::scoring(80.0, 80.0, None), leaving.clone()], &model);
        let part = &change.explanation.components[0];
        assert_eq!((part.contribution, part.delta), (None, None));
        assert_eq!(change.explanation.renormalisation_delta, Some(-80.0));
        let rule = &change.explanation.rules[0];
        assert_eq!((rule.is_sole, rule.contribution, rule.delta), (true, 39.0, Some(39.0)));
        let back = last(&[leaving, Account::scoring(30.0, 50.0, None)], &model);
        assert_eq!(deltas(&back), [Some(15.0), Some(25.0)]);
        assert_eq!((back.explanation.rules[0].delta, back.explanation.renormalisation_delta), (Some(-39.0), Some(0.0)));
        assert_eq!(back.explanation.drivers[0], "80 % of the weights have data, which is enough for a score");
    }

    #[test]
    fn a_risk_floor_is_not_mentioned_without_a_risk() {
        let model = model(&RULES.replace("days = -1", "nps = -1"));
        let late = Account::scoring(50.0, 50.0, None).with(Metric::DaysPastDue, 20.0, None);
        let drivers = last(&[Account::scoring(70.0, 70.0, None), late], &model).explanation.drivers;
        assert_eq!(drivers, ["active days in 28 d fell from 70 to 50", "sessions in 28 d fell from 70 to 50"]);
    }

    #[test]
    fn a_rule_that_only_raises_risk_is_a_driver_too() {
        let calm = Account::scoring(50.0, 50.0, 50.0);
        let late = calm.clone().with(Metric::DaysPastDue, 20.0, None);
        assert_eq!(
            last(&[calm, late], &model(RULES)).explanation.drivers,
            ["late: risk is at least 0.5; the age of the oldest unpaid failed invoice is 20 days"]
        );
    }

    #[test]
    fn the_first_change_lists_what_costs_most() {
        let first = last(&[Account::scoring(80.0, 50.0, 100.0)], &model(RULES));
        assert_eq!(first.explanation.drivers, ["sessions in 28 d are 50; 70 or more is healthy", "active days in 28 d are 80"]);
        assert_eq!(deltas(&first), [None, None, None]);
        let unknown = last(&[Account::scoring(None, None, None)], &model(RULES));
        assert_eq!(unknown.explanation.drivers, ["0 % of the weights have data, and a score needs 20 %"]);
        assert_eq!(unknown.explanation.absent, ["days", "sessions", "nps"]);
    }

    #[test]
    fn at_most_three_drivers_follow_the_direction_of_the_account() {
        let text =
            format!("{COMPONENTS}[[health.component]]\nname='wau'\ngroup='usage'\nmetric='usage.wau'\ncurve=[[0,0],[100,100]]\nweight=1");
        let model = Model::compile(&ModelFile::parse(&text).unwrap()).unwrap();
        let before = Account::scoring(90.0, 90.0, 90.0).with(Metric::Wau, 90.0, None);
        let down = last(&[before.clone(), Account::scoring(50.0, 80.0, 60.0).with(Metric::Wau, 0.0, None)], &model);
        let fell = [
            "active days in 28 d fell from 90 to 50",
            "net promoter score over 91 d fell from 90 to 60",
            "sessions in 28 d fell from 90 to 80",
        ];
        assert_eq!(down.explanation.drivers, fell);
        let mixed = last(&[before, Account::scoring(50.0, 99.0, 90.0).with(Metric::Wau, 90.0, None)], &model);
        assert_eq!(mixed.explanation.drivers, ["active days in 28 d fell from 90 to 50"]);
    }

    /// Deltas of components, renormalisation, rules and override against the delta of the score; `None` where one has no score.
    fn gap(change: &Change<'_>) -> Option<f64> {
        let explanation = &change.explanation;
        let moved = change.status.score? - change.previous?.score?;
        let parts: f64 = explanation.components.iter().filter_map(|part| part.delta).sum();
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
                if let (Some(now), Some(before)) = (change.status.score, change.previous.and_then(|previous| previous.score)) {
                    let gap = gap(change).expect("every delta");
                    prop_assert!(gap.abs() < 1e-9, "{} -> {}: {}", before, now, gap);
                }
            }
        }
    }
}
