//! Tickets as the API and exports return them: the whole state of a ticket when it was last updated.

use super::payload::{Exported, MetricSet, Minutes, Satisfaction, Via};
use super::status::STATUSES;
use super::{PRIORITIES, Ticket, lower_case, organization};
use crate::event::adapter::events::Events;
use crate::event::adapter::inner;
use crate::event::adapter::object::Json;
use crate::event::adapter::payload::{Payload, missing};
use crate::event::native::Value;
use crate::event::{Rejection, TicketKind, TicketSnapshot};
use crate::time::Timestamp;

/// Reads `satisfaction_rating.score`; a rating that was only offered is none.
const SCORES: [(&str, f64); 2] = [("good", 1.0), ("bad", 0.0)];

/// The longest duration that is read, in minutes: a century.
const MAX_MINUTES: i64 = 60 * 24 * 366 * 100;

/// Where the fields of the ticket are.
#[derive(Clone, Copy)]
pub(super) struct Paths {
    id: &'static str,
    organization: &'static str,
    status: &'static str,
    updated_at: &'static str,
}

impl Paths {
    /// The payload is the ticket.
    pub(super) const PLAIN: Self = Self { id: "id", organization: "organization_id", status: "status", updated_at: "updated_at" };
    /// The ticket is in a field of the payload.
    pub(super) const WRAPPED: Self =
        Self { id: "ticket.id", organization: "ticket.organization_id", status: "ticket.status", updated_at: "ticket.updated_at" };
}

/// Reads a ticket as a snapshot.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, exported: &Exported<'a>, paths: Paths, events: &mut Events<'a>) -> Result<(), Rejection> {
    let status = payload.required(exported.status, paths.status, |value| value.choice(&STATUSES))?;
    let Some(status) = status.of_snapshot() else { return Ok(()) };
    let account = organization(payload, exported.organization_id, paths.organization)?.ok_or_else(|| missing(paths.organization))?;
    payload.required(exported.updated_at, paths.updated_at, |_| Ok(()))?;
    let at = payload.occurred_at(&[(exported.updated_at, paths.updated_at)])?;
    let via = inner::object::<Via<'a>>(payload, exported.via, "via")?.unwrap_or_default();
    let ticket = Ticket {
        id: payload.required(exported.id, paths.id, Value::id)?,
        priority: payload.optional(exported.priority, "priority", |value| value.choice(&PRIORITIES))?,
        category: payload.optional(exported.kind, "type", lower_case)?,
        channel: payload.optional(via.channel, "via.channel", lower_case)?,
        team: payload.optional(exported.group_id, "group_id", Value::reference)?,
    };
    let created_at = instant(payload, exported.created_at, "created_at")?;
    let times = inner::object::<MetricSet<'a>>(payload, exported.metric_set, "metric_set")?.unwrap_or_default();
    let rating = inner::object::<Satisfaction<'a>>(payload, exported.satisfaction_rating, "satisfaction_rating")?.unwrap_or_default();
    let snapshot = TicketSnapshot {
        status,
        created_at,
        first_reply_at: after(payload, created_at, times.first_reply, "metric_set.reply_time_in_minutes")?,
        first_resolved_at: after(payload, created_at, times.first_resolution, "metric_set.first_resolution_time_in_minutes")?,
        resolved_at: instant(payload, times.solved_at, "metric_set.solved_at")?,
        reopened_at: None,
        closed_at: None,
        score: payload.optional(rating.score, "satisfaction_rating.score", |value| value.word(&SCORES))?.flatten(),
    };
    let event = ticket.event(TicketKind::Snapshot(Box::new(snapshot)));
    events.push(payload.record(account, None, "ticket_snapshot", at, event));
    Ok(())
}

/// An optional instant. One before 1900 counts as missing, as in native events.
fn instant<'a>(payload: &Payload<'a, '_>, json: Json<'a>, path: &'static str) -> Result<Option<Timestamp>, Rejection> {
    Ok(payload.optional(json, path, Value::instant)?.filter(|at| *at >= Timestamp::Y1900))
}

/// The instant so many minutes after another.
fn after<'a>(
    payload: &Payload<'a, '_>,
    start: Option<Timestamp>,
    minutes: Json<'a>,
    path: &'static str,
) -> Result<Option<Timestamp>, Rejection> {
    let minutes = inner::object::<Minutes<'a>>(payload, minutes, path)?.unwrap_or_default();
    let minutes = payload.optional(minutes.calendar, path, |value| value.whole(0..=MAX_MINUTES))?;
    Ok(start.zip(minutes).map(|(start, minutes)| Timestamp(start.0.saturating_add(minutes * 60_000))))
}
