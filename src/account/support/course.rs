//! What the facts of a ticket up to an instant say, and the course that it took.
//!
//! A snapshot tells its status and fields at its own instant, and its inner instants join the known openings, replies, resolutions,
//! reopenings and closings.

use smallvec::SmallVec;

use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, SnapshotStatus};
use crate::time::Timestamp;

use super::fact::{Fact, Snapshot, What};
use super::view::{FIRST_CONTACT_MS, Resolution};

/// An instant, with the rank of what happened at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub at: Timestamp,
    pub rank: u8,
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
pub(super) struct Told<'a> {
    pub opened: Option<Timestamp>,
    pub snapshot_created: Option<Timestamp>,
    pub merged: bool,
    pub first_reply: Option<Timestamp>,
    pub rating: Option<(Timestamp, Satisfaction)>,
    pub priority: Option<Priority>,
    pub category: Option<&'a [u8]>,
    pub product: Option<&'a [u8]>,
    replied: bool,
    team: Option<u32>,
    /// The second public agent reply, and the first record with a second team.
    second_contacts: [Option<Moment>; 2],
    /// In the order of the facts.
    steps: SmallVec<[Step; 8]>,
}

/// How a ticket went: where it stands, and its earliest and latest resolution.
#[derive(Debug)]
pub(super) struct Course {
    pub open: bool,
    pub first: Option<Moment>,
    pub last: Option<Timestamp>,
}

impl<'a> Told<'a> {
    pub(super) fn fact(&mut self, fact: &Fact<'a>, t: Timestamp) {
        self.priority = fact.priority.or(self.priority);
        self.category = fact.category.or(self.category);
        self.product = fact.product.or(self.product);
        self.contact(fact);
        match &fact.what {
            What::Opened => self.opened = self.opened.or(Some(fact.at)),
            What::Reopened => self.step(fact.at, fact.what.rank(), Turn::Reopened),
            What::Status(status) => self.step(fact.at, fact.what.rank(), Turn::Status(Phase::of(*status))),
            What::Replied(Some(_)) => self.replied(fact.at),
            What::Resolved => self.step(fact.at, fact.what.rank(), Turn::Resolved),
            What::Closed => self.step(fact.at, fact.what.rank(), Turn::Closed),
            What::Rated(rating) => self.rating = Some((fact.at, *rating)),
            What::Snapshot(snapshot) => self.snapshot(fact.at, fact.what.rank(), snapshot, t),
            What::Merged => self.merged = true,
            What::Priority | What::Assigned | What::Replied(None) | What::Deleted => {}
        }
    }

    /// Notes a second reply, and a second team.
    fn contact(&mut self, fact: &Fact<'_>) {
        let moment = Moment { at: fact.at, rank: fact.what.rank() };
        let [second_reply, second_team] = &mut self.second_contacts;
        if matches!(fact.what, What::Replied(Some(_))) && std::mem::replace(&mut self.replied, true) {
            second_reply.get_or_insert(moment);
        }
        if let Some(team) = fact.team
            && *self.team.get_or_insert(team) != team
        {
            second_team.get_or_insert(moment);
        }
    }

    fn snapshot(&mut self, at: Timestamp, rank: u8, snapshot: &Snapshot, t: Timestamp) {
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
        self.step(at, rank, snapshot_turn(snapshot));
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

    /// The earliest known resolution, of a ticket opened at `created`.
    pub(super) fn resolution(&self, first: Moment, created: Option<Timestamp>) -> Resolution {
        let at = first.at;
        let reopened_soon = self.reopenings().any(|reopened| reopened > at && reopened.since(at) <= FIRST_CONTACT_MS);
        let single_contact = self.second_contacts.iter().flatten().all(|second| *second > first);
        Resolution {
            at,
            is_first: self.reopenings().all(|reopened| reopened > at),
            waiting_ms: created.map_or(0, |created| self.waiting_ms(created, at)),
            first_contact: single_contact && !reopened_soon,
        }
    }

    pub(super) fn reopenings(&self) -> impl Iterator<Item = Timestamp> {
        self.steps.iter().filter(|step| step.turn == Turn::Reopened).map(|step| step.moment.at)
    }

    /// Follows the steps. A closing counts as the resolution only where there is no resolution at all.
    pub(super) fn course(&self) -> Course {
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
