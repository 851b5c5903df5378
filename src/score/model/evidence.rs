//! What a fitted risk model was fitted to, and how well it foretold what it was not fitted to.

use serde::{Deserialize, Serialize};

use super::problem::Problems;
use crate::time::Timestamp;

/// `[risk.evidence]`, written by `backtest --fit`. It documents the coefficients and has no influence on scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// First instant of the history, RFC 3339.
    pub from: String,
    /// Last instant of the history.
    pub to: String,
    /// Number of points: accounts times instants.
    pub points: u64,
    /// Number of accounts.
    pub accounts: u64,
    /// Number of points that were followed by churn within the horizon.
    pub churned: u64,
    /// Last instant that was learned from.
    pub learned_until: String,
    /// First instant of the test.
    pub tested_from: String,
    /// Number of points of the test. The figures below are about these.
    pub test_points: u64,
    /// Number of their accounts.
    pub test_accounts: u64,
    /// Number of points of the test that were followed by churn.
    pub test_churned: u64,
    /// Probability that a point with churn has a higher risk than one without.
    pub auc: f64,
    /// Its 95 % interval.
    pub auc_interval: Option<[f64; 2]>,
    /// Mean squared error of the risk.
    pub brier: f64,
    /// The same for a forecast of the base rate.
    pub brier_of_base_rate: f64,
    /// The penalty that was chosen.
    pub lambda: f64,
    /// `sha256:` and 64 hex digits: hash of the points.
    pub data: String,
    /// What should be known before these figures are relied on.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Evidence {
    /// Reports what cannot be true.
    pub(super) fn check(&self, problems: &mut Problems) {
        let path = |key: &str| format!("risk.evidence.{key}");
        for (key, text) in
            [("from", &self.from), ("to", &self.to), ("learned_until", &self.learned_until), ("tested_from", &self.tested_from)]
        {
            problems.check(Timestamp::parse_rfc3339(text).is_some(), path(key), || format!("`{text}` is not an RFC 3339 instant"));
        }
        for (key, value) in [("auc", self.auc), ("brier", self.brier), ("brier_of_base_rate", self.brier_of_base_rate)] {
            problems.in_range(value, 0.0, 1.0, path(key));
        }
        if let Some([low, high]) = self.auc_interval {
            let ascends = 0.0 <= low && low <= high && high <= 1.0;
            problems.check(ascends, path("auc_interval"), || "must ascend within 0 to 1".into());
        }
        problems.check(self.lambda.is_finite() && self.lambda >= 0.0, path("lambda"), || "must be a finite number, at least 0".into());
        let counts = [("accounts", self.accounts), ("churned", self.churned), ("test_points", self.test_points)];
        for (key, count) in counts {
            problems.check(count <= self.points, path(key), || format!("is {count}, above the number of points, {}", self.points));
        }
        for (key, count) in [("test_accounts", self.test_accounts), ("test_churned", self.test_churned)] {
            problems.check(count <= self.test_points, path(key), || format!("is {count}, above test_points, {}", self.test_points));
        }
        let digits = self.data.strip_prefix("sha256:").unwrap_or_default();
        let is_hash = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        problems.check(is_hash, path("data"), || "must be `sha256:` and 64 hex digits".into());
    }
}
