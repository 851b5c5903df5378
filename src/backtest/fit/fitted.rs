//! From examples to coefficients and the evidence for them.

use super::super::evidence::data_hash;
use super::super::example::Example;
use super::super::quality::{Bootstrap, Interval, Point, Quality, Z, log_loss};
use super::exact::{Minimum, Rows};
use super::function::{RiskFunction, round};
use super::leak::{Feature, Leak, announcements, leaks};
use super::logistic::Failure;
use super::platt::Calibration;
use super::refusal::{Classes, Refusal, refuse, warnings};
use super::split::{FOLDS, Part, Split, fold_of, is_drawn};
use crate::score::Model;
use crate::score::model::Evidence;
use crate::time::Timestamp;

/// Accounts of either outcome needed to calibrate. With fewer, the shift alone would have a standard error above 0.3.
const MIN_CALIBRATION: u64 = 20;
/// The penalty is chosen by about this many points, at most: more would tell little more, and take long.
const MAX_CHOOSING: usize = 10_000;
/// A component is fitted if it is present in this many points of training.
const MIN_PRESENT: usize = 20;

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Horizon of the outcomes, days.
    pub horizon_days: u32,
    /// The test part begins here; `None`: with the last fifth of the instants.
    pub test_begins: Option<Timestamp>,
    /// For the interval of the AUC.
    pub bootstrap: Bootstrap,
    /// The penalties to choose from, ascending.
    pub penalties: Vec<f64>,
}

impl Options {
    /// The default options for a horizon.
    #[must_use]
    pub fn of(horizon_days: u32) -> Self {
        let penalties = vec![0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
        Self { horizon_days, test_begins: None, bootstrap: Bootstrap::default(), penalties }
    }
}

/// A fitted risk model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The calibrated function: what goes into the model file.
    pub function: RiskFunction,
    /// Horizon of the outcomes, days.
    pub horizon_days: u32,
    /// Its coefficients with their uncertainty, in file order.
    pub coefficients: Vec<Coefficient>,
    /// The chosen penalty.
    pub lambda: f64,
    /// Pairs (penalty, log loss on accounts that were not learned from).
    pub validation: Vec<(f64, f64)>,
    /// What calibration did.
    pub calibration: Calibration,
    /// Which examples were used for what.
    pub split: Split,
    /// Quality on the test part.
    pub test: Quality,
    /// Features that know the outcome.
    pub leaks: Vec<Leak>,
    /// For the model file.
    pub evidence: Evidence,
}

impl Fit {
    /// Whether the outcome of a point was learned from.
    #[must_use]
    pub fn is_learned(&self, account: u64, instant: Timestamp) -> bool {
        self.split.part(account, instant).is_some_and(|part| part != Part::Test)
    }

    /// Replaces the figures of the test by those of the whole service, whose rules raise some risks.
    pub fn set_test(&mut self, test: &Quality) {
        let evidence = &mut self.evidence;
        (evidence.test_points, evidence.test_accounts, evidence.test_churned) = (test.points, test.accounts, test.churned);
        evidence.auc = round(test.auc.unwrap_or(0.5));
        evidence.auc_interval = test.auc_interval.map(|interval| [round(interval.low), round(interval.high)]);
        evidence.brier = round(test.brier.map_or(0.0, |brier| brier.score));
        evidence.brier_of_base_rate = round(test.brier.map_or(0.0, |brier| brier.of_base_rate));
        self.test = test.clone();
    }
}

/// A coefficient.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Coefficient {
    /// Name of the component.
    pub component: String,
    /// Change of log-odds from a score of 50 to one of 100, before the scaling for absent components.
    pub value: f64,
    /// Its standard error, robust to the likeness of an account's points; `None` if it was not fitted, or stopped at 0.
    pub standard_error: Option<f64>,
    /// The odds of churn with ten points of component score more, relative to those without: exp(0.2 value).
    pub odds_ratio: f64,
    /// Its 95 % interval: exp(0.2 (value -+ 1.96 `standard_error`)). The penalty draws values toward 0, which the interval leaves out.
    pub odds_ratio_interval: Option<Interval>,
    /// Share of the points that the component is present in.
    pub present: f64,
}

/// Ten points of score move an input by this much.
const TEN_POINTS: f64 = 0.2;

