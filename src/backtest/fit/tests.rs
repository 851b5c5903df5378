//! Fits to histories whose truth is known.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::super::example::Example;
use super::super::quality::Bootstrap;
use super::exact::Rows;
use super::simulated::{history, model, truth, unit};
use super::{Calibration, Fit, Leak, Options, Part, Refusal, RiskFunction, fit};
use crate::score::Model;
use crate::score::model::Component;
use crate::time::{DAY_MS, Timestamp};

fn options() -> Options {
    Options { bootstrap: Bootstrap { seed: 1, resamples: 300 }, penalties: vec![0.0003, 0.003, 0.03], ..Options::of(60) }
}

fn fitted(examples: &[Example]) -> Fit {
    fit(&model(), examples, &options()).unwrap()
}

fn warns(fit: &Fit, text: &str) -> bool {
    fit.evidence.warnings.iter().any(|warning| warning.contains(text))
}

#[test]
fn known_coefficients_are_recovered_within_their_intervals() {
    let found = fitted(&history(7, 600, 12));
    for (coefficient, truth) in found.coefficients.iter().zip(truth().coefficients) {
        let interval = coefficient.odds_ratio_interval.unwrap();
        assert!(interval.contains((0.2 * truth).exp()), "{coefficient:?}, truth {truth}");
        assert!(interval.high / interval.low < 1.25, "{coefficient:?}");
        assert!((coefficient.odds_ratio - (0.2 * coefficient.value).exp()).abs() < 1e-12);
    }
    assert!((found.function.intercept - truth().intercept).abs() < 0.25, "{:?}", found.function);
    assert!(found.test.auc_interval.unwrap().low > 0.6 && found.test.brier.unwrap().skill.unwrap() > 0.05, "{:?}", found.test);
    assert_ne!(found.calibration, Calibration::NONE);
    assert!(!warns(&found, "no better than the base rate"), "{:?}", found.evidence.warnings);
}

#[test]
fn intervals_contain_the_truth_as_often_as_they_say() {
    let mut hits = 0;
    for seed in 0..25 {
        let mut rows = Rows::new(4);
        for example in history(100 + seed, 150, 4) {
            rows.push(example.account, &example.inputs, example.churned);
        }
        let minimum = rows.minimise(1e-6).unwrap();
        let errors = rows.standard_errors(1e-6, &minimum).unwrap();
        let truth = std::iter::once(truth().intercept).chain(truth().coefficients);
        let found = minimum.parameters.iter().zip(errors).zip(truth);
        hits += found.filter(|((value, error), truth)| error.is_some_and(|error| (*value - truth).abs() < 1.96 * error)).count();
    }
    // Of 125 intervals, 119 are expected; fewer than 110 has a probability below 1 in 1000.
    assert!((110..=125).contains(&hits), "{hits} of 125");
}

#[test]
fn nothing_is_learned_from_the_test_part_or_the_embargo() {
    let mut examples = history(3, 200, 10);
    let before = fitted(&examples);
    let (mut turned, learned) =
        (0, |example: &Example| before.split.part(example.account, example.instant).is_some_and(|part| part != Part::Test));
    for example in examples.iter_mut().filter(|example| !learned(example)) {
        example.churned = example.account.is_multiple_of(3);
        turned += 1;
    }
    let after = fitted(&examples);
    assert_eq!((turned, after.function), (600, before.function.clone()));
    assert_ne!(after.test.auc, before.test.auc);
}

/// Turns the outcomes of the calibration part around, and returns the fits before and after.
fn with_other_calibration(accounts: u64) -> [Fit; 2] {
    let mut examples = history(3, accounts, 10);
    let before = fitted(&examples);
    for example in &mut examples {
        let is_calibration = before.split.part(example.account, example.instant) == Some(Part::Calibration);
        example.churned ^= is_calibration;
    }
    let after = fitted(&examples);
    [before, after]
}

#[test]
fn a_part_too_small_to_calibrate_by_is_learned_from_instead() {
    let [before, after] = with_other_calibration(90);
    assert_eq!((before.calibration, after.calibration), (Calibration::NONE, Calibration::NONE));
    assert!(warns(&before, "not calibrated on a part of its own, which was learned from instead"), "{:?}", before.evidence.warnings);
    assert_ne!(before.function, after.function);
    // A part that is large enough moves and stretches the log-odds, and teaches the coefficients nothing else.
    let [before, after] = with_other_calibration(600);
    assert_ne!(before.calibration, after.calibration);
    let stretched = after.calibration.slope / before.calibration.slope;
    for (one, other) in before.function.coefficients.iter().zip(&after.function.coefficients) {
        assert!((one * stretched - other).abs() < 1e-5, "{before:?} {after:?}");
    }
}

