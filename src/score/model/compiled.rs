//! A compiled model: validated, with names resolved. Built by [`Model::compile`].

use std::sync::LazyLock;

use super::condition::Condition;
use super::curve::Curve;
use super::evidence::Evidence;
use super::file::{Bands, Levels, ModelFile, Publish};
use super::profile::{Group, ScoringProfile};
use crate::metric::Metric;

#[expect(clippy::expect_used, reason = "the embedded file is part of the program, and a test compiles it")]
static DEFAULT: LazyLock<Model> = LazyLock::new(|| Model::compile(&ModelFile::default_model()).expect("config/model.toml has no problem"));

/// A validated model. Its parts refer to each other by index; [`Model::compile`] guarantees that indices are valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Name in records and dashboards.
    pub name: String,
    /// `sha256:` and 64 hex digits: hash of the completed [`ModelFile`] in canonical form, independent of comments, key order, and whether
    /// defaults are spelled out.
    pub hash: String,
    /// The first 8 bytes of the hash, stored in account state.
    pub id: u64,
    /// Share of the weights that must be present for a score, 0..=1.
    pub min_coverage: f64,
    /// Components, in file order.
    pub components: Vec<Component>,
    /// Profiles, in file order; the last matches every account.
    pub profiles: Vec<ScoringProfile>,
    /// Rules, in file order.
    pub rules: Vec<Rule>,
    /// Risk.
    pub risk: RiskModel,
    /// Borders of the bands.
    pub bands: Bands,
    /// Publish thresholds.
    pub publish: Publish,
}

/// A component: a weight, and metrics with curves, the first present of which counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Hash of the name.
    pub id: u32,
    /// Group in explanations and gauges.
    pub group: Group,
    /// At least 0. Without one, the component has no part in health.
    pub weight: f64,
    /// The metric, then its alternatives.
    pub sources: Vec<Source>,
    /// Coefficient of the risk model; 0: none.
    pub coefficient: f64,
}

/// A metric with its curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The metric.
    pub metric: Metric,
    /// Maps values to 0..=100.
    pub curve: Curve,
    /// The metric counts as absent below this sample size, if it has one.
    pub min_n: u64,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// When it is in force.
    pub condition: Condition,
    /// Upper bound on health.
    pub cap_health: Option<f64>,
    /// Lower bound on risk.
    pub risk_at_least: Option<f64>,
    /// Whether its cap skips hysteresis.
    pub immediate: bool,
}

/// The risk model, without the coefficients, which are in the components.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskModel {
    /// How far ahead, days.
    pub horizon_days: u32,
    /// Log-odds if every component scores 50.
    pub intercept: f64,
    /// Sum of all |coefficient|.
    pub total: f64,
    /// Lower bounds of the levels.
    pub levels: Levels,
    /// Whether the coefficients were fitted to the user's own history.
    pub calibrated: bool,
    /// What they were fitted to.
    pub evidence: Option<Box<Evidence>>,
}

impl Model {
    /// The components of a profile that have a part in health or risk, in profile order.
    pub fn components_of(&self, profile: Option<&ScoringProfile>) -> impl Iterator<Item = &Component> {
        let places = profile.map_or(&[][..], |profile| &profile.components);
        places.iter().filter_map(|place| self.components.get(usize::from(*place))).filter(|component| component.has_part())
    }
}

impl Component {
    /// Whether it has a part in health or risk. One that has neither is only there for `backtest --fit` to find a coefficient for.
    #[must_use]
    pub fn has_part(&self) -> bool {
        self.weight != 0.0 || self.coefficient != 0.0
    }
}

impl Default for Model {
    /// `config/model.toml`.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

/// Default minimum sample size of a metric: 20 events in the base of the trend; 3 answers, ratings or tickets for survey scores, CSAT,
/// first-contact resolution and reopening; 5 tickets for medians and 90th percentiles. Newest answers have no minimum.
#[must_use]
pub const fn default_min_n(metric: Metric) -> u64 {
    match metric {
        Metric::Trend => 20,
        Metric::Nps91d | Metric::FeedbackCsat | Metric::SupportCsat | Metric::Fcr | Metric::ReopenRate => 3,
        Metric::ResolutionP50
        | Metric::ResolutionP90
        | Metric::ResolutionAgentP50
        | Metric::FullResolutionP50
        | Metric::FirstReplyP50
        | Metric::ResolutionBusinessP50
        | Metric::FirstReplyBusinessP50 => 5,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_compiles_and_weighs_its_nine_components_to_100() {
        let model = Model::default();
        assert_eq!(model.name, "default");
        let names: Vec<&str> = model.profiles.iter().map(|profile| profile.name.as_str()).collect();
        assert_eq!(names, ["onboarding", "default"]);
        let default = &model.profiles[1];
        let weight: f64 = model.components_of(Some(default)).map(|component| component.weight).sum();
        assert_eq!((model.components_of(Some(default)).count(), weight), (9, 100.0));
        assert!((model.risk.total - 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_hash_depends_on_the_content_of_a_model_and_not_on_its_spelling() {
        let plain = Model::compile(&ModelFile::parse("").unwrap()).unwrap();
        assert_eq!(plain.hash, Model::default().hash);
        assert!(plain.hash.starts_with("sha256:") && plain.hash.len() == 71, "{}", plain.hash);
        let hash = |text: &str| Model::compile(&ModelFile::parse(text).unwrap()).unwrap().hash;
        let named = hash("[model]\nname = 'x'");
        assert_eq!(named, hash("# spelled out\n[bands]\nyellow = 40.0 # the same\ngreen = 70\n[model]\nname = 'x'"));
        assert_ne!(named, hash("[bands]\ngreen = 71\n[model]\nname = 'x'"));
        let evidence = |auc: f64| {
            let (day, data) = ("2026-01-01T00:00:00Z", "0".repeat(64));
            let counts = "points = 9\naccounts = 9\nchurned = 1\ntest_points = 3\ntest_accounts = 3\ntest_churned = 1";
            let dates = format!("from = '{day}'\nto = '{day}'\nlearned_until = '{day}'\ntested_from = '{day}'");
            let figures = format!("auc = {auc}\nbrier = 0.1\nbrier_of_base_rate = 0.2\nlambda = 0.01\ndata = 'sha256:{data}'");
            format!("[model]\nname = 'x'\n[risk.evidence]\n{counts}\n{dates}\n{figures}")
        };
        assert_eq!((hash(&evidence(0.7)), hash(&evidence(0.8))), (named.clone(), named));
    }

    #[test]
    fn the_default_minimum_applies_unless_a_component_sets_one() {
        let text = |extra: &str| {
            format!("[[health.component]]\nname='a'\ngroup='support'\nmetric='support.fcr_91d'\ncurve=[[0,0],[1,100]]\nweight=1\n{extra}")
        };
        let min_n = |text: &str| Model::compile(&ModelFile::parse(text).unwrap()).unwrap().components[0].sources[0].min_n;
        assert_eq!((min_n(&text("")), min_n(&text("min_n = 1"))), (3, 1));
        let counted = Metric::ALL.iter().filter(|metric| default_min_n(**metric) > 0).count();
        assert_eq!(counted, 13);
    }
}
