//! Health and risk: components, profiles, rules, bands, explanation, and what is published.

pub mod model;

pub use model::{Model, ModelFile, ModelProblem};
