//! Writes a fit into the text of a model file, and leaves everything else in it alone, comments included.

use toml_edit::{Array, DocumentMut, Formatted, InlineTable, Item, Table, TableLike, Value};

use super::fitted::Fit;
use super::function::RiskFunction;
use crate::score::model::Evidence;
use crate::score::{Model, ModelFile};

/// Above `[risk.evidence]`.
const COMMENT: &str =
    "\n# What the coefficients were fitted to, and how well they foretold the test part. Written by `churnwatch backtest --fit`.\n";

/// Why a fit could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The text is not TOML.
    #[error("the model is not TOML: {0}")]
    NotToml(#[from] toml_edit::TomlError),
    /// A key of the risk model has a value of another kind.
    #[error("{0} is not a table")]
    NotATable(&'static str),
    /// The result would not load.
    #[error("the fitted model would not load: {0}")]
    Invalid(String),
    /// The text is that of another model than the one that was fitted.
    #[error("the fitted model would not give the risks of the fit: the text belongs to another model")]
    OtherModel,
}

/// The text of a model with the fitted risk: `[risk]` with horizon, intercept, coefficients and `calibrated = true`, and `[risk.evidence]`.
/// The text may be a model file or a configuration with the tables of a model. The result is checked as `run` would.
///
/// # Errors
/// See [`TextError`].
pub fn model_text(text: &str, fit: &Fit) -> Result<String, TextError> {
    let mut document: DocumentMut = text.parse()?;
    let risk = document.entry("risk").or_insert_with(|| Item::Table(Table::new()));
    let is_inline = risk.is_inline_table();
    let risk = risk.as_table_like_mut().ok_or(TextError::NotATable("risk"))?;
    set(risk, "horizon_days", i64::from(fit.horizon_days).into());
    set(risk, "intercept", number(fit.function.intercept));
    set(risk, "calibrated", true.into());
    let coefficients = table(risk, "coefficients", is_inline, "").ok_or(TextError::NotATable("risk.coefficients"))?;
    for coefficient in &fit.coefficients {
        set(coefficients, &coefficient.component, number(coefficient.value));
    }
    let evidence = table(risk, "evidence", is_inline, COMMENT).ok_or(TextError::NotATable("risk.evidence"))?;
    evidence.clear();
    for (key, value) in entries(&fit.evidence) {
        evidence.insert(key, Item::Value(value));
    }
    let written = document.to_string();
    check(document, &fit.function)?;
    Ok(written)
}

/// The table of a key, created if it is missing.
fn table<'a>(parent: &'a mut dyn TableLike, key: &str, is_inline: bool, comment: &str) -> Option<&'a mut dyn TableLike> {
    let new = || {
        if is_inline {
            return Item::Value(Value::InlineTable(InlineTable::new()));
        }
        let mut table = Table::new();
        table.decor_mut().set_prefix(if comment.is_empty() { "\n" } else { comment });
        Item::Table(table)
    };
    parent.entry(key).or_insert_with(new).as_table_like_mut()
}

/// Sets a value and keeps the space and comments around the one before it.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        table.insert(key, Item::Value(value));
    }
}

/// A number as it is written elsewhere in models; -0 is 0.
fn number(value: f64) -> Value {
    Value::Float(Formatted::new(value + 0.0))
}

/// The entries of `[risk.evidence]`, in the order of its fields.
fn entries(evidence: &Evidence) -> Vec<(&'static str, Value)> {
    let count = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
    let mut entries = vec![
        ("from", Value::from(&evidence.from)),
        ("to", Value::from(&evidence.to)),
        ("points", count(evidence.points)),
        ("accounts", count(evidence.accounts)),
        ("churned", count(evidence.churned)),
        ("learned_until", Value::from(&evidence.learned_until)),
        ("tested_from", Value::from(&evidence.tested_from)),
        ("test_points", count(evidence.test_points)),
        ("test_accounts", count(evidence.test_accounts)),
        ("test_churned", count(evidence.test_churned)),
        ("auc", number(evidence.auc)),
    ];
    entries.extend(evidence.auc_interval.map(|bounds| ("auc_interval", Value::from(bounds.into_iter().map(number).collect::<Array>()))));
    entries.extend([
        ("brier", number(evidence.brier)),
        ("brier_of_base_rate", number(evidence.brier_of_base_rate)),
        ("lambda", number(evidence.lambda)),
        ("data", Value::from(&evidence.data)),
        ("warnings", Value::Array(lines(&evidence.warnings))),
    ]);
    entries
}

/// One text per line.
fn lines(texts: &[String]) -> Array {
    let mut array = Array::new();
    for text in texts {
        array.push(text);
        if let Some(value) = array.get_mut(array.len() - 1) {
            value.decor_mut().set_prefix("\n    ");
        }
    }
    if !texts.is_empty() {
        array.set_trailing("\n");
        array.set_trailing_comma(true);
    }
    array
}

/// Loads the tables of the model as `run` does, and compares the risk function.
fn check(mut document: DocumentMut, function: &RiskFunction) -> Result<(), TextError> {
    document.as_table_mut().retain(|table, _| ModelFile::TABLES.contains(&table));
    let file = ModelFile::parse(&document.to_string()).map_err(|error| TextError::Invalid(error.message().to_owned()))?;
    let joined = |problems: Vec<crate::score::ModelProblem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let model = Model::compile(&file).map_err(|problems| TextError::Invalid(joined(problems)))?;
    if RiskFunction::of(&model) == *function { Ok(()) } else { Err(TextError::OtherModel) }
}