/// How long it takes is said in docs/model.md.
#[test]
#[ignore = "takes most of a minute without optimisation"]
fn a_third_of_a_million_points_of_the_default_model_are_fitted() {
    let model = Model::default();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut examples = Vec::new();
    for (account, month) in (0..27_500_u64).flat_map(|account| (0..12_i64).map(move |month| (account, month))) {
        let input = |(place, component): (usize, &Component)| {
            let is_of_onboarding = ["activation", "onboarding_age"].contains(&component.name.as_ref());
            let is_absent = is_of_onboarding || (1..=8).contains(&place) && account % 11 == place as u64;
            (!is_absent).then(|| 2.0 * unit(&mut random) - 1.0)
        };
        let inputs: Box<[Option<f64>]> = model.components.iter().enumerate().map(input).collect();
        let risk = RiskFunction::of(&model).risk(&inputs).unwrap();
        let churned = unit(&mut random) < risk / 4.0;
        examples.push(Example { account, instant: Timestamp(month * 30 * DAY_MS), churned, inputs });
    }
    let found = fit(&model, &examples, &Options::of(60)).unwrap();
    assert_eq!(found.evidence.points, 330_000);
    assert!(found.test.auc_interval.unwrap().low > 0.6, "{:?}", found.test);
}

#[test]
fn shuffled_outcomes_cannot_be_foretold() {
    let mut examples = history(3, 400, 10);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for place in (1..examples.len()).rev() {
        let other = usize::try_from(random.next_u64() % (place as u64 + 1)).unwrap();
        let churned = examples[place].churned;
        examples[place].churned = std::mem::replace(&mut examples[other].churned, churned);
    }
    let found = fitted(&examples);
    let interval = found.test.auc_interval.unwrap();
    assert!(interval.contains(0.5) && interval.high - interval.low < 0.15, "{interval:?}");
    assert!(found.test.brier.unwrap().skill.unwrap() < 0.01, "{:?}", found.test.brier);
    assert!(warns(&found, "no better than the base rate"), "{:?}", found.evidence.warnings);
}

#[test]
fn a_component_that_knows_the_outcome_is_named() {
    let mut examples = history(3, 200, 6);
    assert!(fitted(&examples).leaks.is_empty());
    for example in &mut examples {
        example.inputs[2] = Some(if example.churned { -1.0 } else { 0.9 });
    }
    let found = fitted(&examples);
    assert!(found.leaks.iter().any(|leak| matches!(leak, Leak::Ranks { name, .. } if name == "tickets")), "{:?}", found.leaks);
    assert!(found.leaks.iter().any(|leak| matches!(leak, Leak::Jumps { name, .. } if name == "tickets")), "{:?}", found.leaks);
    assert!(warns(&found, "tickets alone reaches an AUC of 1.000"), "{:?}", found.evidence.warnings);
}

/// Inputs and outcomes are drawn once per account, so inputs tell accounts apart and foretell nothing of others.
#[test]
fn the_penalty_is_chosen_by_accounts_that_were_not_learned_from() {
    let mut examples = history(3, 80, 10);
    for example in &mut examples {
        let mut random = ChaCha8Rng::seed_from_u64(example.account);
        example.inputs.iter_mut().for_each(|input| *input = Some(2.0 * unit(&mut random) - 1.0));
        example.churned = unit(&mut random) < 0.5;
    }
    let found = fitted(&examples);
    assert_eq!(found.lambda.to_bits(), 0.03_f64.to_bits(), "the largest: {:?}", found.validation);
}

