//! Account profiles: a newer profile replaces all fields, or only those that it gives.

use std::borrow::Cow;

use crate::time::Timestamp;

/// The profile of an account, or a part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountProfile<'a> {
    /// Display name.
    pub name: Option<Cow<'a, str>>,
    /// Segment.
    pub segment: Option<Cow<'a, str>>,
    /// Plan.
    pub plan: Option<Cow<'a, str>>,
    /// Customer success manager.
    pub csm: Option<Cow<'a, str>>,
    /// Region, for quiet days.
    pub region: Option<Cow<'a, str>>,
    /// Seats sold; 0 is a value, not a missing one.
    pub seats: Option<u64>,
    /// Start of tenure.
    pub signed_up_at: Option<Timestamp>,
    /// End of onboarding.
    pub onboarded_at: Option<Timestamp>,
    /// Features included in the plan; empty: not given.
    pub entitled_features: Vec<Cow<'a, str>>,
    /// Ids in other systems: (system, id).
    pub aliases: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The account or person that referred it.
    pub referred_by: Option<Cow<'a, str>>,
    /// Acquisition channel.
    pub acquired_through: Option<Cow<'a, str>>,
    /// Whether only the fields that are given replace older ones, and the others stay.
    pub merge: bool,
    /// Whether the account is deleted.
    pub deleted: bool,
}

impl AccountProfile<'_> {
    /// A profile without any field, to be completed with those that are known.
    #[must_use]
    pub fn merging() -> Self {
        Self { merge: true, ..Self::default() }
    }
}
