//! The breakdown of a score as data: the output of `explain --json` and of `GET /api/accounts/{id}/explanation`.
//!
//! Numbers are unrounded. Instants are RFC 3339 text. Absent is `null` or left out.

use serde::{Deserialize, Serialize};

/// Everything that a reader needs to redo the score of one account by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Identity.
    pub account_id: String,
    /// Display name.
    pub name: Option<String>,
    /// Segment.
    pub segment: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// Customer success manager.
    pub csm: Option<String>,
    /// Lifecycle stage.
    pub stage: Option<String>,
    /// The instant of scoring.
    pub as_of: String,
    /// ISO code of the reporting currency.
    pub currency: String,
    /// The model.
    pub model: ModelName,
    /// The profile of the model that applies to the account.
    pub scored_by: Option<String>,
    /// Health.
    pub health: Health,
    /// Up to three sentences, the most important first.
    pub drivers: Vec<String>,
    /// The components present, in profile order.
    pub components: Vec<Component>,
    /// The components of the profile without a value.
    pub absent: Vec<Absent>,
    /// Every rule of the model, in its order.
    pub rules: Vec<Rule>,
    /// The override in force.
    #[serde(rename = "override")]
    pub health_override: Option<Override>,
    /// How the score became a band.
    pub band: Band,
    /// Risk.
    pub risk: Risk,
    /// What moved the score since the last published change.
    pub since: Option<Since>,
    /// The last published change as it was published, if this process knows it.
    pub last_change: Option<serde_json::Value>,
    /// What would make the account green.
    pub green: Green,
    /// The events behind the metrics, by day.
    pub activity: Vec<Activity>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelName {
    /// Its name.
    pub name: String,
    /// `sha256:` of its canonical form.
    pub hash: String,
}

/// Health and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// 0..=100; `null`: unknown.
    pub score: Option<f64>,
    /// The band, with hysteresis.
    pub band: String,
    /// Weighted mean of the components, before rules and override; `null` if they give no score.
    pub mean: Option<f64>,
    /// Sum of the weights of the components present, as in the model.
    pub weight_present: f64,
    /// Sum of the weights of the components whose streams are configured.
    pub weight_configured: f64,
    /// The first divided by the second.
    pub coverage: f64,
    /// A score needs this much of it.
    pub min_coverage: f64,
    /// For how many more days streams must be observed until there is a score; `null` if that will not give one, or there is one.
    pub observing_days: Option<i64>,
    /// Whether the account has churned, so that score and risk are those last published.
    pub frozen: bool,
}

/// A component with a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// The metric used: the component's own or an alternative.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// The same as it is said, with its unit.
    pub said: String,
    /// Answers, tickets or events behind it, if the metric counts them.
    pub n: Option<u64>,
    /// Days that the metric looks back; 0: it has no window.
    pub window_days: i64,
    /// The instant at which it is measured: `as_of`, or earlier if its stream is stale.
    pub measured_at: String,
    /// The last point of the curve at or below the value: (metric, score).
    pub from: Option<[f64; 2]>,
    /// The first point of the curve above the value.
    pub to: Option<[f64; 2]>,
    /// The whole curve: (metric, score), ascending.
    #[serde(default)]
    pub curve: Vec<[f64; 2]>,
    /// The curve at the value, 0..=100.
    pub score: f64,
    /// Weight in the model.
    pub weight_configured: f64,
    /// Weight among the components present.
    pub weight: f64,
    /// weight x score; `null` if the components give no score.
    pub contribution: Option<f64>,
}

/// A component without a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// Its name.
    pub name: String,
    /// Why each of its metrics has no value.
    pub why: Vec<String>,
}

/// A rule of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Whether every comparison holds.
    pub in_force: bool,
    /// Its comparisons.
    pub comparisons: Vec<Comparison>,
    /// Health is at most this while it is in force.
    pub cap_health: Option<f64>,
    /// Risk is at least this while it is in force.
    pub risk_at_least: Option<f64>,
    /// Whether it passes hysteresis.
    pub immediate: bool,
    /// Points that it adds to the score after the rules before it; the whole score if it alone gives it.
    pub contribution: f64,
    /// Whether it alone gives the score.
    pub sole: bool,
}

/// A comparison of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The metric.
    pub metric: String,
    /// Its value; `null`: absent, so the comparison does not hold.
    pub value: Option<f64>,
    /// `<`, `<=`, `>`, `>=` or `==`.
    pub operator: String,
    /// What it is compared with.
    pub number: f64,
    /// Whether it holds.
    pub holds: bool,
}

