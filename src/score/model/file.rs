//! A model as it is written in TOML: in a file of its own, or as these seven tables of the main configuration.
//!
//! Only the shape is checked here; [`Model::compile`](super::Model::compile) checks what it says. A file that declares no component
//! amends the default model; one that declares its own stands alone (see [`ModelFile::completed`]).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The text of the default model, `config/model.toml`.
pub const DEFAULT_MODEL: &str = include_str!("../../../config/model.toml");

#[expect(clippy::expect_used, reason = "the embedded file is part of the program, and a test reads it")]
static DEFAULT_FILE: LazyLock<ModelFile> = LazyLock::new(|| ModelFile::parse(DEFAULT_MODEL).expect("config/model.toml is a model"));

/// The tables of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelFile {
    /// `[model]`.
    pub model: Identity,
    /// `[health]`.
    pub health: Health,
    /// `[[profile]]`, in order; absent: those of the default model, or one of all components where the file declares its own.
    pub profile: Option<Vec<Profile>>,
    /// `[[rule]]`; absent: those of the default model, or none where the file declares its own components.
    pub rule: Option<Vec<Rule>>,
    /// `[risk]`.
    pub risk: Risk,
    /// `[bands]`.
    pub bands: Bands,
    /// `[publish]`.
    pub publish: Publish,
}

/// `[model]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Name in records and on boards.
    pub name: Option<String>,
    /// Share of the weights that must be present for a score, 0..=1; may stand in `[health]` instead.
    pub min_coverage: Option<f64>,
}

/// `[health]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// As [`Identity::min_coverage`].
    pub min_coverage: Option<f64>,
    /// `[[health.component]]`; absent: those of the default model.
    pub component: Option<Vec<Component>>,
}

/// `[[health.component]]`: a metric, a curve to 0..=100 and a weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its name, unique in the model.
    pub name: String,
    /// usage, depth, breadth, revenue, support or sentiment.
    pub group: String,
    /// An account metric.
    pub metric: String,
    /// Points (metric, score), the metric ascending.
    pub curve: Vec<[f64; 2]>,
    /// Above 0; only its share of the sum matters.
    pub weight: f64,
    /// Answers, tickets or events below which the metric counts as absent.
    pub min_n: Option<u64>,
    /// What stands in, in this order, while the metric is absent.
    #[serde(default)]
    pub or: Vec<Alternative>,
}

/// A metric with its curve that stands in for another of the same component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// An account metric.
    pub metric: String,
    /// As [`Component::curve`].
    pub curve: Vec<[f64; 2]>,
    /// As [`Component::min_n`].
    pub min_n: Option<u64>,
}

/// `[[profile]]`: the components of some accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, unique in the model.
    pub name: String,
    /// Which accounts; every condition must hold. The last profile has none.
    #[serde(default)]
    pub when: When,
    /// Names of components.
    pub components: Vec<String>,
}

/// Conditions of a profile; those left out hold for every account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Tenure below so many days.
    pub tenure_days_below: Option<f64>,
    /// Tenure of at least so many days.
    pub tenure_days_at_least: Option<f64>,
    /// One of these segments.
    #[serde(deserialize_with = "one_or_many")]
    pub segment: Option<Vec<String>>,
    /// One of these plans.
    #[serde(deserialize_with = "one_or_many")]
    pub plan: Option<Vec<String>>,
    /// One of these stages.
    #[serde(deserialize_with = "one_or_many")]
    pub stage: Option<Vec<String>>,
}

/// A list of names; a name alone is a list of one.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a name or a list of names")]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(Some(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    }))
}

/// `[[rule]]`: caps health or raises risk while a condition over metrics holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, unique in the model; the explanation shows it.
    pub name: String,
    /// Comparisons of a metric with a number, joined by `and`.
    pub when: String,
    /// Health is this at most, 0..=100.
    pub cap_health: Option<f64>,
    /// Risk is this at least, 0..=1.
    pub risk_at_least: Option<f64>,
    /// Whether its cap passes the hysteresis of bands at once.
    #[serde(default)]
    pub immediate: bool,
}

/// `[risk]`: a logistic model over the scores of components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Risk {
    /// How far ahead, days.
    pub horizon_days: u32,
    /// Log-odds of an account with every component at 50.
    pub intercept: f64,
    /// Log-odds for each component, at 100 against 50; absent: as for [`ModelFile::rule`].
    pub coefficients: Option<BTreeMap<String, f64>>,
    /// Borders of the levels.
    pub levels: Levels,
    /// Whether the coefficients were fitted and validated on the user's own history.
    pub calibrated: bool,
}

/// `risk.levels`: where a level begins, 0..1 and ascending; below the first it is low.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// Medium.
    pub medium: f64,
    /// High.
    pub high: f64,
    /// Critical.
    pub critical: f64,
}

/// `[bands]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bands {
    /// Green from this score on.
    pub green: f64,
    /// Yellow from this score on, red below.
    pub yellow: f64,
    /// What it takes to enter a worse band.
    pub worse: Crossing,
    /// What it takes to enter a better band.
    pub better: Crossing,
}

