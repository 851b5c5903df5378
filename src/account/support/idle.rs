//! Index of the longest idle tickets, open and done, for accounts at their limits, where every new ticket displaces another. Accounts below
//! their limits do not have it.

use std::collections::BTreeSet;

use crate::time::Timestamp;

use super::table::TicketTable;
use super::ticket::Ticket;

/// Tickets by their latest record, then by hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Idle {
    open: BTreeSet<(Timestamp, u64)>,
    done: BTreeSet<(Timestamp, u64)>,
}

impl Idle {
    /// The index of a table.
    pub(super) fn of(table: &TicketTable) -> Self {
        let mut idle = Self::default();
        for (hash, ticket) in table.iter().filter_map(|(hash, bytes)| Some((hash, Ticket::read(bytes)?))) {
            idle.kind(ticket.open).insert((ticket.last_record, hash));
        }
        idle
    }

    /// Updates the position of a ticket; `before` and `after` are whether it is open, and its latest record.
    pub(super) fn replace(&mut self, hash: u64, before: Option<(bool, Timestamp)>, after: (bool, Timestamp)) {
        if let Some((open, last_record)) = before {
            self.kind(open).remove(&(last_record, hash));
        }
        let (open, last_record) = after;
        self.kind(open).insert((last_record, hash));
    }

    /// Removes the ticket that has been idle longest; of equals, the one with the smallest hash.
    pub(super) fn pop(&mut self, open: bool) -> Option<u64> {
        self.kind(open).pop_first().map(|(_, hash)| hash)
    }

    const fn kind(&mut self, open: bool) -> &mut BTreeSet<(Timestamp, u64)> {
        if open { &mut self.open } else { &mut self.done }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Tickets;
    use super::super::fixture::{TicketRecord, apply, record};
    use super::*;
    use crate::event::TicketKind;
    use crate::settings::Settings;

    proptest! {
        #[test]
        fn the_index_always_matches_the_table(
            steps in prop::collection::vec((0..60_i64, 0..12_u8, 0..3_usize), 1..120),
        ) {
            let mut settings = Settings::default();
            (settings.limits.tickets_open, settings.limits.tickets_resolved) = (3, 4);
            let kinds = [TicketKind::Opened, TicketKind::Resolved, TicketKind::Reopened];
            let mut state = Tickets::default();
            for (hours, ticket, kind) in steps {
                let record: [TicketRecord; 1] = [record(hours, &format!("t{ticket}"), kinds[kind].clone())];
                apply(&mut state, &record, &settings);
                if let Some(idle) = state.rare.as_ref().and_then(|rare| rare.idle.as_ref()) {
                    prop_assert_eq!(idle, &Idle::of(&state.table));
                }
                let open = state.table.iter().filter_map(|(_, bytes)| Ticket::read(bytes)).filter(|ticket| ticket.open).count();
                prop_assert_eq!((state.open as usize, (state.open + state.done) as usize), (open, state.table.iter().count()));
                prop_assert!(state.open <= 3 && state.done <= 4);
            }
        }
    }
}
