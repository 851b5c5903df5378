//! The support section of an account: its tickets, each a set of facts, and the figures derived from them.
//!
//! A ticket is identified by the hash of its id. Its facts ([`fact`]) are stored packed ([`ticket`]) in a table of all tickets ([`table`]).
//! The state of a ticket at an instant is computed on demand ([`view`]), so neither the order nor the repetition of records matters.
//! Tickets never expire: only above `limits.tickets_open` or `limits.tickets_resolved` is the ticket dropped that has been idle longest. A
//! late record of a dropped ticket starts it from scratch, with that record as its latest, so it is the next one to be dropped.

mod codec;
mod durations;
mod fact;
mod idle;
mod lifecycle;
mod measure;
mod period;
mod redundant;
mod table;
mod ticket;
mod view;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod next_life;
#[cfg(test)]
mod reference;

use xxhash_rust::xxh3::xxh3_64;

use crate::event::{ReplyBy, TicketEvent, TicketKind};
use crate::time::{MaybeTimestamp, Timestamp};

use self::fact::Fact;
use self::idle::Idle;
use self::redundant::Redundant;
use self::table::TicketTable;
use self::ticket::Ticket;
use super::{ApplyContext, Limit};

pub use durations::Durations;
pub use lifecycle::Resolution;
pub use period::{PeriodResolution, PeriodTicket};
pub use view::TicketView;

/// The tickets of an account.
#[derive(Clone, Debug, Default)]
pub struct Tickets {
    table: TicketTable,
    /// Tickets that are open once all their facts have taken effect ..
    open: u32,
    /// .. and those that are not.
    done: u32,
    rare: Option<Box<Rare>>,
    /// The earliest `ticket_replied` by an agent or a requester, on any ticket of the account.
    first_replied: MaybeTimestamp,
}

/// What accounts with few and short tickets do not have.
#[derive(Clone, Debug, Default)]
struct Rare {
    /// Built when a ticket has to be dropped for the first time.
    idle: Option<Idle>,
    redundant: Redundant,
}

impl Rare {
    fn keep(rare: &mut Option<Box<Self>>, ticket: u64, redundant: Vec<Fact<'_>>) {
        if !redundant.is_empty() {
            rare.get_or_insert_default().redundant.add(ticket, redundant);
        }
    }
}

impl Tickets {
    /// Applies one event of one ticket.
    pub fn apply(&mut self, event: &TicketEvent<'_>, ctx: &mut ApplyContext<'_>) {
        if matches!(event.kind, TicketKind::Replied { by: ReplyBy::Agent | ReplyBy::Requester, .. }) {
            self.first_replied.keep_earliest(ctx.at);
        }
        let hash = ticket_hash(&event.ticket_id);
        let known = self.table.get(hash).and_then(Ticket::read);
        let mut facts: Vec<Fact<'_>> = known.into_iter().flat_map(|ticket| ticket.facts()).collect();
        let mut redundant = Vec::new();
        if !fact::insert(&mut facts, Fact::of(event, ctx.at, ctx.id), &mut redundant) {
            ctx.limits.reached(Limit::TicketFacts);
        }
        Rare::keep(&mut self.rare, hash, redundant);
        let first_record = known.map_or(ctx.at, |ticket| ticket.first_record.min(ctx.at));
        let last_record = known.map_or(ctx.at, |ticket| ticket.last_record.max(ctx.at));
        let (bytes, open) = Ticket::write(first_record, last_record, &facts);
        let before = known.map(|ticket| (ticket.open, ticket.last_record));
        self.table.put(hash, Some(&bytes));
        if let Some((was_open, _)) = before {
            *self.count_mut(was_open) -= 1;
        }
        *self.count_mut(open) += 1;
        if let Some(idle) = self.rare.as_mut().and_then(|rare| rare.idle.as_mut()) {
            idle.replace(hash, before, (open, last_record));
        }
        self.enforce_limits(ctx);
    }

