//! The lifecycle of a ticket, derived from its facts up to an instant.
//!
//! A snapshot sets its status and fields at its own instant. The instants that it mentions are added to the known openings, replies,
//! resolutions, reopenings and closings.

use smallvec::SmallVec;

use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, SnapshotStatus};
use crate::time::{DAY_MS, Timestamp};

use super::fact::{Fact, FactKind, SnapshotFact};

/// A reopening within 5 x 24 h of the resolution means that it was not a first-contact resolution.
pub(super) const FIRST_CONTACT_MS: i64 = 5 * DAY_MS;

/// The earliest known resolution of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// Whether it is the first: a reopening strictly before it implies an earlier one, at an unknown instant.
    pub is_first: bool,
    /// Whether the ticket was reopened, at any other instant.
    pub reopened: bool,
    /// Milliseconds in status `pending` or `on_hold` between opening and this resolution.
    pub waiting_ms: i64,
    /// Whether at most one public agent reply and one team occur up to it, and no reopening in the five days after it.
    pub first_contact: bool,
}

/// An instant, with the rank of the fact at that instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub at: Timestamp,
    pub rank: u8,
}

/// A change between open, waiting and done.
#[derive(Clone, Copy, Debug)]
struct Step {
    moment: Moment,
    transition: Transition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transition {
    Reopened,
    Resolved,
    Closed,
    Status(TicketPhase),
    /// A snapshot reports it as done without saying since when.
    Found(Done),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Resolved,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TicketPhase {
    Open,
    /// Pending or on hold.
    Waiting,
    Done,
}

impl Transition {
    const fn phase(self) -> TicketPhase {
        match self {
            Self::Reopened => TicketPhase::Open,
            Self::Resolved | Self::Closed | Self::Found(_) => TicketPhase::Done,
            Self::Status(phase) => phase,
        }
    }
}

/// The facts of a ticket up to an instant, accumulated before any conclusion is drawn.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts: a ticket may be merged, moved, deleted and replied to")]
pub(super) struct TicketFacts<'a> {
    pub opened: Option<Timestamp>,
    pub snapshot_created: Option<Timestamp>,
    pub merged: bool,
    /// With another account: moved, and neither opened nor in a snapshot since.
    pub moved: bool,
    pub deleted: bool,
    pub first_reply: Option<Timestamp>,
    pub rating: Option<(Timestamp, Satisfaction)>,
    pub priority: Option<Priority>,
    pub category: Option<&'a [u8]>,
    pub product: Option<&'a [u8]>,
    pub channel: Option<&'a [u8]>,
    replied: bool,
    team: Option<u32>,
    /// The second public agent reply, and the first record with a second team.
    second_contacts: [Option<Moment>; 2],
    /// In the order of the facts.
    steps: SmallVec<[Step; 8]>,
}

/// Whether a ticket is open, with its earliest and latest resolution.
#[derive(Debug)]
pub(super) struct Lifecycle {
    pub open: bool,
    pub first: Option<Moment>,
    pub last: Option<Timestamp>,
}

impl<'a> TicketFacts<'a> {
    pub(super) fn fact(&mut self, fact: &Fact<'a>, t: Timestamp) {
        self.priority = fact.priority.or(self.priority);
        self.category = fact.category.or(self.category);
        self.product = fact.product.or(self.product);
        self.channel = fact.channel.or(self.channel);
        self.contact(fact);
        match &fact.kind {
            FactKind::Opened => {
                self.opened = self.opened.or(Some(fact.at));
                self.moved = false;
            }
            FactKind::Reopened => self.step(fact.at, fact.kind.rank(), Transition::Reopened),
            FactKind::Status(status) => self.step(fact.at, fact.kind.rank(), Transition::Status(TicketPhase::of(*status))),
            FactKind::Replied(Some(_)) => self.replied(fact.at),
            FactKind::Resolved => self.step(fact.at, fact.kind.rank(), Transition::Resolved),
            FactKind::Closed => self.step(fact.at, fact.kind.rank(), Transition::Closed),
            FactKind::Rated(rating) => self.rating = Some((fact.at, *rating)),
            FactKind::Snapshot(snapshot) => self.snapshot(fact.at, fact.kind.rank(), snapshot, t),
            FactKind::Moved => self.moved = true,
            FactKind::Merged => self.merged = true,
            FactKind::Deleted => self.deleted = true,
            FactKind::Priority | FactKind::Assigned | FactKind::Replied(None) | FactKind::BotReplied => {}
        }
    }

    /// Notes the second reply and the second team.
    fn contact(&mut self, fact: &Fact<'_>) {
        let moment = Moment { at: fact.at, rank: fact.kind.rank() };
        let [second_reply, second_team] = &mut self.second_contacts;
        if matches!(fact.kind, FactKind::Replied(Some(_))) && std::mem::replace(&mut self.replied, true) {
            second_reply.get_or_insert(moment);
        }
        if let Some(team) = fact.team
            && *self.team.get_or_insert(team) != team
        {
            second_team.get_or_insert(moment);
        }
    }

