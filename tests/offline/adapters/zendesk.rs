//! Zendesk's event webhooks and tickets.

use churnwatch::engine::Outcome;
use churnwatch::event::{
    Code, Decoded, Event, Format, OpenStatus, Priority, Record, ReplyBy, SnapshotStatus, Stream, TicketEvent, TicketKind,
};
use churnwatch::metric::Metric;
use churnwatch::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Topic;

/// An event as Zendesk documents it: ids as text, words in upper case, nanoseconds, its own account on top.
fn event(kind: &str, change: Value) -> Value {
    let mut change = change;
    change["meta"] = json!({"sequence": {"id": "CE4A698AF24F35B3208649C6951E000E", "position": 1, "total": 1}});
    json!({"account_id": 22_129_848, "detail": {"actor_id": "8447388090494", "assignee_id": "8447388090494", "brand_id": "8447346621310",
            "created_at": "2026-03-20T10:12:07Z", "custom_status": "8447320465790", "description": "text", "external_id": null,
            "form_id": "8646151517822", "group_id": "8447320466430", "id": "5158", "is_public": true,
            "organization_id": "8447346622462", "priority": "HIGH", "requester_id": "8447388090999", "status": "OPEN", "subject": "text",
            "submitter_id": "8447388090494", "tags": ["a"], "type": "TASK", "updated_at": "2026-03-21T10:12:07Z",
            "via": {"channel": "web_service"}},
        "event": change, "id": "cbe4028c-7239-495d-b020-f22348516046", "subject": "zen:ticket:5158",
        "time": "2026-03-21T10:12:07.672717030Z", "type": format!("zen:event-type:ticket.{kind}"),
        "zendesk_event_version": "2022-11-06"})
}

fn records(payload: &Value) -> Vec<Record<'static>> {
    super::records(&Format::Zendesk, Stream::Support, payload.to_string().leak())
}

fn tickets(payload: &Value) -> Vec<TicketEvent<'static>> {
    let ticket = |record: Record<'static>| match record.event {
        Event::Support(ticket) => ticket,
        other => panic!("{other:?}"),
    };
    records(payload).into_iter().map(ticket).collect()
}

fn kinds(kind: &str, change: Value) -> Vec<TicketKind<'static>> {
    tickets(&event(kind, change)).into_iter().map(|ticket| ticket.kind).collect()
}

fn refused(payload: &Value) -> (Code, String) {
    super::refusal(&Format::Zendesk, Stream::Support, &payload.to_string())
}

#[test]
fn every_event_has_the_ticket_its_organization_and_its_time() {
    let created = event("created", json!({}));
    let record = &records(&created)[0];
    assert_eq!((record.account_system.as_deref(), record.account.as_deref()), (Some("zendesk"), Some("8447346622462")));
    assert_eq!(record.occurred_at, Timestamp::parse_rfc3339("2026-03-21T10:12:07.672Z").unwrap());
    assert_eq!((record.id.as_deref(), record.type_name), (Some("cbe4028c-7239-495d-b020-f22348516046"), "ticket_opened"));
    let ticket = &tickets(&created)[0];
    assert_eq!((&*ticket.ticket_id, ticket.priority, &ticket.kind), ("5158", Some(Priority::High), &TicketKind::Opened));
    assert_eq!(
        (ticket.category.as_deref(), ticket.channel.as_deref(), ticket.team.as_deref()),
        (Some("task"), Some("web_service"), Some("8447320466430"))
    );
}

#[test]
fn statuses_become_the_events_of_a_ticket() {
    let changed = |previous: &str, current: &str| kinds("status_changed", json!({"previous": previous, "current": current}));
    assert_eq!(changed("NEW", "OPEN"), [TicketKind::StatusChanged(OpenStatus::Open)]);
    assert_eq!(changed("OPEN", "PENDING"), [TicketKind::StatusChanged(OpenStatus::Pending)]);
    assert_eq!(changed("open", "hold"), [TicketKind::StatusChanged(OpenStatus::OnHold)]);
    assert_eq!(changed("OPEN", "Solved"), [TicketKind::Resolved]);
    assert_eq!(changed("SOLVED", "CLOSED"), [TicketKind::Closed]);
    assert_eq!(changed("SOLVED", "OPEN"), [TicketKind::Reopened]);
    assert_eq!(changed("SOLVED", "PENDING"), [TicketKind::Reopened, TicketKind::StatusChanged(OpenStatus::Pending)]);
    for stored in ["ARCHIVED", "SCRUBBED", "DELETED"] {
        assert_eq!(changed("CLOSED", stored), [], "{stored}");
    }
    let (code, reason) = refused(&event("status_changed", json!({"previous": "NEW", "current": "LOST"})));
    assert_eq!(code, Code::OutOfRange);
    assert!(reason.starts_with("zendesk: event.current is not one of new, open, pending, hold"), "{reason}");
}

