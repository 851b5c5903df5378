//! The profile of an account: the newest record, by event time and id, replaces all fields; one that merges replaces those that it gives.
//!
//! Only the values in force are kept: those of the newest whole profile, replaced by newer merges field by field.

use super::bytes::{Reader, Writer};
use super::parts::{SectionPart, by_hash, split};
use super::section::{CodecError, MAX_PART_BYTES, PART_BYTES, Section, decode, encode, split_version};
use crate::event::AccountProfile;
use crate::settings::StateVersion;
use crate::time::Timestamp;

/// The newest profile, boxed because most accounts have none and it is large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewestProfile(Option<Box<Newest>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Newest {
    whole: Whole,
    /// The fields that were merged after the whole profile, by number: at most one entry each, sorted.
    merged: Vec<MergedField>,
}

/// The newest whole profile, with the fields that were merged since. Its time is [`NEVER`] if all were.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Whole {
    at: Timestamp,
    id: Option<Box<str>>,
    profile: Profile,
}

/// Before every event.
const NEVER: Timestamp = Timestamp(i64::MIN);

impl Default for Whole {
    fn default() -> Self {
        Self { at: NEVER, id: None, profile: Profile::default() }
    }
}

/// When a field was merged, and by which record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct MergedField {
    field: u8,
    at: Timestamp,
    id: Option<Box<str>>,
}

/// Copies a field from one profile to another.
type CopyField = fn(&mut Profile, &Profile);
/// Whether a profile has a field.
type HasField = fn(&Profile) -> bool;

/// Every field. Its place here is its number in stored state, so new ones go to the end.
const FIELDS: [(CopyField, HasField); 10] = [
    (|to, from| to.name.clone_from(&from.name), |profile| profile.name.is_some()),
    (|to, from| to.segment.clone_from(&from.segment), |profile| profile.segment.is_some()),
    (|to, from| to.plan.clone_from(&from.plan), |profile| profile.plan.is_some()),
    (|to, from| to.csm.clone_from(&from.csm), |profile| profile.csm.is_some()),
    (|to, from| to.region.clone_from(&from.region), |profile| profile.region.is_some()),
    (|to, from| to.seats = from.seats, |profile| profile.seats.is_some()),
    (|to, from| to.signed_up_at = from.signed_up_at, |profile| profile.signed_up_at.is_some()),
    (|to, from| to.onboarded_at = from.onboarded_at, |profile| profile.onboarded_at.is_some()),
    (|to, from| to.entitled_features.clone_from(&from.entitled_features), |profile| !profile.entitled_features.is_empty()),
    (|to, from| to.referred_by.clone_from(&from.referred_by), |profile| profile.referred_by.is_some()),
];

/// The data in an account's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Display name.
    pub name: Option<Box<str>>,
    /// Segment.
    pub segment: Option<Box<str>>,
    /// Plan.
    pub plan: Option<Box<str>>,
    /// Customer success manager.
    pub csm: Option<Box<str>>,
    /// Region, for quiet days.
    pub region: Option<Box<str>>,
    /// Seats sold.
    pub seats: Option<u64>,
    /// Start of tenure.
    pub signed_up_at: Option<Timestamp>,
    /// End of onboarding.
    pub onboarded_at: Option<Timestamp>,
    /// Entitled features, sorted; empty if not given.
    pub entitled_features: Box<[Box<str>]>,
    /// The account that referred it.
    pub referred_by: Option<Box<str>>,
}

impl NewestProfile {
    /// Stores a profile, or the fields that it gives, as far as it is newer than what is there.
    pub fn apply(&mut self, event: &AccountProfile<'_>, at: Timestamp, id: Option<&str>) {
        let profile = Profile::of(event);
        if event.merge && !FIELDS.iter().any(|(_, has)| has(&profile)) {
            return;
        }
        let newest = self.0.get_or_insert_default();
        if (newest.whole.at, newest.whole.id.as_deref()) >= (at, id) {
            return;
        }
        if event.merge { newest.merge(&profile, at, id) } else { newest.replace(profile, at, id) }
    }

    /// Forgets a profile up to a deletion.
    pub fn forget_until(&mut self, deleted_at: Timestamp) {
        let Some(newest) = &mut self.0 else { return };
        newest.merged.retain(|merged| merged.at > deleted_at);
        if newest.whole.at <= deleted_at {
            newest.replace(Profile::default(), NEVER, None);
        }
        self.0.take_if(|newest| **newest == Newest::default());
    }

    /// The time of the profile, or of the earliest field that was merged.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        let newest = self.0.as_ref()?;
        newest.merged.iter().map(|merged| merged.at).chain([newest.whole.at]).filter(|at| *at > NEVER).min()
    }

    /// The newest profile.
    #[must_use]
    pub fn get(&self) -> Option<&Profile> {
        self.0.as_ref().map(|newest| &newest.whole.profile)
    }
}

