//! A model that was fitted to history is loaded and applied like any other, and says so in every record.

use std::process::Command;

use churnwatch::backtest::Example;
use churnwatch::backtest::fit::{Fit, Options, RiskFunction, fit, model_text};
use churnwatch::config::Config;
use churnwatch::event::PerStream;
use churnwatch::metric::Metrics;
use churnwatch::score::model::file::DEFAULT_MODEL;
use churnwatch::score::{Model, Subject, assess};
use churnwatch::time::{DAY_MS, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

fn unit(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

/// A fit of the default model to 400 invented accounts, in which low scores are followed by churn. One point in ten is of an account in
/// onboarding.
fn fitted() -> Fit {
    let model = Model::default();
    let onboarding = ["activation", "onboarding_age"];
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let truth = RiskFunction::of(&model);
    let mut examples = Vec::new();
    for (account, month) in (0..400).flat_map(|account| (0..10).map(move |month| (account, month))) {
        let is_new = unit(&mut random) < 0.1;
        let mut input = |name: &str| {
            let value = 2.0 * unit(&mut random) - 1.0;
            let fits = name == "seats" || onboarding.contains(&name) == is_new;
            (fits && unit(&mut random) < 0.9).then_some(value)
        };
        let inputs: Box<[Option<f64>]> = model.components.iter().map(|component| input(&component.name)).collect();
        let churned = truth.risk(&inputs).is_some_and(|risk| unit(&mut random) < risk);
        examples.push(Example { account, instant: Timestamp(month * 30 * DAY_MS), churned, inputs });
    }
    fit(&model, &examples, &Options::of(60)).unwrap()
}

#[test]
fn a_fitted_model_gives_the_risks_of_its_fit() {
    let fit = fitted();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fitted.toml");
    std::fs::write(&path, model_text(DEFAULT_MODEL, &fit).unwrap()).unwrap();
    let config = Config::load_offline(Some(&path), &[], []).unwrap();
    let model = &config.model;
    assert!(model.risk.calibrated && model.risk.horizon_days == 60);
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut compared = 0;
    for tenure_days in [5.0, 400.0].repeat(200) {
        let mut metrics = Metrics::default();
        for component in &model.components {
            let source = &component.sources[0];
            let [from, to] = [source.curve.points()[0][0], source.curve.points().last().unwrap()[0]];
            if unit(&mut random) < 0.7 {
                metrics.real(source.metric, from + (to - from) * unit(&mut random), Some(100));
            }
        }
        let configured = PerStream([true; 5]);
        let subject = Subject {
            metrics: &metrics,
            segment: None,
            plan: None,
            stage: None,
            tenure_days,
            configured: &configured,
            health_override: None,
            other_instants: None,
        };
        let assessment = assess(model, &subject);
        let score = |name: &str| assessment.components.iter().find(|part| part.component.name == name).map(|part| part.score);
        let inputs: Vec<Option<f64>> = model.components.iter().map(|component| score(&component.name).map(Example::input)).collect();
        if let Some(risk) = assessment.risk {
            let expected = fit.function.risk(&inputs).unwrap();
            assert!((risk.probability - expected).abs() < 1e-12, "{inputs:?}: {} instead of {expected}", risk.probability);
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn every_record_of_a_fitted_model_says_that_it_is_calibrated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fitted.toml"), model_text(DEFAULT_MODEL, &fitted()).unwrap()).unwrap();
    let churnwatch = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_churnwatch")).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    churnwatch(&["simulate", "--accounts", "20", "--days", "60", "--activity", "0.2", "--out-dir", "."]);
    let replay = ["replay", "--config", "fitted.toml", "--usage", "usage.ndjson", "--accounts", "accounts.ndjson", "--out-changes", "-"];
    let changes = churnwatch(&replay);
    let calibrated = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["risk"]["calibrated"].clone();
    assert!(changes.lines().count() > 10, "{changes}");
    assert!(changes.lines().all(|line| calibrated(line) == true), "{changes}");
}

#[test]
fn evidence_that_cannot_be_true_is_refused() {
    let text = model_text(DEFAULT_MODEL, &fitted()).unwrap();
    let problems = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fitted.toml");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        Config::load_offline(Some(&path), &[], []).map(|_| ()).unwrap_err().to_string()
    };
    assert!(problems("\nauc = 0", "\nauc = 7").contains("risk.evidence.auc: is 7"), "{}", problems("\nauc = 0", "\nauc = 7"));
    assert!(problems("data = \"sha256:", "data = \"md5:").contains("risk.evidence.data"));
    let points = text.lines().find(|line| line.starts_with("points = ")).unwrap();
    assert!(problems(points, "points = 3").contains("risk.evidence.accounts: is 400"));
    assert!(problems("tested_from = \"1970", "tested_from = \"soon").contains("is not an RFC 3339 instant"));
    assert!(problems("\nauc = 0", "\nauk = 1\nauc = 0").contains("auk"));
}
