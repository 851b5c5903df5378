//! What a ticket is at an instant: the one place where its facts become figures.
//!
//! Only facts at or before the instant are told. A snapshot tells its status and fields at its own instant, and its inner instants join
//! the known openings, replies, resolutions, reopenings and closings.

use smallvec::SmallVec;

use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, SnapshotStatus};
use crate::time::{DAY_MS, Timestamp};

use super::codec::Ticket;
use super::fact::{Fact, Snapshot, What};

/// First-contact resolution looks this far beyond the resolution for a reopening, 5 x 24 h.
pub(super) const FIRST_CONTACT_MS: i64 = 5 * DAY_MS;

/// A ticket at an instant t. Instants are at or before t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TicketView<'a> {
    /// The instant.
    pub t: Timestamp,
    /// The earliest record of the ticket, whatever it says.
    pub first_record: Timestamp,
    /// Opening: the earlier of the earliest `ticket_opened` and the newest snapshot's `created_at`.
    pub created: Option<Timestamp>,
    /// Neither resolved nor merged.
    pub open: bool,
    /// Earliest known resolution; none of a merged ticket.
    pub first_resolution: Option<Resolution>,
    /// Latest known resolution; none of a merged ticket.
    pub last_resolved: Option<Timestamp>,
    /// Whether any reopening is known.
    pub reopened: bool,
    /// First public reply of an agent.
    pub first_reply: Option<Timestamp>,
    /// Newest rating, and when it was given.
    pub rating: Option<(Timestamp, Satisfaction)>,
    /// Priority, default normal.
    pub priority: Priority,
    /// Category, where one was given.
    pub category: Option<&'a str>,
    /// Product, where one was given.
    pub product: Option<&'a str>,
}

/// The earliest known resolution of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// Whether it is the first: a reopening before it tells of an earlier one at an unknown instant.
    pub is_first: bool,
    /// Milliseconds in status `pending` or `on_hold` between opening and this resolution.
    pub waiting_ms: i64,
    /// At most one public agent reply and one team on records up to it, and no reopening in the five days after it.
    pub first_contact: bool,
}

impl TicketView<'_> {
    /// Milliseconds from opening to first resolution; `None` where either is unknown.
    #[must_use]
    pub fn resolution_ms(&self) -> Option<i64> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        self.age_at(first.at)
    }

    /// The same less the time in status `pending` or `on_hold`.
    #[must_use]
    pub fn agent_resolution_ms(&self) -> Option<i64> {
        Some((self.resolution_ms()? - self.first_resolution?.waiting_ms).max(0))
    }

    /// Milliseconds from opening to last resolution; `None` while the ticket is open.
    #[must_use]
    pub fn full_resolution_ms(&self) -> Option<i64> {
        self.age_at(self.last_resolved.filter(|_| !self.open)?)
    }

    /// Milliseconds from opening to the first public reply of an agent.
    #[must_use]
    pub fn first_reply_ms(&self) -> Option<i64> {
        self.age_at(self.first_reply?)
    }

    /// Whether the first resolution, at least five days old, was a first-contact one; `None` where that cannot be said.
    #[must_use]
    pub fn first_contact(&self) -> Option<bool> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        (self.t.since(first.at) >= FIRST_CONTACT_MS).then_some(first.first_contact)
    }

    /// Milliseconds since the opening of an open ticket, or since its first record where the opening is unknown.
    #[must_use]
    pub fn open_ms(&self) -> Option<i64> {
        self.open.then(|| self.t.since(self.created.unwrap_or(self.first_record)))
    }

    fn age_at(&self, instant: Timestamp) -> Option<i64> {
        Some(instant.since(self.created?).max(0))
    }
}

