//! Support: ticket events.

use std::borrow::Cow;

use crate::time::Timestamp;

/// A ticket event. Any type may update the ticket's fields, effective from the event's time.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketEvent<'a> {
    /// Unique within the account.
    pub ticket_id: Cow<'a, str>,
    /// What happened.
    pub kind: TicketKind<'a>,
    /// Priority from now on.
    pub priority: Option<Priority>,
    /// Category from now on.
    pub category: Option<Cow<'a, str>>,
    /// Product from now on.
    pub product: Option<Cow<'a, str>>,
    /// Contact channel from now on.
    pub channel: Option<Cow<'a, str>>,
    /// The assigned team.
    pub team: Option<Cow<'a, str>>,
}

/// What happened to a ticket. The order of variants orders events with the same time.
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
        /// Whether the requester can see it; default true.
        public: bool,
    },
    /// `ticket_resolved`.
    Resolved,
    /// `ticket_closed`.
    Closed,
    /// `ticket_rated`: position on the scale, 0..=1.
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
    /// A program.
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
    /// Not yet picked up; counts as open.
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
    /// Merged into another ticket; equivalent to `ticket_merged`.
    Merged,
    /// Moved to another account; equivalent to `ticket_moved`.
    Moved,
    /// Deleted; equivalent to `ticket_deleted`.
    Deleted,
}

/// Urgency of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Priority {
    /// Lowest.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Above normal.
    High,
    /// Highest.
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

/// A full ticket, as exported by a help desk.
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
    /// Rating: position on the scale, 0..=1.
    pub score: Option<f64>,
}
