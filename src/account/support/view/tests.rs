use super::super::fixture::{AGENT_REPLY, TicketRecord, hour, only, record, snapshot, state_of};
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
fn story<const N: usize>(steps: [(i64, TicketKind<'static>); N]) -> Vec<TicketRecord> {
    steps.into_iter().map(|(hours, kind)| record(hours, "1", kind)).collect()
}

fn hours(millis: Option<i64>) -> Option<i64> {
    millis.map(|millis| millis / HOUR_MS)
}

#[test]
fn a_ticket_was_opened_at_the_earliest_opening_or_creation_in_the_newest_snapshot() {
    let mut records = story([(5, OPENED), (3, OPENED)]);
    assert_eq!(only(&state_of(&records), 9).created, Some(hour(3)));
    records.push(snapshot(6, "1", SnapshotStatus::Open, |s| s.created_at = Some(hour(1))));
    records.push(snapshot(7, "1", SnapshotStatus::Open, |s| s.created_at = Some(hour(2))));
    records.push(snapshot(8, "1", SnapshotStatus::Open, |_| ()));
    let state = state_of(&records);
    assert_eq!(only(&state, 9).created, Some(hour(2)));
    assert_eq!(only(&state, 6).created, Some(hour(1)));
    assert_eq!(only(&state, 5).created, Some(hour(3)));
}

#[test]
fn a_ticket_without_an_opening_is_open_from_its_first_record_and_has_no_durations() {
    let state = state_of(&story([(2, AGENT_REPLY), (5, RESOLVED)]));
    assert_eq!(state.tickets_at(hour(1)).count(), 0);
    let ticket = only(&state, 4);
    assert_eq!((ticket.open, ticket.created, hours(ticket.open_ms())), (true, None, Some(2)));
    let ticket = only(&state, 6);
    assert_eq!((ticket.first_reply, ticket.first_reply_ms()), (Some(hour(2)), None));
    assert_eq!((ticket.first_resolution.map(|first| first.at), ticket.resolution_ms()), (Some(hour(5)), None));
}

#[test]
fn a_closing_counts_as_resolution_only_if_there_is_no_other() {
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
fn a_later_status_opens_without_reopening_and_a_later_opening_changes_nothing() {
    let state = state_of(&story([(0, OPENED), (2, RESOLVED), (4, OPEN)]));
    let reopened = |state: &super::super::Tickets| only(state, 5).first_resolution.map(|first| first.reopened);
    assert_eq!((only(&state, 5).open, reopened(&state)), (true, Some(false)));
    let state = state_of(&story([(0, OPENED), (2, RESOLVED), (4, OPENED)]));
    assert_eq!((only(&state, 5).open, reopened(&state)), (false, Some(false)));
}

#[test]
fn a_reopening_before_the_earliest_known_resolution_belongs_to_an_unknown_one() {
    let state = state_of(&story([(0, OPENED), (3, REOPENED), (5, RESOLVED)]));
    let ticket = only(&state, 24 * 10);
    let first = ticket.first_resolution.unwrap();
    assert_eq!((first.at, first.is_first, first.reopened, ticket.open), (hour(5), false, true, false));
    assert_eq!((ticket.resolution_ms(), ticket.first_contact()), (None, None));
    assert_eq!(hours(ticket.full_resolution_ms()), Some(5));
}

#[test]
fn a_reopening_at_the_instant_of_the_earliest_known_resolution_is_ignored() {
    for done in [RESOLVED, CLOSED] {
        let state = state_of(&story([(0, OPENED), (5, REOPENED), (5, done)]));
        let ticket = only(&state, 24 * 10);
        let first = ticket.first_resolution.unwrap();
        assert_eq!((first.is_first, first.reopened, ticket.open), (true, false, false));
        assert_eq!((hours(ticket.resolution_ms()), ticket.first_contact()), (Some(5), Some(true)));
    }
    let found = [record(0, "1", OPENED), record(5, "1", REOPENED), snapshot(5, "1", SnapshotStatus::Resolved, |_| ())];
    assert_eq!(hours(only(&state_of(&found), 9).resolution_ms()), Some(5));
}

#[test]
fn a_reopening_at_the_instant_of_a_later_resolution_counts() {
    let state = state_of(&story([(0, OPENED), (5, RESOLVED), (9, REOPENED), (9, RESOLVED)]));
    let ticket = only(&state, 24 * 10);
    let first = ticket.first_resolution.unwrap();
    assert_eq!((first.at, first.is_first, first.reopened, ticket.open), (hour(5), true, true, false));
    assert_eq!((ticket.first_contact(), hours(ticket.full_resolution_ms())), (Some(false), Some(9)));
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
fn a_moved_ticket_is_gone_until_it_is_opened_or_seen_in_a_snapshot_again() {
    let moved = |hours| record(hours, "1", TicketKind::Moved);
    let seen = |hours, status| snapshot(hours, "1", status, |_| ());
    let known = |more: &[TicketRecord], t| {
        let records = [&[record(0, "1", OPENED), moved(2), record(3, "1", OPEN), record(4, "1", RESOLVED)], more].concat();
        state_of(&records).tickets_at(hour(t)).count()
    };
    assert_eq!((known(&[], 1), known(&[], 2), known(&[], 9)), (1, 0, 0));
    for back in [record(6, "1", OPENED), seen(6, SnapshotStatus::Open), seen(6, SnapshotStatus::Closed)] {
        assert_eq!((known(std::slice::from_ref(&back), 5), known(std::slice::from_ref(&back), 6)), (0, 1));
        assert_eq!(known(&[back.clone(), moved(6)], 9), 0, "what brings it back is strictly later");
        assert_eq!((known(&[back.clone(), moved(8)], 7), known(&[back, moved(8)], 8)), (1, 0));
    }
    for stays in [REOPENED, CLOSED, AGENT_REPLY, TicketKind::Merged("2".into())] {
        assert_eq!(known(&[record(6, "1", stays)], 9), 0);
    }
    for stays in [SnapshotStatus::Moved, SnapshotStatus::Merged, SnapshotStatus::Deleted] {
        assert_eq!(known(&[seen(6, stays)], 9), 0);
    }
    assert_eq!(known(&[seen(5, SnapshotStatus::Deleted), record(6, "1", OPENED)], 9), 0, "a deletion is final");
}

#[test]
fn a_ticket_that_is_moved_back_has_its_whole_history() {
    let away = [(0, OPENED), (1, AGENT_REPLY), (2, TicketKind::Moved), (4, RESOLVED), (6, OPENED)];
    let ticket = &state_of(&story(away));
    let ticket = only(ticket, 9);
    assert_eq!((ticket.created, ticket.open, hours(ticket.resolution_ms())), (Some(hour(0)), false, Some(4)));
    assert_eq!(hours(ticket.first_reply_ms()), Some(1));
    let late_move = [(0, OPENED), (6, OPENED), (8, OPENED), (4, TicketKind::Moved)];
    let state = state_of(&story(late_move));
    assert_eq!((state.tickets_at(hour(5)).count(), state.tickets_at(hour(6)).count()), (0, 1));
}

#[test]
fn a_merged_moved_or_deleted_snapshot_acts_like_the_event_and_adds_its_instants() {
    let seen = |status| {
        let opened_at_1 = snapshot(4, "1", status, |s| (s.created_at, s.resolved_at) = (Some(hour(1)), Some(hour(3))));
        state_of(&[record(2, "1", OPENED), opened_at_1, record(7, "1", OPENED)])
    };
    let merged = seen(SnapshotStatus::Merged);
    assert_eq!(only(&merged, 3).created, Some(hour(2)));
    assert_eq!((only(&merged, 9).created, only(&merged, 9).open, only(&merged, 9).first_resolution), (Some(hour(1)), false, None));
    let moved = seen(SnapshotStatus::Moved);
    assert_eq!((moved.tickets_at(hour(4)).count(), moved.tickets_at(hour(6)).count()), (0, 0));
    assert_eq!((only(&moved, 7).created, hours(only(&moved, 7).resolution_ms())), (Some(hour(1)), Some(2)));
    let deleted = seen(SnapshotStatus::Deleted);
    assert_eq!((deleted.tickets_at(hour(3)).count(), deleted.tickets_at(hour(9)).count()), (1, 0));
}

#[test]
fn agent_time_excludes_pending_and_on_hold() {
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
    let steps = [
        (0, OPENED),
        (1, by(ReplyBy::Requester, true)),
        (1, by(ReplyBy::Bot, true)),
        (2, by(ReplyBy::Agent, false)),
        (7, AGENT_REPLY),
        (4, AGENT_REPLY),
    ];
    let mut records = story(steps);
    assert_eq!(hours(only(&state_of(&records), 9).first_reply_ms()), Some(4));
    records.push(snapshot(8, "1", SnapshotStatus::Open, |s| s.first_reply_at = Some(hour(3))));
    assert_eq!(hours(only(&state_of(&records), 9).first_reply_ms()), Some(3));
}

#[test]
fn at_one_instant_kind_and_then_id_decide_the_order() {
    let priority = |id: &str, priority| record(1, "1", TicketKind::PriorityChanged).priority(priority).id(id);
    let mut records = vec![priority("b", Priority::High), priority("a", Priority::Urgent)];
    assert_eq!(only(&state_of(&records), 2).priority, Priority::High);
    records.push(record(1, "1", OPENED).priority(Priority::Low).id("z"));
    assert_eq!(only(&state_of(&records), 2).priority, Priority::High);
    records.push(record(1, "1", CLOSED).priority(Priority::Low).id("0"));
    assert_eq!(only(&state_of(&records), 2).priority, Priority::Low);

    let both = [record(1, "1", OPEN).id("2"), record(1, "1", PENDING).id("10"), record(5, "1", RESOLVED), record(0, "1", OPENED)];
    assert_eq!(hours(only(&state_of(&both), 9).agent_resolution_ms()), Some(5));
    assert!(!only(&state_of(&story([(0, OPENED), (1, RESOLVED), (1, PENDING), (1, REOPENED)])), 2).open);
}

#[test]
fn priority_category_product_and_channel_come_from_the_newest_fact_that_sets_them() {
    let records = [
        record(0, "1", OPENED).category("bug").product("api").channel("mail").priority(Priority::High),
        record(2, "1", CLOSED).category("question").channel("chat"),
        record(1, "1", AGENT_REPLY).category("late").priority(Priority::Urgent),
    ];
    let state = state_of(&records);
    let fields = |t| {
        let ticket = only(&state, t);
        (ticket.category, ticket.product, ticket.channel, ticket.priority)
    };
    assert_eq!(fields(0), (Some("bug"), Some("api"), Some("mail"), Priority::High));
    assert_eq!(fields(1), (Some("late"), Some("api"), Some("mail"), Priority::Urgent));
    assert_eq!(fields(2), (Some("question"), Some("api"), Some("chat"), Priority::Urgent));
    assert_eq!(only(&state_of(&story([(0, OPENED)])), 1).priority, Priority::Normal);
}

#[test]
fn a_snapshot_sets_its_fields_until_a_later_event_changes_them() {
    let records = [
        record(0, "1", OPENED),
        snapshot(4, "1", SnapshotStatus::OnHold, |_| ()).priority(Priority::Urgent),
        record(6, "1", OPEN).priority(Priority::Low),
        record(8, "1", RESOLVED),
    ];
    let state = state_of(&records);
    assert_eq!(only(&state, 3).priority, Priority::Normal);
    assert_eq!(only(&state, 4).priority, Priority::Urgent);
    assert_eq!(only(&state, 9).priority, Priority::Low);
    assert_eq!(hours(only(&state, 9).agent_resolution_ms()), Some(6));
}

#[test]
fn the_instants_in_a_snapshot_are_known_from_its_own_instant() {
    let solved = snapshot(20, "1", SnapshotStatus::Resolved, |s| {
        s.created_at = Some(hour(0));
        s.first_resolved_at = Some(hour(5));
        s.reopened_at = Some(hour(7));
        s.resolved_at = Some(hour(9));
        s.closed_at = Some(hour(30));
    });
    let state = state_of(&[record(10, "1", RESOLVED), solved]);
    assert_eq!(only(&state, 19).first_resolution.map(|first| first.at), Some(hour(10)));
    let ticket = only(&state, 24 * 9);
    assert_eq!((hours(ticket.resolution_ms()), hours(ticket.full_resolution_ms())), (Some(5), Some(10)));
    assert_eq!((ticket.first_resolution.map(|first| first.reopened), ticket.open), (Some(true), false));
    assert_eq!(ticket.first_contact(), Some(false));
}

#[test]
fn a_resolved_snapshot_without_an_instant_counts_from_its_own_instant() {
    let resolved = |hours| snapshot(hours, "1", SnapshotStatus::Resolved, |s| s.created_at = Some(hour(0)));
    let state = state_of(&[snapshot(2, "1", SnapshotStatus::New, |_| ()), resolved(6), resolved(8)]);
    assert!(only(&state, 5).open);
    let ticket = only(&state, 9);
    assert_eq!((ticket.open, hours(ticket.resolution_ms()), hours(ticket.full_resolution_ms())), (false, Some(6), Some(6)));
    let known = state_of(&[record(0, "1", OPENED), record(4, "1", RESOLVED), resolved(6)]);
    assert_eq!(hours(only(&known, 9).full_resolution_ms()), Some(4));
}

#[test]
fn a_first_contact_resolution_has_one_reply_by_one_team_and_no_reopening_for_five_days() {
    let day = 24;
    let first_contact = |more: &[TicketRecord], t| {
        let mut records = story([(0, OPENED), (1, AGENT_REPLY), (4, RESOLVED)]);
        records.extend_from_slice(more);
        only(&state_of(&records), t).first_contact()
    };
    let late = 4 + 5 * day;
    assert_eq!((first_contact(&[], late - 1), first_contact(&[], late)), (None, Some(true)));
    assert_eq!(first_contact(&[record(late, "1", REOPENED)], late), Some(false));
    assert_eq!(first_contact(&[record(late + 1, "1", REOPENED)], late + 2), Some(true));
    assert_eq!(first_contact(&[record(4, "1", AGENT_REPLY).id("2")], late), Some(false));
    assert_eq!(first_contact(&[record(1, "1", AGENT_REPLY).id("2")], late), Some(false));
    assert_eq!(first_contact(&[record(5, "1", AGENT_REPLY).id("2")], late), Some(true));
    let by_teams = |hours| [record(0, "1", TicketKind::Assigned).team("a"), record(hours, "1", TicketKind::Assigned).team("b")];
    assert_eq!(first_contact(&by_teams(4), late), Some(false));
    assert_eq!(first_contact(&by_teams(5), late), Some(true));
}

#[test]
fn the_newest_rating_counts_at_its_own_time() {
    let steps = [(0, OPENED), (5, TicketKind::Rated(1.0)), (3, TicketKind::Rated(0.0))];
    let state = state_of(&story(steps));
    assert_eq!(only(&state, 4).rating, Some((hour(3), Satisfaction::Dissatisfied)));
    assert_eq!(only(&state, 6).rating, Some((hour(5), Satisfaction::HighlySatisfied)));
}
