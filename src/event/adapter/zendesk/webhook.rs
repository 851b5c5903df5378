//! Event webhooks: one change of one ticket each, with the ticket as it was then, in no particular order.

use std::borrow::Cow;

use super::payload::{Author, Change, Detail, Payloads, Via};
use super::status::{STATUSES, Status};
use super::{PRIORITIES, Ticket, lower_case, organization};
use crate::event::adapter::events::Events;
use crate::event::adapter::inner;
use crate::event::adapter::object::Json;
use crate::event::adapter::payload::{Account, OccurredAt, Payload, missing};
use crate::event::native::Value;
use crate::event::{OpenStatus, Priority, Rejection, ReplyBy, SnapshotStatus, TicketKind, TicketSnapshot};
use crate::time::Timestamp;

/// A native event: its type and kind.
type NativeEvent<'a> = (&'static str, TicketKind<'a>);

/// The kinds of events that are read; the others are ignored.
#[derive(Clone, Copy)]
enum Kind {
    Created,
    StatusChanged,
    PriorityChanged,
    CommentAdded,
    GroupAssignmentChanged,
    OrganizationChanged,
    Merged,
    SoftDeleted,
    Undeleted,
    PermanentlyDeleted,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "created" => Self::Created,
            "status_changed" => Self::StatusChanged,
            "priority_changed" => Self::PriorityChanged,
            "comment_added" => Self::CommentAdded,
            "group_assignment_changed" => Self::GroupAssignmentChanged,
            "organization_changed" => Self::OrganizationChanged,
            "merged" => Self::Merged,
            "soft_deleted" => Self::SoftDeleted,
            "undeleted" => Self::Undeleted,
            "permanently_deleted" => Self::PermanentlyDeleted,
            _ => return None,
        })
    }
}

/// Reads an event of a kind, the name behind `ticket.`.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, parsed: &Payloads<'a>, kind: &str, events: &mut Events<'a>) -> Result<(), Rejection> {
    let detail = parsed.detail.get().ok_or_else(|| missing("detail"))?;
    let Some(kind) = Kind::of(kind) else { return Ok(()) };
    let none = Change::default();
    let reader = Reader { payload, parsed, detail, change: parsed.event.get().unwrap_or(&none) };
    match kind {
        Kind::OrganizationChanged => reader.organization_changed(events),
        _ => reader.change(kind, events),
    }
}

struct Reader<'r, 'a, 'c> {
    payload: &'r Payload<'a, 'c>,
    parsed: &'r Payloads<'a>,
    detail: &'r Detail<'a>,
    change: &'r Change<'a>,
}

impl<'a> Reader<'_, 'a, '_> {
    /// Every kind but a change of the organization.
    fn change(&self, kind: Kind, events: &mut Events<'a>) -> Result<(), Rejection> {
        let account = organization(self.payload, self.detail.organization_id, "detail.organization_id")?;
        let account = account.ok_or_else(|| missing("detail.organization_id"))?;
        let (at, id, mut ticket) = self.common()?;
        if matches!(kind, Kind::PriorityChanged) {
            // A ticket that loses its priority has the usual one.
            ticket.priority = Some(self.priority(self.change.current, "event.current")?.unwrap_or_default());
        }
        match self.native_events(kind, &mut ticket)? {
            [Some((first, kind)), Some((second, next))] => {
                self.push(events, account.clone(), id.clone(), (first, at), ticket.clone().event(kind));
                self.push(events, account, id, (second, at), ticket.event(next));
            }
            [Some((type_name, kind)), None] | [None, Some((type_name, kind))] => {
                self.push(events, account, id, (type_name, at), ticket.event(kind));
            }
            [None, None] => {}
        }
        Ok(())
    }

    /// The ticket leaves one account and arrives at another with all that is known of it.
    fn organization_changed(&self, events: &mut Events<'a>) -> Result<(), Rejection> {
        let from = organization(self.payload, self.change.previous, "event.previous")?;
        let to = organization(self.payload, self.change.current, "event.current")?;
        let (at, id, ticket) = self.common()?;
        if let Some(from) = from {
            self.push(events, from, id.clone(), ("ticket_moved", at), ticket.clone().event(TicketKind::Moved));
        }
        if let Some((to, snapshot)) = to.zip(self.snapshot()?) {
            self.push(events, to, id, ("ticket_snapshot", at), ticket.event(snapshot));
        }
        Ok(())
    }

    /// What all events have.
    fn common(&self) -> Result<(OccurredAt, Cow<'a, str>, Ticket<'a>), Rejection> {
        self.payload.required(self.parsed.time, "time", |_| Ok(()))?;
        let at = self.payload.occurred_at(&[(self.parsed.time, "time")])?;
        let id = self.payload.required(self.parsed.id, "id", Value::id)?;
        Ok((at, id, self.ticket()?))
    }