#[test]
fn the_order_of_points_does_not_show() {
    let mut examples = history(11, 150, 6);
    let one = fitted(&examples);
    examples.sort_by_key(|example| (example.account.wrapping_mul(0x9E37_79B9_7F4A_7C15), std::cmp::Reverse(example.instant)));
    let other = fitted(&examples);
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[test]
fn a_component_that_is_hardly_ever_present_has_no_coefficient() {
    let mut examples = history(3, 200, 6);
    for example in examples.iter_mut().skip(15) {
        example.inputs[3] = None;
    }
    let found = fitted(&examples);
    assert!(warns(&found, "surveys was present in fewer than 20 points"), "{:?}", found.evidence.warnings);
    let coefficient = &found.coefficients[3];
    assert!(coefficient.value == 0.0 && coefficient.standard_error.is_none() && coefficient.present < 0.02, "{coefficient:?}");
}

#[test]
fn points_without_inputs_are_no_points() {
    let mut examples = history(3, 200, 6);
    let expected = fitted(&examples);
    let empty = Example { inputs: [None; 4].into(), ..examples[0].clone() };
    examples.extend((0..50).map(|account| Example { account, ..empty.clone() }));
    assert_eq!(fitted(&examples).evidence, expected.evidence);
}

#[test]
fn too_little_history_is_refused_with_counts() {
    let refusal = |examples: &[Example]| fit(&model(), examples, &options()).unwrap_err();
    assert_eq!(refusal(&history(3, 33, 3)), Refusal::TooFewPoints { points: 99 });
    let mut examples = history(3, 200, 6);
    examples.iter_mut().filter(|example| example.account >= 15).for_each(|example| example.churned = false);
    let found = refusal(&examples);
    assert!(matches!(found, Refusal::TooFewAccounts { part: "training", needed: 20, .. }), "{found:?}");
    assert!(
        found.to_string().contains(" accounts that churned and ") && found.to_string().contains("at least 20 of each are needed"),
        "{found}"
    );
    let mut examples = history(3, 200, 6);
    examples.iter_mut().filter(|example| example.instant.0 > 0).for_each(|example| example.churned = false);
    assert!(matches!(refusal(&examples), Refusal::TooFewAccounts { part: "test", needed: 10, .. }));
}

#[test]
fn a_history_too_short_for_time_splits_or_the_embargo_warns() {
    let found = fitted(&history(3, 300, 1));
    assert!(warns(&found, "fewer than three instants"), "{:?}", found.evidence.warnings);
    let found = fit(&model(), &history(3, 200, 4), &Options { horizon_days: 365, ..options() }).unwrap();
    assert!(warns(&found, "too short for its horizon"), "{:?}", found.evidence.warnings);
    let found = fitted(&history(3, 300, 12));
    assert!(!warns(&found, "history"), "{:?}", found.evidence.warnings);
}

#[test]
fn the_evidence_counts_what_was_used() {
    let examples = history(3, 200, 10);
    let found = fitted(&examples).evidence;
    assert_eq!((found.points, found.accounts, found.test_points, found.test_accounts), (2000, 200, 400, 200));
    assert_eq!(found.churned, examples.iter().filter(|example| example.churned).count() as u64);
    assert_eq!((found.from.as_str(), found.to.as_str()), ("1970-01-01T00:00:00Z", "1970-09-28T00:00:00Z"));
    // The test begins on day 240; the outcomes of day 180 were known then.
    assert_eq!((found.learned_until.as_str(), found.tested_from.as_str()), ("1970-06-30T00:00:00Z", "1970-08-29T00:00:00Z"));
    assert!(found.data.starts_with("sha256:") && found.data.len() == 71);
    let mut changed = examples;
    changed[7].inputs[0] = Some(0.123);
    assert_ne!(fitted(&changed).evidence.data, found.data);
}

/// Few points, most components absent, scores at the ends, and outcomes that some component predicts perfectly.
#[test]
fn awkward_histories_are_fitted_too() {
    let mut fits = 0;
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut examples = history(seed, 60, 5);
        for example in &mut examples {
            for input in &mut example.inputs {
                *input = input.filter(|_| unit(&mut random) < 0.4).map(|value| if seed % 2 == 0 { value.signum() } else { value });
            }
            if seed % 3 == 0 {
                example.churned = example.inputs[0].map_or(unit(&mut random) < 0.2, |input| input < 0.0);
            }
        }
        match fit(&model(), &examples, &options()) {
            Ok(found) => {
                let Fit { function, .. } = found;
                assert!(function.intercept.is_finite() && function.coefficients.iter().all(|value| value.abs() < 100.0), "{function:?}");
                fits += 1;
            }
            Err(Refusal::TooFewAccounts { .. }) => {}
            Err(refusal) => panic!("seed {seed}: {refusal}"),
        }
    }
    assert!(fits > 20, "{fits}");
}