/// An override in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The pinned health.
    pub value: f64,
    /// In force before this instant.
    pub until: String,
    /// The reason given.
    pub reason: String,
    /// The author.
    pub by: String,
    /// What it adds to the score after rules.
    pub contribution: f64,
}

/// How the score became a band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Before this scoring.
    pub before: String,
    /// After it.
    pub after: String,
    /// Which case decided it.
    pub decided_by: Decision,
    /// The score that moves the band: the one without the override.
    pub measured: Option<f64>,
    /// The borders, lowest first.
    pub borders: Vec<Border>,
}

/// What decides a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The borders with their hysteresis.
    Hysteresis,
    /// The score alone: a first one, or the first after `unknown` or `churned`.
    FirstScore,
    /// A rule alone gives the score, and the band follows at once.
    SoleRule,
    /// The band follows the pinned health.
    Override,
    /// There is no score.
    NoScore,
    /// The account has churned.
    Churned,
}

/// A border between two bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Border {
    /// The band above it.
    pub name: String,
    /// Where it is.
    pub score: f64,
    /// Whether the account was above it before this scoring.
    pub was_above: bool,
    /// Whether it is after it.
    pub is_above: bool,
    /// Since when scores have been beyond it, seen from the band before; `null`: they are not.
    pub beyond_since: Option<String>,
    /// Hours since then.
    pub beyond_hours: Option<f64>,
    /// Points past the border that cross it at once.
    pub points: f64,
    /// Hours beyond the border that cross it.
    pub hours: f64,
    /// Whether an immediate rule with a cap below the border crosses it.
    pub immediate: bool,
}

/// Risk and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    /// 0..=1; `null`: none.
    pub probability: Option<f64>,
    /// Its level.
    pub level: Option<String>,
    /// Horizon, days.
    pub horizon_days: u32,
    /// Whether the coefficients were fitted to the user's own history.
    pub calibrated: bool,
    /// Lower bounds of medium, high and critical.
    pub levels: [f64; 3],
    /// The logistic model; `null` without a risk, or if it is frozen.
    pub model: Option<Logistic>,
}

/// The logistic model of a risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// One term for each component present that has a coefficient.
    pub terms: Vec<Term>,
    /// Sum of the terms.
    pub sum: f64,
    /// Sum of |coefficient| over all components of the model.
    pub total: f64,
    /// The same over those present.
    pub present: f64,
    /// total / present.
    pub scale: f64,
    /// Intercept.
    pub intercept: f64,
    /// intercept + scale x sum.
    pub z: f64,
    /// 1 / (1 + e^-z).
    pub probability: f64,
    /// The highest lower bound among the rules in force.
    pub floor: Option<f64>,
}

/// A term of the logistic model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The component.
    pub component: String,
    /// Its score.
    pub score: f64,
    /// (score - 50) / 50.
    pub input: f64,
    /// Its coefficient.
    pub coefficient: f64,
    /// coefficient x input.
    pub product: f64,
}

/// What moved the score since the last published change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Since {
    /// Number of that change.
    pub sequence: u64,
    /// Its instant.
    pub as_of: String,
    /// Its score.
    pub score: Option<f64>,
    /// Its band.
    pub band: String,
    /// Its risk.
    pub risk: Option<f64>,
    /// Whether another model made it.
    pub other_model: bool,
    /// What moved the score, largest first; the points sum to the change of the score.
    pub moves: Vec<Moved>,
}

/// An entry of what moved a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The component, the rule, `renormalisation` or `override`.
    pub name: String,
    /// Points of health.
    pub points: f64,
    /// In words.
    pub sentence: String,
}

/// What would make the account green.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Green {
    /// The score to reach.
    pub target: f64,
    /// A score from here on is green at once.
    pub at_once: f64,
    /// From `target` on it takes this many hours.
    pub hours: f64,
    /// What stands in the way besides metrics, or that nothing is to be done.
    pub note: Option<String>,
    /// The changes of a single metric that suffice, smallest first.
    pub single: Vec<Step>,
    /// Where none suffices: the changes that do together, largest effect first; empty if even these do not.
    pub together: Vec<Step>,
    /// The highest score that single or all changes can reach.
    pub best: Option<f64>,
}

/// A change of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The metric.
    pub metric: String,
    /// Its value.
    pub from: f64,
    /// The value needed.
    pub to: f64,
    /// In words.
    pub sentence: String,
    /// The rules that this ends.
    pub ends: Vec<String>,
    /// The score after this change and those before it.
    pub score: f64,
}

/// Events of one type, by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// What is counted.
    pub what: String,
    /// The first date that is covered.
    pub from: String,
    /// The last one.
    pub to: String,
    /// Date and count, ascending; dates without any are left out.
    pub days: Vec<(String, u64)>,
}
