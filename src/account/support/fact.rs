//! The facts of a ticket: an ordered set that determines everything else about the ticket.
//!
//! Each record adds one fact. The state of a ticket at an instant depends only on the facts up to that instant, so records may arrive in
//! any order and more than once.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};
use crate::time::Timestamp;

/// Bytes kept of an id, a category, a product or a channel; the rest is cut off.
pub(super) const MAX_TEXT_BYTES: usize = 256;

/// The facts of one ticket, in bytes, at most: about 150 facts without ids, about 60 with a UUID each.
const MAX_FACTS_BYTES: usize = 4096;

/// One fact. Sorted by instant, then by [`FactKind::rank`], then by id. Texts are UTF-8, which is checked on output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact<'a> {
    pub at: Timestamp,
    pub kind: FactKind,
    /// The producer's id, kept only if it can decide the order of two facts at one instant; empty otherwise.
    pub id: &'a [u8],
    pub priority: Option<Priority>,
    pub category: Option<&'a [u8]>,
    pub product: Option<&'a [u8]>,
    pub channel: Option<&'a [u8]>,
    /// Hash of the team: only whether two teams are the same matters.
    pub team: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FactKind {
    Opened,
    Reopened,
    Status(OpenStatus),
    Priority,
    Assigned,
    /// A reply by an agent or a requester. A public one by an agent carries the hash of its id, which distinguishes two at one instant.
    Replied(Option<u32>),
    BotReplied,
    Resolved,
    Closed,
    Rated(Satisfaction),
    /// Boxed because it is rare and large.
    Snapshot(Box<SnapshotFact>),
    Moved,
    Merged,
    Deleted,
}

/// The whole ticket in the help desk at the instant of the fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SnapshotFact {
    pub status: SnapshotStatus,
    pub created: Option<Timestamp>,
    pub first_reply: Option<Timestamp>,
    pub first_resolved: Option<Timestamp>,
    pub resolved: Option<Timestamp>,
    pub reopened: Option<Timestamp>,
    pub closed: Option<Timestamp>,
    pub rating: Option<Satisfaction>,
}

impl FactKind {
    /// Order of facts at one instant. Moved, merged and deleted come last, even if a snapshot reports them: an event that brings a moved
    /// ticket back must be strictly later.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Opened => 0,
            Self::Reopened => 1,
            Self::Status(_) => 2,
            Self::Priority => 3,
            Self::Assigned => 4,
            Self::Replied(_) | Self::BotReplied => 5,
            Self::Resolved => 6,
            Self::Closed => 7,
            Self::Rated(_) => 8,
            Self::Snapshot(snapshot) => match snapshot.status {
                SnapshotStatus::Moved => 10,
                SnapshotStatus::Merged => 11,
                SnapshotStatus::Deleted => 12,
                _ => 9,
            },
            Self::Moved => 10,
            Self::Merged => 11,
            Self::Deleted => 12,
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
            TicketKind::Replied { by: ReplyBy::Bot, .. } => Self::BotReplied,
            TicketKind::Replied { .. } => Self::Replied(None),
            TicketKind::Resolved => Self::Resolved,
            TicketKind::Closed => Self::Closed,
            TicketKind::Rated(place) => Self::Rated(Satisfaction::of(*place)),
            TicketKind::Snapshot(snapshot) => Self::Snapshot(Box::new(SnapshotFact::of(snapshot))),
            TicketKind::Moved => Self::Moved,
            TicketKind::Merged(_) => Self::Merged,
            TicketKind::Deleted => Self::Deleted,
        }
    }
}

impl SnapshotFact {
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
    /// The fact that an event adds.
    pub(super) fn of(event: &'a TicketEvent<'_>, at: Timestamp, id: Option<&'a str>) -> Self {
        let kind = FactKind::of(&event.kind, id);
        let mut fact = Self {
            at,
            kind,
            id: b"",
            priority: event.priority,
            category: event.category.as_deref().and_then(text),
            product: event.product.as_deref().and_then(text),
            channel: event.channel.as_deref().and_then(text),
            team: event.team.as_deref().filter(|team| !team.is_empty()).map(short_hash),
        };
        if fact.sets_fields() || matches!(fact.kind, FactKind::Status(_) | FactKind::Rated(_) | FactKind::Snapshot(_)) {
            fact.id = id.map_or(b"", cut);
        }
        fact
    }

    /// Whether it sets a field that holds from its instant on.
    const fn sets_fields(&self) -> bool {
        self.priority.is_some() || self.category.is_some() || self.product.is_some() || self.channel.is_some()
    }

    /// The latest instant that it mentions.
    pub(super) fn latest_instant(&self) -> Timestamp {
        let FactKind::Snapshot(snapshot) = &self.kind else { return self.at };
        let SnapshotFact { created, first_reply, first_resolved, resolved, reopened, closed, .. } = **snapshot;
        [created, first_reply, first_resolved, resolved, reopened, closed].into_iter().flatten().fold(self.at, Timestamp::max)
    }

