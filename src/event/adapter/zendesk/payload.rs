//! What is read of Zendesk's payloads: one type for events and for tickets without an envelope, as the type of an event comes last.

use crate::event::adapter::object::{Json, Nested, object};

object! {
    /// An event, or a ticket.
    struct Payloads<'a> {
        id: Json<'a> = "id",
        kind: Json<'a> = "type",
        // Events.
        time: Json<'a> = "time",
        detail: Nested<Detail<'a>> = "detail",
        event: Nested<Change<'a>> = "event",
        // A ticket inside an object, as the API returns one.
        ticket: Nested<Exported<'a>> = "ticket",
        // Pages of tickets, for the message: of the API and its exports, and of its search.
        tickets: Json<'a> = "tickets",
        results: Json<'a> = "results",
        // Tickets.
        organization_id: Json<'a> = "organization_id",
        status: Json<'a> = "status",
        priority: Json<'a> = "priority",
        created_at: Json<'a> = "created_at",
        updated_at: Json<'a> = "updated_at",
        generated_timestamp: Json<'a> = "generated_timestamp",
        group_id: Json<'a> = "group_id",
        via: Json<'a> = "via",
        satisfaction_rating: Json<'a> = "satisfaction_rating",
        metric_set: Json<'a> = "metric_set",
    }
}

object! {
    /// The ticket of an event, as it was then.
    struct Detail<'a> {
        id: Json<'a> = "id",
        organization_id: Json<'a> = "organization_id",
        status: Json<'a> = "status",
        priority: Json<'a> = "priority",
        created_at: Json<'a> = "created_at",
        group_id: Json<'a> = "group_id",
        kind: Json<'a> = "type",
        via: Json<'a> = "via",
    }
}

object! {
    /// What an event changed.
    struct Change<'a> {
        previous: Json<'a> = "previous",
        current: Json<'a> = "current",
        comment: Nested<Comment<'a>> = "comment",
        target_ticket_id: Json<'a> = "target_ticket_id",
    }
}

object! {
    /// A comment on a ticket.
    struct Comment<'a> {
        author: Json<'a> = "author",
        is_public: Json<'a> = "is_public",
    }
}

object! {
    /// Who wrote a comment.
    struct Author<'a> {
        id: Json<'a> = "id",
        is_staff: Json<'a> = "is_staff",
    }
}

object! {
    /// Where a ticket came from.
    struct Via<'a> {
        channel: Json<'a> = "channel",
    }
}

object! {
    /// A ticket of the API or of an export.
    struct Exported<'a> {
        id: Json<'a> = "id",
        kind: Json<'a> = "type",
        organization_id: Json<'a> = "organization_id",
        status: Json<'a> = "status",
        priority: Json<'a> = "priority",
        created_at: Json<'a> = "created_at",
        updated_at: Json<'a> = "updated_at",
        generated_timestamp: Json<'a> = "generated_timestamp",
        group_id: Json<'a> = "group_id",
        via: Json<'a> = "via",
        satisfaction_rating: Json<'a> = "satisfaction_rating",
        metric_set: Json<'a> = "metric_set",
    }
}

object! {
    /// How the requester rated a ticket.
    struct Satisfaction<'a> {
        score: Json<'a> = "score",
    }
}

object! {
    /// The times of a ticket, if the export has them beside it.
    struct MetricSet<'a> {
        solved_at: Json<'a> = "solved_at",
        first_resolution: Json<'a> = "first_resolution_time_in_minutes",
        first_reply: Json<'a> = "reply_time_in_minutes",
    }
}

object! {
    /// A duration.
    struct Minutes<'a> {
        calendar: Json<'a> = "calendar",
    }
}

impl<'a> Payloads<'a> {
    /// Whether it is a ticket without an envelope.
    pub(super) fn is_ticket(&self) -> bool {
        let signs = [self.id, self.status, self.created_at, self.updated_at];
        self.detail.get().is_none() && signs.iter().all(|sign| sign.given().is_some())
    }

    /// The ticket that it is.
    pub(super) const fn as_ticket(&self) -> Exported<'a> {
        let Self { id, kind, organization_id, status, priority, created_at, updated_at, generated_timestamp, .. } = *self;
        let Self { group_id, via, satisfaction_rating, metric_set, .. } = *self;
        Exported {
            id,
            kind,
            organization_id,
            status,
            priority,
            created_at,
            updated_at,
            generated_timestamp,
            group_id,
            via,
            satisfaction_rating,
            metric_set,
        }
    }
}
