//! The part of an account's last score that portfolio sums need.

use crate::metric::Stage;
use crate::score::{Band, Risk};

/// The score of an account, with its MRR at that time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountScore {
    /// Its band.
    pub band: Band,
    /// MRR, minor units of the reporting currency.
    pub mrr_minor: i64,
    /// Risk, if present.
    pub risk: Option<Risk>,
    /// Health, 0..=100, if present.
    pub health: Option<f64>,
    /// Lifecycle stage; `None` without billing.
    pub stage: Option<Stage>,
}

impl AccountScore {
    /// MRR x risk, minor units; 0 without risk.
    #[must_use]
    pub fn mrr_at_risk(&self) -> f64 {
        self.risk.map_or(0.0, |risk| risk.probability * self.mrr_minor as f64)
    }
}
