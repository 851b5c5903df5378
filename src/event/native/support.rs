//! Support: the `ticket_*` events.
//!
//! Every type requires the ticket's id, and some a field of their own. Fields common to all types are read before a type's own.

use super::event_type::EventType;
use super::field::Field;
use super::fields::Fields;
use super::place;
use super::value::Value;
use crate::event::{Event, OpenStatus, Priority, Rejection, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};

pub(super) const TYPES: [EventType; 13] = [
    EventType::new("ticket_opened", |fields| ticket(fields, |_| Ok(TicketKind::Opened))),
    EventType::new("ticket_replied", |fields| ticket(fields, replied)),
    EventType::new("ticket_status_changed", |fields| ticket(fields, status_changed)),
    EventType::new("ticket_priority_changed", |fields| ticket(fields, priority_changed)),
    EventType::new("ticket_assigned", |fields| ticket(fields, assigned)),
    EventType::new("ticket_resolved", |fields| ticket(fields, |_| Ok(TicketKind::Resolved))),
    EventType::new("ticket_reopened", |fields| ticket(fields, |_| Ok(TicketKind::Reopened))),
    EventType::new("ticket_closed", |fields| ticket(fields, |_| Ok(TicketKind::Closed))),
    EventType::new("ticket_rated", |fields| ticket(fields, |fields| place::required(fields).map(TicketKind::Rated))),
    EventType::new("ticket_deleted", |fields| ticket(fields, |_| Ok(TicketKind::Deleted))),
    EventType::new("ticket_merged", |fields| ticket(fields, merged)),
    EventType::new("ticket_moved", |fields| ticket(fields, moved)),
    EventType::new("ticket_snapshot", snapshot),
];

const PRIORITIES: [(&str, Priority); 4] =
    [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High), ("urgent", Priority::Urgent)];

pub(super) const OPEN_STATUSES: [(&str, OpenStatus); 3] =
    [("open", OpenStatus::Open), ("pending", OpenStatus::Pending), ("on_hold", OpenStatus::OnHold)];

pub(super) const SNAPSHOT_STATUSES: [(&str, SnapshotStatus); 10] = [
    ("new", SnapshotStatus::New),
    ("open", SnapshotStatus::Open),
    ("pending", SnapshotStatus::Pending),
    ("on_hold", SnapshotStatus::OnHold),
    ("resolved", SnapshotStatus::Resolved),
    ("solved", SnapshotStatus::Resolved),
    ("closed", SnapshotStatus::Closed),
    ("merged", SnapshotStatus::Merged),
    ("moved", SnapshotStatus::Moved),
    ("deleted", SnapshotStatus::Deleted),
];

pub(super) const AUTHORS: [(&str, ReplyBy); 3] = [("agent", ReplyBy::Agent), ("requester", ReplyBy::Requester), ("bot", ReplyBy::Bot)];

fn ticket<'a, 'c>(
    fields: &Fields<'a, 'c>,
    kind: impl FnOnce(&Fields<'a, 'c>) -> Result<TicketKind<'a>, Rejection>,
) -> Result<Event<'a>, Rejection> {
    let ticket_id = fields.required(Field::TicketId, Value::id)?;
    let priority = fields.optional(Field::Priority, |value| value.choice(&PRIORITIES))?;
    let category = fields.optional(Field::Category, Value::text)?;
    let product = fields.optional(Field::Product, Value::text)?;
    let channel = fields.optional(Field::Channel, Value::text)?;
    fields.optional(Field::RequesterId, Value::id)?;
    let team = fields.optional(Field::Team, Value::text)?;
    let kind = kind(fields)?;
    Ok(Event::Support(TicketEvent { ticket_id, kind, priority, category, product, channel, team }))
}

fn replied<'a>(fields: &Fields<'a, '_>) -> Result<TicketKind<'a>, Rejection> {
    let by = fields.required(Field::By, |value| value.choice(&AUTHORS))?;
    let public = fields.optional(Field::Public, Value::flag)?.unwrap_or(true);
    Ok(TicketKind::Replied { by, public })
}

