//! The support section as changelog records: tickets by hash, in ranges that are halved until each fits.

use crate::account::{CodecError, MAX_PART_BYTES, Section};
use crate::time::Timestamp;

use super::State;
use super::codec::{Reader, Ticket, Writer};
use super::table::{Entries, Table};

/// Version 1: `1, has a first reply (0 or 1), varint(zigzag(first reply))?`, then the entries of the table.
const VERSION: u8 = 1;
/// Bytes before the entries, at most.
const MAX_HEAD_BYTES: usize = 12;
/// Bytes of an entry besides those of its ticket, at most.
const MAX_ENTRY_HEAD_BYTES: usize = 11;

impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        let tickets: Vec<_> = self.table.iter().collect();
        let mut ranges = Vec::new();
        split(&tickets, u64::BITS, &mut ranges);
        if tickets.is_empty() && self.first_replied.is_some() {
            ranges.push(&[]);
        }
        (0..).zip(ranges).map(|(part, range)| (part, self.part(range))).collect()
    }

    fn restore(&mut self, _part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let (version, rest) = bytes.split_first().ok_or(CodecError::Corrupt("no version"))?;
        if *version != VERSION {
            return Err(if *version > VERSION { CodecError::NewerVersion(*version) } else { CodecError::Corrupt("version") });
        }
        let (first_replied, entries) = read_head(rest).ok_or(CodecError::Corrupt("head of the tickets"))?;
        self.first_replied = self.first_replied.into_iter().chain(first_replied).min();
        self.restore_tickets(entries)
    }
}

impl State {
    fn part(&self, tickets: &[(u64, &[u8])]) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(MAX_HEAD_BYTES + bytes_of(tickets)));
        out.0.extend_from_slice(&[VERSION, u8::from(self.first_replied.is_some())]);
        if let Some(first) = self.first_replied {
            out.signed(first.0);
        }
        for (hash, ticket) in tickets {
            out.entry(*hash, ticket);
        }
        out.0
    }

    fn restore_tickets(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let mut entries = Entries(Reader(bytes));
        let tickets: Vec<_> = entries.by_ref().collect();
        let is_open = |bytes: &[u8]| Ticket::read(bytes).filter(Ticket::is_whole).map(|ticket| usize::from(ticket.open));
        let open: Option<usize> = tickets.iter().map(|(_, bytes)| is_open(bytes)).sum();
        let sorted = tickets.is_sorted_by(|(one, _), (next, _)| one < next);
        self.open += open.filter(|_| sorted && entries.0.0.is_empty()).ok_or(CodecError::Corrupt("tickets"))?;
        if self.table.len() == 0 {
            self.table = Table::of(&tickets);
        } else {
            for (hash, ticket) in tickets {
                self.table.put(hash, Some(ticket));
            }
        }
        Ok(())
    }
}

fn read_head(bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    let (has_first, entries) = bytes.split_first()?;
    let mut reader = Reader(entries);
    let first_replied = if *has_first == 0 { None } else { Some(Timestamp(reader.signed()?)) };
    Some((first_replied, reader.0))
}

/// Halves a range of hashes that agree above `bit`, until each range fits into a part. A change of one ticket so changes one part.
fn split<'a>(tickets: &'a [(u64, &'a [u8])], bit: u32, ranges: &mut Vec<&'a [(u64, &'a [u8])]>) {
    if tickets.is_empty() {
        return;
    }
    match bit.checked_sub(1) {
        Some(bit) if MAX_HEAD_BYTES + bytes_of(tickets) > MAX_PART_BYTES => {
            let lower = tickets.partition_point(|(hash, _)| (hash >> bit) & 1 == 0);
            let (lower, upper) = tickets.split_at(lower);
            split(lower, bit, ranges);
            split(upper, bit, ranges);
        }
        _ => ranges.push(tickets),
    }
}

fn bytes_of(tickets: &[(u64, &[u8])]) -> usize {
    tickets.iter().map(|(_, ticket)| MAX_ENTRY_HEAD_BYTES + ticket.len()).sum()
}