    fn ticket(&self) -> Result<Ticket<'a>, Rejection> {
        let (payload, detail) = (self.payload, self.detail);
        let via = inner::object::<Via<'a>>(payload, detail.via, "detail.via")?.unwrap_or_default();
        Ok(Ticket {
            id: payload.required(detail.id, "detail.id", Value::id)?,
            priority: self.priority(detail.priority, "detail.priority")?,
            category: payload.optional(detail.kind, "detail.type", lower_case)?,
            channel: payload.optional(via.channel, "detail.via.channel", lower_case)?,
            team: payload.optional(detail.group_id, "detail.group_id", Value::reference)?,
        })
    }

    /// One or two native events.
    fn native_events(&self, kind: Kind, ticket: &mut Ticket<'a>) -> Result<[Option<NativeEvent<'a>>; 2], Rejection> {
        let one = |type_name, kind| [Some((type_name, kind)), None];
        Ok(match kind {
            Kind::Created => [Some(("ticket_opened", TicketKind::Opened)), self.status()?.and_then(|status| became(status, false))],
            Kind::StatusChanged => self.status_changed()?,
            Kind::PriorityChanged => one("ticket_priority_changed", TicketKind::PriorityChanged),
            Kind::CommentAdded => one("ticket_replied", self.reply()?),
            Kind::GroupAssignmentChanged => {
                ticket.team = self.payload.optional(self.change.current, "event.current", Value::reference)?;
                [ticket.team.is_some().then_some(("ticket_assigned", TicketKind::Assigned)), None]
            }
            Kind::Merged => {
                let into = self.payload.required(self.change.target_ticket_id, "event.target_ticket_id", Value::reference)?;
                one("ticket_merged", TicketKind::Merged(into))
            }
            Kind::SoftDeleted => one("ticket_moved", TicketKind::Moved),
            Kind::Undeleted => [self.snapshot()?.map(|snapshot| ("ticket_snapshot", snapshot)), None],
            Kind::PermanentlyDeleted => one("ticket_deleted", TicketKind::Deleted),
            Kind::OrganizationChanged => [None, None],
        })
    }

    /// A ticket that was done and is not any more has been reopened; if it became anything but open, its new status is an event, too.
    fn status_changed(&self) -> Result<[Option<NativeEvent<'a>>; 2], Rejection> {
        let read = |value: &Value<'a, '_>| value.choice(&STATUSES);
        let previous = self.payload.optional(self.change.previous, "event.previous", read)?;
        let current = self.payload.required(self.change.current, "event.current", read)?;
        let is_open = matches!(current, Status::New | Status::Open(_));
        let reopened = previous.is_some_and(Status::is_done) && is_open;
        Ok([reopened.then_some(("ticket_reopened", TicketKind::Reopened)), became(current, !reopened)])
    }

    fn reply(&self) -> Result<TicketKind<'a>, Rejection> {
        let payload = self.payload;
        let comment = self.change.comment.get().ok_or_else(|| missing("event.comment"))?;
        let author = inner::object::<Author<'a>>(payload, comment.author, "event.comment.author")?.unwrap_or_default();
        let id = payload.optional(author.id, "event.comment.author.id", Value::id)?;
        let by = match payload.optional(author.is_staff, "event.comment.author.is_staff", Value::flag)? {
            _ if id.as_deref() == Some("-1") => ReplyBy::Bot,
            Some(true) => ReplyBy::Agent,
            Some(false) => ReplyBy::Requester,
            None => return Err(missing("event.comment.author.is_staff")),
        };
        let public = payload.optional(comment.is_public, "event.comment.is_public", Value::flag)?;
        Ok(TicketKind::Replied { by, public: public.unwrap_or(true) })
    }

    /// The ticket as it is now; `None` for one that was closed long ago.
    fn snapshot(&self) -> Result<Option<TicketKind<'a>>, Rejection> {
        let status = self.status()?.ok_or_else(|| missing("detail.status"))?;
        // An undeleted ticket may still say that it is deleted; it is back.
        let status = if status == Status::Deleted { Some(SnapshotStatus::Open) } else { status.of_snapshot() };
        let Some(status) = status else { return Ok(None) };
        let created_at = self.payload.optional(self.detail.created_at, "detail.created_at", Value::instant)?;
        Ok(Some(TicketKind::Snapshot(Box::new(TicketSnapshot {
            status,
            created_at: created_at.filter(|at| *at >= Timestamp::Y1900),
            first_reply_at: None,
            first_resolved_at: None,
            resolved_at: None,
            reopened_at: None,
            closed_at: None,
            score: None,
        }))))
    }

    fn status(&self) -> Result<Option<Status>, Rejection> {
        self.payload.optional(self.detail.status, "detail.status", |value| value.choice(&STATUSES))
    }

    fn priority(&self, json: Json<'a>, path: &'static str) -> Result<Option<Priority>, Rejection> {
        self.payload.optional(json, path, |value| value.choice(&PRIORITIES))
    }

    fn push(
        &self,
        events: &mut Events<'a>,
        account: Account<'a>,
        id: Cow<'a, str>,
        (type_name, at): (&'static str, OccurredAt),
        event: crate::event::Event<'a>,
    ) {
        events.push(self.payload.record(account, Some(id), type_name, at, event));
    }
}

/// The native event of a status that a ticket took; `open_too`: also of simply being open.
const fn became<'a>(status: Status, open_too: bool) -> Option<NativeEvent<'a>> {
    match status {
        Status::New | Status::Open(OpenStatus::Open) if !open_too => None,
        Status::New => Some(("ticket_status_changed", TicketKind::StatusChanged(OpenStatus::Open))),
        Status::Open(status) => Some(("ticket_status_changed", TicketKind::StatusChanged(status))),
        Status::Solved => Some(("ticket_resolved", TicketKind::Resolved)),
        Status::Closed => Some(("ticket_closed", TicketKind::Closed)),
        Status::Deleted | Status::Stored => None,
    }
}