impl Coefficient {
    fn of(component: &str, value: f64, standard_error: Option<f64>, present: f64) -> Self {
        let ratio = |value: f64| (TEN_POINTS * value).exp();
        let interval = standard_error.map(|error| Interval { low: ratio(value - Z * error), high: ratio(value + Z * error) });
        Self { component: component.to_owned(), value, standard_error, odds_ratio: ratio(value), odds_ratio_interval: interval, present }
    }
}

/// Fits the coefficients of a model's components.
///
/// # Errors
/// If there is too little history, or the computation has no result.
pub fn fit(model: &Model, examples: &[Example], options: &Options) -> Result<Fit, Refusal> {
    let mut examples: Vec<Example> = examples.iter().filter(|example| example.inputs.iter().any(Option::is_some)).cloned().collect();
    Example::sort(&mut examples);
    let parts = Parts::of(&examples, options);
    refuse(examples.len(), Classes::of(parts.all(&[Part::Training])), Classes::of(parts.all(&[Part::Test])))?;
    let fitted = parts.fitted_components(model.components.len());
    let mut notes = parts.warnings(&examples);
    notes.extend(unfitted(model, &fitted));
    let (lambda, validation) = parts.choose(&fitted, model.components.len(), &options.penalties)?;
    let learned = parts.learned();
    let rows = rows(parts.all(learned), &fitted);
    let minimum = parts.minimum(&rows, learned, &fitted, lambda)?;
    let errors = rows.standard_errors(lambda, &minimum)?;
    let uncalibrated = expand(&minimum, &fitted, model.components.len());
    let calibration = parts.calibrate(&uncalibrated, &mut notes)?;
    let function = uncalibrated.rescaled(calibration.shift, calibration.slope).rounded();
    let errors = errors.iter().skip(1).map(|error| error.map(|error| error * calibration.slope));
    let coefficients = coefficients(model, &function, &fitted, errors, &examples);
    let points: Vec<Point> = parts.all(&[Part::Test]).filter_map(|example| point(&function, example)).collect();
    let test = Quality::of(&points, &options.bootstrap);
    let names = model.components.iter().enumerate();
    let features: Vec<_> = names.map(|(place, component)| Feature::of_component(&component.name, place, &examples)).collect();
    let leaks: Vec<Leak> = announcements(model).into_iter().chain(leaks(&features, &examples)).collect();
    notes.extend(leaks.iter().map(ToString::to_string));
    notes.extend(useless(&test));
    let evidence = evidence(&examples, &parts.split, &test, lambda, notes);
    let horizon_days = options.horizon_days;
    Ok(Fit { function, horizon_days, coefficients, lambda, validation, calibration, split: parts.split, test, leaks, evidence })
}

/// The examples, each with its part.
struct Parts<'a> {
    split: Split,
    examples: Vec<(Option<Part>, &'a Example)>,
}

impl<'a> Parts<'a> {
    fn of(examples: &'a [Example], options: &Options) -> Self {
        let split = Split::of(examples, options.horizon_days, options.test_begins);
        let examples = examples.iter().map(|example| (split.part(example.account, example.instant), example)).collect();
        Self { split, examples }
    }

