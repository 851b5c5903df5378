//! What a ticket is at an instant: the one place where its facts become figures.

use crate::account::feedback::Satisfaction;
use crate::event::Priority;
use crate::time::{DAY_MS, Timestamp};

use super::codec::Ticket;
use super::course::Told;
use super::fact::What;

/// First-contact resolution looks this far beyond the resolution for a reopening, 5 x 24 h.
pub(super) const FIRST_CONTACT_MS: i64 = 5 * DAY_MS;

/// A ticket at an instant t. Instants are at or before t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TicketView<'a> {
    /// The instant.
    pub t: Timestamp,
    /// The earliest record of the ticket, whatever it says.
    pub first_record: Timestamp,
    /// Opening: the earlier of the earliest `ticket_opened` and the newest snapshot's `created_at`.
    pub created: Option<Timestamp>,
    /// Neither resolved nor merged.
    pub open: bool,
    /// Earliest known resolution; none of a merged ticket.
    pub first_resolution: Option<Resolution>,
    /// Latest known resolution; none of a merged ticket.
    pub last_resolved: Option<Timestamp>,
    /// Whether any reopening is known.
    pub reopened: bool,
    /// First public reply of an agent.
    pub first_reply: Option<Timestamp>,
    /// Newest rating, and when it was given.
    pub rating: Option<(Timestamp, Satisfaction)>,
    /// Priority, default normal.
    pub priority: Priority,
    /// Category, where one was given.
    pub category: Option<&'a str>,
    /// Product, where one was given.
    pub product: Option<&'a str>,
}

/// The earliest known resolution of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// Whether it is the first: a reopening before it tells of an earlier one at an unknown instant.
    pub is_first: bool,
    /// Milliseconds in status `pending` or `on_hold` between opening and this resolution.
    pub waiting_ms: i64,
    /// At most one public agent reply and one team on records up to it, and no reopening in the five days after it.
    pub first_contact: bool,
}

impl TicketView<'_> {
    /// Milliseconds from opening to first resolution; `None` where either is unknown.
    #[must_use]
    pub fn resolution_ms(&self) -> Option<i64> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        self.age_at(first.at)
    }

    /// The same less the time in status `pending` or `on_hold`.
    #[must_use]
    pub fn agent_resolution_ms(&self) -> Option<i64> {
        Some((self.resolution_ms()? - self.first_resolution?.waiting_ms).max(0))
    }

    /// Milliseconds from opening to last resolution; `None` while the ticket is open.
    #[must_use]
    pub fn full_resolution_ms(&self) -> Option<i64> {
        self.age_at(self.last_resolved.filter(|_| !self.open)?)
    }

    /// Milliseconds from opening to the first public reply of an agent.
    #[must_use]
    pub fn first_reply_ms(&self) -> Option<i64> {
        self.age_at(self.first_reply?)
    }

    /// Whether the first resolution, at least five days old, was a first-contact one; `None` where that cannot be said.
    #[must_use]
    pub fn first_contact(&self) -> Option<bool> {
        let first = self.first_resolution.filter(|resolution| resolution.is_first)?;
        (self.t.since(first.at) >= FIRST_CONTACT_MS).then_some(first.first_contact)
    }

    /// Milliseconds since the opening of an open ticket, or since its first record where the opening is unknown.
    #[must_use]
    pub fn open_ms(&self) -> Option<i64> {
        self.open.then(|| self.t.since(self.created.unwrap_or(self.first_record)))
    }

    fn age_at(&self, instant: Timestamp) -> Option<i64> {
        Some(instant.since(self.created?).max(0))
    }
}

impl<'a> Ticket<'a> {
    /// The ticket at `t`; `None` before its first record and from its deletion on.
    pub(super) fn at(&self, t: Timestamp) -> Option<TicketView<'a>> {
        if self.first_record > t {
            return None;
        }
        let mut told = Told::default();
        for fact in self.facts().take_while(|fact| fact.at <= t) {
            if fact.what == What::Deleted {
                return None;
            }
            told.fact(&fact, t);
        }
        let course = told.course();
        let created = told.opened.into_iter().chain(told.snapshot_created.filter(|created| *created <= t)).min();
        let first = course.first.filter(|_| !told.merged);
        Some(TicketView {
            t,
            first_record: self.first_record,
            created,
            open: course.open && !told.merged,
            first_resolution: first.map(|first| told.resolution(first, created)),
            last_resolved: course.last.filter(|_| !told.merged),
            reopened: told.reopenings().next().is_some(),
            first_reply: told.first_reply,
            rating: told.rating,
            priority: told.priority.unwrap_or_default(),
            category: shown(told.category),
            product: shown(told.product),
        })
    }
}

