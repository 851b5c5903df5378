//! Ticket events as fields.

use super::object::Object;
use super::{name_of, score};
use crate::event::native::field::Field;
use crate::event::native::support::{AUTHORS, OPEN_STATUSES, SNAPSHOT_STATUSES};
use crate::event::{Priority, TicketEvent, TicketKind, TicketSnapshot};

pub(super) fn ticket(object: &mut Object<'_>, event: &TicketEvent<'_>) {
    object.text(Field::TicketId, &event.ticket_id);
    kind(object, &event.kind);
    object.optional_text(Field::Priority, event.priority.map(Priority::name));
    object.optional_text(Field::Category, event.category.as_deref());
    object.optional_text(Field::Product, event.product.as_deref());
    object.optional_text(Field::Channel, event.channel.as_deref());
    object.optional_text(Field::Team, event.team.as_deref());
}

fn kind(object: &mut Object<'_>, kind: &TicketKind<'_>) {
    match kind {
        TicketKind::StatusChanged(status) => object.text(Field::Status, name_of(&OPEN_STATUSES, status)),
        TicketKind::Replied { by, public } => {
            object.text(Field::By, name_of(&AUTHORS, by));
            if !public {
                object.flag(Field::Public, false);
            }
        }
        TicketKind::Rated(place) => score(object, *place),
        TicketKind::Snapshot(ticket) => snapshot(object, ticket),
        TicketKind::Merged(into) => object.text(Field::Into, into),
        // The type says it all, or the event's common fields do.
        TicketKind::Opened
        | TicketKind::Reopened
        | TicketKind::PriorityChanged
        | TicketKind::Assigned
        | TicketKind::Resolved
        | TicketKind::Closed
        | TicketKind::Moved
        | TicketKind::Deleted => {}
    }
}

fn snapshot(object: &mut Object<'_>, ticket: &TicketSnapshot) {
    object.text(Field::Status, name_of(&SNAPSHOT_STATUSES, &ticket.status));
    object.optional_instant(Field::CreatedAt, ticket.created_at);
    object.optional_instant(Field::FirstReplyAt, ticket.first_reply_at);
    object.optional_instant(Field::FirstResolvedAt, ticket.first_resolved_at);
    object.optional_instant(Field::ResolvedAt, ticket.resolved_at);
    object.optional_instant(Field::ReopenedAt, ticket.reopened_at);
    object.optional_instant(Field::ClosedAt, ticket.closed_at);
    if let Some(place) = ticket.score {
        score(object, place);
    }
}