    /// Forgets everything up to the deletion of the account.
    pub fn forget_until(&mut self, deleted_at: Timestamp) {
        let rare = self.rare.take().unwrap_or_default();
        let known = rare.redundant.after(deleted_at);
        let of = |ticket| known.iter().filter(move |(_, other)| *other == ticket).map(|(fact, _)| fact.clone()).collect();
        let after = |(hash, bytes)| Some((hash, Ticket::read(bytes)?.after(deleted_at, of(hash))?));
        let table = std::mem::take(&mut self.table);
        let mut tickets: Vec<_> = table.iter().filter_map(after).collect();
        (self.open, self.done) = (0, 0);
        for (hash, ticket) in &mut tickets {
            *self.count_mut(ticket.open) += 1;
            Rare::keep(&mut self.rare, *hash, std::mem::take(&mut ticket.redundant));
        }
        if self.first_replied.get().is_some_and(|first| first <= deleted_at) {
            self.first_replied = tickets.iter().filter_map(|(_, ticket)| ticket.first_replied).min().into();
        }
        let entries: Vec<(u64, &[u8])> = tickets.iter().map(|(hash, ticket)| (*hash, ticket.bytes.as_slice())).collect();
        self.table = TicketTable::of(&entries);
    }

    /// The time of the earliest record of any ticket.
    #[must_use]
    pub fn first_record_at(&self) -> Option<Timestamp> {
        self.table.iter().filter_map(|(_, bytes)| Some(Ticket::read(bytes)?.first_record)).min()
    }

    /// Every ticket at `t` with the hash of its id, in order of hash. Excludes tickets that start later, were deleted by then, or are with
    /// another account then.
    pub fn tickets_at(&self, t: Timestamp) -> impl Iterator<Item = (u64, TicketView<'_>)> {
        self.table.iter().filter_map(move |(hash, bytes)| Some((hash, Ticket::read(bytes)?.at(t)?)))
    }

    /// The tickets at `t` that can contribute to a window from `since` to `t`. Skips settled tickets, so a long history costs little more
    /// than a short one.
    fn unsettled_at(&self, t: Timestamp, since: Timestamp) -> impl Iterator<Item = TicketView<'_>> {
        let tickets = self.table.iter().filter_map(|(_, bytes)| Ticket::read(bytes));
        tickets.filter(move |ticket| !ticket.is_settled(since)).filter_map(move |ticket| ticket.at(t))
    }

    /// Whether any agent or requester replied at or before `t`. Without a reply, nothing is known about first contacts.
    #[must_use]
    pub fn has_replied(&self, t: Timestamp) -> bool {
        self.first_replied.get().is_some_and(|first| first <= t)
    }

    const fn count_mut(&mut self, open: bool) -> &mut u32 {
        if open { &mut self.open } else { &mut self.done }
    }

    fn enforce_limits(&mut self, ctx: &mut ApplyContext<'_>) {
        let limits = &ctx.settings.limits;
        for (open, most, limit) in
            [(true, limits.tickets_open, Limit::TicketsOpen), (false, limits.tickets_resolved, Limit::TicketsResolved)]
        {
            while *self.count_mut(open) as usize > most {
                ctx.limits.reached(limit);
                self.drop_idlest(open);
            }
        }
    }

    /// Drops the ticket that has been idle longest (of equals, the one with the smallest hash), among the open or the other tickets.
    fn drop_idlest(&mut self, open: bool) {
        let idle = self.rare.get_or_insert_default().idle.get_or_insert_with(|| Idle::of(&self.table));
        if let Some(hash) = idle.pop(open) {
            self.table.put(hash, None);
        }
        *self.count_mut(open) -= 1;
    }
}

