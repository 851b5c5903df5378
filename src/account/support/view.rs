//! A ticket at an instant: the only place where its facts become figures.

use crate::account::feedback::Satisfaction;
use crate::event::Priority;
use crate::time::{BusinessHours, Timestamp};

use super::lifecycle::{FIRST_CONTACT_MS, Resolution, TicketFacts};
use super::ticket::Ticket;

/// A ticket at an instant t. All instants are at or before t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TicketView<'a> {
    /// The instant.
    pub t: Timestamp,
    /// The earliest record of the ticket, of any kind.
    pub first_record: Timestamp,
    /// When it was opened: the earlier of the earliest `ticket_opened` and `created_at` of the newest snapshot.
    pub created: Option<Timestamp>,
    /// Neither resolved nor merged.
    pub open: bool,
    /// Earliest known resolution; `None` for a merged ticket.
    pub first_resolution: Option<Resolution>,
    /// Latest known resolution; `None` for a merged ticket.
    pub last_resolved: Option<Timestamp>,
    /// First public reply by an agent.
    pub first_reply: Option<Timestamp>,
    /// Newest rating, and when it was given.
    pub rating: Option<(Timestamp, Satisfaction)>,
    /// Priority; normal by default.
    pub priority: Priority,
    /// Category, if given.
    pub category: Option<&'a str>,
    /// Product, if given.
    pub product: Option<&'a str>,
    /// Channel, if given.
    pub channel: Option<&'a str>,
}

impl TicketView<'_> {
    /// Milliseconds from opening to first resolution; `None` if either is unknown.
    #[must_use]
    pub fn resolution_ms(&self) -> Option<i64> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        self.age_at(first.at)
    }

    /// The same, without the time in status `pending` or `on_hold`.
    #[must_use]
    pub fn agent_resolution_ms(&self) -> Option<i64> {
        Some((self.resolution_ms()? - self.first_resolution?.waiting_ms).max(0))
    }

    /// Milliseconds from opening to last resolution; `None` while the ticket is open.
    #[must_use]
    pub fn full_resolution_ms(&self) -> Option<i64> {
        self.age_at(self.last_resolved.filter(|_| !self.open)?)
    }

    /// Milliseconds from opening to the first public reply by an agent.
    #[must_use]
    pub fn first_reply_ms(&self) -> Option<i64> {
        self.age_at(self.first_reply?)
    }

    /// Milliseconds of business hours from opening to first resolution; `None` if either is unknown.
    #[must_use]
    pub fn business_resolution_ms(&self, hours: &BusinessHours) -> Option<i64> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        Some(hours.open_ms(self.created?, first.at))
    }

    /// Milliseconds of business hours from opening to the first public reply by an agent.
    #[must_use]
    pub fn business_first_reply_ms(&self, hours: &BusinessHours) -> Option<i64> {
        Some(hours.open_ms(self.created?, self.first_reply?))
    }

    /// Whether the first resolution, at least five days old, was a first-contact resolution; `None` if unknown.
    #[must_use]
    pub fn first_contact(&self) -> Option<bool> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        (self.t.since(first.at) >= FIRST_CONTACT_MS).then_some(first.first_contact)
    }

    /// Milliseconds since an open ticket was opened, or since its first record if the opening is unknown.
    #[must_use]
    pub fn open_ms(&self) -> Option<i64> {
        self.open.then(|| self.t.since(self.created.unwrap_or(self.first_record)))
    }

    fn age_at(&self, instant: Timestamp) -> Option<i64> {
        Some(instant.since(self.created?).max(0))
    }
}

impl<'a> Ticket<'a> {
    /// The ticket at `t`; `None` before its first record, after its deletion, and while it is with another account.
    pub(super) fn at(&self, t: Timestamp) -> Option<TicketView<'a>> {
        if self.first_record > t {
            return None;
        }
        let mut facts = TicketFacts::default();
        self.facts().take_while(|fact| fact.at <= t).for_each(|fact| facts.fact(&fact, t));
        if facts.deleted || facts.moved {
            return None;
        }
        let lifecycle = facts.lifecycle();
        let created = facts.opened.into_iter().chain(facts.snapshot_created.filter(|created| *created <= t)).min();
        let first = lifecycle.first.filter(|_| !facts.merged);
        Some(TicketView {
            t,
            first_record: self.first_record,
            created,
            open: lifecycle.open && !facts.merged,
            first_resolution: first.map(|first| facts.resolution(first, created)),
            last_resolved: lifecycle.last.filter(|_| !facts.merged),
            first_reply: facts.first_reply,
            rating: facts.rating,
            priority: facts.priority.unwrap_or_default(),
            category: shown(facts.category),
            product: shown(facts.product),
            channel: shown(facts.channel),
        })
    }
}

/// A text for output.
fn shown(text: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(text?).ok()
}

#[cfg(test)]
mod tests;
