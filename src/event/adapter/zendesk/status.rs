//! The statuses of Zendesk, which events write in upper case and exports in lower case.

use crate::event::{OpenStatus, SnapshotStatus};

/// A status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    New,
    Open(OpenStatus),
    Solved,
    Closed,
    /// In the trash, from which a ticket can be restored.
    Deleted,
    /// What becomes of closed tickets in time; nothing happened to them.
    Stored,
}

/// Reads `status`.
pub(super) const STATUSES: [(&str, Status); 9] = [
    ("new", Status::New),
    ("open", Status::Open(OpenStatus::Open)),
    ("pending", Status::Open(OpenStatus::Pending)),
    ("hold", Status::Open(OpenStatus::OnHold)),
    ("solved", Status::Solved),
    ("closed", Status::Closed),
    ("deleted", Status::Deleted),
    ("archived", Status::Stored),
    ("scrubbed", Status::Stored),
];

impl Status {
    /// Whether the ticket was done.
    pub(super) const fn is_done(self) -> bool {
        matches!(self, Self::Solved | Self::Closed)
    }

    /// The status of a native snapshot; `None` if there is nothing to tell.
    pub(super) const fn of_snapshot(self) -> Option<SnapshotStatus> {
        Some(match self {
            Self::New => SnapshotStatus::New,
            Self::Open(OpenStatus::Open) => SnapshotStatus::Open,
            Self::Open(OpenStatus::Pending) => SnapshotStatus::Pending,
            Self::Open(OpenStatus::OnHold) => SnapshotStatus::OnHold,
            Self::Solved => SnapshotStatus::Resolved,
            Self::Closed => SnapshotStatus::Closed,
            Self::Deleted => SnapshotStatus::Moved,
            Self::Stored => return None,
        })
    }
}