#[test]
fn a_ticket_may_be_created_in_any_status() {
    let created = |status: &str| {
        let mut created = event("created", json!({}));
        created["detail"]["status"] = json!(status);
        tickets(&created).into_iter().map(|ticket| ticket.kind).collect::<Vec<_>>()
    };
    assert_eq!(created("NEW"), [TicketKind::Opened]);
    assert_eq!(created("SOLVED"), [TicketKind::Opened, TicketKind::Resolved]);
    assert_eq!(created("HOLD"), [TicketKind::Opened, TicketKind::StatusChanged(OpenStatus::OnHold)]);
}

#[test]
fn the_author_of_a_comment_decides_who_replied() {
    let reply = |author: Value, public: bool| {
        let comment = json!({"author": author, "body": "text", "id": "7634", "is_public": public});
        kinds("comment_added", json!({"comment": comment}))
    };
    let agent = json!({"id": "8447388090494", "is_staff": true, "name": "An Agent"});
    assert_eq!(reply(agent.clone(), true), [TicketKind::Replied { by: ReplyBy::Agent, public: true }]);
    assert_eq!(reply(agent, false), [TicketKind::Replied { by: ReplyBy::Agent, public: false }]);
    let customer = json!({"id": "9", "is_staff": false, "name": "A Customer"});
    assert_eq!(reply(customer, true), [TicketKind::Replied { by: ReplyBy::Requester, public: true }]);
    for id in [json!("-1"), json!(-1)] {
        assert_eq!(reply(json!({"id": id, "is_staff": true}), true), [TicketKind::Replied { by: ReplyBy::Bot, public: true }]);
    }
    let half = event("comment_added", json!({"comment": {"author": {"id": "9"}, "is_public": true}}));
    assert_eq!(refused(&half), (Code::MissingField, "zendesk: event.comment.author.is_staff is missing".to_owned()));
}

#[test]
fn priorities_and_groups_are_those_after_the_change() {
    let raised = tickets(&event("priority_changed", json!({"previous": "LOW", "current": "URGENT"})));
    assert_eq!((raised[0].priority, &raised[0].kind), (Some(Priority::Urgent), &TicketKind::PriorityChanged));
    let dropped = tickets(&event("priority_changed", json!({"previous": "LOW", "current": null})));
    assert_eq!(dropped[0].priority, Some(Priority::Normal));
    let assigned = tickets(&event("group_assignment_changed", json!({"previous": null, "current": 42})));
    assert_eq!((assigned[0].team.as_deref(), &assigned[0].kind), (Some("42"), &TicketKind::Assigned));
    assert_eq!(kinds("group_assignment_changed", json!({"previous": "42", "current": null})), []);
}

#[test]
fn deletions_and_merges() {
    assert_eq!(kinds("soft_deleted", json!({})), [TicketKind::Moved]);
    assert_eq!(kinds("permanently_deleted", json!({})), [TicketKind::Deleted]);
    assert_eq!(kinds("merged", json!({"target_ticket_id": "5159"})), [TicketKind::Merged("5159".into())]);
    let undeleted = kinds("undeleted", json!({}));
    assert!(matches!(&undeleted[..], [TicketKind::Snapshot(snapshot)] if snapshot.status == SnapshotStatus::Open), "{undeleted:?}");
}

#[test]
fn a_ticket_moves_from_one_organization_to_another() {
    let moved = records(&event("organization_changed", json!({"previous": "1", "current": "8447346622462"})));
    let events: Vec<_> = moved.iter().map(|record| (record.account.as_deref().unwrap(), record.type_name)).collect();
    assert_eq!(events, [("1", "ticket_moved"), ("8447346622462", "ticket_snapshot")]);
    let events = |change| records(&event("organization_changed", change)).iter().map(|record| record.type_name).collect::<Vec<_>>();
    assert_eq!(events(json!({"previous": null, "current": "2"})), ["ticket_snapshot"]);
    assert_eq!(events(json!({"previous": "2", "current": "0"})), ["ticket_moved"]);
}

#[test]
fn a_ticket_without_an_organization_is_refused_and_the_tenant_is_never_the_account() {
    for organization in [json!(null), json!("0"), json!(0)] {
        let mut nobody = event("created", json!({}));
        nobody["detail"]["organization_id"] = organization;
        assert_eq!(refused(&nobody), (Code::MissingField, "zendesk: detail.organization_id is missing".to_owned()));
    }
}

