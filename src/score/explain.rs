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
use super::driver;
use super::model::Model;
use super::state::{Published, PublishedPart, Standing};
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
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// weight x score; `None` where there is no score of the whole.
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
    /// What its cap adds to health, <= 0.
    pub contribution: f64,
    /// Change of that; `None` as for renormalisation.
    pub delta: Option<f64>,
    /// Whether it was in force in the last change.
    pub was_in_force: bool,
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
        value: sample.value,
        score: part.score,
        weight: part.weight,
        contribution: assessment.score.map(|_| part.contribution),
        contribution_delta: comparable.map(|then| {
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
    });
    let is_in_force = |name: &str| now.clone().any(|(_, rule)| rule.name == name);
    let ended = then.iter().filter(|rule| comparable && rule.effect < 0.0 && !is_in_force(&rule.name)).map(|rule| ExplainedRule {
        name: rule.name.clone(),
        in_force: false,
        cap_health: None,
        risk_at_least: None,
        contribution: 0.0,
        delta: Some(-rule.effect),
        was_in_force: true,
    });
    in_force.chain(ended).collect()
}
