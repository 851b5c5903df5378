//! A model in TOML: a separate file, or these seven tables in the main configuration.
//!
//! Only the shape is checked here; [`Model::compile`](super::Model::compile) validates the content. A file without components amends the
//! default model; one with components is self-contained (see [`ModelFile::completed`]).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;

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
    /// `[[profile]]`, in order; absent: those of the default model or, in a file with its own components, one profile with all of them.
    pub profile: Option<Vec<Profile>>,
    /// `[[rule]]`; absent: those of the default model or, in a file with its own components, none.
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
    /// Name in records and dashboards.
    pub name: Option<String>,
    /// Share of the weights that must be present for a score, 0..=1; may be given in `[health]` instead.
    pub min_coverage: Option<f64>,
}

/// `[health]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Same as [`Identity::min_coverage`].
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
    /// Points (metric, score), ascending by metric.
    pub curve: Vec<[f64; 2]>,
    /// At least 0; only its share of the sum matters. With 0, it has a part in risk only.
    pub weight: f64,
    /// The metric counts as absent with fewer answers, tickets or events.
    pub min_n: Option<u64>,
    /// Alternatives, in order of preference, while the metric is absent.
    #[serde(default)]
    pub or: Vec<Alternative>,
}

/// An alternative metric of a component, with its curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// An account metric.
    pub metric: String,
    /// See [`Component::curve`].
    pub curve: Vec<[f64; 2]>,
    /// See [`Component::min_n`].
    pub min_n: Option<u64>,
}

/// `[[profile]]`: the components used for matching accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, unique in the model.
    pub name: String,
    /// Conditions on accounts, all of which must hold. The last profile has none.
    #[serde(default)]
    pub when: When,
    /// Names of components.
    pub components: Vec<String>,
}

/// Conditions of a profile; omitted ones always hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Tenure below this many days.
    pub tenure_days_below: Option<f64>,
    /// Tenure of at least this many days.
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

/// A list of names, or a single name.
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
    /// Unique name, shown in explanations.
    pub name: String,
    /// Comparisons of a metric with a number, joined by `and`.
    pub when: String,
    /// Upper bound on health, 0..=100.
    pub cap_health: Option<f64>,
    /// Lower bound on risk, 0..=1.
    pub risk_at_least: Option<f64>,
    /// Whether its cap skips the hysteresis of bands.
    #[serde(default)]
    pub immediate: bool,
}

/// `[risk]`: a logistic model over the scores of components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Risk {
    /// Prediction horizon, days.
    pub horizon_days: u32,
    /// Log-odds of an account with every component at 50.
    pub intercept: f64,
    /// Change of log-odds by component, at a score of 100 relative to 50; absent: as for [`ModelFile::rule`].
    pub coefficients: Option<BTreeMap<String, f64>>,
    /// Borders of the levels.
    pub levels: Levels,
    /// Whether the coefficients were fitted and validated on the user's own data.
    pub calibrated: bool,
    /// `[risk.evidence]`: what they were fitted to. Not part of the hash, because it has no influence on scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// `risk.levels`: lower bounds of levels, ascending within 0..1; below `medium` is low.
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
    /// Green at or above this score.
    pub green: f64,
    /// Yellow at or above this score, red below.
    pub yellow: f64,
    /// What it takes to enter a worse band.
    pub worse: Crossing,
    /// What it takes to enter a better band.
    pub better: Crossing,
}

/// A border is crossed this many points past it, or after this many hours beyond it.
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
    /// Publish if the score moved this many points since the last change.
    pub score_points: f64,
    /// Publish if the risk moved this far since the last change.
    pub risk: f64,
}

impl Default for Risk {
    fn default() -> Self {
        Self { horizon_days: 90, intercept: -1.2, coefficients: None, levels: Levels::default(), calibrated: false, evidence: None }
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
    /// The tables of the main configuration that belong to the model.
    pub const TABLES: [&'static str; 7] = ["model", "health", "profile", "rule", "risk", "bands", "publish"];

    /// Reads a model file.
    ///
    /// # Errors
    /// If it is not TOML, has an unknown key, or has a value of the wrong type; the error has the position.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The text of the default model, with its comments.
    #[must_use]
    pub const fn default_text() -> &'static str {
        DEFAULT_MODEL
    }

    /// The default model.
    #[must_use]
    pub fn default_model() -> Self {
        DEFAULT_FILE.clone()
    }

    /// Fills in everything the file omits. A file without components takes them, and any profiles, rules and coefficients that it lacks,
    /// from the default model. A file with its own components takes nothing; without profiles it gets one with all components.
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
    fn the_defaults_in_code_match_the_default_model() {
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
    fn a_file_with_its_own_components_is_self_contained() {
        let text =
            "[[health.component]]\nname = \"a\"\ngroup = \"usage\"\nmetric = \"usage.trend\"\ncurve = [[0.0, 0], [1, 100]]\nweight = 1";
        let own = ModelFile::parse(text).unwrap().completed();
        assert_eq!(own.profile.unwrap()[0].components, ["a"]);
        assert_eq!((own.rule, own.risk.coefficients), (Some(Vec::new()), Some(BTreeMap::new())));
    }

    #[test]
    fn unknown_keys_are_rejected_everywhere() {
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
