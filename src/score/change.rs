//! A change of an account's health or risk, with its cause.

use serde::{Deserialize, Serialize};

use super::explain::Explanation;
use super::status::{Direction, Status};
use crate::money::Currency;
use crate::time::Timestamp;

/// Why a change was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// First scoring of the account.
    Initial,
    /// Records of the account were applied.
    Events,
    /// Only time has passed.
    Time,
    /// An override was set, changed, cleared or expired.
    Override,
    /// The previous scoring used another model.
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

/// The circumstances of a scoring.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The instant of scoring.
    pub t: Timestamp,
    /// [`Cause::Events`] or [`Cause::Time`]; the state detects the other causes itself.
    pub cause: Cause,
    /// Whether the task is in catch-up.
    pub catching_up: bool,
    /// The reporting currency, for driver sentences.
    pub currency: Currency,
}

/// A change to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// Counts an account's changes from 1 without gaps.
    pub sequence: u64,
    /// The instant of scoring; never earlier than in the previous change.
    pub as_of: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Whether the account got better or worse; `None` if nothing can be compared.
    pub direction: Option<Direction>,
    /// Whether the task was in catch-up.
    pub catching_up: bool,
    /// Health and risk now.
    pub status: Status,
    /// Health and risk in the previous change.
    pub previous: Option<Status>,
    /// Present weight / weight of the profile's components whose streams are configured.
    pub coverage: f64,
    /// Index of the profile in the model.
    pub profile: u8,
    /// Composition of the score, and what moved since the previous change.
    pub explanation: Explanation<'a>,
}

impl Change<'_> {
    /// Whether the band is worse than in the previous change.
    #[must_use]
    pub fn band_dropped(&self) -> bool {
        self.previous.is_some_and(|previous| self.status.band.is_worse_than(previous.band))
    }

    /// Whether the band is better than in the previous change.
    #[must_use]
    pub fn band_rose(&self) -> bool {
        self.previous.is_some_and(|previous| previous.band.is_worse_than(self.status.band))
    }
}