    /// Its size, in bytes, at most.
    fn max_bytes(&self) -> usize {
        let texts = [Some(self.id), self.category, self.product, self.channel].into_iter().flatten().map(<[u8]>::len).sum::<usize>();
        let inner_instants = if matches!(self.kind, FactKind::Snapshot(_)) { 50 } else { 0 };
        26 + texts + inner_instants
    }

    /// Whether it is a duplicate: same type, id and instant, or, without an id, the same content.
    fn repeats(&self, other: &Self) -> bool {
        if self.id.is_empty() {
            return self == other;
        }
        let same_type = std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind);
        same_type && (self.at, self.id) == (other.at, other.id)
    }
}

impl Ord for Fact<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |fact: &Self| (fact.at, fact.kind.rank());
        (key(self), self.id)
            .cmp(&(key(other), other.id))
            .then_with(|| self.kind.cmp(&other.kind))
            .then_with(|| (self.priority, self.team).cmp(&(other.priority, other.team)))
            .then_with(|| (self.category, self.product, self.channel).cmp(&(other.category, other.product, other.channel)))
    }
}

impl PartialOrd for Fact<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Adds a fact to the sorted facts unless it is a duplicate, and moves redundant facts to `redundant`. Returns false if facts had to be
/// dropped because the ticket is full.
pub(super) fn insert<'a>(facts: &mut Vec<Fact<'a>>, fact: Fact<'a>, redundant: &mut Vec<Fact<'a>>) -> bool {
    if facts.iter().any(|known| fact.repeats(known)) {
        return true;
    }
    let place = facts.partition_point(|known| *known < fact);
    facts.insert(place, fact);
    take_redundant(facts, redundant);
    let mut fits = true;
    while facts.iter().map(Fact::max_bytes).sum::<usize>() > MAX_FACTS_BYTES {
        drop_one(facts);
        fits = false;
    }
    fits
}

/// Drops a fact of the rank that takes most bytes. Keeps the first and the newest of that rank: it drops the second, or the first of two.
fn drop_one(facts: &mut Vec<Fact<'_>>) {
    let mut weights = [0; RANKS];
    for fact in facts.iter() {
        if let Some(weight) = weights.get_mut(usize::from(fact.kind.rank())) {
            *weight += fact.max_bytes();
        }
    }
    let heaviest = (0..).zip(weights).max_by_key(|(_, weight)| *weight).map_or(0, |(rank, _)| rank);
    let of_rank: Vec<usize> = (0..).zip(facts.iter()).filter(|(_, fact)| fact.kind.rank() == heaviest).map(|(place, _)| place).collect();
    let leaving = match of_rank.as_slice() {
        [_, second, _, ..] => *second,
        [first, ..] => *first,
        [] => return,
    };
    facts.remove(leaving);
}

/// The number of ranks.
const RANKS: usize = 13;

/// Keeps the facts that can matter at any instant, whatever facts follow: the first merge and deletion, the first two public agent replies
/// and teams, and every fact that sets a field. Keeps every opening, because one may follow a move that is not known yet. Takes replies
/// that do not count and changes without content.
fn take_redundant<'a>(facts: &mut Vec<Fact<'a>>, redundant: &mut Vec<Fact<'a>>) {
    let (mut opened, mut moved) = (None, None);
    let (mut merged, mut deleted) = (false, false);
    let mut replies = 0;
    let mut teams = [None; 2];
    let is_redundant = |fact: &mut Fact<'a>| {
        let matters = match &fact.kind {
            FactKind::Opened => opened.replace(fact.at) != Some(fact.at),
            FactKind::Moved => moved.replace(fact.at) != Some(fact.at),
            FactKind::Merged => !std::mem::replace(&mut merged, true),
            FactKind::Deleted => !std::mem::replace(&mut deleted, true),
            FactKind::Replied(Some(_)) => {
                replies += 1;
                replies <= 2
            }
            FactKind::Priority | FactKind::Assigned | FactKind::Replied(None) | FactKind::BotReplied => false,
            _ => true,
        };
        let new_team = fact.team.is_some() && !teams.contains(&fact.team) && {
            let free = teams.iter_mut().find(|team| team.is_none());
            free.map(|free| *free = fact.team).is_some()
        };
        !matters && !new_team && !fact.sets_fields()
    };
    redundant.extend(facts.extract_if(.., is_redundant));
}

/// The text, cut to [`MAX_TEXT_BYTES`]; `None` if it is empty.
fn text(text: &str) -> Option<&[u8]> {
    (!text.is_empty()).then(|| cut(text))
}

fn cut(text: &str) -> &[u8] {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(text).as_bytes()
}

/// 32 bits are enough to distinguish the few replies and teams of one ticket.
#[expect(clippy::cast_possible_truncation, reason = "the low half of the hash is wanted")]
fn short_hash(text: &str) -> u32 {
    xxh3_64(text.as_bytes()) as u32
}
