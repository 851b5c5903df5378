//! The values of an account's metrics, and the windows that decide whether they exist.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Files;
use super::zone::DAY;

/// Values by name.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Values as the account line shows them.
    pub values: BTreeMap<&'static str, Value>,
    /// How many answers, tickets or events a value is based on, if that matters.
    pub sizes: BTreeMap<&'static str, u64>,
}

impl Metrics {
    /// Sets a count or an amount.
    pub fn whole(&mut self, name: &'static str, value: i64) {
        self.values.insert(name, json!(value));
    }

    /// Sets the size of a list.
    pub fn count(&mut self, name: &'static str, value: usize) {
        self.whole(name, i64::try_from(value).unwrap());
    }

    /// Sets a ratio, a mean or an age, if present.
    pub fn float(&mut self, name: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            self.values.insert(name, json!(value));
        }
    }

    /// Sets a ratio, unless its denominator is 0.
    pub fn ratio(&mut self, name: &'static str, part: f64, whole: f64) {
        self.float(name, (whole != 0.0).then(|| part / whole));
    }

    /// Records how many items a value is based on.
    pub fn size(&mut self, name: &'static str, size: usize) {
        self.sizes.insert(name, size as u64);
    }

    /// The number of a metric that is present.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.values.get(name).and_then(Value::as_f64)
    }

    /// Drops metrics whose stream has no file or was not observed for the whole window.
    pub fn keep_observed(&mut self, files: &Files, observed: &BTreeMap<&'static str, i64>, t: i64) {
        self.values.retain(|name, _| {
            needs(name).iter().all(|(stream, days)| {
                let span = observed.get(stream).filter(|since| **since <= t).map_or(0, |since| t - since);
                files.contains_key(stream) && span >= days * DAY
            })
        });
    }
}

/// The streams behind a metric, with its window in days for each.
fn needs(name: &str) -> Vec<(&'static str, i64)> {
    let usage = |days| ("usage", days);
    match name {
        "usage.days_since_last"
        | "usage.active_days_lifetime"
        | "usage.age_days"
        | "usage.mean_gap_days"
        | "usage.gaps_since_last_lifetime" => vec![usage(0)],
        "usage.events_1d" | "usage.dau" => vec![usage(1)],
        "usage.events_7d" | "usage.wau" => vec![usage(7)],
        "usage.trend" => vec![usage(36)],
        "usage.events_91d" | "usage.active_days_91d" | "usage.active_days_vs_baseline" | "usage.gaps_since_last" => vec![usage(91)],
        "breadth.active_users_growth" | "depth.features_growth" => vec![usage(56)],
        "support.opened_28d_per_10_users" => vec![usage(28), ("support", 28)],
        "support.open_weighted_per_10_users" => vec![usage(28), ("support", 0)],
        _ => match name.split_once('.') {
            Some(("usage" | "breadth" | "depth", _)) => vec![usage(28)],
            Some(("revenue", _)) => vec![("billing", named_days(name))],
            Some(("support", _)) => vec![("support", named_days(name))],
            Some(("feedback", _)) => vec![("feedback", named_days(name))],
            _ => Vec::new(),
        },
    }
}

/// The days at the end of a name, as in `csat_91d`; 0 if there are none.
fn named_days(name: &str) -> i64 {
    let days = name.rsplit('_').next().and_then(|last| last.strip_suffix('d'));
    days.and_then(|days| days.parse().ok()).unwrap_or(0)
}

/// The p-quantile by nearest rank.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (1..=sorted.len()).find(|rank| *rank as f64 >= p * sorted.len() as f64)?;
    sorted.get(rank - 1).copied()
}

/// The mean.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::{named_days, quantile};

    #[test]
    fn quantiles_are_the_nearest_rank() {
        let values = [15.0, 20.0, 35.0, 40.0, 50.0];
        assert_eq!([0.3, 0.4, 0.5, 0.9].map(|p| quantile(&values, p).unwrap()), [20.0, 20.0, 35.0, 50.0]);
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_window_is_read_from_the_name() {
        assert_eq!(["revenue.mrr", "revenue.mrr_delta_364d", "support.open_weighted"].map(named_days), [0, 364, 0]);
    }
}
