//! Ticket records for tests, dated in hours since a fixed instant.

use crate::account::{ApplyContext, LimitMeter};
use crate::event::{Priority, ReplyBy, SnapshotStatus, TicketEvent, TicketKind, TicketSnapshot};
use crate::settings::Settings;
use crate::time::{HOUR_MS, Timestamp};

use super::{TicketView, Tickets};

/// One ticket event with its time and id.
#[derive(Clone, Debug)]
pub(super) struct TicketRecord {
    pub at: Timestamp,
    pub id: Option<String>,
    pub event: TicketEvent<'static>,
}

pub(super) const AGENT_REPLY: TicketKind<'static> = TicketKind::Replied { by: ReplyBy::Agent, public: true };

pub(super) const fn hour(hours: i64) -> Timestamp {
    Timestamp(1_750_000_000_000 + hours * HOUR_MS)
}

pub(super) fn record(hours: i64, ticket: &str, kind: TicketKind<'static>) -> TicketRecord {
    let event =
        TicketEvent { ticket_id: ticket.to_owned().into(), kind, priority: None, category: None, product: None, channel: None, team: None };
    TicketRecord { at: hour(hours), id: None, event }
}

pub(super) fn snapshot(hours: i64, ticket: &str, status: SnapshotStatus, fill: impl FnOnce(&mut TicketSnapshot)) -> TicketRecord {
    let mut snapshot = TicketSnapshot {
        status,
        created_at: None,
        first_reply_at: None,
        first_resolved_at: None,
        resolved_at: None,
        reopened_at: None,
        closed_at: None,
        score: None,
    };
    fill(&mut snapshot);
    record(hours, ticket, TicketKind::Snapshot(Box::new(snapshot)))
}

impl TicketRecord {
    pub(super) fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    pub(super) fn priority(mut self, priority: Priority) -> Self {
        self.event.priority = Some(priority);
        self
    }

    pub(super) fn category(mut self, category: &str) -> Self {
        self.event.category = Some(category.to_owned().into());
        self
    }

    pub(super) fn product(mut self, product: &str) -> Self {
        self.event.product = Some(product.to_owned().into());
        self
    }

    pub(super) fn channel(mut self, channel: &str) -> Self {
        self.event.channel = Some(channel.to_owned().into());
        self
    }

    pub(super) fn team(mut self, team: &str) -> Self {
        self.event.team = Some(team.to_owned().into());
        self
    }
}

pub(super) fn apply(state: &mut Tickets, records: &[TicketRecord], settings: &Settings) -> LimitMeter {
    let mut limits = LimitMeter::default();
    for TicketRecord { at, id, event } in records {
        state.apply(event, &mut ApplyContext { at: *at, id: id.as_deref(), settings, limits: &mut limits });
    }
    limits
}

pub(super) fn state_of(records: &[TicketRecord]) -> Tickets {
    let mut state = Tickets::default();
    apply(&mut state, records, &Settings::default());
    state
}

/// The only ticket.
pub(super) fn only(state: &Tickets, hours: i64) -> TicketView<'_> {
    let tickets: Vec<_> = state.tickets_at(hour(hours)).map(|(_, ticket)| ticket).collect();
    assert_eq!(tickets.len(), 1);
    tickets[0]
}
