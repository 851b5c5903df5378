//! The support section of an account: its tickets, each a set of facts, and the figures that follow from them.
//!
//! A ticket is known by the hash of its id. Its facts are kept as they came ([`fact`]), in few bytes ([`codec`]), beside those of the
//! other tickets ([`table`]); what it is at an instant is worked out when asked ([`view`]), so that neither the order of records nor
//! their repetition can matter. Tickets never age out: only `limits.tickets_open` and `limits.tickets_resolved` make the one that has
//! been idle longest leave. A late record of a ticket that left begins it anew, idle since that record, so that it is the next to leave.

mod codec;
mod durations;
mod fact;
mod measure;
mod parts;
mod period;
mod table;
mod view;

#[cfg(test)]
mod reference;

use xxhash_rust::xxh3::xxh3_64;

use crate::event::{TicketEvent, TicketKind};
use crate::time::Timestamp;

use self::codec::Ticket;
use self::fact::Fact;
use self::table::Table;
use super::{ApplyContext, Limit};

pub use durations::Durations;
pub use period::PeriodTicket;
pub use view::{Resolution, TicketView};

/// The tickets of an account.
#[derive(Clone, Debug, Default)]
pub struct State {
    table: Table,
    /// How many of them are open when all their facts are told.
    open: usize,
    /// The earliest `ticket_replied` of the account, whoever replied.
    first_replied: Option<Timestamp>,
}

impl State {
    /// Applies one fact of one ticket.
    pub fn apply(&mut self, event: &TicketEvent<'_>, ctx: &mut ApplyContext<'_>) {
        if matches!(event.kind, TicketKind::Replied { .. }) {
            self.first_replied = Some(self.first_replied.map_or(ctx.at, |known| known.min(ctx.at)));
        }
        let hash = ticket_hash(&event.ticket_id);
        let known = self.table.get(hash).and_then(Ticket::read);
        let was_open = known.is_some_and(|ticket| ticket.open);
        let mut facts: Vec<Fact<'_>> = known.into_iter().flat_map(|ticket| ticket.facts()).collect();
        if !fact::insert(&mut facts, Fact::of(event, ctx.at, ctx.id)) {
            ctx.limits.reached(Limit::TicketFacts);
        }
        let first_record = known.map_or(ctx.at, |ticket| ticket.first_record.min(ctx.at));
        let last_record = known.map_or(ctx.at, |ticket| ticket.last_record.max(ctx.at));
        let (bytes, is_open) = Ticket::write(first_record, last_record, &facts);
        self.table.put(hash, Some(&bytes));
        self.open = self.open + usize::from(is_open) - usize::from(was_open);
        self.hold_to_limits(ctx);
    }

    /// Every ticket at `t` with the hash of its id, in the order of the hashes; without those of later and those deleted by then.
    pub fn tickets_at(&self, t: Timestamp) -> impl Iterator<Item = (u64, TicketView<'_>)> {
        self.table.iter().filter_map(move |(hash, bytes)| Some((hash, Ticket::read(bytes)?.at(t)?)))
    }

    /// Whether the account has a `ticket_replied` at or before `t`: without one, nothing can be said about first contacts.
    #[must_use]
    pub fn has_replied(&self, t: Timestamp) -> bool {
        self.first_replied.is_some_and(|first| first <= t)
    }

    fn hold_to_limits(&mut self, ctx: &mut ApplyContext<'_>) {
        let limits = &ctx.settings.limits;
        while self.open > limits.tickets_open {
            ctx.limits.reached(Limit::TicketsOpen);
            self.drop_idlest(true);
            self.open -= 1;
        }
        while self.table.len() - self.open > limits.tickets_resolved {
            ctx.limits.reached(Limit::TicketsResolved);
            self.drop_idlest(false);
        }
    }

    /// Drops the ticket that has been idle longest, of equals the one with the least hash, among the open or the other ones.
    fn drop_idlest(&mut self, open: bool) {
        let tickets = self.table.iter().filter_map(|(hash, bytes)| Some((Ticket::read(bytes)?, hash)));
        let idlest = tickets.filter(|(ticket, _)| ticket.open == open).map(|(ticket, hash)| (ticket.last_record, hash)).min();
        if let Some((_, hash)) = idlest {
            self.table.put(hash, None);
        }
    }
}

/// The hash that stands for a ticket's id.
#[must_use]
pub fn ticket_hash(ticket_id: &str) -> u64 {
    xxh3_64(ticket_id.as_bytes())
}
