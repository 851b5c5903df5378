//! The profile of an account: the newest by (event time, id) replaces all fields.

use super::section::{CodecError, Section, decode, encode};
use crate::event::AccountProfile;
use crate::settings::StateVersion;
use crate::time::Timestamp;

/// The newest profile, kept apart from the account since it is rare and large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State(Option<Box<Newest>>);

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Newest {
    at: Timestamp,
    id: Option<Box<str>>,
    profile: Profile,
}

/// What is known about an account from its profile.
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
    /// Begin of tenure.
    pub signed_up_at: Option<Timestamp>,
    /// End of onboarding.
    pub onboarded_at: Option<Timestamp>,
    /// Features that the account may use; empty: not given.
    pub entitled_features: Box<[Box<str>]>,
    /// Who referred it.
    pub referred_by: Option<Box<str>>,
}

impl State {
    /// Takes a profile, if it is newer than the one held.
    pub fn apply(&mut self, event: &AccountProfile<'_>, at: Timestamp, id: Option<&str>) {
        if self.0.as_ref().is_some_and(|held| (held.at, held.id.as_deref()) >= (at, id)) {
            return;
        }
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
            entitled_features: event.entitled_features.iter().map(|name| Box::from(&**name)).collect(),
            referred_by: owned(&event.referred_by),
        };
        self.0 = Some(Box::new(Newest { at, id: id.map(Box::from), profile }));
    }

    /// The newest profile.
    #[must_use]
    pub fn get(&self) -> Option<&Profile> {
        self.0.as_ref().map(|newest| &newest.profile)
    }
}

impl Section for State {
    fn parts(&self, version: StateVersion) -> Vec<(u16, Vec<u8>)> {
        self.0.iter().map(|newest| (0, encode(version, newest))).collect()
    }

    fn restore(&mut self, _: u16, bytes: &[u8]) -> Result<(), CodecError> {
        self.0 = Some(Box::new(decode(bytes)?));
        Ok(())
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
            let mut state = State::default();
            for (name, at, id) in order.map(|i| events[i]) {
                state.apply(&named(name), Timestamp(at), Some(id));
            }
            assert_eq!(state.get().unwrap().name.as_deref(), Some("c"));
        }
    }

    #[test]
    fn it_comes_back_from_its_part() {
        let mut state = State::default();
        state.apply(&named("Acme"), Timestamp(5), None);
        let mut restored = State::default();
        for (part, bytes) in state.parts(StateVersion::NEWEST) {
            restored.restore(part, &bytes).unwrap();
        }
        assert_eq!(restored, state);
    }
}
