//! Zendesk's tickets: event webhooks (`zen:event-type:ticket.*`), and tickets as its API and exports return them, known by their shape.
//!
//! The account is the ticket's organization. An event's own `account_id` is the Zendesk account of whoever runs this, and is not read.

mod export;
mod payload;
mod status;
mod webhook;

use std::borrow::Cow;

pub(super) use self::payload::Payloads;
use super::events::Events;
use super::object::Json;
use super::payload::{Account, Payload, missing};
use crate::event::native::Value;
use crate::event::{Code, Event, Priority, Rejection, TicketEvent, TicketKind};

/// The system of aliases by which accounts are known through their organizations.
const SYSTEM: &str = "zendesk";

/// What the type of every event of Zendesk begins with.
const EVENT_TYPE: &str = "zen:event-type:";

/// Reads `priority`.
const PRIORITIES: [(&str, Priority); 4] =
    [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High), ("urgent", Priority::Urgent)];

/// Turns an event, or a ticket, into native events.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, parsed: &Payloads<'a>, events: &mut Events<'a>) -> Result<(), Rejection> {
    let kind = lower(payload.optional(parsed.kind, "type", Value::any_text).ok().flatten().unwrap_or_default());
    match (kind.strip_prefix(EVENT_TYPE), parsed.ticket.get()) {
        (Some(kind), _) => match kind.strip_prefix("ticket.") {
            Some(kind) => webhook::read(payload, parsed, kind, events),
            None => Ok(()),
        },
        (None, Some(ticket)) => export::read(payload, ticket, export::Paths::WRAPPED, events),
        (None, None) if parsed.is_ticket() => export::read(payload, &parsed.as_ticket(), export::Paths::PLAIN, events),
        (None, None) if parsed.detail.get().is_some() => Err(missing("type")),
        (None, None) if parsed.tickets.given().is_some() => Err(page("tickets")),
        (None, None) if parsed.results.given().is_some() => Err(page("results")),
        (None, None) => Err(missing("detail")),
    }
}

/// The rejection of many tickets in one record.
#[cold]
fn page(field: &str) -> Rejection {
    let reason = format!("{field} is a page of tickets: publish each of them as a record of its own");
    Rejection::new(Code::WrongType, reason)
}

/// What all events of one ticket have in common.
#[derive(Clone)]
struct Ticket<'a> {
    id: Cow<'a, str>,
    priority: Option<Priority>,
    category: Option<Cow<'a, str>>,
    channel: Option<Cow<'a, str>>,
    team: Option<Cow<'a, str>>,
}

impl<'a> Ticket<'a> {
    /// The native event of a kind.
    fn event(self, kind: TicketKind<'a>) -> Event<'a> {
        let Self { id: ticket_id, priority, category, channel, team } = self;
        Event::Support(TicketEvent { ticket_id, kind, priority, category, product: None, channel, team })
    }
}

/// The organization as an account; `None` if there is none, for which Zendesk writes null or 0.
fn organization<'a, 'c>(payload: &Payload<'a, 'c>, json: Json<'a>, path: &'c str) -> Result<Option<Account<'a>>, Rejection> {
    let id = payload.optional(json, path, Value::id)?.filter(|id| id != "0");
    Ok(id.map(|id| Account::alias(SYSTEM, id)))
}

/// A name that events have in upper case and exports in lower case.
fn lower_case<'a>(value: &Value<'a, '_>) -> Result<Cow<'a, str>, Rejection> {
    value.text().map(lower)
}

/// The kinds of tickets, which most tickets have one of.
const KINDS: [&str; 4] = ["task", "question", "problem", "incident"];

fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return text;
    }
    let known = KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(&text));
    known.map_or_else(|| Cow::Owned(text.to_ascii_lowercase()), |kind| Cow::Borrowed(*kind))
}