    fn all(&self, parts: &[Part]) -> impl Iterator<Item = &'a Example> {
        self.examples.iter().filter(|(part, _)| part.is_some_and(|part| parts.contains(&part))).map(|(_, example)| *example)
    }

    /// The places of the components that are present often enough in training.
    fn fitted_components(&self, components: usize) -> Vec<usize> {
        let present = |place: &usize| self.all(&[Part::Training]).filter(|example| input(example, *place).is_some()).count();
        (0..components).filter(|place| present(place) >= MIN_PRESENT).collect()
    }

    /// The penalty with the least log loss on accounts that were not learned from, and the losses of all. Of equal ones, the larger.
    ///
    /// Judged by later points of the same accounts, the least penalty would win: what is peculiar to an account stays so, and the outcomes of
    /// neighbouring instants overlap.
    fn choose(&self, fitted: &[usize], components: usize, penalties: &[f64]) -> Result<(f64, Vec<(f64, f64)>), Refusal> {
        let mut sums: Vec<Result<f64, Failure>> = penalties.iter().map(|_| Ok(0.0)).collect();
        let mut judged = 0;
        let (training, learned) = (self.drawn(&[Part::Training]), self.drawn(&[Part::Training, Part::Validation]));
        for fold in 0..FOLDS {
            let rows = rows(training.iter().copied().filter(|example| fold_of(example.account) != fold), fitted).roughly();
            let own: Vec<&Example> = learned.iter().copied().filter(|example| fold_of(example.account) == fold).collect();
            judged += own.len();
            let mut before: Option<Minimum> = None;
            for (lambda, sum) in penalties.iter().zip(&mut sums) {
                match before.as_ref().map_or_else(|| rows.minimise(*lambda), |before| rows.minimise_near(*lambda, before)) {
                    Ok(minimum) => {
                        let function = expand(&minimum, fitted, components);
                        let points: Vec<Point> = own.iter().filter_map(|example| point(&function, example)).collect();
                        let loss = log_loss(&points).unwrap_or_default() * points.len() as f64;
                        *sum = std::mem::replace(sum, Ok(0.0)).map(|sum| sum + loss);
                        before = Some(minimum);
                    }
                    // A small penalty may be too small for the data; a larger one then is not.
                    Err(found) => *sum = Err(found),
                }
            }
        }
        let losses = penalties.iter().zip(&sums).filter_map(|(lambda, sum)| Some((*lambda, *sum.as_ref().ok()? / judged as f64)));
        let losses: Vec<(f64, f64)> = losses.collect();
        match losses.iter().rev().min_by(|one, other| one.1.total_cmp(&other.1)) {
            Some((best, _)) => Ok((*best, losses)),
            None => Err(sums.into_iter().find_map(Result::err).unwrap_or(Failure::OneClass).into()),
        }
    }

    /// The examples of some parts, or those of a part of the accounts if they are more than are needed to choose.
    fn drawn(&self, parts: &[Part]) -> Vec<&'a Example> {
        let one_in = self.all(&[Part::Training, Part::Validation]).count().div_ceil(MAX_CHOOSING) as u64;
        self.all(parts).filter(|example| is_drawn(example.account, one_in)).collect()
    }

    /// The parts that coefficients are fitted to: also that of calibration if it is too small to calibrate by.
    fn learned(&self) -> &'static [Part] {
        if self.can_calibrate() { &[Part::Training, Part::Validation] } else { &[Part::Training, Part::Validation, Part::Calibration] }
    }

    fn can_calibrate(&self) -> bool {
        let classes = Classes::of(self.all(&[Part::Calibration]));
        classes.churned.min(classes.stayed) >= MIN_CALIBRATION
    }

    /// The minimum for all rows. Which side of 0 a coefficient is on is decided by the drawn accounts: with more, few sides are in doubt.
    fn minimum(&self, rows: &Rows, learned: &[Part], fitted: &[usize], lambda: f64) -> Result<Minimum, Failure> {
        let drawn = self.drawn(learned);
        if drawn.len() == self.all(learned).count() {
            return rows.minimise_on_both_sides(lambda);
        }
        rows.minimise_near(lambda, &self::rows(drawn.into_iter(), fitted).minimise_on_both_sides(lambda)?)
    }

    fn calibrate(&self, function: &RiskFunction, notes: &mut Vec<String>) -> Result<Calibration, Failure> {
        let classes = Classes::of(self.all(&[Part::Calibration]));
        if !self.can_calibrate() {
            notes.push(format!(
                "not calibrated on a part of its own, which was learned from instead: {} accounts churned and {} stayed there, at least \
                 {MIN_CALIBRATION} of each are needed",
                classes.churned, classes.stayed
            ));
            return Ok(Calibration::NONE);
        }
        let log_odds = self.all(&[Part::Calibration]).filter_map(|example| Some((function.log_odds(&example.inputs)?, example.churned)));
        let calibration = Calibration::of(&log_odds.collect::<Vec<_>>())?;
        if calibration.slope <= super::platt::MIN_SLOPE {
            notes
                .push("on the calibration part, higher risks were not followed by more churn: all risks are close to the base rate".into());
        }
        Ok(calibration)
    }

    fn warnings(&self, examples: &[Example]) -> Vec<String> {
        let classes = |part| Classes::of(self.all(&[part]));
        let churned = examples.iter().filter(|example| example.churned).count();
        let mut found = warnings(examples.len(), churned, classes(Part::Training), classes(Part::Test));
        if !self.split.is_by_time() {
            found.push(
                "the history has fewer than three instants, so accounts were held out, but no period: the future may be harder to foretell"
                    .into(),
            );
        } else if !self.split.is_embargoed {
            found.push(
                "the history is too short for its horizon: some outcomes that were learned from fall into the period of the test".into(),
            );
        }
        found
    }
}