impl Section for NewestProfile {
    fn parts(&self, version: StateVersion) -> Vec<SectionPart> {
        let Some(newest) = &self.0 else { return Vec::new() };
        if version == StateVersion::V1 {
            return vec![(0, encode(version, &newest.whole))];
        }
        let features = newest.whole.profile.entitled_features.iter().map(|name| name.as_bytes().to_vec());
        split(by_hash(features).as_slice(), PART_BYTES, |is_first, features: &[(u64, Vec<u8>)]| {
            let mut out = Writer::default();
            out.0.push(version as u8);
            if is_first {
                out.text(&encode(version, &newest.whole.without_features()));
            }
            for (_, name) in features {
                out.text(name);
            }
            if is_first && !newest.merged.is_empty() {
                // No feature has an empty name, so what follows one is not a feature.
                out.text(b"");
                out.text(&encode(version, &newest.merged));
            }
            out.0
        })
    }

    fn least_version(&self) -> StateVersion {
        let Some(newest) = &self.0 else { return StateVersion::V1 };
        let features = newest.whole.profile.entitled_features.iter();
        let fits = newest.merged.is_empty() && features.map(|name| name.len() + size_of::<u64>()).sum::<usize>() <= MAX_PART_BYTES / 2;
        if fits { StateVersion::V1 } else { StateVersion::V2 }
    }

    fn restore(&mut self, part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        let (version, rest) = split_version(bytes)?;
        let newest = self.0.get_or_insert_default();
        let apart = std::mem::take(&mut newest.whole.profile.entitled_features);
        if version == StateVersion::V1 {
            newest.whole = decode(bytes)?;
            return Ok(());
        }
        let mut rest = Reader(rest);
        if part == 0 {
            newest.whole = decode(rest.text().ok_or(CodecError::Corrupt("profile"))?)?;
        }
        let mut features = apart.into_vec();
        while !rest.0.is_empty() {
            let name = rest.text().and_then(|name| std::str::from_utf8(name).ok()).ok_or(CodecError::Corrupt("an entitled feature"))?;
            if name.is_empty() {
                newest.merged = decode(rest.text().ok_or(CodecError::Corrupt("merged fields"))?)?;
                break;
            }
            features.push(name.into());
        }
        features.sort_unstable();
        newest.whole.profile.entitled_features = features.into();
        Ok(())
    }
}

impl Newest {
    /// Replaces the whole profile, except the fields that were merged later.
    fn replace(&mut self, profile: Profile, at: Timestamp, id: Option<&str>) {
        self.merged.retain(|merged| (merged.at, merged.id.as_deref()) > (at, id));
        let earlier = std::mem::replace(&mut self.whole, Whole { at, id: id.map(Box::from), profile });
        for merged in &self.merged {
            if let Some((copy, _)) = FIELDS.get(usize::from(merged.field)) {
                copy(&mut self.whole.profile, &earlier.profile);
            }
        }
    }

    /// Replaces the fields that a profile gives, except those that were merged later.
    fn merge(&mut self, profile: &Profile, at: Timestamp, id: Option<&str>) {
        for (field, (copy, has)) in (0_u8..).zip(&FIELDS) {
            if !has(profile) {
                continue;
            }
            let merged = MergedField { field, at, id: id.map(Box::from) };
            match self.merged.binary_search_by_key(&field, |merged| merged.field) {
                Ok(place) => match self.merged.get_mut(place) {
                    Some(held) if (held.at, held.id.as_deref()) < (at, id) => *held = merged,
                    _ => continue,
                },
                Err(place) => self.merged.insert(place, merged),
            }
            copy(&mut self.whole.profile, profile);
        }
    }
}

impl Profile {
    fn of(event: &AccountProfile<'_>) -> Self {
        let mut entitled_features: Box<[Box<str>]> = event.entitled_features.iter().map(|name| Box::from(&**name)).collect();
        entitled_features.sort_unstable();
        let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(Box::from);
        Self {
            name: owned(&event.name),
            segment: owned(&event.segment),
            plan: owned(&event.plan),
            csm: owned(&event.csm),
            region: owned(&event.region),
            seats: event.seats,
            signed_up_at: event.signed_up_at,
            onboarded_at: event.onboarded_at,
            entitled_features,
            referred_by: owned(&event.referred_by),
        }
    }
}