impl<'a> Ticket<'a> {
    /// The ticket at `t`; `None` before its first record and from its deletion on.
    pub(super) fn at(&self, t: Timestamp) -> Option<TicketView<'a>> {
        if self.first_record > t {
            return None;
        }
        let mut told = Told::default();
        for fact in self.facts().take_while(|fact| fact.at <= t) {
            if fact.what == What::Deleted {
                return None;
            }
            told.fact(&fact, t);
        }
        let course = told.course();
        let created = told.opened.into_iter().chain(told.snapshot_created.filter(|created| *created <= t)).min();
        let first = course.first.filter(|_| !told.merged);
        Some(TicketView {
            t,
            first_record: self.first_record,
            created,
            open: course.open && !told.merged,
            first_resolution: first.map(|first| self.resolution(&told, first, created)),
            last_resolved: course.last.filter(|_| !told.merged),
            reopened: told.reopenings().next().is_some(),
            first_reply: told.first_reply,
            rating: told.rating,
            priority: told.priority.unwrap_or_default(),
            category: told.category,
            product: told.product,
        })
    }

    fn resolution(&self, told: &Told<'_>, first: Moment, created: Option<Timestamp>) -> Resolution {
        let at = first.at;
        let reopened_soon = told.reopenings().any(|reopened| reopened > at && reopened.since(at) <= FIRST_CONTACT_MS);
        Resolution {
            at,
            is_first: told.reopenings().all(|reopened| reopened > at),
            waiting_ms: created.map_or(0, |created| told.waiting_ms(created, at)),
            first_contact: !reopened_soon && self.is_single_contact(first),
        }
    }

    /// Whether records up to a moment hold at most one public agent reply and at most one team.
    fn is_single_contact(&self, until: Moment) -> bool {
        let (mut replies, mut team) = (0, None);
        for fact in self.facts().take_while(|fact| (fact.at, fact.what.rank()) <= (until.at, until.rank)) {
            replies += i32::from(matches!(fact.what, What::Replied(Some(_))));
            if replies > 1 || (team.is_some() && fact.team.is_some() && team != fact.team) {
                return false;
            }
            team = team.or(fact.team);
        }
        true
    }
}

/// An instant, with the rank of what happened at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    at: Timestamp,
    rank: u8,
}

/// Something that can move a ticket between open, waiting and done.
#[derive(Clone, Copy, Debug)]
struct Step {
    moment: Moment,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Reopened,
    Resolved,
    Closed,
    Status(Phase),
    /// Done, by a snapshot that names no instant for it.
    Found(Done),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Resolved,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Pending or on hold.
    Waiting,
    Done,
}

impl Turn {
    const fn phase(self) -> Phase {
        match self {
            Self::Reopened => Phase::Open,
            Self::Resolved | Self::Closed | Self::Found(_) => Phase::Done,
            Self::Status(phase) => phase,
        }
    }
}

/// What the facts up to t say, before it is known what follows from it.
#[derive(Debug, Default)]
struct Told<'a> {
    opened: Option<Timestamp>,
    snapshot_created: Option<Timestamp>,
    merged: bool,
    first_reply: Option<Timestamp>,
    rating: Option<(Timestamp, Satisfaction)>,
    priority: Option<Priority>,
    category: Option<&'a str>,
    product: Option<&'a str>,
    /// In the order of the facts.
    steps: SmallVec<[Step; 8]>,
}

/// How a ticket went: where it stands, and its earliest and latest resolution.
#[derive(Debug)]
struct Course {
    open: bool,
    first: Option<Moment>,
    last: Option<Timestamp>,
}

impl<'a> Told<'a> {
    fn fact(&mut self, fact: &Fact<'a>, t: Timestamp) {
        self.priority = fact.priority.or(self.priority);
        self.category = fact.category.or(self.category);
        self.product = fact.product.or(self.product);
        match fact.what {
            What::Opened => self.opened = self.opened.or(Some(fact.at)),
            What::Reopened => self.step(fact.at, fact.what.rank(), Turn::Reopened),
            What::Status(status) => self.step(fact.at, fact.what.rank(), Turn::Status(Phase::of(status))),
            What::Replied(Some(_)) => self.replied(fact.at),
            What::Resolved => self.step(fact.at, fact.what.rank(), Turn::Resolved),
            What::Closed => self.step(fact.at, fact.what.rank(), Turn::Closed),
            What::Rated(rating) => self.rating = Some((fact.at, rating)),
            What::Snapshot(snapshot) => self.snapshot(fact.at, &snapshot, t),
            What::Merged => self.merged = true,
            What::Priority | What::Assigned | What::Replied(None) | What::Deleted => {}
        }
    }

