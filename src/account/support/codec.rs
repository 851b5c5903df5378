//! Tickets as changelog records: in order of hash, split into ranges of hashes if there are many.
//!
//! A record is `version, flags, varint(zigzag(first reply))?, length and redundant facts?`, followed by the entries of the table. The first
//! flag is whether there is a first reply, the second, from version 2 and in the first part only, whether there are redundant facts.

use crate::account::bytes::{Reader, Writer};
use crate::account::parts::{SectionPart, split};
use crate::account::section::{PART_BYTES, split_version};
use crate::account::{CodecError, Section};
use crate::settings::StateVersion;
use crate::time::Timestamp;

use super::Tickets;
use super::redundant::Redundant;
use super::table::{TicketEntries, TicketTable};
use super::ticket::Ticket;

/// Size of the head before the redundant facts and the entries, at most.
const MAX_HEAD_BYTES: usize = 14;
const HAS_FIRST_REPLY: u8 = 1;
const HAS_REDUNDANT: u8 = 2;
/// Size of an entry without its ticket, at most.
const MAX_ENTRY_HEAD_BYTES: usize = 11;

impl Section for Tickets {
    fn parts(&self, version: StateVersion) -> Vec<SectionPart> {
        let mut tickets: Vec<_> = self.table.iter().collect();
        if tickets.is_empty() && self.first_replied.get().is_none() {
            return Vec::new();
        }
        let as_version_1 = |(hash, bytes): &(u64, &[u8])| Some((*hash, Ticket::read(bytes)?.without_bots()?));
        let without_bots: Vec<_> = if version == StateVersion::V1 { tickets.iter().filter_map(as_version_1).collect() } else { Vec::new() };
        for (hash, ticket) in &without_bots {
            if let Ok(place) = tickets.binary_search_by_key(hash, |(known, _)| *known)
                && let Some(entry) = tickets.get_mut(place)
            {
                entry.1 = ticket;
            }
        }
        split(tickets.as_slice(), PART_BYTES, |is_first, range: &[(u64, &[u8])]| {
            let redundant =
                self.rare.as_ref().filter(|_| is_first && version > StateVersion::V1).map_or(&[][..], |rare| rare.redundant.bytes());
            self.part(version, redundant, range)
        })
    }

    fn least_version(&self) -> StateVersion {
        self.table
            .iter()
            .filter_map(|(_, bytes)| Ticket::read(bytes))
            .map(|ticket| ticket.least_version())
            .max()
            .unwrap_or(StateVersion::V1)
    }

    fn restore(&mut self, _part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        let (_, rest) = split_version(bytes)?;
        let head = read_head(rest).ok_or(CodecError::Corrupt("head of the tickets"))?;
        if let Some(first) = head.first_replied {
            self.first_replied.keep_earliest(first);
        }
        if let Some(redundant) = head.redundant {
            self.rare.get_or_insert_default().redundant = redundant;
        }
        self.restore_tickets(head.entries)
    }
}

impl Tickets {
    fn part(&self, version: StateVersion, redundant: &[u8], tickets: &[(u64, &[u8])]) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(MAX_HEAD_BYTES + redundant.len() + bytes_of(tickets)));
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(self.first_replied.get().is_some(), HAS_FIRST_REPLY) | flag(!redundant.is_empty(), HAS_REDUNDANT);
        out.0.extend_from_slice(&[version as u8, flags]);
        if let Some(first) = self.first_replied.get() {
            out.signed(first.0);
        }
        if !redundant.is_empty() {
            out.text(redundant);
        }
        for (hash, ticket) in tickets {
            out.entry(*hash, ticket);
        }
        out.0
    }

    fn restore_tickets(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let mut entries = TicketEntries(Reader(bytes));
        let tickets: Vec<_> = entries.by_ref().collect();
        let sorted = tickets.is_sorted_by(|(one, _), (next, _)| one < next);
        if !sorted || !entries.0.0.is_empty() {
            return Err(CodecError::Corrupt("tickets"));
        }
        for (_, bytes) in &tickets {
            let ticket = Ticket::read(bytes).filter(Ticket::is_whole).ok_or(CodecError::Corrupt("ticket"))?;
            *self.count_mut(ticket.open) += 1;
        }
        if self.table.is_empty() {
            self.table = TicketTable::of(&tickets);
            return Ok(());
        }
        let twice = tickets.iter().any(|(hash, ticket)| self.table.put(*hash, Some(ticket)));
        if twice { Err(CodecError::Corrupt("a ticket occurs twice")) } else { Ok(()) }
    }
}

/// A record, up to its entries.
struct Head<'a> {
    first_replied: Option<Timestamp>,
    redundant: Option<Redundant>,
    entries: &'a [u8],
}

fn read_head(bytes: &[u8]) -> Option<Head<'_>> {
    let (flags, rest) = bytes.split_first()?;
    let mut reader = Reader(rest);
    let first_replied = if flags & HAS_FIRST_REPLY == 0 { None } else { Some(Timestamp(reader.signed()?)) };
    let redundant = if flags & HAS_REDUNDANT == 0 { None } else { Some(Redundant::read(reader.text()?)?) };
    Some(Head { first_replied, redundant, entries: reader.0 })
}