impl Whole {
    fn without_features(&self) -> Self {
        let mut head = self.clone();
        head.profile.entitled_features = Box::default();
        head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(name: &'static str) -> AccountProfile<'static> {
        AccountProfile { name: Some(name.into()), ..AccountProfile::default() }
    }

    #[test]
    fn the_newest_by_time_then_id_wins_in_any_order() {
        let events = [("a", 1, "2"), ("b", 2, "1"), ("c", 2, "2")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut state = NewestProfile::default();
            for (name, at, id) in order.map(|i| events[i]) {
                state.apply(&named(name), Timestamp(at), Some(id));
            }
            assert_eq!(state.get().unwrap().name.as_deref(), Some("c"));
        }
    }

    #[test]
    fn each_field_is_the_newest_that_was_given_in_any_order() {
        let merging = |name: Option<&'static str>, seats| AccountProfile { name: name.map(Into::into), seats, ..AccountProfile::merging() };
        let plan = AccountProfile { plan: Some("pro".into()), ..named("whole") };
        let events = [
            (merging(Some("too early"), Some(1)), 1),
            (plan, 2),
            (merging(None, Some(3)), 3),
            (merging(Some("newest"), None), 4),
            (AccountProfile::merging(), 9),
        ];
        let mut seen = std::collections::HashSet::new();
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 3, 1], [3, 1, 0, 2, 4], [1, 3, 4, 0, 2]] {
            let mut state = NewestProfile::default();
            for (event, at) in order.map(|i| &events[i]) {
                state.apply(event, Timestamp(*at), None);
                state.apply(event, Timestamp(*at), None);
            }
            let profile = state.get().unwrap();
            assert_eq!((profile.name.as_deref(), profile.plan.as_deref(), profile.seats), (Some("newest"), Some("pro"), Some(3)));
            assert_eq!((state.at(), state.least_version()), (Some(Timestamp(2)), StateVersion::V2));
            let parts = state.parts(StateVersion::V2);
            let mut restored = NewestProfile::default();
            for (part, bytes) in &parts {
                restored.restore(*part, bytes).unwrap();
            }
            assert_eq!(restored, state);
            seen.insert(parts);
        }
        assert_eq!(seen.len(), 1, "equal state has equal parts");
    }

    #[test]
    fn a_deletion_forgets_the_fields_that_were_merged_before_it() {
        let mut state = NewestProfile::default();
        state.apply(&named("whole"), Timestamp(1), None);
        state.apply(&AccountProfile { seats: Some(2), plan: Some("pro".into()), ..AccountProfile::merging() }, Timestamp(2), None);
        state.apply(&AccountProfile { seats: Some(3), ..AccountProfile::merging() }, Timestamp(3), None);
        state.forget_until(Timestamp(2));
        assert_eq!(state.get().unwrap(), &Profile { seats: Some(3), ..Profile::default() });
        state.forget_until(Timestamp(3));
        assert_eq!(state, NewestProfile::default());
    }

    proptest! {
        #[test]
        fn a_deletion_leaves_exactly_what_is_after_it(
            records in prop::collection::vec((0..9_i64, any::<bool>(), prop::option::of(0..3_u64), any::<bool>()), 0..12).prop_shuffle(),
            deleted_at in -1..9_i64,
        ) {
            let (mut state, mut next_life) = (NewestProfile::default(), NewestProfile::default());
            for (n, (at, merge, seats, is_named)) in records.into_iter().enumerate() {
                let id = format!("{n}");
                let event = AccountProfile { name: is_named.then(|| id.clone().into()), seats, merge, ..AccountProfile::default() };
                state.apply(&event, Timestamp(at), Some(&id));
                if at > deleted_at {
                    next_life.apply(&event, Timestamp(at), Some(&id));
                }
            }
            state.forget_until(Timestamp(deleted_at));
            prop_assert_eq!(state.parts(StateVersion::NEWEST), next_life.parts(StateVersion::NEWEST));
        }
    }

    #[test]
    fn without_merges_the_stored_bytes_are_those_of_a_whole_profile() {
        let mut state = NewestProfile::default();
        state.apply(&named("Acme"), Timestamp(5), None);
        assert_eq!(state.least_version(), StateVersion::V1);
    }

    #[test]
    fn it_is_restored_from_its_part() {
        let mut state = NewestProfile::default();
        state.apply(&named("Acme"), Timestamp(5), None);
        let mut restored = NewestProfile::default();
        for (part, bytes) in state.parts(StateVersion::NEWEST) {
            restored.restore(part, &bytes).unwrap();
        }
        assert_eq!(restored, state);
    }

    #[test]
    fn any_number_of_features_is_restored_from_parts_of_bounded_size() {
        let mut state = NewestProfile::default();
        let features = (0..5_000).map(|n| format!("{:x>300}", n / 3).into()).collect();
        state.apply(&AccountProfile { entitled_features: features, ..named("Acme") }, Timestamp(5), Some("id"));
        let parts = state.parts(StateVersion::V2);
        assert!(parts.len() > 10 && parts.iter().all(|(_, bytes)| bytes.len() <= PART_BYTES));
        for order in [0, 7] {
            let mut restored = NewestProfile::default();
            for n in 0..parts.len() {
                let (part, bytes) = &parts[(n + order) % parts.len()];
                restored.restore(*part, bytes).unwrap();
            }
            assert_eq!(restored, state);
        }
    }
}
