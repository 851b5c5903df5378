//! A change of an account's health or risk: what is published, and why.

use serde::{Deserialize, Serialize};

use super::explain::Explanation;
use super::status::{Direction, Status};
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

/// What a scoring knows besides the account.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The instant of scoring.
    pub t: Timestamp,
    /// [`Cause::Events`] or [`Cause::Time`]; the state finds the other causes itself.
    pub cause: Cause,
    /// Whether the task is in catch-up.
    pub catching_up: bool,
    /// The reporting currency, for sentences on money.
    pub currency: Currency,
}

/// A change to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
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
    /// Health and risk now.
    pub status: Status,
    /// Health and risk in the change before.
    pub previous: Option<Status>,
    /// Weight present / weight of the profile's components whose streams are configured.
    pub coverage: f64,
    /// Place of the profile in the model.
    pub profile: u8,
    /// What the score is made of, and what moved since.
    pub explanation: Explanation<'a>,
}

impl Change<'_> {
    /// Whether the band is worse than in the change before.
    #[must_use]
    pub fn band_dropped(&self) -> bool {
        self.previous.is_some_and(|previous| self.status.band.is_worse_than(previous.band))
    }
}