    fn snapshot(&mut self, at: Timestamp, snapshot: &Snapshot, t: Timestamp) {
        self.snapshot_created = snapshot.created.or(self.snapshot_created);
        self.rating = snapshot.rating.map(|rating| (at, rating)).or(self.rating);
        let known = |instant: Option<Timestamp>| instant.filter(|instant| *instant <= t);
        if let Some(replied) = known(snapshot.first_reply) {
            self.replied(replied);
        }
        for resolved in [snapshot.first_resolved, snapshot.resolved].into_iter().filter_map(known) {
            self.step(resolved, What::Resolved.rank(), Turn::Resolved);
        }
        if let Some(closed) = known(snapshot.closed) {
            self.step(closed, What::Closed.rank(), Turn::Closed);
        }
        if let Some(reopened) = known(snapshot.reopened) {
            self.step(reopened, What::Reopened.rank(), Turn::Reopened);
        }
        self.step(at, What::Snapshot(*snapshot).rank(), snapshot_turn(snapshot));
    }

    fn replied(&mut self, at: Timestamp) {
        self.first_reply = Some(self.first_reply.map_or(at, |known| known.min(at)));
    }

    /// Puts a step in its place; equal moments stay in the order of their facts.
    fn step(&mut self, at: Timestamp, rank: u8, turn: Turn) {
        let moment = Moment { at, rank };
        let place = self.steps.iter().rposition(|step| step.moment <= moment).map_or(0, |before| before + 1);
        self.steps.insert(place, Step { moment, turn });
    }

    fn reopenings(&self) -> impl Iterator<Item = Timestamp> {
        self.steps.iter().filter(|step| step.turn == Turn::Reopened).map(|step| step.moment.at)
    }

    /// Follows the steps. A closing counts as the resolution only where there is no resolution at all.
    fn course(&self) -> Course {
        let mut phase = Phase::Open;
        let (mut resolved, mut closed) = (None, None);
        for Step { moment, turn } in &self.steps {
            let span = match turn {
                Turn::Resolved => Some(&mut resolved),
                Turn::Closed => Some(&mut closed),
                Turn::Found(Done::Resolved) if phase != Phase::Done => Some(&mut resolved),
                Turn::Found(Done::Closed) if phase != Phase::Done => Some(&mut closed),
                _ => None,
            };
            if let Some(span) = span {
                let (first, _) = span.unwrap_or((*moment, moment.at));
                *span = Some((first, moment.at));
            }
            phase = turn.phase();
        }
        let span = resolved.or(closed);
        Course { open: phase != Phase::Done, first: span.map(|(first, _)| first), last: span.map(|(_, last)| last) }
    }

    /// Milliseconds in status `pending` or `on_hold` between two instants.
    fn waiting_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        let ends = self.steps.iter().skip(1).map(|step| step.moment.at).chain([to]);
        let waiting = self.steps.iter().zip(ends).filter(|(step, _)| step.turn.phase() == Phase::Waiting);
        waiting.map(|(step, end)| end.min(to).since(step.moment.at.max(from)).max(0)).sum()
    }
}

impl Phase {
    const fn of(status: OpenStatus) -> Self {
        match status {
            OpenStatus::Open => Self::Open,
            OpenStatus::Pending | OpenStatus::OnHold => Self::Waiting,
        }
    }
}

/// The status of a snapshot. One that is resolved or closed without saying when is so from the snapshot on, unless it was before.
const fn snapshot_turn(snapshot: &Snapshot) -> Turn {
    match snapshot.status {
        SnapshotStatus::New | SnapshotStatus::Open => Turn::Status(Phase::Open),
        SnapshotStatus::Pending | SnapshotStatus::OnHold => Turn::Status(Phase::Waiting),
        _ if snapshot.first_resolved.is_some() || snapshot.resolved.is_some() => Turn::Status(Phase::Done),
        SnapshotStatus::Closed if snapshot.closed.is_some() => Turn::Status(Phase::Done),
        SnapshotStatus::Resolved => Turn::Found(Done::Resolved),
        SnapshotStatus::Closed => Turn::Found(Done::Closed),
    }
}
