//! Points for tests.

use super::points::{ScoredPoint, Simple};
use crate::score::Band;
use crate::time::{DAY_MS, Timestamp};

/// A green point on a day.
pub fn point(day: i64, churned: bool) -> ScoredPoint {
    ScoredPoint {
        t: Timestamp(day * DAY_MS),
        segment: None,
        band: Band::Green,
        health: Some(80.0),
        risk: Some(0.1),
        level: None,
        risk_floor: None,
        simple: Simple { days_since_last: 1.0, gaps_since_last: f32::NAN, mrr_change: 0.0, events_28d: 10.0 },
        inputs: [0.6].into(),
        values: Box::default(),
        churned,
        true_probability: None,
    }
}