fn status_changed<'a>(fields: &Fields<'a, '_>) -> Result<TicketKind<'a>, Rejection> {
    fields.required(Field::Status, |value| value.choice(&OPEN_STATUSES)).map(TicketKind::StatusChanged)
}

fn priority_changed<'a>(fields: &Fields<'a, '_>) -> Result<TicketKind<'a>, Rejection> {
    fields.required(Field::Priority, |value| value.choice(&PRIORITIES)).map(|_| TicketKind::PriorityChanged)
}

fn assigned<'a>(fields: &Fields<'a, '_>) -> Result<TicketKind<'a>, Rejection> {
    fields.required(Field::Team, Value::text).map(|_| TicketKind::Assigned)
}

fn merged<'a>(fields: &Fields<'a, '_>) -> Result<TicketKind<'a>, Rejection> {
    fields.required(Field::Into, Value::reference).map(TicketKind::Merged)
}

/// The destination is checked but not kept: the records of that account cover the rest.
fn moved<'a>(fields: &Fields<'a, '_>) -> Result<TicketKind<'a>, Rejection> {
    fields.optional(Field::To, Value::reference).map(|_| TicketKind::Moved)
}

/// A full ticket; in the documented order, the status comes right after the id.
fn snapshot<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    fields.required(Field::TicketId, Value::id)?;
    let status = fields.required(Field::Status, |value| value.choice(&SNAPSHOT_STATUSES))?;
    ticket(fields, |fields| {
        let snapshot = TicketSnapshot {
            status,
            created_at: fields.optional_instant(Field::CreatedAt)?,
            first_reply_at: fields.optional_instant(Field::FirstReplyAt)?,
            first_resolved_at: fields.optional_instant(Field::FirstResolvedAt)?,
            resolved_at: fields.optional_instant(Field::ResolvedAt)?,
            reopened_at: fields.optional_instant(Field::ReopenedAt)?,
            closed_at: fields.optional_instant(Field::ClosedAt)?,
            score: place::optional(fields)?,
        };
        Ok(TicketKind::Snapshot(Box::new(snapshot)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{event, json, refusal};
    use super::*;
    use crate::event::{Code, Stream};

    fn ticket_of(type_name: &str, fields: &str) -> TicketEvent<'static> {
        match event(Stream::Support, json(type_name, fields).leak()) {
            Event::Support(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn refused(type_name: &str, fields: &str) -> (Code, String) {
        refusal(Stream::Support, &json(type_name, fields))
    }

    #[test]
    fn most_types_require_only_the_ticket_id() {
        for (type_name, kind) in [
            ("ticket_opened", TicketKind::Opened),
            ("ticket_resolved", TicketKind::Resolved),
            ("ticket_reopened", TicketKind::Reopened),
            ("ticket_closed", TicketKind::Closed),
            ("ticket_moved", TicketKind::Moved),
            ("ticket_deleted", TicketKind::Deleted),
        ] {
            let ticket_id = "360001".into();
            let expected = TicketEvent { ticket_id, kind, priority: None, category: None, product: None, channel: None, team: None };
            assert_eq!(ticket_of(type_name, r#""ticket_id":360001"#), expected);
            assert_eq!(refused(type_name, "").1, "ticket_id is missing");
        }
    }

    #[test]
    fn each_type_requires_its_own_field() {
        for (type_name, field) in [
            ("ticket_replied", "by"),
            ("ticket_status_changed", "status"),
            ("ticket_priority_changed", "priority"),
            ("ticket_assigned", "team"),
            ("ticket_rated", "score"),
            ("ticket_merged", "into"),
            ("ticket_snapshot", "status"),
        ] {
            let missing = (Code::MissingField, format!("{field} is missing"));
            assert_eq!(refused(type_name, r#""ticket_id":"1""#), missing);
            assert_eq!(refused(type_name, &format!(r#""ticket_id":"1","{field}":null"#)), missing);
            assert_eq!(refused(type_name, &format!(r#""ticket_id":"1","{field}":"""#)), missing);
        }
    }

    #[test]
    fn a_reply_is_public_unless_it_says_otherwise() {
        let kind = |more: &str| ticket_of("ticket_replied", &format!(r#""ticket_id":"1","by":"Agent"{more}"#)).kind;
        assert_eq!(kind(""), TicketKind::Replied { by: ReplyBy::Agent, public: true });
        assert_eq!(kind(r#","public":null"#), TicketKind::Replied { by: ReplyBy::Agent, public: true });
        assert_eq!(kind(r#","public":false"#), TicketKind::Replied { by: ReplyBy::Agent, public: false });
        let by = |by: &str| ticket_of("ticket_replied", &format!(r#""ticket_id":"1","by":"{by}""#)).kind;
        assert_eq!(by("REQUESTER"), TicketKind::Replied { by: ReplyBy::Requester, public: true });
        assert_eq!(by("Bot"), TicketKind::Replied { by: ReplyBy::Bot, public: true });
        assert_eq!(refused("ticket_replied", r#""ticket_id":"1","by":"agent","public":"no""#).0, Code::WrongType);
        assert_eq!(refused("ticket_replied", r#""ticket_id":"1","by":"robot""#).0, Code::OutOfRange);
    }

    #[test]
    fn a_status_change_accepts_only_open_statuses() {
        let kind = |status: &str| ticket_of("ticket_status_changed", &format!(r#""ticket_id":"1","status":"{status}""#)).kind;
        assert_eq!(kind("OPEN"), TicketKind::StatusChanged(OpenStatus::Open));
        assert_eq!(kind("Pending"), TicketKind::StatusChanged(OpenStatus::Pending));
        assert_eq!(kind("on_hold"), TicketKind::StatusChanged(OpenStatus::OnHold));
        for status in ["new", "solved", "resolved", "closed"] {
            assert_eq!(
                refused("ticket_status_changed", &format!(r#""ticket_id":"1","status":"{status}""#)).0,
                Code::OutOfRange,
                "{status}"
            );
        }
    }

    #[test]
    fn any_ticket_event_may_carry_fields_of_the_ticket() {
        let more =
            r#""ticket_id":"1","priority":"URGENT","category":"bug","product":"api","channel":"mail","requester_id":5,"team":"core""#;
        let ticket = ticket_of("ticket_closed", more);
        assert_eq!(ticket.priority, Some(Priority::Urgent));
        assert_eq!(
            (ticket.category.as_deref(), ticket.product.as_deref(), ticket.channel.as_deref(), ticket.team.as_deref()),
            (Some("bug"), Some("api"), Some("mail"), Some("core"))
        );
        assert_eq!(
            refused("ticket_closed", r#""ticket_id":"1","priority":"p1""#),
            (Code::OutOfRange, "priority is not one of low, normal, high, urgent".to_owned())
        );
        assert_eq!(refused("ticket_closed", r#""ticket_id":"1","channel":5"#).0, Code::WrongType);
    }

    #[test]
    fn a_snapshot_has_all_instants_of_the_ticket() {
        let ticket =
            ticket_of("ticket_snapshot", r#""ticket_id":"1","status":"Solved","created_at":1,"resolved_at":"2000","score":"good""#);
        let expected = TicketSnapshot {
            status: SnapshotStatus::Resolved,
            created_at: Some(crate::time::Timestamp(1000)),
            first_reply_at: None,
            first_resolved_at: None,
            resolved_at: Some(crate::time::Timestamp(2_000_000)),
            reopened_at: None,
            closed_at: None,
            score: Some(1.0),
        };
        assert_eq!(ticket.kind, TicketKind::Snapshot(Box::new(expected)));
        for (name, status) in [("merged", SnapshotStatus::Merged), ("Moved", SnapshotStatus::Moved), ("deleted", SnapshotStatus::Deleted)] {
            match ticket_of("ticket_snapshot", &format!(r#""ticket_id":"1","status":"{name}""#)).kind {
                TicketKind::Snapshot(snapshot) => assert_eq!(snapshot.status, status),
                other => panic!("{other:?}"),
            }
        }
        let bad = r#""ticket_id":"1","status":"open","closed_at":"yesterday""#;
        assert_eq!(refused("ticket_snapshot", bad), (Code::WrongType, "closed_at is not an instant with offset".to_owned()));
        assert_eq!(refused("ticket_snapshot", r#""ticket_id":"1","priority":"p1""#).1, "status is missing");
    }
}
