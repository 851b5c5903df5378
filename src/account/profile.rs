//! The profile of an account: the newest record, by event time and id, replaces all fields.

use super::bytes::{Reader, Writer};
use super::parts::{SectionPart, by_hash, split};
use super::section::{CodecError, MAX_PART_BYTES, PART_BYTES, Section, decode, encode, split_version};
use crate::event::AccountProfile;
use crate::settings::StateVersion;
use crate::time::Timestamp;

/// The newest profile, boxed because most accounts have none and it is large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewestProfile(Option<Box<Newest>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Newest {
    at: Timestamp,
    id: Option<Box<str>>,
    profile: Profile,
}

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
    /// Stores a profile if it is newer than the current one.
    pub fn apply(&mut self, event: &AccountProfile<'_>, at: Timestamp, id: Option<&str>) {
        if self.0.as_ref().is_some_and(|held| (held.at, held.id.as_deref()) >= (at, id)) {
            return;
        }
        let mut entitled_features: Box<[Box<str>]> = event.entitled_features.iter().map(|name| Box::from(&**name)).collect();
        entitled_features.sort_unstable();
        let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(Box::from);
        let profile = Profile {
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
        };
        self.0 = Some(Box::new(Newest { at, id: id.map(Box::from), profile }));
    }

    /// Forgets a profile up to a deletion.
    pub fn forget_until(&mut self, deleted_at: Timestamp) {
        self.0.take_if(|newest| newest.at <= deleted_at);
    }

    /// The time of the newest profile.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|newest| newest.at)
    }

    /// The newest profile.
    #[must_use]
    pub fn get(&self) -> Option<&Profile> {
        self.0.as_ref().map(|newest| &newest.profile)
    }
}

impl Section for NewestProfile {
    fn parts(&self, version: StateVersion) -> Vec<SectionPart> {
        let Some(newest) = &self.0 else { return Vec::new() };
        if version == StateVersion::V1 {
            return vec![(0, encode(version, newest))];
        }
        let features = newest.profile.entitled_features.iter().map(|name| name.as_bytes().to_vec());
        split(by_hash(features).as_slice(), PART_BYTES, |is_first, features: &[(u64, Vec<u8>)]| {
            let mut out = Writer::default();
            out.0.push(version as u8);
            if is_first {
                out.text(&encode(version, &newest.without_features()));
            }
            for (_, name) in features {
                out.text(name);
            }
            out.0
        })
    }

    fn least_version(&self) -> StateVersion {
        let features = self.0.iter().flat_map(|newest| &newest.profile.entitled_features);
        let fits = features.map(|name| name.len() + size_of::<u64>()).sum::<usize>() <= MAX_PART_BYTES / 2;
        if fits { StateVersion::V1 } else { StateVersion::V2 }
    }

    fn restore(&mut self, part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        let (version, rest) = split_version(bytes)?;
        let newest = self.0.get_or_insert_default();
        let apart = std::mem::take(&mut newest.profile.entitled_features);
        if version == StateVersion::V1 {
            **newest = decode(bytes)?;
            return Ok(());
        }
        let mut rest = Reader(rest);
        if part == 0 {
            **newest = decode(rest.text().ok_or(CodecError::Corrupt("profile"))?)?;
        }
        let mut features = apart.into_vec();
        while !rest.0.is_empty() {
            let name = rest.text().and_then(|name| std::str::from_utf8(name).ok()).ok_or(CodecError::Corrupt("an entitled feature"))?;
            features.push(name.into());
        }
        features.sort_unstable();
        newest.profile.entitled_features = features.into();
        Ok(())
    }
}

impl Newest {
    fn without_features(&self) -> Self {
        let mut head = self.clone();
        head.profile.entitled_features = Box::default();
        head
    }
}

#[cfg(test)]
mod tests {
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
