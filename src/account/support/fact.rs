//! The facts of a ticket: a set with an order, from which everything else about the ticket follows.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};
use crate::time::Timestamp;

/// Bytes of an id, a category or a product that are kept; the rest is cut.
pub(super) const MAX_TEXT_BYTES: usize = 256;

/// What the facts of one ticket may weigh, about its bytes: some 150 without ids, some 60 with a UUID each.
const MAX_WEIGHT: usize = 4096;

/// One fact. Sorted by instant, then kind in the order of [`What`], then id. Texts are UTF-8, not looked into until they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact<'a> {
    pub at: Timestamp,
    pub what: What,
    /// The producer's id, kept only where the order of two facts at one instant can matter; else empty.
    pub id: &'a [u8],
    pub priority: Option<Priority>,
    pub category: Option<&'a [u8]>,
    pub product: Option<&'a [u8]>,
    /// Hash of the team: only whether two are the same one matters.
    pub team: Option<u32>,
}

/// What happened. The order of the variants is the order of facts at one instant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Opened,
    Reopened,
    Status(OpenStatus),
    Priority,
    Assigned,
    /// A reply; of a public one by an agent, the hash of its id, which tells two at one instant apart.
    Replied(Option<u32>),
    Resolved,
    Closed,
    Rated(Satisfaction),
    /// Boxed, since it is rare and large.
    Snapshot(Box<Snapshot>),
    Merged,
    Deleted,
}

/// A whole ticket as the help desk had it at the instant of the fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Snapshot {
    pub status: SnapshotStatus,
    pub created: Option<Timestamp>,
    pub first_reply: Option<Timestamp>,
    pub first_resolved: Option<Timestamp>,
    pub resolved: Option<Timestamp>,
    pub reopened: Option<Timestamp>,
    pub closed: Option<Timestamp>,
    pub rating: Option<Satisfaction>,
}

impl What {
    const KINDS: usize = 12;

    /// Place in the order of facts at one instant.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Opened => 0,
            Self::Reopened => 1,
            Self::Status(_) => 2,
            Self::Priority => 3,
            Self::Assigned => 4,
            Self::Replied(_) => 5,
            Self::Resolved => 6,
            Self::Closed => 7,
            Self::Rated(_) => 8,
            Self::Snapshot(_) => 9,
            Self::Merged => 10,
            Self::Deleted => 11,
        }
    }

    fn of(kind: &TicketKind<'_>, id: Option<&str>) -> Self {
        match kind {
            TicketKind::Opened => Self::Opened,
            TicketKind::Reopened => Self::Reopened,
            TicketKind::StatusChanged(status) => Self::Status(*status),
            TicketKind::PriorityChanged => Self::Priority,
            TicketKind::Assigned => Self::Assigned,
            TicketKind::Replied { by: ReplyBy::Agent, public: true } => Self::Replied(Some(short_hash(id.unwrap_or_default()))),
            TicketKind::Replied { .. } => Self::Replied(None),
            TicketKind::Resolved => Self::Resolved,
            TicketKind::Closed => Self::Closed,
            TicketKind::Rated(place) => Self::Rated(Satisfaction::of(*place)),
            TicketKind::Snapshot(snapshot) => Self::Snapshot(Box::new(Snapshot::of(snapshot))),
            TicketKind::Merged(_) => Self::Merged,
            TicketKind::Deleted => Self::Deleted,
        }
    }
}

impl Snapshot {
    fn of(snapshot: &TicketSnapshot) -> Self {
        Self {
            status: snapshot.status,
            created: snapshot.created_at,
            first_reply: snapshot.first_reply_at,
            first_resolved: snapshot.first_resolved_at,
            resolved: snapshot.resolved_at,
            reopened: snapshot.reopened_at,
            closed: snapshot.closed_at,
            rating: snapshot.score.map(Satisfaction::of),
        }
    }
}

impl<'a> Fact<'a> {
    /// The fact that an event tells.
    pub(super) fn of(event: &'a TicketEvent<'_>, at: Timestamp, id: Option<&'a str>) -> Self {
        let what = What::of(&event.kind, id);
        let mut fact = Self {
            at,
            what,
            id: b"",
            priority: event.priority,
            category: event.category.as_deref().and_then(text),
            product: event.product.as_deref().and_then(text),
            team: event.team.as_deref().filter(|team| !team.is_empty()).map(short_hash),
        };
        if fact.sets_fields() || matches!(fact.what, What::Status(_) | What::Rated(_) | What::Snapshot(_)) {
            fact.id = id.map_or(b"", cut);
        }
        fact
    }

    /// Whether it carries a field that holds from its instant on.
    const fn sets_fields(&self) -> bool {
        self.priority.is_some() || self.category.is_some() || self.product.is_some()
    }

