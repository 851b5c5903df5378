//! One account at one instant by one model: components, coverage, health, rules in force, risk.
//!
//! Stateless: [`State`](super::State) keeps the bands, which have hysteresis, and the last published change.

use smallvec::SmallVec;

use super::contribution::{ComponentScore, RuleEffect};
use super::model::{Component, Model, ScoringProfile};
use super::risk::{self, Risk};
use super::subject::Subject;
use crate::event::PerStream;
use crate::metric::{Metric, Metrics, Value};

/// The result of applying a model to an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment<'a> {
    /// Index of the profile in the model.
    pub profile: u8,
    /// The present components, in profile order.
    pub components: SmallVec<[ComponentScore<'a>; 10]>,
    /// Present weight / weight of the profile's components whose streams are configured, 0..=1; 0 if there are none.
    pub coverage: f64,
    /// Weighted mean of the components, before rules and override; 0 if none is present or a rule alone sets the score.
    pub mean: f64,
    /// Health, 0..=100, higher is better; `None` if coverage is too low and neither a cap nor an override is in force.
    pub score: Option<f64>,
    /// The same without the override: the band after an override is the one that these scores lead to.
    pub measured: Option<f64>,
    /// The rules in force, in model order.
    pub rules: SmallVec<[RuleEffect<'a>; 4]>,
    /// The lowest cap of the immediate rules in force.
    pub immediate_cap: Option<f64>,
    /// Points that the override adds to the score after rules; `None` without an override.
    pub override_effect: Option<f64>,
    /// Churn risk; `None` without a score or without a present component that has a coefficient.
    pub risk: Option<Risk>,
}

impl Assessment<'_> {
    /// Whether a rule alone sets the score, or would if there were no override.
    #[must_use]
    pub fn has_sole_rule(&self) -> bool {
        self.rules.iter().any(|rule| rule.is_sole)
    }

    /// The highest lower bound on risk that a rule in force sets.
    #[must_use]
    pub fn risk_floor(&self) -> Option<f64> {
        self.rules.iter().filter_map(|effect| effect.rule?.risk_at_least).reduce(f64::max)
    }

    /// Whether the published band follows the score at once. Hysteresis damps noise, and neither an override nor a sole rule is noise.
    #[must_use]
    pub fn skips_hysteresis(&self) -> bool {
        self.override_effect.is_some() || self.has_sole_rule()
    }
}

/// Assesses an account: health = sum(weight x score) / sum(weight) over the present components, capped by rules, pinned by an override.
/// If coverage is too low for that, health is the lowest cap in force.
#[must_use]
pub fn assess<'a>(model: &'a Model, subject: &Subject<'a>) -> Assessment<'a> {
    let (place, profile) = profile_of(model, subject);
    let (components, weight_present, mean) = components(model, profile, subject.metrics);
    let coverage = if weight_present > 0.0 { weight_present / weight_configured(model, profile, *subject.configured) } else { 0.0 };
    let mut assessment = Assessment {
        profile: place,
        components,
        coverage,
        mean,
        score: None,
        measured: None,
        rules: model.rules.iter().filter(|rule| rule.condition.holds(subject.metrics)).map(RuleEffect::of).collect(),
        immediate_cap: None,
        override_effect: None,
        risk: None,
    };
    let is_covered = weight_present > 0.0 && coverage >= model.min_coverage;
    if is_covered || !assessment.score_by_sole_rule() {
        assessment.score_by_components(is_covered || subject.health_override.is_some());
    }
    assessment.measured = assessment.score.filter(|_| is_covered || assessment.has_sole_rule());
    if let Some(pinned) = subject.health_override {
        assessment.override_effect = Some(pinned.value - assessment.score.unwrap_or_default());
        assessment.score = Some(pinned.value);
    }
    if assessment.score.is_some() {
        assessment.risk = risk::of(&assessment.components, assessment.risk_floor(), &model.risk);
    }
    assessment
}

/// The first matching profile and its index.
fn profile_of<'a>(model: &'a Model, subject: &Subject<'_>) -> (u8, Option<&'a ScoringProfile>) {
    let fits = |profile: &ScoringProfile| profile.when.fits(subject.tenure_days, subject.segment, subject.plan, subject.stage);
    let place = model.profiles.iter().position(fits).unwrap_or_default();
    (u8::try_from(place).unwrap_or(u8::MAX), model.profiles.get(place))
}

