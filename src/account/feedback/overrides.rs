//! Overrides: customer success sets the health of an account to a fixed value until an instant, with a reason and an author.

use std::cmp::Ordering;

use crate::time::Timestamp;

/// A health score set by hand.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Override {
    /// The health, 0..=100.
    pub value: f64,
    /// In force before this instant.
    pub until: Timestamp,
    /// Why.
    pub reason: Box<str>,
    /// By whom.
    pub by: Box<str>,
}

/// An override that was set, or cleared (`None`).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct OverrideChange {
    pub at: Timestamp,
    pub id: Box<str>,
    pub set: Option<Override>,
}

impl OverrideChange {
    /// By instant, then id; without ids, a cleared one before a set one, then by content.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        (self.at, &self.id, self.set.is_some()).cmp(&(other.at, &other.id, other.set.is_some())).then_with(|| {
            let (Some(one), Some(two)) = (&self.set, &other.set) else { return Ordering::Equal };
            let texts = |active: &Override| (active.until, active.reason.clone(), active.by.clone());
            one.value.total_cmp(&two.value).then_with(|| texts(one).cmp(&texts(two)))
        })
    }

    /// Whether it is a duplicate: same instant, id and kind, or, without an id, the same content.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let same_record = (self.at, &self.id, self.set.is_some()) == (other.at, &other.id, other.set.is_some());
        same_record && (!self.id.is_empty() || self == other)
    }
}

/// The override in force at `t`: the newest one at or before `t`, unless it was cleared or has expired.
pub(super) fn in_force(overrides: &[OverrideChange], t: Timestamp) -> Option<&Override> {
    let newest = overrides.iter().rfind(|set| set.at <= t)?;
    newest.set.as_ref().filter(|active| t < active.until)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{FeedbackRecord, day, state_of};
    use crate::event::FeedbackKind;

    fn set(at: i64, id: &str, value: f64, until: i64) -> FeedbackRecord {
        FeedbackRecord::new(at, FeedbackKind::OverrideSet { value, until: day(until), reason: "on site".into(), by: "dana".into() }).id(id)
    }

    fn cleared(at: i64, id: &str) -> FeedbackRecord {
        FeedbackRecord::new(at, FeedbackKind::OverrideCleared).id(id)
    }

    fn value(records: &[FeedbackRecord], t: i64) -> Option<f64> {
        state_of(records).override_at(day(t)).map(|active| active.value)
    }

    #[test]
    fn an_override_is_in_force_from_its_own_instant_until_its_end() {
        let records = [set(2, "a", 90.0, 5)];
        assert_eq!([1, 2, 4, 5].map(|t| value(&records, t)), [None, Some(90.0), Some(90.0), None]);
        let state = state_of(&records);
        let active = state.override_at(day(3)).unwrap();
        assert_eq!((&*active.reason, &*active.by, active.until), ("on site", "dana", day(5)));
    }

    #[test]
    fn the_newest_override_wins_even_when_it_has_ended() {
        let records = [set(2, "a", 90.0, 50), set(4, "b", 20.0, 6)];
        assert_eq!([3, 5, 7].map(|t| value(&records, t)), [Some(90.0), Some(20.0), None]);
    }

    #[test]
    fn clearing_ends_an_override_and_ids_break_ties() {
        assert_eq!([3, 4].map(|t| value(&[cleared(4, "b"), set(2, "a", 90.0, 50)], t)), [Some(90.0), None]);
        assert_eq!(value(&[cleared(2, "b"), set(2, "a", 90.0, 50)], 3), None);
        assert_eq!(value(&[cleared(2, "a"), set(2, "b", 90.0, 50)], 3), Some(90.0));
    }
}
