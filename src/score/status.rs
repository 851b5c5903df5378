//! Health and risk of an account at a scoring, and the direction between two scorings.

use serde::{Deserialize, Serialize};

use super::band::Band;
use super::risk::Risk;

/// Health and risk; the band includes hysteresis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// Health; `None`: unknown. For a churned account the last published one.
    pub score: Option<f64>,
    /// The band.
    pub band: Band,
    /// Risk. For a churned account the last published one.
    pub risk: Option<Risk>,
}

/// The direction in which an account moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Better.
    Up,
    /// Worse.
    Down,
}

impl Direction {
    /// By band if it changed, else by score, else by risk; `None` if nothing comparable moved.
    #[must_use]
    pub fn between(before: &Status, now: &Status) -> Option<Self> {
        if now.band.is_worse_than(before.band) {
            return Some(Self::Down);
        }
        if before.band.is_worse_than(now.band) {
            return Some(Self::Up);
        }
        let rise = |now: Option<f64>, before: Option<f64>| now.zip(before).map(|(now, before)| now - before).filter(|rise| *rise != 0.0);
        let probability = |status: &Status| status.risk.map(|risk| risk.probability);
        rise(now.score, before.score)
            .or_else(|| rise(probability(before), probability(now)))
            .map(|rise| if rise > 0.0 { Self::Up } else { Self::Down })
    }
}