#[test]
fn other_events_are_ignored_and_other_payloads_named() {
    let ignored = |payload: &Value| super::decode(&Format::Zendesk, Stream::Support, &payload.to_string()) == Ok(Decoded::Ignored);
    for kind in
        ["tags_changed", "agent_assignment_changed", "custom_status_changed", "subject_changed", "comment_made_private", "type_changed"]
    {
        assert!(ignored(&event(kind, json!({"previous": [], "current": 5}))), "{kind}");
    }
    assert!(ignored(&json!({"type": "zen:event-type:user.created", "detail": {"id": 5}, "time": "?"})));
    let stripe = json!({"id": "evt_1", "type": "customer.subscription.updated", "data": {"object": {}}});
    assert_eq!(refused(&stripe), (Code::MissingField, "zendesk: detail is missing".to_owned()));
    let half = json!({"type": "zen:event-type:ticket.created", "id": "1", "time": "2026-03-21T10:12:07Z"});
    assert_eq!(refused(&half), (Code::MissingField, "zendesk: detail is missing".to_owned()));
    let mut untimed = event("created", json!({}));
    untimed["time"] = json!(null);
    assert_eq!(refused(&untimed), (Code::MissingField, "zendesk: time is missing".to_owned()));
}

/// A ticket as the API returns it.
fn exported() -> Value {
    json!({"assignee_id": 235_323, "collaborator_ids": [35_334], "created_at": "2026-03-20T10:00:00Z", "custom_fields": [],
        "description": "text", "external_id": "ahg35h3jh", "follower_ids": [], "from_messaging_channel": false, "group_id": 98_738,
        "has_incidents": false, "id": 35_436, "organization_id": 509_974, "priority": "high", "raw_subject": "text",
        "recipient": "support@company.com", "requester_id": 20_978_392, "satisfaction_rating": {"comment": "Great", "id": 1_234, "score": "good"},
        "status": "solved", "subject": "text", "submitter_id": 76_872, "tags": [], "type": "incident", "updated_at": "2026-03-21T10:00:00Z",
        "url": "https://company.zendesk.com/api/v2/tickets/35436.json", "via": {"channel": "web"}})
}

#[test]
fn a_ticket_of_the_api_is_a_snapshot() {
    let ticket = &tickets(&exported())[0];
    let TicketKind::Snapshot(snapshot) = &ticket.kind else { panic!("a snapshot") };
    assert_eq!((&*ticket.ticket_id, ticket.category.as_deref(), ticket.priority), ("35436", Some("incident"), Some(Priority::High)));
    assert_eq!((snapshot.status, snapshot.score), (SnapshotStatus::Resolved, Some(1.0)));
    assert_eq!(records(&exported())[0].account.as_deref(), Some("509974"));
    assert_eq!(tickets(&json!({"ticket": exported()})), tickets(&exported()));
    let mut deleted = exported();
    deleted["status"] = json!("deleted");
    let TicketKind::Snapshot(snapshot) = &tickets(&deleted)[0].kind else { panic!("a snapshot") };
    assert_eq!(snapshot.status, SnapshotStatus::Moved);
    let mut timed = exported();
    timed["metric_set"] = json!({"solved_at": "2026-03-20T14:00:00Z", "reply_time_in_minutes": {"calendar": 30, "business": 10},
        "first_resolution_time_in_minutes": {"calendar": 180, "business": 60}});
    let TicketKind::Snapshot(snapshot) = &tickets(&timed)[0].kind else { panic!("a snapshot") };
    let at = |text: &str| Timestamp::parse_rfc3339(text);
    assert_eq!(snapshot.first_reply_at, at("2026-03-20T10:30:00Z"));
    assert_eq!((snapshot.first_resolved_at, snapshot.resolved_at), (at("2026-03-20T13:00:00Z"), at("2026-03-20T14:00:00Z")));
}

#[test]
fn tickets_are_counted_in_any_order_of_their_events() {
    let mut opened = event("created", json!({}));
    opened["time"] = json!("2026-03-20T10:12:07Z");
    let mut solved = event("status_changed", json!({"previous": "OPEN", "current": "SOLVED"}));
    solved["time"] = json!("2026-03-21T10:12:07Z");
    let mut reopened = event("status_changed", json!({"previous": "SOLVED", "current": "OPEN"}));
    reopened["time"] = json!("2026-03-22T10:12:07Z");
    for order in [[&opened, &solved, &reopened], [&reopened, &opened, &solved], [&solved, &reopened, &opened]] {
        let mut topic = Topic::new(Stream::Support, Format::Zendesk);
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        let metric = |metric| topic.metric("8447346622462", metric, 0);
        assert_eq!((metric(Metric::Opened28d), metric(Metric::Open)), (Some(1), Some(1)));
    }
}

proptest! {
    #[test]
    fn no_value_in_the_wrong_place_panics(place in any::<prop::sample::Index>(), value in prop_oneof![
        Just("null"), Just("[]"), Just("{}"), Just("\"\""), Just("\"x\""), Just("-1"), Just("1e400"), Just("99999999999999999999999"), Just("true"),
    ]) {
        let comment = json!({"author": {"id": "9", "is_staff": true}, "is_public": true});
        let change = json!({"previous": "SOLVED", "current": "OPEN", "comment": comment, "target_ticket_id": "1"});
        for payload in [event("status_changed", change.clone()), event("comment_added", change.clone()), event("organization_changed", change), exported()] {
            drop(super::decode(&Format::Zendesk, Stream::Support, &super::broken(&payload.to_string(), place, value)));
        }
    }
}