/// A border is crossed at so many points past it, or after so many hours beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossing {
    /// Points past the border, >= 0.
    pub points: f64,
    /// Hours beyond the border, >= 0.
    pub hours: f64,
}

/// `[publish]`: what is published besides changes of band and level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Publish {
    /// A score that moved so many points since the last change.
    pub score_points: f64,
    /// A risk that moved so far since the last change.
    pub risk: f64,
}

impl Default for Risk {
    fn default() -> Self {
        Self { horizon_days: 90, intercept: -1.2, coefficients: None, levels: Levels::default(), calibrated: false }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { medium: 0.1, high: 0.3, critical: 0.6 }
    }
}

impl Default for Bands {
    fn default() -> Self {
        Self { green: 70.0, yellow: 40.0, worse: Crossing { points: 3.0, hours: 24.0 }, better: Crossing { points: 5.0, hours: 48.0 } }
    }
}

impl Default for Publish {
    fn default() -> Self {
        Self { score_points: 5.0, risk: 0.05 }
    }
}

impl ModelFile {
    /// The tables that are a model's where they stand in the main configuration.
    pub const TABLES: [&'static str; 7] = ["model", "health", "profile", "rule", "risk", "bands", "publish"];

    /// Reads a model file.
    ///
    /// # Errors
    /// When it is no TOML, has an unknown key, or a value of a wrong type; the error knows where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The default model.
    #[must_use]
    pub fn default_model() -> Self {
        DEFAULT_FILE.clone()
    }

    /// This file with everything it leaves to others filled in: a file without components has those, the profiles, rules and
    /// coefficients of the default model where it gives none itself; a file with its own components has only what it says, and where it
    /// says no profile, one of all components.
    #[must_use]
    pub fn completed(&self) -> Self {
        let mut file = self.clone();
        if *self == Self::default() {
            file.model.name.clone_from(&DEFAULT_FILE.model.name);
        }
        match &self.health.component {
            None => {
                file.health.component.clone_from(&DEFAULT_FILE.health.component);
                file.profile = file.profile.or_else(|| DEFAULT_FILE.profile.clone());
                file.rule = file.rule.or_else(|| DEFAULT_FILE.rule.clone());
                file.risk.coefficients = file.risk.coefficients.or_else(|| DEFAULT_FILE.risk.coefficients.clone());
            }
            Some(components) => {
                file.profile = file.profile.or_else(|| {
                    let components = components.iter().map(|component| component.name.clone()).collect();
                    Some(vec![Profile { name: "default".into(), when: When::default(), components }])
                });
                file.rule = file.rule.or_else(|| Some(Vec::new()));
                file.risk.coefficients = file.risk.coefficients.or_else(|| Some(BTreeMap::new()));
            }
        }
        file.model.name = file.model.name.or_else(|| Some("custom".into()));
        file.model.min_coverage = file.model.min_coverage.or(file.health.min_coverage.take()).or(Some(0.4));
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_taken_where_a_file_gives_none_are_those_of_the_default_model() {
        let written = ModelFile::default_model();
        let coefficients = written.risk.coefficients.clone();
        assert_eq!(written.risk, Risk { coefficients, ..Risk::default() });
        assert_eq!(written.bands, Bands::default());
        assert_eq!(written.publish, Publish::default());
        assert_eq!(written, ModelFile::default().completed());
    }

    #[test]
    fn a_file_without_components_amends_the_default_model() {
        let amended = ModelFile::parse("[bands]\ngreen = 80\n[risk.levels]\nhigh = 0.4").unwrap().completed();
        let default = ModelFile::default_model();
        assert_eq!((amended.health.component, amended.rule), (default.health.component, default.rule));
        assert_eq!((amended.bands.green, amended.bands.yellow), (80.0, 40.0));
        assert_eq!(amended.risk.levels, Levels { medium: 0.1, high: 0.4, critical: 0.6 });
        assert_eq!(amended.model.name.as_deref(), Some("custom"));
    }

    #[test]
    fn a_file_with_its_own_components_stands_alone() {
        let text =
            "[[health.component]]\nname = \"a\"\ngroup = \"usage\"\nmetric = \"usage.trend\"\ncurve = [[0.0, 0], [1, 100]]\nweight = 1";
        let own = ModelFile::parse(text).unwrap().completed();
        assert_eq!(own.profile.unwrap()[0].components, ["a"]);
        assert_eq!((own.rule, own.risk.coefficients), (Some(Vec::new()), Some(BTreeMap::new())));
    }

    #[test]
    fn unknown_keys_are_refused_everywhere() {
        for text in [
            "colour = 1",
            "[bands]\nblue = 1",
            "[risk]\nlevels = { low = 1 }",
            "[[profile]]\nname = 'x'\ncomponents = []\nwhen = { age = 1 }",
        ] {
            assert!(ModelFile::parse(text).is_err(), "{text}");
        }
    }
}
