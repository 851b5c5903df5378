//! A change of an account's standing: what is published, and why.

use serde::{Deserialize, Serialize};

use super::band::Band;
use super::explain::Explanation;
use super::risk::RiskReading;
use crate::money::Currency;
use crate::time::Timestamp;

/// Why a change was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It is the first of the account.
    Initial,
    /// Records of the account.
    Events,
    /// Nothing but time.
    Time,
    /// An override was set, changed or ended.
    Override,
    /// The account was scored by another model before.
    ModelChange,
}

impl Cause {
    /// The name in outputs and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Events => "events",
            Self::Time => "time",
            Self::Override => "override",
            Self::ModelChange => "model_change",
        }
    }
}

/// Which way an account went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Better.
    Up,
    /// Worse.
    Down,
}

/// What a scoring knows besides the account.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The instant of scoring.
    pub t: Timestamp,
    /// [`Cause::Events`] or [`Cause::Time`]; the other causes are found by the state itself.
    pub cause: Cause,
    /// Whether the task is in catch-up.
    pub catching_up: bool,
    /// The reporting currency, for sentences on money.
    pub currency: Currency,
}

/// Health and risk as they stand, bands with hysteresis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Health; `None`: unknown. Of a churned account the last published one.
    pub score: Option<f64>,
    /// The band.
    pub band: Band,
    /// Risk. Of a churned account the last published one.
    pub risk: Option<RiskReading>,
}

/// A change to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// 1 for the first of an account, then without gaps.
    pub sequence: u64,
    /// The instant of scoring; never before that of the change before.
    pub as_of: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Which way; `None` where there is nothing to compare.
    pub direction: Option<Direction>,
    /// Whether the task was in catch-up.
    pub catching_up: bool,
    /// How the account stands.
    pub standing: Standing,
    /// How it stood in the change before.
    pub previous: Option<Standing>,
    /// Weight present / weight total.
    pub coverage: f64,
    /// Place of the profile in the model.
    pub profile: u8,
    /// Why it stands so, and what moved since.
    pub explanation: Explanation,
}

impl Change {
    /// Whether the band is worse than in the change before.
    #[must_use]
    pub fn band_dropped(&self) -> bool {
        self.previous.is_some_and(|previous| self.standing.band.is_worse_than(previous.band))
    }
}

/// What came of a scoring.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The change to publish, if any.
    pub change: Option<Change>,
    /// Whether the state is another than before and has to be written.
    pub touched: bool,
}

impl Direction {
    /// By the band where it moved, else by the score, else by the risk; `None` where nothing that can be compared has moved.
    #[must_use]
    pub fn between(before: &Standing, now: &Standing) -> Option<Self> {
        if now.band.is_worse_than(before.band) {
            return Some(Self::Down);
        }
        if before.band.is_worse_than(now.band) {
            return Some(Self::Up);
        }
        let rise = |now: Option<f64>, before: Option<f64>| now.zip(before).map(|(now, before)| now - before).filter(|rise| *rise != 0.0);
        let probability = |standing: &Standing| standing.risk.map(|risk| risk.probability);
        rise(now.score, before.score)
            .or_else(|| rise(probability(before), probability(now)))
            .map(|rise| if rise > 0.0 { Self::Up } else { Self::Down })
    }
}
