//! How well risks foretold churn: ranking, calibration, and what a list of flagged accounts catches.
//!
//! All functions are pure, and none depends on the order of the points. A measure that is undefined, such as the AUC without any churn, is
//! `None`, never 0.

mod auc;
mod bootstrap;
mod flagged;
mod interval;
mod lift;
mod probability;
mod reliability;
mod summary;

pub use auc::{auc, auc_interval};
pub use bootstrap::Bootstrap;
pub use flagged::Flagged;
pub(in crate::backtest) use interval::Z;
pub use interval::{Interval, wilson};
pub use lift::top_decile_lift;
pub use probability::{Brier, log_loss};
pub use reliability::{Bin, reliability};
pub use summary::Quality;

/// A risk and what happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Hash of the account id.
    pub account: u64,
    /// Predicted probability of churn within the horizon, 0..=1.
    pub risk: f64,
    /// Whether the account churned within the horizon.
    pub churned: bool,
}
