//! A ticket of a period, packed into a few bytes.

use serde::{Deserialize, Serialize};

use super::names::{NameId, Names};
use crate::account::feedback::Satisfaction;
use crate::account::support::{PeriodResolution, PeriodTicket};
use crate::event::Priority;

const RATINGS: [Satisfaction; 4] =
    [Satisfaction::Dissatisfied, Satisfaction::Neutral, Satisfaction::Satisfied, Satisfaction::HighlySatisfied];

/// A [`PeriodTicket`] with names as ids and all flags in one integer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackedTicket {
    flags: u16,
    category: Option<NameId>,
    product: Option<NameId>,
    channel: Option<NameId>,
    resolution_ms: Option<u64>,
    /// Time pending or on hold: resolution time minus agent time.
    waited_ms: Option<u64>,
    first_reply_ms: Option<u64>,
    business_resolution_ms: Option<u64>,
    business_first_reply_ms: Option<u64>,
}

const OPENED: u16 = 1 << 2;
const OPEN: u16 = 1 << 3;
const RESOLVED: u16 = 1 << 4;
const REOPENED: u16 = 1 << 5;
const CONTACT_KNOWN: u16 = 1 << 6;
const FIRST_CONTACT: u16 = 1 << 7;
const RATED: u16 = 1 << 8;
const RATING_SHIFT: u16 = 9;

impl PackedTicket {
    pub fn pack(ticket: &PeriodTicket<'_>, names: &mut Names) -> Self {
        let resolved = ticket.resolved;
        let first_contact = resolved.and_then(|resolved| resolved.first_contact);
        let flag = |is: bool, flag: u16| if is { flag } else { 0 };
        let rating = ticket.rating.map_or(0, |rating| RATED | ((rating as u16) << RATING_SHIFT));
        let flags = ticket.priority as u16
            | flag(ticket.opened, OPENED)
            | flag(ticket.open, OPEN)
            | flag(resolved.is_some(), RESOLVED)
            | flag(resolved.is_some_and(|resolved| resolved.reopened), REOPENED)
            | flag(first_contact.is_some(), CONTACT_KNOWN)
            | flag(first_contact == Some(true), FIRST_CONTACT)
            | rating;
        let (resolution, agent) = resolved.map_or((None, None), |resolved| (resolved.resolution_ms, resolved.agent_resolution_ms));
        let millis = |millis: i64| millis.max(0).unsigned_abs();
        Self {
            flags,
            category: ticket.category.map(|name| names.acquire(name)),
            product: ticket.product.map(|name| names.acquire(name)),
            channel: ticket.channel.map(|name| names.acquire(name)),
            resolution_ms: resolution.map(millis),
            waited_ms: agent.zip(resolution).map(|(agent, whole)| millis(whole).saturating_sub(millis(agent))),
            first_reply_ms: ticket.first_reply_ms.map(millis),
            business_resolution_ms: resolved.and_then(|resolved| resolved.business_resolution_ms).map(millis),
            business_first_reply_ms: ticket.business_first_reply_ms.map(millis),
        }
    }

    pub fn unpack<'a>(&self, names: &'a Names) -> PeriodTicket<'a> {
        let is = |flag: u16| self.flags & flag != 0;
        let millis = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        let agent = self.resolution_ms.zip(self.waited_ms).map(|(whole, waited)| whole.saturating_sub(waited));
        PeriodTicket {
            priority: Priority::ALL.get(usize::from(self.flags & 0b11)).copied().unwrap_or_default(),
            category: self.category.map(|id| names.get(id)),
            product: self.product.map(|id| names.get(id)),
            channel: self.channel.map(|id| names.get(id)),
            opened: is(OPENED),
            open: is(OPEN),
            resolved: is(RESOLVED).then(|| PeriodResolution {
                reopened: is(REOPENED),
                resolution_ms: self.resolution_ms.map(millis),
                agent_resolution_ms: agent.map(millis),
                business_resolution_ms: self.business_resolution_ms.map(millis),
                first_contact: is(CONTACT_KNOWN).then_some(is(FIRST_CONTACT)),
            }),
            first_reply_ms: self.first_reply_ms.map(millis),
            business_first_reply_ms: self.business_first_reply_ms.map(millis),
            rating: is(RATED).then(|| RATINGS.get(usize::from(self.flags >> RATING_SHIFT)).copied()).flatten(),
        }
    }

    pub fn release(&self, names: &mut Names) {
        self.category.into_iter().chain(self.product).chain(self.channel).for_each(|id| names.release(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_survives_packing() {
        let mut names = Names::new(10);
        let resolved = |first_contact: Option<bool>, reopened| PeriodResolution {
            reopened,
            resolution_ms: Some(90_000),
            agent_resolution_ms: Some(60_000),
            business_resolution_ms: first_contact.map(|_| 30_000),
            first_contact,
        };
        for priority in Priority::ALL {
            for resolved in [None, Some(resolved(None, true)), Some(resolved(Some(false), false)), Some(resolved(Some(true), false))] {
                for rating in RATINGS.into_iter().map(Some).chain([None]) {
                    let ticket = PeriodTicket {
                        priority,
                        category: Some("bug"),
                        product: rating.map(|_| "api"),
                        channel: resolved.map(|_| "mail"),
                        opened: resolved.is_none(),
                        open: rating.is_some(),
                        resolved,
                        first_reply_ms: rating.map(|_| 0),
                        business_first_reply_ms: resolved.map(|_| 0),
                        rating,
                    };
                    let packed = PackedTicket::pack(&ticket, &mut names);
                    assert_eq!(packed.unpack(&names), ticket);
                }
            }
        }
    }
}