/// The present components, the sum of their weights, and their weighted mean (0 if they have no weight).
fn components<'a>(
    model: &'a Model,
    profile: Option<&ScoringProfile>,
    metrics: &'a Metrics,
) -> (SmallVec<[ComponentScore<'a>; 10]>, f64, f64) {
    let mut present: SmallVec<[ComponentScore<'a>; 10]> = SmallVec::new();
    let (mut weights, mut sum) = (0.0, 0.0);
    for component in model.components_of(profile) {
        if let Some((metric, value, score)) = reading(component, metrics) {
            weights += component.weight;
            sum += component.weight * score;
            present.push(ComponentScore { component, metric, value, score, weight: component.weight, contribution: None, delta: None });
        }
    }
    if weights <= 0.0 {
        return (present, 0.0, 0.0);
    }
    for component in &mut present {
        component.weight /= weights;
    }
    // A single division: components that all score 70 must average exactly 70, which a sum of contributions may miss.
    (present, weights, sum / weights)
}

/// What `backtest --fit` finds coefficients for: the score of each component of the model, in file order, also of those that have no part
/// in an assessment because they have neither weight nor coefficient. `None` where a component is absent or not in the profile, an index of
/// [`Model::profiles`].
#[must_use]
pub fn scores(model: &Model, profile: u8, metrics: &Metrics) -> Vec<Option<f64>> {
    let profile = model.profiles.get(usize::from(profile));
    let is_used = |place: usize| profile.is_some_and(|profile| profile.components.iter().any(|used| usize::from(*used) == place));
    let components = model.components.iter().enumerate();
    components.map(|(place, component)| reading(component, metrics).map(|(_, _, score)| score).filter(|_| is_used(place))).collect()
}

/// The first source that is present with a large enough sample.
fn reading<'a>(component: &Component, metrics: &'a Metrics) -> Option<(Metric, &'a Value, f64)> {
    component.sources.iter().find_map(|source| {
        let sample = metrics.get(source.metric)?;
        let value = sample.value.number().filter(|_| sample.n.is_none_or(|n| n >= source.min_n))?;
        Some((source.metric, &sample.value, source.curve.at(value)))
    })
}

/// The weight of the components that could be present, that is, have a metric whose streams are configured.
fn weight_configured(model: &Model, profile: Option<&ScoringProfile>, configured: PerStream<bool>) -> f64 {
    let could_be_present =
        |component: &&Component| component.sources.iter().any(|source| source.metric.has_streams(|stream| *configured.of(stream)));
    model.components_of(profile).filter(could_be_present).map(|component| component.weight).sum()
}

impl Assessment<'_> {
    /// The components set the score (if `is_scored`), and each rule in force caps what the rules before it left.
    fn score_by_components(&mut self, is_scored: bool) {
        self.score = is_scored.then_some(self.mean);
        for component in self.components.iter_mut().filter(|_| is_scored) {
            component.contribution = Some(component.weight * component.score);
        }
        for effect in &mut self.rules {
            let Some(cap) = effect.cap_health() else { continue };
            if let Some(score) = self.score.filter(|score| cap < *score) {
                effect.contribution = cap - score;
                self.score = Some(cap);
            }
            if effect.rule.is_some_and(|rule| rule.immediate) {
                self.immediate_cap = Some(self.immediate_cap.map_or(cap, |lowest| lowest.min(cap)));
            }
        }
    }

    /// Sets the score to the lowest cap in force and attributes all of it to that rule; `false` if no cap is in force.
    fn score_by_sole_rule(&mut self) -> bool {
        let caps = self.rules.iter_mut().filter_map(|effect| Some((effect.cap_health()?, effect)));
        let Some((cap, effect)) = caps.min_by(|(one, _), (other, _)| one.total_cmp(other)) else { return false };
        effect.contribution = cap;
        effect.is_sole = true;
        self.mean = 0.0;
        self.score = Some(cap);
        true
    }
}

#[cfg(test)]
mod tests;