    fn snapshot(&mut self, at: Timestamp, rank: u8, snapshot: &SnapshotFact, t: Timestamp) {
        self.snapshot_created = snapshot.created.or(self.snapshot_created);
        self.rating = snapshot.rating.map(|rating| (at, rating)).or(self.rating);
        let known = |instant: Option<Timestamp>| instant.filter(|instant| *instant <= t);
        if let Some(replied) = known(snapshot.first_reply) {
            self.replied(replied);
        }
        for resolved in [snapshot.first_resolved, snapshot.resolved].into_iter().filter_map(known) {
            self.step(resolved, FactKind::Resolved.rank(), Transition::Resolved);
        }
        if let Some(closed) = known(snapshot.closed) {
            self.step(closed, FactKind::Closed.rank(), Transition::Closed);
        }
        if let Some(reopened) = known(snapshot.reopened) {
            self.step(reopened, FactKind::Reopened.rank(), Transition::Reopened);
        }
        match snapshot.status {
            SnapshotStatus::Moved => self.moved = true,
            SnapshotStatus::Merged => self.merged = true,
            SnapshotStatus::Deleted => self.deleted = true,
            _ => self.moved = false,
        }
        if let Some(transition) = snapshot_transition(snapshot) {
            self.step(at, rank, transition);
        }
    }

    fn replied(&mut self, at: Timestamp) {
        self.first_reply = Some(self.first_reply.map_or(at, |known| known.min(at)));
    }

    /// Inserts a step at its position; steps at equal moments stay in the order of their facts.
    fn step(&mut self, at: Timestamp, rank: u8, transition: Transition) {
        let moment = Moment { at, rank };
        let place = self.steps.iter().rposition(|step| step.moment <= moment).map_or(0, |before| before + 1);
        self.steps.insert(place, Step { moment, transition });
    }

    /// The earliest known resolution of a ticket opened at `created`. A reopening at the same instant is ignored, because exports round to
    /// minutes; one before it belongs to an earlier resolution at an unknown instant.
    pub(super) fn resolution(&self, first: Moment, created: Option<Timestamp>) -> Resolution {
        let at = first.at;
        let reopened_soon = self.reopenings().any(|reopened| reopened > at && reopened.since(at) <= FIRST_CONTACT_MS);
        let single_contact = self.second_contacts.iter().flatten().all(|second| *second > first);
        Resolution {
            at,
            is_first: self.reopenings().all(|reopened| reopened >= at),
            reopened: self.reopenings().any(|reopened| reopened != at),
            waiting_ms: created.map_or(0, |created| self.waiting_ms(created, at)),
            first_contact: single_contact && !reopened_soon,
        }
    }

    fn reopenings(&self) -> impl Iterator<Item = Timestamp> {
        self.steps.iter().filter(|step| step.transition == Transition::Reopened).map(|step| step.moment.at)
    }

    /// Follows the steps. A closing only counts as the resolution if there is no resolution at all.
    pub(super) fn lifecycle(&self) -> Lifecycle {
        let mut phase = TicketPhase::Open;
        let (mut resolved, mut closed) = (None, None);
        for Step { moment, transition } in &self.steps {
            let span = match transition {
                Transition::Resolved => Some(&mut resolved),
                Transition::Closed => Some(&mut closed),
                Transition::Found(Done::Resolved) if phase != TicketPhase::Done => Some(&mut resolved),
                Transition::Found(Done::Closed) if phase != TicketPhase::Done => Some(&mut closed),
                _ => None,
            };
            if let Some(span) = span {
                let (first, _) = span.unwrap_or((*moment, moment.at));
                *span = Some((first, moment.at));
            }
            phase = transition.phase();
        }
        let span = resolved.or(closed);
        Lifecycle { open: phase != TicketPhase::Done, first: span.map(|(first, _)| first), last: span.map(|(_, last)| last) }
    }

    /// Milliseconds in status `pending` or `on_hold` between two instants.
    fn waiting_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        let ends = self.steps.iter().skip(1).map(|step| step.moment.at).chain([to]);
        let waiting = self.steps.iter().zip(ends).filter(|(step, _)| step.transition.phase() == TicketPhase::Waiting);
        waiting.map(|(step, end)| end.min(to).since(step.moment.at.max(from)).max(0)).sum()
    }
}

impl TicketPhase {
    const fn of(status: OpenStatus) -> Self {
        match status {
            OpenStatus::Open => Self::Open,
            OpenStatus::Pending | OpenStatus::OnHold => Self::Waiting,
        }
    }
}

/// The step for the status of a snapshot; `None` if the ticket was merged, moved or deleted. A resolved or closed snapshot that does not
/// say since when makes the ticket so from the snapshot on, unless it already was.
const fn snapshot_transition(snapshot: &SnapshotFact) -> Option<Transition> {
    Some(match snapshot.status {
        SnapshotStatus::Merged | SnapshotStatus::Moved | SnapshotStatus::Deleted => return None,
        SnapshotStatus::New | SnapshotStatus::Open => Transition::Status(TicketPhase::Open),
        SnapshotStatus::Pending | SnapshotStatus::OnHold => Transition::Status(TicketPhase::Waiting),
        _ if snapshot.first_resolved.is_some() || snapshot.resolved.is_some() => Transition::Status(TicketPhase::Done),
        SnapshotStatus::Closed if snapshot.closed.is_some() => Transition::Status(TicketPhase::Done),
        SnapshotStatus::Resolved => Transition::Found(Done::Resolved),
        SnapshotStatus::Closed => Transition::Found(Done::Closed),
    })
}
