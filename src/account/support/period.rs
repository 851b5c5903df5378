//! The tickets of a period, for sums over accounts.

use crate::account::feedback::Satisfaction;
use crate::event::Priority;
use crate::time::{BusinessHours, Timestamp};

use super::Tickets;
use super::view::TicketView;

/// The contribution of one ticket to the figures of a period (from, to], as it is at `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodTicket<'a> {
    /// Priority at the end.
    pub priority: Priority,
    /// Category at the end.
    pub category: Option<&'a str>,
    /// Product at the end.
    pub product: Option<&'a str>,
    /// Channel at the end.
    pub channel: Option<&'a str>,
    /// Whether it was opened in the period.
    pub opened: bool,
    /// Whether it is open at the end.
    pub open: bool,
    /// Its first resolution, if that is in the period.
    pub resolved: Option<PeriodResolution>,
    /// Milliseconds from opening to the first public agent reply, if that is in the period.
    pub first_reply_ms: Option<i64>,
    /// The same in business hours, if they are configured.
    pub business_first_reply_ms: Option<i64>,
    /// Its newest rating, if that is in the period.
    pub rating: Option<Satisfaction>,
}

/// The contribution of a first resolution to a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodResolution {
    /// Whether the ticket was reopened by the end of the period.
    pub reopened: bool,
    /// Milliseconds from opening, if known.
    pub resolution_ms: Option<i64>,
    /// The same, without the time in status `pending` or `on_hold`.
    pub agent_resolution_ms: Option<i64>,
    /// Milliseconds from opening in business hours, if they are configured.
    pub business_resolution_ms: Option<i64>,
    /// Whether the first contact resolved it; `None` if unknown: resolved less than five days before the end, after an earlier resolution
    /// at an unknown instant, or in an account without any reply by an agent or requester by the end.
    pub first_contact: Option<bool>,
}

impl Tickets {
    /// The tickets that contribute to the figures of (from, to], in order of hash.
    pub fn tickets_in<'a>(
        &'a self,
        from: Timestamp,
        to: Timestamp,
        hours: Option<&'a BusinessHours>,
    ) -> impl Iterator<Item = PeriodTicket<'a>> {
        let has_replied = self.has_replied(to);
        self.unsettled_at(to, from).filter_map(move |ticket| PeriodTicket::of(&ticket, from, has_replied, hours))
    }

    /// Whether a ticket known at `as_of` was opened in (from, to].
    #[must_use]
    pub fn had_ticket_in(&self, from: Timestamp, to: Timestamp, as_of: Timestamp) -> bool {
        self.tickets_at(as_of).any(|(_, ticket)| ticket.created.is_some_and(|created| created > from && created <= to))
    }
}

impl<'a> PeriodTicket<'a> {
    pub(super) fn of(ticket: &TicketView<'a>, from: Timestamp, has_replied: bool, hours: Option<&BusinessHours>) -> Option<Self> {
        let first_resolution = ticket.first_resolution.filter(|first| first.at > from);
        let replied = ticket.first_reply.is_some_and(|replied| replied > from);
        let this = Self {
            priority: ticket.priority,
            category: ticket.category,
            product: ticket.product,
            channel: ticket.channel,
            opened: ticket.created.is_some_and(|created| created > from),
            open: ticket.open,
            resolved: first_resolution.map(|first| PeriodResolution {
                reopened: first.reopened,
                resolution_ms: ticket.resolution_ms(),
                agent_resolution_ms: ticket.agent_resolution_ms(),
                business_resolution_ms: hours.and_then(|hours| ticket.business_resolution_ms(hours)),
                first_contact: ticket.first_contact().filter(|_| has_replied),
            }),
            first_reply_ms: ticket.first_reply_ms().filter(|_| replied),
            business_first_reply_ms: hours.filter(|_| replied).and_then(|hours| ticket.business_first_reply_ms(hours)),
            rating: ticket.rating.filter(|(at, _)| *at > from).map(|(_, rating)| rating),
        };
        let adds = this.opened || this.open || this.resolved.is_some() || this.first_reply_ms.is_some() || this.rating.is_some();
        adds.then_some(this)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{AGENT_REPLY, hour, record, state_of};
    use super::*;
    use crate::event::TicketKind;
    use crate::time::{HOUR_MS, OpenHours, Zone};

    const DAY: i64 = 24;

    #[test]
    fn a_period_sees_each_ticket_as_it_is_at_its_end() {
        let state = state_of(&[
            record(DAY, "a", TicketKind::Opened).category("bug").product("api").channel("chat").priority(Priority::Low).id("1"),
            record(2 * DAY, "a", AGENT_REPLY),
            record(3 * DAY, "a", TicketKind::Resolved),
            record(4 * DAY, "a", TicketKind::Rated(0.25)),
            record(20 * DAY, "a", TicketKind::Reopened).priority(Priority::High).id("2"),
            record(40 * DAY, "a", TicketKind::Deleted),
        ]);
        let hours = BusinessHours::new(&Zone::utc(), [(); 7].map(|()| vec![OpenHours::parse("00:00-12:00").unwrap()]), []);
        let of = |from, to| state.tickets_in(hour(from * DAY), hour(to * DAY), Some(&hours)).collect::<Vec<_>>();
        let whole = PeriodTicket {
            priority: Priority::Low,
            category: Some("bug"),
            product: Some("api"),
            channel: Some("chat"),
            opened: true,
            open: false,
            resolved: Some(PeriodResolution {
                reopened: false,
                resolution_ms: Some(48 * HOUR_MS),
                agent_resolution_ms: Some(48 * HOUR_MS),
                business_resolution_ms: Some(24 * HOUR_MS),
                first_contact: Some(true),
            }),
            first_reply_ms: Some(24 * HOUR_MS),
            business_first_reply_ms: Some(12 * HOUR_MS),
            rating: Some(Satisfaction::Dissatisfied),
        };
        assert_eq!(of(0, 10), [whole]);
        assert_eq!(of(4, 10), []);
        let begun = PeriodTicket { open: true, resolved: None, first_reply_ms: None, business_first_reply_ms: None, rating: None, ..whole };
        assert_eq!(of(0, 1), [begun]);
        let reopened = PeriodTicket { priority: Priority::High, opened: false, ..begun };
        assert_eq!(of(4, 30), [reopened]);
        assert_eq!(of(0, 30)[0].resolved.map(|resolved| (resolved.reopened, resolved.first_contact)), Some((true, Some(true))));
        assert_eq!(of(0, 40), []);
    }

    #[test]
    fn without_any_reply_in_the_account_first_contacts_are_unknown() {
        let state =
            state_of(&[record(0, "a", TicketKind::Opened), record(1, "a", TicketKind::Resolved), record(9 * DAY, "b", AGENT_REPLY)]);
        let first_contact =
            |to| state.tickets_in(hour(-1), hour(to), None).find_map(|ticket| ticket.resolved).and_then(|r| r.first_contact);
        assert_eq!((first_contact(9 * DAY - 1), first_contact(9 * DAY)), (None, Some(true)));
    }

    #[test]
    fn an_account_had_a_ticket_if_one_was_opened_in_the_period() {
        let state = state_of(&[record(5, "a", TicketKind::Opened), record(9, "a", AGENT_REPLY), record(50, "a", TicketKind::Deleted)]);
        let had = |from, to, as_of| state.had_ticket_in(hour(from), hour(to), hour(as_of));
        assert_eq!((had(4, 5, 20), had(5, 10, 20), had(4, 5, 50)), (true, false, false));
    }
}
