//! Health and risk: components, profiles, rules, bands, explanation, and what is published.

/// A model: components, profiles, rules, risk, bands, publish thresholds.
#[derive(Clone, Debug, Default)]
pub struct Model {}