#[cfg(test)]
mod tests {
    use super::super::simulated::{history, model};
    use super::super::{Coefficient, Options, fit};
    use super::*;

    const DEFAULT: &str = include_str!("../../../config/model.toml");

    /// A fit of these components, with coefficients -0.01, -0.02, ...
    fn fit_of(names: &[&str]) -> Fit {
        let simulated = fit(&model(), &history(3, 200, 6), &Options::of(45)).unwrap();
        let values = || (1_u8..).zip(names).map(|(nth, name)| (f64::from(nth) / -100.0, name));
        let coefficient =
            |(value, name): (f64, &&str)| Coefficient { component: (*name).into(), value, ..simulated.coefficients[0].clone() };
        Fit {
            function: RiskFunction { intercept: -2.5, coefficients: values().map(|(value, _)| value).collect() },
            coefficients: values().map(coefficient).collect(),
            ..simulated
        }
    }

    fn default_fit() -> Fit {
        let model = Model::compile(&ModelFile::parse(DEFAULT).unwrap()).unwrap();
        fit_of(&model.components.iter().map(|component| component.name.as_str()).collect::<Vec<_>>())
    }

    /// Two components, and a risk model in some notation.
    fn own(risk: &str) -> String {
        let component = |name: &str| {
            format!(
                "[[health.component]]\nname = '{name}'\ngroup = 'usage'\nmetric = 'usage.trend'\ncurve = [[0, 0], [1, 100]]\nweight = 1\n"
            )
        };
        format!("{risk}\n{}{}", component("a"), component("b"))
    }

    #[test]
    fn everything_but_the_risk_model_is_left_alone() {
        let written = model_text(DEFAULT, &default_fit()).unwrap();
        let (mut kept, mut replaced) = (written.lines(), 0);
        for line in DEFAULT.lines() {
            let is_kept = kept.clone().any(|other| other == line);
            if is_kept {
                assert!(kept.any(|other| other == line), "moved: {line}");
            } else {
                replaced += 1;
            }
        }
        assert_eq!(replaced, 14, "horizon, intercept, calibrated and eleven coefficients");
        for line in ["horizon_days = 45", "intercept = -2.5", "calibrated = true", "recency = -0.01", "onboarding_age = -0.11"] {
            assert!(written.lines().any(|other| other == line), "{line}");
        }
        assert!(written.contains("Written by `churnwatch backtest --fit`.\n[risk.evidence]\nfrom = \"1970-01-01T00:00:00Z\""), "{written}");
    }

    #[test]
    fn writing_again_changes_nothing() {
        let once = model_text(DEFAULT, &default_fit()).unwrap();
        assert_eq!(model_text(&once, &default_fit()).unwrap(), once);
        let mut without_interval = default_fit();
        without_interval.evidence.auc_interval = None;
        let changed = model_text(&once, &without_interval).unwrap();
        assert!(once.contains("auc_interval") && !changed.contains("auc_interval"));
    }

    #[test]
    fn comments_behind_values_stay() {
        let text = own("[risk]\nintercept = -1   # ours\ncoefficients = { a = -1, b = 2 } # both\nlevels = { medium = 0.2 } # tuned");
        let written = model_text(&text, &fit_of(&["a", "b"])).unwrap();
        for line in ["intercept = -2.5   # ours", "coefficients = { a = -0.01, b = -0.02 } # both", "levels = { medium = 0.2 } # tuned"] {
            assert!(written.contains(line), "{written}");
        }
    }

    #[test]
    fn every_notation_of_the_risk_model_is_understood() {
        for risk in ["", "[risk]", "risk.intercept = 1", "risk = { intercept = 1, coefficients = { b = 1 } }", "[risk.coefficients]\na = 1"]
        {
            let written = model_text(&own(risk), &fit_of(&["a", "b"]));
            let written = written.unwrap_or_else(|error| panic!("{risk}: {error}"));
            assert!(written.contains("calibrated = true") && written.contains("evidence"), "{written}");
        }
        let amending = model_text("# ours\n[bands]\ngreen = 80\n", &default_fit()).unwrap();
        assert!(amending.starts_with("# ours\n[bands]\ngreen = 80\n\n[risk]\nhorizon_days = 45\n"), "{amending}");
    }

    #[test]
    fn tables_of_the_configuration_around_a_model_are_left_alone() {
        let text = own("[kafka]\nbrokers = \"a:9092\" # one\n");
        let written = model_text(&text, &fit_of(&["a", "b"])).unwrap();
        assert!(written.starts_with(&text), "{written}");
    }

    #[test]
    fn a_text_that_would_not_give_the_fitted_risks_is_refused() {
        let of = |text: &str| model_text(text, &fit_of(&["a", "b"])).unwrap_err();
        assert!(matches!(of("[risk"), TextError::NotToml(_)));
        assert!(matches!(of("risk = 3"), TextError::NotATable("risk")));
        assert!(matches!(of("[risk]\nevidence = 3"), TextError::NotATable("risk.evidence")));
        let other = own("").replace("'a'", "'c'");
        assert!(matches!(of(&other), TextError::OtherModel | TextError::Invalid(_)));
    }
}
