//! How an account was last scored, as far as the sums of the portfolio need it.

use crate::score::{Band, RiskReading};

/// The score of an account with the MRR that it had then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountScore {
    /// Its band.
    pub band: Band,
    /// MRR, minor units of the reporting currency.
    pub mrr_minor: i64,
    /// Risk, where there is one.
    pub risk: Option<RiskReading>,
    /// Health, 0..=100, where there is a score.
    pub health: Option<f64>,
}

impl AccountScore {
    /// MRR x risk, minor units; 0 without risk.
    #[must_use]
    pub fn mrr_at_risk(&self) -> f64 {
        self.risk.map_or(0.0, |risk| risk.probability * self.mrr_minor as f64)
    }
}
