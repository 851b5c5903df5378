//! A model: components, profiles, rules, risk, bands and publish thresholds, checked and compiled once.

mod compile;
mod compiled;
mod condition;
mod curve;
mod evidence;
pub mod file;
mod name;
mod problem;
mod profile;

pub use compiled::{Component, Model, RiskModel, Rule, Source, default_min_n};
pub use condition::{Comparison, Condition, MAX_COMPARISONS, Operator};
pub use curve::{Curve, MAX_CURVE_POINTS};
pub use evidence::Evidence;
pub use file::{Bands, Crossing, Levels, ModelFile, Publish};
pub use name::{name_id, nearest};
pub use problem::{MAX_ENTRIES, ModelProblem};
pub use profile::{Group, ScoringProfile, When};
