//! A fitted risk on the past: what it is fitted to, and the risks that the service would give with it.

use super::example::Example;
use super::fit::{Feature, Fit, NoSuggestion, RiskFunction, Suggestion, leaks, rises, suggest_curve};
use super::points::Past;
use crate::account::AccountKey;
use crate::metric::Metric;
use crate::score::model::{Component, Rule};
use crate::score::{Model, risk_of_inputs};

/// A suggested curve for a component, or why there is none.
#[derive(Clone, Debug)]
pub struct SuggestedCurve {
    /// The component.
    pub component: String,
    /// Its metric.
    pub metric: &'static str,
    /// The curve.
    pub curve: Result<Suggestion, NoSuggestion>,
}

impl Past {
    /// What a risk model can be fitted to: the points with a score.
    #[must_use]
    pub fn examples(&self) -> Vec<Example> {
        let example = |(id, point): (&str, &super::points::ScoredPoint)| Example {
            account: AccountKey::of(id).0,
            instant: point.t,
            churned: point.churned,
            inputs: point.inputs.iter().map(|input| (!input.is_nan()).then_some(*input)).collect(),
        };
        self.points().filter(|(_, point)| point.health.is_some()).map(example).collect()
    }

    /// Replaces every risk by that of another model with the same components.
    pub fn rescore(&mut self, model: &Model) {
        for point in self.accounts.values_mut().flat_map(|account| &mut account.points) {
            let inputs = model.components.iter().zip(&point.inputs).filter(|(_, input)| !input.is_nan());
            let inputs = inputs.map(|(component, input)| (component.coefficient, *input));
            let risk = if point.health.is_some() { risk_of_inputs(inputs, point.risk_floor, &model.risk) } else { None };
            point.risk = risk.map(|risk| risk.probability);
            point.level = risk.map(|risk| risk.level);
        }
    }

    /// A curve for each component's first metric, from the points of the earlier part that have a value of it.
    #[must_use]
    pub fn suggested_curves(&self, model: &Model, fit: &Fit) -> Vec<SuggestedCurve> {
        let suggest = |component: &Component| {
            let source = component.sources.first()?;
            let learned = self.points().filter(|(id, point)| fit.is_learned(AccountKey::of(id).0, point.t));
            let values: Vec<(f64, bool)> = learned.filter_map(|(_, point)| Some((point.value(source.metric)?, point.churned))).collect();
            let direction = rises(source.curve.points()).ok_or(NoSuggestion::Flat);
            let curve = direction.and_then(|rises| suggest_curve(&values, rises));
            Some(SuggestedCurve { component: component.name.clone(), metric: source.metric.name(), curve })
        };
        model.components.iter().filter_map(suggest).collect()
    }

    /// Warnings of metrics that know the outcome although no component measures them.
    #[must_use]
    pub fn leaks_elsewhere(&self, model: &Model) -> Vec<String> {
        let examples = self.examples();
        let points = || self.points().filter(|(_, point)| point.health.is_some());
        let mut found = Vec::new();
        for metric in Metric::ALL.iter().filter(|metric| metric.is_numeric() && !is_measured(**metric, model)) {
            let feature = Feature::of_metric(metric.name(), points().map(|(_, point)| point.value(*metric)).collect());
            found.extend(leaks(&[feature], &examples).iter().map(|leak| format!("{leak}; {}", use_of(*metric, model))));
        }
        found
    }
}

fn is_measured(metric: Metric, model: &Model) -> bool {
    model.components.iter().flat_map(|component| &component.sources).any(|source| source.metric == metric)
}

/// What the risk has to do with a metric that no component measures.
fn use_of(metric: Metric, model: &Model) -> String {
    let raises = |rule: &&Rule| rule.risk_at_least.is_some() && rule.condition.comparisons().iter().any(|one| one.metric == metric);
    match model.rules.iter().find(raises) {
        Some(rule) => format!("the rule {} raises the risk by it, and the figures with it", rule.name),
        None => "no component measures it, so the figures do not rest on it".into(),
    }
}

/// A model with fitted coefficients.
#[must_use]
pub fn fitted_model(model: &Model, function: &RiskFunction, horizon_days: u32) -> Model {
    let mut fitted = model.clone();
    for (component, coefficient) in fitted.components.iter_mut().zip(&function.coefficients) {
        component.coefficient = *coefficient;
    }
    fitted.risk.intercept = function.intercept;
    fitted.risk.total = fitted.components.iter().map(|component| component.coefficient.abs()).sum();
    fitted.risk.calibrated = true;
    fitted.risk.horizon_days = horizon_days;
    fitted
}

#[cfg(test)]
mod tests {
    use super::super::fixture::point;
    use super::super::points::{AccountPast, ScoredPoint};
    use super::*;
    use crate::score::Level;

    fn past(points: Vec<ScoredPoint>) -> Past {
        Past { accounts: [("a".into(), AccountPast { points, ..AccountPast::default() })].into(), segments: Vec::new() }
    }

    #[test]
    fn only_points_with_a_score_are_examples_and_absent_inputs_stay_absent() {
        let scored = ScoredPoint { inputs: [0.5, f64::NAN].into(), ..point(1, true) };
        let examples = past(vec![scored, ScoredPoint { health: None, ..point(2, false) }]).examples();
        assert_eq!(examples.len(), 1);
        assert_eq!((&*examples[0].inputs, examples[0].churned), (&[Some(0.5), None][..], true));
    }

    #[test]
    fn a_past_is_rescored_as_the_service_would_with_floors_of_rules() {
        let mut function = RiskFunction::of(&Model::default());
        function.coefficients.fill(0.0);
        (function.intercept, function.coefficients[0]) = (-1.0, -2.0);
        let model = fitted_model(&Model::default(), &function, 45);
        assert_eq!((model.risk.calibrated, model.risk.horizon_days, model.risk.total), (true, 45, 2.0));
        let with = |input: f64, risk_floor| {
            let mut inputs = vec![f64::NAN; model.components.len()];
            inputs[0] = input;
            ScoredPoint { inputs: inputs.into(), risk_floor, ..point(1, false) }
        };
        let unscored = ScoredPoint { health: None, ..with(0.5, None) };
        let mut past = past(vec![with(0.5, None), with(0.5, Some(0.6)), with(f64::NAN, Some(0.6)), unscored]);
        past.rescore(&model);
        let risk = 1.0 / (1.0 + 2_f64.exp()); // z = -1 - 2 x 0.5
        let risks: Vec<_> = past.points().map(|(_, point)| (point.risk, point.level)).collect();
        assert_eq!(risks, [(Some(risk), Some(Level::Medium)), (Some(0.6), Some(Level::Critical)), (None, None), (None, None)]);
    }
}
