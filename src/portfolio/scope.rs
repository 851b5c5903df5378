//! Scopes of KPIs: all accounts, or those of one segment, plan or CSM.

use serde::{Serialize, Serializer};

use super::tally::OTHER;
use crate::account::Account;

/// The accounts that KPIs cover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All accounts.
    All,
    /// Those of a segment.
    Segment(Box<str>),
    /// Those of a plan.
    Plan(Box<str>),
    /// Those of a customer success manager.
    Csm(Box<str>),
}

impl Scope {
    /// `all`, `segment`, `plan` or `csm`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Segment(_) => "segment",
            Self::Plan(_) => "plan",
            Self::Csm(_) => "csm",
        }
    }

    /// The accounts of a segment, plan or CSM; `None` for another kind.
    #[must_use]
    pub fn named(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "segment" => Some(Self::Segment(name.into())),
            "plan" => Some(Self::Plan(name.into())),
            "csm" => Some(Self::Csm(name.into())),
            _ => None,
        }
    }

    /// The name of the segment, the plan or the CSM; empty for all accounts.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::All => "",
            Self::Segment(name) | Self::Plan(name) | Self::Csm(name) => name,
        }
    }

    /// The scope that collects those of its kind beyond the limit.
    pub(super) fn other(&self) -> Self {
        match self {
            Self::All => Self::All,
            Self::Segment(_) => Self::Segment(OTHER.into()),
            Self::Plan(_) => Self::Plan(OTHER.into()),
            Self::Csm(_) => Self::Csm(OTHER.into()),
        }
    }

    /// The scopes of an account, by its newest profile.
    pub(super) fn of(account: &Account) -> impl Iterator<Item = Self> {
        let profile = account.profile();
        let segment = profile.and_then(|profile| profile.segment.clone()).map(Self::Segment);
        let plan = profile.and_then(|profile| profile.plan.clone()).map(Self::Plan);
        let csm = profile.and_then(|profile| profile.csm.clone()).map(Self::Csm);
        [Some(Self::All), segment, plan, csm].into_iter().flatten()
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = match self {
            Self::All => None,
            Self::Segment(name) => Some(("segment", name)),
            Self::Plan(name) => Some(("plan", name)),
            Self::Csm(name) => Some(("csm", name)),
        };
        serializer.collect_map(entry)
    }
}
