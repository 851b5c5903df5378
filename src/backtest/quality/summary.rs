//! Every measure of a set of points.

use std::collections::BTreeSet;

use super::Point;
use super::auc::{auc, auc_interval};
use super::bootstrap::Bootstrap;
use super::interval::Interval;
use super::lift::top_decile_lift;
use super::probability::{Brier, log_loss};
use super::reliability::{Bin, reliability};

/// How well risks foretold churn.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Quality {
    /// Number of points.
    pub points: u64,
    /// Number of accounts.
    pub accounts: u64,
    /// Number of points that churned.
    pub churned: u64,
    /// See [`auc`].
    pub auc: Option<f64>,
    /// See [`auc_interval`].
    pub auc_interval: Option<Interval>,
    /// See [`top_decile_lift`].
    pub top_decile_lift: Option<f64>,
    /// See [`Brier`].
    pub brier: Option<Brier>,
    /// See [`log_loss`].
    pub log_loss: Option<f64>,
    /// See [`reliability`].
    pub reliability: Vec<Bin>,
}

impl Quality {
    /// Measures points.
    #[must_use]
    pub fn of(points: &[Point], bootstrap: &Bootstrap) -> Self {
        Self {
            points: points.len() as u64,
            accounts: points.iter().map(|point| point.account).collect::<BTreeSet<_>>().len() as u64,
            churned: points.iter().filter(|point| point.churned).count() as u64,
            auc: auc(points),
            auc_interval: auc_interval(points, bootstrap),
            top_decile_lift: top_decile_lift(points),
            brier: Brier::of(points),
            log_loss: log_loss(points),
            reliability: reliability(points),
        }
    }
}