/// A text as it is shown.
fn shown(text: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::telling::{AGENT_REPLY, Telling, hour, only, snapshot, state_of, tell};
    use super::*;
    use crate::event::{OpenStatus, ReplyBy, SnapshotStatus, TicketKind};
    use crate::time::HOUR_MS;

    const OPENED: TicketKind<'static> = TicketKind::Opened;
    const RESOLVED: TicketKind<'static> = TicketKind::Resolved;
    const REOPENED: TicketKind<'static> = TicketKind::Reopened;
    const CLOSED: TicketKind<'static> = TicketKind::Closed;
    const PENDING: TicketKind<'static> = TicketKind::StatusChanged(OpenStatus::Pending);
    const ON_HOLD: TicketKind<'static> = TicketKind::StatusChanged(OpenStatus::OnHold);
    const OPEN: TicketKind<'static> = TicketKind::StatusChanged(OpenStatus::Open);

    /// The events of one ticket, by hour.
    fn story<const N: usize>(steps: [(i64, TicketKind<'static>); N]) -> Vec<Telling> {
        steps.into_iter().map(|(hours, kind)| tell(hours, "1", kind)).collect()
    }

    fn hours(millis: Option<i64>) -> Option<i64> {
        millis.map(|millis| millis / HOUR_MS)
    }

    #[test]
    fn the_opening_is_the_earliest_of_openings_and_the_newest_snapshots_creation() {
        let mut tellings = story([(5, OPENED), (3, OPENED)]);
        assert_eq!(only(&state_of(&tellings), 9).created, Some(hour(3)));
        tellings.push(snapshot(6, "1", SnapshotStatus::Open, |s| s.created_at = Some(hour(1))));
        tellings.push(snapshot(7, "1", SnapshotStatus::Open, |s| s.created_at = Some(hour(2))));
        tellings.push(snapshot(8, "1", SnapshotStatus::Open, |_| ()));
        let state = state_of(&tellings);
        assert_eq!(only(&state, 9).created, Some(hour(2)));
        assert_eq!(only(&state, 6).created, Some(hour(1)));
        assert_eq!(only(&state, 5).created, Some(hour(3)));
    }

    #[test]
    fn a_ticket_of_unknown_opening_is_open_from_its_first_record_and_has_no_durations() {
        let state = state_of(&story([(2, AGENT_REPLY), (5, RESOLVED)]));
        assert_eq!(state.tickets_at(hour(1)).count(), 0);
        let ticket = only(&state, 4);
        assert_eq!((ticket.open, ticket.created, hours(ticket.open_ms())), (true, None, Some(2)));
        let ticket = only(&state, 6);
        assert_eq!((ticket.first_reply, ticket.first_reply_ms()), (Some(hour(2)), None));
        assert_eq!((ticket.first_resolution.map(|first| first.at), ticket.resolution_ms()), (Some(hour(5)), None));
    }

    #[test]
    fn a_closing_resolves_only_where_there_is_no_resolution_at_all() {
        let state = state_of(&story([(0, OPENED), (4, CLOSED), (9, RESOLVED)]));
        assert_eq!(hours(only(&state, 8).resolution_ms()), Some(4));
        assert_eq!(hours(only(&state, 9).resolution_ms()), Some(9));
        let state = state_of(&story([(0, OPENED), (2, RESOLVED), (3, REOPENED), (8, CLOSED)]));
        let ticket = only(&state, 9);
        assert_eq!((ticket.open, hours(ticket.full_resolution_ms())), (false, Some(2)));
    }

    #[test]
    fn the_last_resolution_counts_only_while_the_ticket_is_not_open() {
        let state = state_of(&story([(0, OPENED), (2, RESOLVED), (4, REOPENED), (7, RESOLVED), (8, OPEN)]));
        let full = |t| hours(only(&state, t).full_resolution_ms());
        assert_eq!((full(1), full(3), full(5), full(7), full(9)), (None, Some(2), None, Some(7), None));
        assert_eq!(hours(only(&state, 9).resolution_ms()), Some(2));
    }

    #[test]
    fn a_later_status_opens_without_reopening_and_a_later_opening_does_neither() {
        let state = state_of(&story([(0, OPENED), (2, RESOLVED), (4, OPEN)]));
        assert_eq!((only(&state, 5).open, only(&state, 5).reopened), (true, false));
        let state = state_of(&story([(0, OPENED), (2, RESOLVED), (4, OPENED)]));
        assert_eq!((only(&state, 5).open, only(&state, 5).reopened), (false, false));
    }

    #[test]
    fn a_reopening_before_the_earliest_known_resolution_tells_of_an_unknown_one() {
        for reopened in [3, 5] {
            let state = state_of(&story([(0, OPENED), (reopened, REOPENED), (5, RESOLVED)]));
            let ticket = only(&state, 24 * 10);
            assert!(ticket.reopened && !ticket.open);
            assert_eq!((ticket.resolution_ms(), ticket.first_contact()), (None, None));
            assert_eq!((ticket.first_resolution.map(|first| first.at), hours(ticket.full_resolution_ms())), (Some(hour(5)), Some(5)));
        }
    }

    #[test]
    fn a_merged_ticket_is_neither_open_nor_resolved_and_a_deleted_one_is_gone() {
        let into = |id: &'static str| TicketKind::Merged(id.into());
        let state = state_of(&story([(0, OPENED), (2, RESOLVED), (4, into("2")), (6, REOPENED), (8, TicketKind::Deleted)]));
        assert!(only(&state, 3).first_resolution.is_some());
        for t in [4, 7] {
            let ticket = only(&state, t);
            assert_eq!((ticket.open, ticket.first_resolution, ticket.last_resolved), (false, None, None));
            assert_eq!(ticket.created, Some(hour(0)));
        }
        assert_eq!(state.tickets_at(hour(8)).count(), 0);
    }

    #[test]
    fn time_pending_and_on_hold_is_not_the_agents() {
        let steps = [(0, OPENED), (2, PENDING), (5, OPEN), (6, ON_HOLD), (8, PENDING), (10, RESOLVED), (11, PENDING), (20, RESOLVED)];
        let ticket = state_of(&story(steps));
        assert_eq!(hours(only(&ticket, 30).resolution_ms()), Some(10));
        assert_eq!(hours(only(&ticket, 30).agent_resolution_ms()), Some(3));
        let before_its_opening = state_of(&story([(0, PENDING), (4, OPENED), (6, RESOLVED)]));
        assert_eq!(hours(only(&before_its_opening, 9).agent_resolution_ms()), Some(0));
    }

    #[test]
    fn the_first_reply_is_public_and_by_an_agent() {
        let by = |by, public| TicketKind::Replied { by, public };
        let steps = [(0, OPENED), (1, by(ReplyBy::Requester, true)), (2, by(ReplyBy::Agent, false)), (7, AGENT_REPLY), (4, AGENT_REPLY)];
        let mut tellings = story(steps);
        assert_eq!(hours(only(&state_of(&tellings), 9).first_reply_ms()), Some(4));
        tellings.push(snapshot(8, "1", SnapshotStatus::Open, |s| s.first_reply_at = Some(hour(3))));
        assert_eq!(hours(only(&state_of(&tellings), 9).first_reply_ms()), Some(3));
    }

    #[test]
    fn at_one_instant_kind_and_then_id_decide() {
        let priority = |id: &str, priority| tell(1, "1", TicketKind::PriorityChanged).priority(priority).id(id);
        let mut tellings = vec![priority("b", Priority::High), priority("a", Priority::Urgent)];
        assert_eq!(only(&state_of(&tellings), 2).priority, Priority::High);
        tellings.push(tell(1, "1", OPENED).priority(Priority::Low).id("z"));
        assert_eq!(only(&state_of(&tellings), 2).priority, Priority::High);
        tellings.push(tell(1, "1", CLOSED).priority(Priority::Low).id("0"));
        assert_eq!(only(&state_of(&tellings), 2).priority, Priority::Low);

        let both = [tell(1, "1", OPEN).id("2"), tell(1, "1", PENDING).id("10"), tell(5, "1", RESOLVED), tell(0, "1", OPENED)];
        assert_eq!(hours(only(&state_of(&both), 9).agent_resolution_ms()), Some(5));
        assert!(!only(&state_of(&story([(0, OPENED), (1, RESOLVED), (1, PENDING), (1, REOPENED)])), 2).open);
    }

    #[test]
    fn priority_category_and_product_are_those_of_the_newest_fact_that_carries_one() {
        let tellings = [
            tell(0, "1", OPENED).category("bug").product("api").priority(Priority::High),
            tell(2, "1", CLOSED).category("question"),
            tell(1, "1", AGENT_REPLY).category("late").priority(Priority::Urgent),
        ];
        let state = state_of(&tellings);
        let fields = |t| {
            let ticket = only(&state, t);
            (ticket.category, ticket.product, ticket.priority)
        };
        assert_eq!(fields(0), (Some("bug"), Some("api"), Priority::High));
        assert_eq!(fields(1), (Some("late"), Some("api"), Priority::Urgent));
        assert_eq!(fields(2), (Some("question"), Some("api"), Priority::Urgent));
        assert_eq!(only(&state_of(&story([(0, OPENED)])), 1).priority, Priority::Normal);
    }

    #[test]
    fn a_snapshot_sets_its_fields_at_its_instant_and_later_events_win_again() {
        let tellings = [
            tell(0, "1", OPENED),
            snapshot(4, "1", SnapshotStatus::OnHold, |_| ()).priority(Priority::Urgent),
            tell(6, "1", OPEN).priority(Priority::Low),
            tell(8, "1", RESOLVED),
        ];
        let state = state_of(&tellings);
        assert_eq!(only(&state, 3).priority, Priority::Normal);
        assert_eq!(only(&state, 4).priority, Priority::Urgent);
        assert_eq!(only(&state, 9).priority, Priority::Low);
        assert_eq!(hours(only(&state, 9).agent_resolution_ms()), Some(6));
    }

    #[test]
    fn the_instants_of_a_snapshot_join_the_known_ones_from_its_own_instant_on() {
        let solved = snapshot(20, "1", SnapshotStatus::Resolved, |s| {
            s.created_at = Some(hour(0));
            s.first_resolved_at = Some(hour(5));
            s.reopened_at = Some(hour(7));
            s.resolved_at = Some(hour(9));
            s.closed_at = Some(hour(30));
        });
        let state = state_of(&[tell(10, "1", RESOLVED), solved]);
        assert_eq!(only(&state, 19).first_resolution.map(|first| first.at), Some(hour(10)));
        let ticket = only(&state, 24 * 9);
        assert_eq!((hours(ticket.resolution_ms()), hours(ticket.full_resolution_ms())), (Some(5), Some(10)));
        assert_eq!((ticket.reopened, ticket.open, ticket.first_contact()), (true, false, Some(false)));
    }

    #[test]
    fn a_snapshot_that_is_resolved_without_saying_when_is_so_from_its_own_instant_on() {
        let resolved = |hours| snapshot(hours, "1", SnapshotStatus::Resolved, |s| s.created_at = Some(hour(0)));
        let state = state_of(&[snapshot(2, "1", SnapshotStatus::New, |_| ()), resolved(6), resolved(8)]);
        assert!(only(&state, 5).open);
        let ticket = only(&state, 9);
        assert_eq!((ticket.open, hours(ticket.resolution_ms()), hours(ticket.full_resolution_ms())), (false, Some(6), Some(6)));
        let known = state_of(&[tell(0, "1", OPENED), tell(4, "1", RESOLVED), resolved(6)]);
        assert_eq!(hours(only(&known, 9).full_resolution_ms()), Some(4));
    }

    #[test]
    fn a_first_contact_is_one_reply_by_one_team_and_no_reopening_for_five_days() {
        let day = 24;
        let first_contact = |more: &[Telling], t| {
            let mut tellings = story([(0, OPENED), (1, AGENT_REPLY), (4, RESOLVED)]);
            tellings.extend_from_slice(more);
            only(&state_of(&tellings), t).first_contact()
        };
        let late = 4 + 5 * day;
        assert_eq!((first_contact(&[], late - 1), first_contact(&[], late)), (None, Some(true)));
        assert_eq!(first_contact(&[tell(late, "1", REOPENED)], late), Some(false));
        assert_eq!(first_contact(&[tell(late + 1, "1", REOPENED)], late + 2), Some(true));
        assert_eq!(first_contact(&[tell(4, "1", AGENT_REPLY).id("2")], late), Some(false));
        assert_eq!(first_contact(&[tell(1, "1", AGENT_REPLY).id("2")], late), Some(false));
        assert_eq!(first_contact(&[tell(5, "1", AGENT_REPLY).id("2")], late), Some(true));
        let by_teams = |hours| [tell(0, "1", TicketKind::Assigned).team("a"), tell(hours, "1", TicketKind::Assigned).team("b")];
        assert_eq!(first_contact(&by_teams(4), late), Some(false));
        assert_eq!(first_contact(&by_teams(5), late), Some(true));
    }

    #[test]
    fn a_ticket_has_its_newest_rating_at_that_ratings_time() {
        let steps = [(0, OPENED), (5, TicketKind::Rated(1.0)), (3, TicketKind::Rated(0.0))];
        let state = state_of(&story(steps));
        assert_eq!(only(&state, 4).rating, Some((hour(3), Satisfaction::Dissatisfied)));
        assert_eq!(only(&state, 6).rating, Some((hour(5), Satisfaction::HighlySatisfied)));
    }
}
