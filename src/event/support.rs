//! Support: facts of tickets.

use std::borrow::Cow;

use crate::time::Timestamp;

/// One fact of one ticket. Any of them may carry fields of the ticket, which hold from the event's time on.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketEvent<'a> {
    /// Identity of the ticket within its account.
    pub ticket_id: Cow<'a, str>,
    /// What happened.
    pub kind: TicketKind<'a>,
    /// Priority from now on.
    pub priority: Option<Priority>,
    /// Category from now on.
    pub category: Option<Cow<'a, str>>,
    /// Product from now on.
    pub product: Option<Cow<'a, str>>,
    /// Channel from now on: how the requester reached the team.
    pub channel: Option<Cow<'a, str>>,
    /// The team that has it.
    pub team: Option<Cow<'a, str>>,
}

/// What happened to a ticket. The order of the variants is the order of facts at one instant.
#[derive(Clone, Debug, PartialEq)]
pub enum TicketKind<'a> {
    /// `ticket_opened`.
    Opened,
    /// `ticket_reopened`.
    Reopened,
    /// `ticket_status_changed`.
    StatusChanged(OpenStatus),
    /// `ticket_priority_changed`; the priority is in the event.
    PriorityChanged,
    /// `ticket_assigned`; the team is in the event.
    Assigned,
    /// `ticket_replied`.
    Replied {
        /// Who replied.
        by: ReplyBy,
        /// Whether the requester sees it; default true.
        public: bool,
    },
    /// `ticket_resolved`.
    Resolved,
    /// `ticket_closed`.
    Closed,
    /// `ticket_rated`: place on the scale, 0..=1.
    Rated(f64),
    /// `ticket_snapshot`.
    Snapshot(Box<TicketSnapshot>),
    /// `ticket_moved` to another account.
    Moved,
    /// `ticket_merged` into another ticket.
    Merged(Cow<'a, str>),
    /// `ticket_deleted`.
    Deleted,
}

/// Who wrote a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ReplyBy {
    /// The support team.
    Agent,
    /// The customer.
    Requester,
    /// A program: neither of the two.
    Bot,
}

/// A status that `ticket_status_changed` may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum OpenStatus {
    /// With the team.
    Open,
    /// Waiting for the requester.
    Pending,
    /// Waiting for a third party.
    OnHold,
}

/// A status that a snapshot may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum SnapshotStatus {
    /// Not yet taken up; open.
    New,
    /// With the team.
    Open,
    /// Waiting for the requester.
    Pending,
    /// Waiting for a third party.
    OnHold,
    /// Resolved (`resolved` or `solved`).
    Resolved,
    /// Closed.
    Closed,
    /// Merged into another ticket, as `ticket_merged` says it.
    Merged,
    /// Moved to another account, as `ticket_moved` says it.
    Moved,
    /// Deleted, as `ticket_deleted` says it.
    Deleted,
}

/// Urgency of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Priority {
    /// Least.
    Low,
    /// The default.
    #[default]
    Normal,
    /// More.
    High,
    /// Most.
    Urgent,
}

impl Priority {
    /// All, from low to urgent.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The name in events, configuration and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// The instants of a whole ticket, as a help desk exports it.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketSnapshot {
    /// Status at the event's time.
    pub status: SnapshotStatus,
    /// When it was opened.
    pub created_at: Option<Timestamp>,
    /// First public reply of an agent.
    pub first_reply_at: Option<Timestamp>,
    /// First resolution.
    pub first_resolved_at: Option<Timestamp>,
    /// Last resolution.
    pub resolved_at: Option<Timestamp>,
    /// Last reopening.
    pub reopened_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Rating: place on the scale, 0..=1.
    pub score: Option<f64>,
}
