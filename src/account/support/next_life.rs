//! Checks that a deletion leaves the records after it, and nothing else, whatever was redundant while the earlier ones were known.

use proptest::prelude::*;

use super::fixture::{AGENT_REPLY, TicketRecord, apply, hour, only, record, state_of};
use super::redundant::{MAX_REDUNDANT, Redundant};
use super::reference::{records, shuffled};
use super::{Tickets, ticket_hash};
use crate::account::Section;
use crate::event::{ReplyBy, TicketKind};
use crate::settings::{Settings, StateVersion};

const REQUESTER_REPLY: TicketKind<'static> = TicketKind::Replied { by: ReplyBy::Requester, public: true };
const BOT_REPLY: TicketKind<'static> = TicketKind::Replied { by: ReplyBy::Bot, public: true };

/// As restored from the changelog.
fn restored(state: &Tickets, version: StateVersion) -> Tickets {
    let mut restored = Tickets::default();
    for (part, bytes) in state.parts(version) {
        restored.restore(part, &bytes).unwrap();
    }
    restored
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_deletion_leaves_exactly_what_is_after_it(
        mut records in records(),
        keys in prop::collection::vec(any::<u32>(), 80),
        deleted_at in 0..25_i64,
        anonymous in any::<bool>(),
        restarts in any::<bool>(),
    ) {
        if anonymous {
            for record in &mut records {
                record.id = None;
            }
        }
        let deleted_at = hour(deleted_at * 12);
        let next_life: Vec<TicketRecord> = records.iter().filter(|record| record.at > deleted_at).take(MAX_REDUNDANT).cloned().collect();
        records.retain(|record| record.at <= deleted_at);
        records.extend(next_life.clone());
        let mut state = state_of(&shuffled(&[records.clone(), records].concat(), &keys));
        if restarts {
            state = restored(&state, StateVersion::NEWEST);
        }
        state.forget_until(deleted_at);
        let expected = state_of(&next_life);
        prop_assert_eq!(state.parts(StateVersion::NEWEST), expected.parts(StateVersion::NEWEST));
        prop_assert_eq!((state.open, state.done), (expected.open, expected.done));
    }
}

#[test]
fn a_third_reply_is_the_first_one_once_the_others_are_forgotten() {
    let mut records: Vec<_> = (0..3).map(|n| record(n, "a", AGENT_REPLY).id(&format!("{n}"))).collect();
    records.extend([record(5, "a", AGENT_REPLY).id("5"), record(7, "a", REQUESTER_REPLY)]);
    let mut state = state_of(&records);
    state.forget_until(hour(4));
    assert_eq!(only(&state, 9).first_reply, Some(hour(5)));
    state.forget_until(hour(6));
    assert_eq!((only(&state, 9).first_reply, only(&state, 9).first_record), (None, hour(7)));
    assert!(state.has_replied(hour(7)) && !state.has_replied(hour(6)));
}

#[test]
fn a_reply_by_a_bot_is_never_the_first_reply() {
    for reply in [record(5, "a", BOT_REPLY), record(5, "a", BOT_REPLY).category("bug").team("b")] {
        let mut state = state_of(&[record(1, "a", REQUESTER_REPLY), reply, record(8, "a", REQUESTER_REPLY)]);
        state.forget_until(hour(4));
        assert!(state.has_replied(hour(8)) && !state.has_replied(hour(7)));
        assert_eq!(only(&restored(&state, StateVersion::V1), 9), only(&state, 9));
        assert_eq!(state.least_version(), StateVersion::V1);
    }
}

#[test]
fn the_newest_redundant_facts_are_kept_in_any_order() {
    let replies: Vec<_> = (0..50).map(|n| record(n, if n % 2 == 0 { "a" } else { "b" }, AGENT_REPLY).id(&format!("{n}"))).collect();
    let mut state = state_of(&replies);
    let mut reversed = Tickets::default();
    apply(&mut reversed, &replies.iter().rev().cloned().collect::<Vec<_>>(), &Settings::default());
    assert_eq!(state.parts(StateVersion::NEWEST), reversed.parts(StateVersion::NEWEST));
    let most = i64::try_from(MAX_REDUNDANT).unwrap();
    state.forget_until(hour(49 - most));
    let first_replies: Vec<_> = state.tickets_at(hour(99)).map(|(hash, ticket)| (hash == ticket_hash("a"), ticket.first_reply)).collect();
    for first in [(true, Some(hour(50 - most))), (false, Some(hour(51 - most)))] {
        assert!(first_replies.contains(&first), "{first_replies:?}");
    }
}

#[test]
fn malformed_redundant_facts_are_refused() {
    let replies: Vec<_> = (0..3).map(|n| record(n, "a", AGENT_REPLY).id(&format!("{n}")).team("b")).collect();
    let state = state_of(&replies);
    let bytes = state.rare.as_ref().unwrap().redundant.bytes();
    assert!((1..bytes.len()).all(|end| Redundant::read(&bytes[..end]).is_none()));
    assert!(Redundant::read(&[bytes, &[0]].concat()).is_none());
    assert_eq!(Redundant::read(bytes).as_ref(), Some(&state.rare.as_ref().unwrap().redundant));
}
