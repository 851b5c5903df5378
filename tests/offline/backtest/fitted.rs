//! `backtest --fit`: the model that it writes, and what it says about it.

use serde_json::Value;

use super::{RECENCY, churnwatch, close, day, figures, refusal, text, used, write};

/// 150 accounts that use the product every fifth day, two thirds of which fall silent at some time. On ten dates, they are labelled: of those
/// silent for 20 days, `leave_silent` in ten leave, of the others one in ten.
fn silent_ones(leave_silent: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let draw = |account: u64, what: u64| ((account * 1_000 + what).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % 1_000;
    let last = |account: u64| if account.is_multiple_of(3) { 300 } else { 20 + i64::try_from(draw(account, 0) % 280).unwrap() };
    let (mut uses, mut labels) = (Vec::new(), vec!["account_id,as_of,churned".to_owned()]);
    for account in 0..150_u64 {
        let days = (0..=last(account)).step_by(5);
        let last_use = |n: i64| n.min(last(account)) / 5 * 5;
        uses.extend(days.map(|n| used(&format!("a{account}"), n)));
        for n in (30..=300).step_by(30) {
            let is_silent = n - last_use(n) > 20;
            let of_ten = if is_silent { leave_silent } else { u64::from(leave_silent < 10) };
            let churned = draw(account, u64::try_from(n).unwrap()) % 10 < of_ten;
            labels.push(format!("a{account},{},{}", day(n), u8::from(churned)));
        }
    }
    uses.push(used("a0", 301));
    write(folder.path(), "usage.ndjson", &uses);
    write(folder.path(), "labels.csv", &labels);
    std::fs::write(folder.path().join("model.toml"), RECENCY).unwrap();
    folder
}

const ARGUMENTS: [&str; 6] = ["--config", "model.toml", "--usage", "usage.ndjson", "--labels", "labels.csv"];

#[test]
fn the_fitted_model_is_the_same_to_the_byte_and_gives_the_figures_of_its_evidence() {
    let folder = silent_ones(6);
    let fitted = figures(folder.path(), &[&ARGUMENTS[..], &["--fit", "one.toml"]].concat());
    let again = figures(folder.path(), &[&ARGUMENTS[..], &["--fit", "--out-model", "two.toml"]].concat());
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!((read("one.toml"), &fitted), (read("two.toml"), &again));
    assert_eq!(fitted["fitted"], Value::Bool(true));
    let odds = fitted["components"][0]["odds_ratio"].as_f64().unwrap();
    assert!(odds < 1.0, "more recency, less churn: {odds}");
    let evidence = toml::from_str::<toml::Table>(&read("one.toml")).unwrap()["risk"]["evidence"].clone();
    // As the service would score with it, from the file alone.
    let model = ["--config", "one.toml", "--usage", "usage.ndjson", "--labels", "labels.csv"];
    let judged = figures(folder.path(), &model);
    for (key, figure) in [("auc", &judged["test"]["auc"]["value"]), ("brier", &judged["test"]["brier"])] {
        let written = evidence[key].as_float().unwrap();
        assert!((written - figure.as_f64().unwrap()).abs() < 1e-6, "{key}: {written} and {figure}");
    }
    close(&judged["test"]["points"], evidence["test_points"].as_integer().unwrap() as f64);
    assert!(judged["test"]["brier"].as_f64() < judged["test"]["base_rate_brier"].as_f64(), "{judged}");
}

#[test]
fn a_component_that_knows_the_outcome_is_named() {
    let folder = silent_ones(10);
    let output = churnwatch(folder.path(), &[&["backtest", "--fit", "out.toml"], &ARGUMENTS[..]].concat());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("warning: recency alone reaches an AUC of 1.000: it may record churn rather than foretell it"), "{said}");
    assert!(said.contains("odds per 10 points"), "{said}");
    let written = std::fs::read_to_string(folder.path().join("out.toml")).unwrap();
    assert!(written.contains("recency alone reaches an AUC"), "{written}");
}