    /// The latest instant that it tells of.
    pub(super) fn latest_instant(&self) -> Timestamp {
        let What::Snapshot(snapshot) = &self.what else { return self.at };
        let Snapshot { created, first_reply, first_resolved, resolved, reopened, closed, .. } = **snapshot;
        [created, first_reply, first_resolved, resolved, reopened, closed].into_iter().flatten().fold(self.at, Timestamp::max)
    }

    /// No less than the bytes it takes.
    fn weight(&self) -> usize {
        let texts = self.id.len() + self.category.map_or(0, <[u8]>::len) + self.product.map_or(0, <[u8]>::len);
        let inner_instants = if matches!(self.what, What::Snapshot(_)) { 50 } else { 0 };
        24 + texts + inner_instants
    }

    /// Whether it is the same record again, by kind, id and instant; without an id: by all it says.
    fn repeats(&self, other: &Self) -> bool {
        if self.id.is_empty() { self == other } else { (self.at, self.what.rank(), self.id) == (other.at, other.what.rank(), other.id) }
    }
}

impl Ord for Fact<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |fact: &Self| (fact.at, fact.what.rank());
        (key(self), self.id)
            .cmp(&(key(other), other.id))
            .then_with(|| self.what.cmp(&other.what))
            .then_with(|| (self.priority, self.team).cmp(&(other.priority, other.team)))
            .then_with(|| (self.category, self.product).cmp(&(other.category, other.product)))
    }
}

impl PartialOrd for Fact<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Adds a fact to sorted facts, unless it is there already, and drops what the others make needless. False when the ticket was full,
/// so that facts had to leave.
pub(super) fn insert<'a>(facts: &mut Vec<Fact<'a>>, fact: Fact<'a>) -> bool {
    if facts.iter().any(|known| fact.repeats(known)) {
        return true;
    }
    let place = facts.partition_point(|known| *known < fact);
    facts.insert(place, fact);
    drop_needless(facts);
    let mut fits = true;
    while facts.iter().map(Fact::weight).sum::<usize>() > MAX_WEIGHT {
        drop_one(facts);
        fits = false;
    }
    fits
}

/// Drops a fact of the kind that weighs most: the second earliest, so that its beginning and its newest stay; of two the earlier.
fn drop_one(facts: &mut Vec<Fact<'_>>) {
    let mut weights = [0; What::KINDS];
    for fact in facts.iter() {
        if let Some(weight) = weights.get_mut(usize::from(fact.what.rank())) {
            *weight += fact.weight();
        }
    }
    let heaviest = (0..).zip(weights).max_by_key(|(_, weight)| *weight).map_or(0, |(rank, _)| rank);
    let of_kind: Vec<usize> = (0..).zip(facts.iter()).filter(|(_, fact)| fact.what.rank() == heaviest).map(|(place, _)| place).collect();
    let leaving = match of_kind.as_slice() {
        [_, second, _, ..] => *second,
        [first, ..] => *first,
        [] => return,
    };
    facts.remove(leaving);
}

/// Keeps what can matter at some instant, now or after any other fact has come: of openings, mergers and deletions the earliest, of
/// public agent replies and of teams the two earliest, of replies that nobody counts and empty changes none, whatever sets a field.
fn drop_needless(facts: &mut Vec<Fact<'_>>) {
    let (mut opened, mut merged, mut deleted) = (false, false, false);
    let mut replies = 0;
    let mut teams = [None; 2];
    facts.retain(|fact| {
        let tells = match &fact.what {
            What::Opened => !std::mem::replace(&mut opened, true),
            What::Merged => !std::mem::replace(&mut merged, true),
            What::Deleted => !std::mem::replace(&mut deleted, true),
            What::Replied(Some(_)) => {
                replies += 1;
                replies <= 2
            }
            What::Priority | What::Assigned | What::Replied(None) => false,
            _ => true,
        };
        let new_team = fact.team.is_some() && !teams.contains(&fact.team) && {
            let free = teams.iter_mut().find(|team| team.is_none());
            free.map(|free| *free = fact.team).is_some()
        };
        tells || new_team || fact.sets_fields()
    });
}

/// The text as it is kept; `None` when it is empty.
fn text(text: &str) -> Option<&[u8]> {
    (!text.is_empty()).then(|| cut(text))
}

fn cut(text: &str) -> &[u8] {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(text).as_bytes()
}

/// 32 bits tell apart the few replies and teams of one ticket.
#[expect(clippy::cast_possible_truncation, reason = "the low half of the hash is wanted")]
fn short_hash(text: &str) -> u32 {
    xxh3_64(text.as_bytes()) as u32
}
