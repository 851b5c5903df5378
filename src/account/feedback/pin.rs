//! Overrides: customer success pins the health of an account to a value until an instant, with a reason and an author.

use std::cmp::Ordering;

use super::State;
use crate::time::Timestamp;

/// A health score set by hand.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pin {
    /// The health, 0..=100.
    pub value: f64,
    /// In force before this instant.
    pub until: Timestamp,
    /// Why.
    pub reason: Box<str>,
    /// By whom.
    pub by: Box<str>,
}

/// An override that was set, or (without a pin) cleared.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Override {
    pub at: Timestamp,
    pub id: Box<str>,
    pub pin: Option<Pin>,
}

impl Override {
    /// By instant, then id; without ids a set one after a cleared one, then by what it says.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        (self.at, &self.id, self.pin.is_some()).cmp(&(other.at, &other.id, other.pin.is_some())).then_with(|| {
            let (Some(one), Some(two)) = (&self.pin, &other.pin) else { return Ordering::Equal };
            let texts = |pin: &Pin| (pin.until, pin.reason.clone(), pin.by.clone());
            one.value.total_cmp(&two.value).then_with(|| texts(one).cmp(&texts(two)))
        })
    }

    /// Whether it is the same record again, by kind, id and instant; without an id: by all it says.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let same_record = (self.at, &self.id, self.pin.is_some()) == (other.at, &other.id, other.pin.is_some());
        same_record && (!self.id.is_empty() || self == other)
    }
}

impl State {
    /// The pin in force at `t`: of the newest override at or before `t`, unless that is a clearing or has ended.
    #[must_use]
    pub fn pin_at(&self, t: Timestamp) -> Option<&Pin> {
        let newest = self.overrides().iter().rfind(|set| set.at <= t)?;
        newest.pin.as_ref().filter(|pin| t < pin.until)
    }
}