fn rows<'a>(examples: impl Iterator<Item = &'a Example>, fitted: &[usize]) -> Rows {
    let mut rows = Rows::new(fitted.len());
    for example in examples {
        let inputs: Vec<Option<f64>> = fitted.iter().map(|place| input(example, *place)).collect();
        if inputs.iter().any(Option::is_some) {
            rows.push(example.account, &inputs, example.churned);
        }
    }
    rows
}

fn input(example: &Example, place: usize) -> Option<f64> {
    example.inputs.get(place).copied().flatten()
}

fn point(function: &RiskFunction, example: &Example) -> Option<Point> {
    let risk = function.risk(&example.inputs)?;
    Some(Point { account: example.account, risk, churned: example.churned })
}

/// A function of the fitted components as one of all components.
fn expand(minimum: &Minimum, fitted: &[usize], components: usize) -> RiskFunction {
    let narrow = minimum.function();
    let mut coefficients = vec![0.0; components];
    for (place, value) in fitted.iter().zip(narrow.coefficients) {
        if let Some(coefficient) = coefficients.get_mut(*place) {
            *coefficient = value;
        }
    }
    RiskFunction { intercept: narrow.intercept, coefficients }
}

fn unfitted(model: &Model, fitted: &[usize]) -> Vec<String> {
    let is_unfitted = |place: &usize| !fitted.contains(place);
    let components = model.components.iter().enumerate().filter(|(place, _)| is_unfitted(place));
    let note = |name: &str| format!("{name} was present in fewer than {MIN_PRESENT} points of the training part, so it has no coefficient");
    components.map(|(_, component)| note(&component.name)).collect()
}

fn coefficients(
    model: &Model,
    function: &RiskFunction,
    fitted: &[usize],
    errors: impl Iterator<Item = Option<f64>>,
    examples: &[Example],
) -> Vec<Coefficient> {
    let errors: Vec<(usize, Option<f64>)> = fitted.iter().copied().zip(errors).collect();
    let components = model.components.iter().enumerate();
    let coefficient = |(place, component): (usize, &crate::score::model::Component)| {
        let value = function.coefficients.get(place).copied().unwrap_or_default();
        let error = errors.iter().find(|(fitted, _)| *fitted == place).and_then(|(_, error)| *error);
        let present = examples.iter().filter(|example| input(example, place).is_some()).count() as f64 / examples.len() as f64;
        Coefficient::of(&component.name, value, error, present)
    };
    components.map(coefficient).collect()
}

/// What to say if the test shows no use.
fn useless(test: &Quality) -> Option<String> {
    let is_chance = test.auc_interval.is_none_or(|interval| interval.low <= 0.5);
    let has_no_skill = test.brier.and_then(|brier| brier.skill).is_none_or(|skill| skill <= 0.0);
    (is_chance || has_no_skill).then(|| "in the test part, the fitted risk is no better than the base rate: do not rely on it".into())
}

fn evidence(examples: &[Example], split: &Split, test: &Quality, lambda: f64, warnings: Vec<String>) -> Evidence {
    let instant = |example: Option<&Example>| example.map(|example| example.instant).unwrap_or_default().to_string();
    let accounts = Classes::of(examples);
    Evidence {
        from: instant(examples.first()),
        to: instant(examples.last()),
        points: examples.len() as u64,
        accounts: accounts.churned + accounts.stayed,
        churned: examples.iter().filter(|example| example.churned).count() as u64,
        learned_until: split.learning_ends().unwrap_or_default().to_string(),
        tested_from: split.test_begins().unwrap_or_default().to_string(),
        test_points: test.points,
        test_accounts: test.accounts,
        test_churned: test.churned,
        auc: round(test.auc.unwrap_or(0.5)),
        auc_interval: test.auc_interval.map(|interval| [round(interval.low), round(interval.high)]),
        brier: round(test.brier.map_or(0.0, |brier| brier.score)),
        brier_of_base_rate: round(test.brier.map_or(0.0, |brier| brier.of_base_rate)),
        lambda,
        data: data_hash(examples),
        warnings,
    }
}