fn bytes_of(tickets: &[(u64, &[u8])]) -> usize {
    tickets.iter().map(|(_, ticket)| MAX_ENTRY_HEAD_BYTES + ticket.len()).sum()
}

#[cfg(test)]
mod tests {
    use crate::account::MAX_PART_BYTES;

    use super::super::fixture::{AGENT_REPLY, TicketRecord, hour, record, snapshot, state_of};
    use super::*;
    use crate::event::{SnapshotStatus, TicketKind};
    use crate::settings::Settings;

    fn restored(parts: &[SectionPart]) -> Tickets {
        let mut state = Tickets::default();
        for (part, bytes) in parts.iter().rev() {
            state.restore(*part, bytes).unwrap();
        }
        state
    }

    #[test]
    fn an_account_without_tickets_has_no_parts() {
        assert!(Tickets::default().parts(StateVersion::NEWEST).is_empty());
    }

    #[test]
    fn tickets_are_restored_from_their_parts() {
        let mut records: Vec<TicketRecord> =
            (0..40).map(|n| record(n, &format!("t{n}"), TicketKind::Opened).category("bug").id("x")).collect();
        records.extend((0..30).map(|n| record(50, &format!("t{n}"), TicketKind::Resolved).team("b")));
        records.push(snapshot(60, "t1", SnapshotStatus::Open, |s| s.created_at = Some(hour(-5))));
        records.push(record(40, "t2", AGENT_REPLY));
        let state = state_of(&records);
        let back = restored(&state.parts(StateVersion::NEWEST));
        assert_eq!((back.parts(StateVersion::NEWEST), back.open, back.done), (state.parts(StateVersion::NEWEST), 11, 29));
        assert!(back.has_replied(hour(40)) && !back.has_replied(hour(39)));
        assert!(back.tickets_at(hour(99)).eq(state.tickets_at(hour(99))));
    }

    #[test]
    fn at_the_limits_with_the_longest_texts_every_part_fits() {
        let settings = Settings::default();
        let text = "\u{fffd}".repeat(200);
        let fullest = |kind: &TicketKind<'static>| {
            let fact = |hours| record(hours, "a", kind.clone()).id(&text).category(&text).product(&text);
            let state = state_of(&[fact(0), fact(1), fact(2), fact(3), fact(4), fact(5)]);
            state.table.iter().next().map(|(_, bytes)| bytes.to_vec()).unwrap()
        };
        let (open, closed) = (fullest(&TicketKind::Opened), fullest(&TicketKind::Closed));
        assert!(open.len() > 3_800);
        let tickets = [vec![open; settings.limits.tickets_open], vec![closed; settings.limits.tickets_resolved]].concat();
        let tickets: Vec<(u64, &[u8])> = (0..).map(|n: u64| n << 50).zip(tickets.iter().map(Vec::as_slice)).collect();
        let mut state = Tickets::default();
        state.restore_tickets(&Tickets::default().part(StateVersion::NEWEST, &[], &tickets)[2..]).unwrap();
        let parts = state.parts(StateVersion::NEWEST);
        assert_eq!((state.open, state.done), (5_000, 5_000));
        assert!((1_000..2_000).contains(&parts.len()), "{}", parts.len());
        assert!(parts.iter().all(|(_, bytes)| bytes.len() <= MAX_PART_BYTES));
        assert_eq!(restored(&parts).parts(StateVersion::NEWEST), parts);
    }

    #[test]
    fn an_event_changes_one_part_of_many() {
        let mut records: Vec<TicketRecord> = (0..6_000).map(|n| record(n, &format!("t{n}"), TicketKind::Opened)).collect();
        let before = state_of(&records).parts(StateVersion::NEWEST);
        records.push(record(7_000, "t7", TicketKind::Resolved));
        let after = state_of(&records).parts(StateVersion::NEWEST);
        assert!(before.len() > 2 && before.len() == after.len());
        assert_eq!(before.iter().zip(&after).filter(|(before, after)| before != after).count(), 1);
    }

    #[test]
    fn a_ticket_in_two_parts_is_refused() {
        let part = state_of(&[record(1, "a", TicketKind::Opened)]).parts(StateVersion::NEWEST).remove(0).1;
        let mut state = Tickets::default();
        state.restore(0, &part).unwrap();
        assert_eq!(state.restore(1, &part), Err(CodecError::Corrupt("a ticket occurs twice")));
    }

    #[test]
    fn invalid_bytes_are_refused() {
        let good = state_of(&[record(1, "a", TicketKind::Opened).category("bug")]).parts(StateVersion::NEWEST).remove(0).1;
        for end in 0..good.len() {
            let mut state = Tickets::default();
            let result = state.restore(0, &good[..end]);
            assert!(result.is_err() || end == 2, "{end}");
        }
        let newer = [&[StateVersion::NEWEST as u8 + 1], &good[1..]].concat();
        assert_eq!(Tickets::default().restore(0, &newer), Err(CodecError::NewerVersion(3)));
    }
}