#[test]
fn curves_are_suggested_for_components_that_history_speaks_about() {
    let folder = silent_ones(8);
    let output = churnwatch(folder.path(), &[&["backtest", "--fit", "--suggest-curves"], &ARGUMENTS[..]].concat());
    let said = text(&output.stderr);
    assert!(said.contains("recency") && said.contains("usage.days_since_last: curve = [["), "{said}");
    let (table, curves) = (said.find("held out").unwrap(), said.find("suggested curves").unwrap());
    assert!(table < curves, "the curves are the last thing that one reads: {said}");
}

#[test]
fn a_component_without_a_suggestion_says_why() {
    let folder = silent_ones(8);
    std::fs::write(folder.path().join("model.toml"), RECENCY.replace("[[0, 100], [100, 0]]", "[[0, 60], [50, 90], [100, 60]]")).unwrap();
    let output = churnwatch(folder.path(), &[&["backtest", "--fit", "--suggest-curves"], &ARGUMENTS[..]].concat());
    let said = text(&output.stderr);
    let why = "usage.days_since_last: none, its curve is as high at its end as at its beginning, so it does not tell which way to go";
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_warning_of_few_data_is_given_once() {
    let folder = silent_ones(6);
    let labels = std::fs::read_to_string(folder.path().join("labels.csv")).unwrap();
    let number = |line: &str| line.split(',').next()?.strip_prefix('a')?.parse::<u32>().ok();
    let of_few = |line: &&str| number(line).is_none_or(|number| number < 100);
    write(folder.path(), "labels.csv", &labels.lines().filter(of_few).map(str::to_owned).collect::<Vec<_>>());
    let output = churnwatch(folder.path(), &[&["backtest", "--fit"], &ARGUMENTS[..]].concat());
    let said = text(&output.stderr);
    let of_test =
        said.lines().filter(|line| line.starts_with("warning: few data") && (line.contains("test part") || line.contains("held-out")));
    assert_eq!(of_test.count(), 1, "{said}");
}

#[test]
fn a_metric_outside_the_components_that_knows_the_outcome_is_named() {
    let folder = silent_ones(10);
    // Whoever has not used the product for 20 days leaves: days since the last use tell, and no component measures them.
    let model = RECENCY.replace("usage.days_since_last", "usage.age_days").replace("[[0, 100], [100, 0]]", "[[0, 0], [300, 100]]");
    std::fs::write(folder.path().join("model.toml"), model).unwrap();
    let output = churnwatch(folder.path(), &[&["backtest", "--fit", "out.toml"], &ARGUMENTS[..]].concat());
    let said = text(&output.stderr);
    assert!(said.contains("warning: usage.days_since_last alone reaches an AUC of 1.000: it may record churn rather than foretell it; no component measures it"), "{said}");
    assert!(!said.contains("usage.age_days alone"), "{said}");
    assert!(std::fs::read_to_string(folder.path().join("out.toml")).unwrap().contains("usage.days_since_last alone"));
}

#[test]
fn a_history_of_the_last_century_says_which_key_admits_it() {
    let folder = silent_ones(6);
    let uses = std::fs::read_to_string(folder.path().join("usage.ndjson")).unwrap().replace("\"2026-", "\"1997-");
    std::fs::write(folder.path().join("usage.ndjson"), uses).unwrap();
    let (_, said) = refusal(folder.path(), &ARGUMENTS);
    assert!(said.contains("if events are that old, set time.earliest to a date before them (--set time.earliest=1990-01-01)"), "{said}");
}

#[test]
fn too_little_history_is_not_fitted() {
    let folder = silent_ones(6);
    let labels = std::fs::read_to_string(folder.path().join("labels.csv")).unwrap();
    write(folder.path(), "labels.csv", &labels.lines().take(60).map(str::to_owned).collect::<Vec<_>>());
    let (code, said) = refusal(folder.path(), &[&ARGUMENTS[..], &["--fit", "out.toml"]].concat());
    assert_eq!(code, Some(1));
    assert!(said.contains("59 points are too few to fit a risk model, at least 100 are needed"), "{said}");
    let (_, said) = refusal(folder.path(), &[&ARGUMENTS[..], &["--fit", "out.toml", "--suggest-curves"]].concat());
    assert!(said.ends_with("; without a fit, no curves are suggested either"), "{said}");
    assert!(!folder.path().join("out.toml").exists());
}