/// The hash that identifies a ticket.
#[must_use]
pub fn ticket_hash(ticket_id: &str) -> u64 {
    xxh3_64(ticket_id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::fixture::{AGENT_REPLY, TicketRecord, apply, hour, only, record, snapshot, state_of};
    use super::*;
    use crate::account::{LimitMeter, Section};
    use crate::event::{Priority, SnapshotStatus};
    use crate::settings::{Settings, StateVersion};

    fn reached(limits: &LimitMeter, limit: Limit) -> u64 {
        limits.iter().find(|(other, _)| *other == limit).map_or(0, |(_, count)| count)
    }

    fn with_limits(tickets_open: usize, tickets_resolved: usize) -> Settings {
        let mut settings = Settings::default();
        settings.limits.tickets_open = tickets_open;
        settings.limits.tickets_resolved = tickets_resolved;
        settings
    }

    #[test]
    fn the_longest_idle_open_ticket_is_dropped_in_any_order() {
        let records = [record(3, "a", TicketKind::Opened), record(1, "b", TicketKind::Opened), record(2, "c", TicketKind::Opened)];
        let mut reversed = records.clone();
        reversed.reverse();
        for records in [records, reversed] {
            let mut state = Tickets::default();
            let limits = apply(&mut state, &records, &with_limits(2, 2));
            let mut kept: Vec<_> = state.tickets_at(hour(9)).map(|(hash, _)| hash).collect();
            kept.sort_unstable();
            let mut expected = [ticket_hash("a"), ticket_hash("c")];
            expected.sort_unstable();
            assert_eq!(kept, expected);
            assert_eq!(reached(&limits, Limit::TicketsOpen), 1);
        }
    }

    #[test]
    fn open_and_resolved_tickets_have_separate_limits() {
        let mut records: Vec<TicketRecord> = (0..6).map(|n| record(n, &format!("t{n}"), TicketKind::Opened)).collect();
        records.extend((0..4).map(|n| record(10 + n, &format!("t{n}"), TicketKind::Resolved)));
        let mut state = Tickets::default();
        let limits = apply(&mut state, &records, &with_limits(6, 3));
        let open = state.tickets_at(hour(20)).filter(|(_, ticket)| ticket.open).count();
        assert_eq!((open, state.tickets_at(hour(20)).count()), (2, 5));
        assert_eq!((reached(&limits, Limit::TicketsOpen), reached(&limits, Limit::TicketsResolved)), (0, 1));
        assert!(state.tickets_at(hour(20)).all(|(hash, _)| hash != ticket_hash("t0")));
    }

    #[test]
    fn a_full_ticket_keeps_its_first_and_its_newest_facts() {
        let mut records = vec![record(0, "a", TicketKind::Opened), record(2, "a", TicketKind::Resolved)];
        let id = |n| format!("{n:036}");
        records.extend((3..300).map(|n| snapshot(n, "a", SnapshotStatus::Open, |s| s.created_at = Some(hour(-1))).id(&id(n))));
        records.push(record(300, "a", TicketKind::PriorityChanged).priority(Priority::Urgent).id("last"));
        let mut state = Tickets::default();
        let limits = apply(&mut state, &records, &Settings::default());
        assert!(reached(&limits, Limit::TicketFacts) > 0);
        let ticket = only(&state, 301);
        assert_eq!((ticket.created, ticket.open, ticket.priority), (Some(hour(-1)), true, Priority::Urgent));
        assert_eq!(ticket.first_resolution.map(|first| first.at), Some(hour(2)));
        assert!(state.parts(StateVersion::NEWEST)[0].1.len() < 4200);
    }

    #[test]
    fn a_long_conversation_costs_no_more_than_a_short_one() {
        let talk = |replies| {
            let mut records = vec![record(0, "a", TicketKind::Opened)];
            records.extend((1..=replies).map(|n| record(n, "a", AGENT_REPLY).id(&format!("reply-{n}")).team("first line")));
            state_of(&records).parts(StateVersion::NEWEST)[0].1.len()
        };
        assert_eq!(talk(500), talk(200));
    }

    #[test]
    fn a_typical_ticket_takes_about_fifty_bytes() {
        let records = [
            record(0, "a", TicketKind::Opened).priority(Priority::High).id("evt_0001"),
            record(1, "a", AGENT_REPLY).id("evt_0002"),
            record(30, "a", TicketKind::Resolved).id("evt_0003"),
            record(90, "a", TicketKind::Rated(1.0)).id("evt_0004"),
        ];
        let bytes = state_of(&records).parts(StateVersion::NEWEST)[0].1.len();
        assert!((40..=80).contains(&bytes), "{bytes}");
    }
}
