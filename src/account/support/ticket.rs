//! The encoding of one ticket, the same in memory and in the changelog: about 45 bytes for a ticket that was opened, answered and resolved.
//!
//! `varint(zigzag(last record)) varint((last - first record) << 2 | names a later instant << 1 | open)`, then each fact in order: a head
//! byte (the kind in the low half, the fields present in the high half), the milliseconds since the previous fact, and the fields.
//!
//! Version 2 added the channel, kinds 13 and 15 and three snapshot statuses, and changed nothing else: valid bytes of version 1 are valid
//! in version 2.

use crate::account::bytes::{Reader, Writer};
use crate::account::feedback::Satisfaction;
use crate::event::{OpenStatus, Priority, SnapshotStatus};
use crate::settings::StateVersion;
use crate::time::Timestamp;

use super::fact::{self, Fact, FactKind, SnapshotFact};

const HAS_ID: u8 = 0x10;
const HAS_PRIORITY: u8 = 0x20;
const HAS_TEXTS: u8 = 0x40;
const HAS_TEAM: u8 = 0x80;
/// Instead of a head byte: a channel follows, then the fact it belongs to.
const CHANNEL: u8 = 14;

/// One encoded ticket, read fact by fact without copying.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket<'a> {
    /// The time of the earliest record of any kind.
    pub first_record: Timestamp,
    /// The time of the latest record of any kind: the ticket is idle since then.
    pub last_record: Timestamp,
    /// Whether it is open once all its facts have taken effect.
    pub open: bool,
    /// Whether a snapshot mentions an instant after the latest record.
    names_later_instant: bool,
    facts: &'a [u8],
}

impl<'a> Ticket<'a> {
    /// Reads the head; `None` if the bytes are not a ticket.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let last_record = reader.signed()?;
        let span = reader.varint()?;
        let first_record = last_record.checked_sub(i64::try_from(span >> 2).ok()?)?;
        let (first_record, last_record) = (Timestamp(first_record), Timestamp(last_record));
        Some(Self { first_record, last_record, open: span & 1 == 1, names_later_instant: span & 2 == 2, facts: reader.0 })
    }

    /// The facts in order; ends early at malformed bytes.
    pub(super) fn facts(&self) -> FactIter<'a> {
        FactIter { reader: Reader(self.facts), at: self.first_record.0 }
    }

    /// Whether it contributes nothing to any window that starts at `instant` or later: it is done, and no record or snapshot mentions a
    /// later instant.
    pub(super) fn is_settled(&self, instant: Timestamp) -> bool {
        !self.open && !self.names_later_instant && self.last_record <= instant
    }

    /// The earliest version of the state format that can hold all its facts.
    pub(super) fn least_version(&self) -> StateVersion {
        self.facts().map(|fact| least_version(&fact)).max().unwrap_or(StateVersion::V1)
    }

    /// Whether every byte belongs to a fact.
    pub(super) fn is_whole(&self) -> bool {
        let mut facts = self.facts();
        facts.by_ref().for_each(drop);
        facts.reader.0.is_empty()
    }

    /// The ticket without its facts up to an instant, and with those that matter once these are forgotten; `None` if no record is later.
    pub(super) fn after(&self, instant: Timestamp, redundant: Vec<Fact<'a>>) -> Option<RemainingTicket<'a>> {
        if self.last_record <= instant {
            return None;
        }
        let mut facts: Vec<Fact<'_>> = self.facts().filter(|fact| fact.at > instant).collect();
        // Records that added no lasting fact are not all kept; the last one is always known.
        let earliest = facts.iter().chain(&redundant).map(|fact| fact.at).min().unwrap_or(self.last_record);
        let replies = facts.iter().chain(&redundant).filter(|fact| matches!(fact.kind, FactKind::Replied(_)));
        let first_replied = replies.map(|fact| fact.at).min();
        let mut still_redundant = Vec::new();
        for fact in redundant {
            fact::insert(&mut facts, fact, &mut still_redundant);
        }
        let first_record = if self.first_record > instant { self.first_record } else { earliest };
        let (bytes, open) = Self::write(first_record, self.last_record, &facts);
        Some(RemainingTicket { open, first_replied, bytes, redundant: still_redundant })
    }

    /// The ticket as version 1 has it, without a kind of its own for replies by bots; `None` if it has none.
    pub(super) fn without_bots(&self) -> Option<Vec<u8>> {
        let mut facts: Vec<Fact<'_>> = self.facts().collect();
        let replies = facts.iter_mut().filter(|fact| fact.kind == FactKind::BotReplied);
        let changed = replies.map(|fact| fact.kind = FactKind::Replied(None)).count() > 0;
        changed.then(|| Self::write(self.first_record, self.last_record, &facts).0)
    }

    /// Encodes a ticket and returns whether it is open. The facts must be sorted, none before `first_record`.
    pub(super) fn write(first_record: Timestamp, last_record: Timestamp, facts: &[Fact<'_>]) -> (Vec<u8>, bool) {
        let mut body = Writer(Vec::with_capacity(64));
        let mut before = first_record;
        for fact in facts {
            body.fact(fact, before);
            before = fact.at;
        }
        let ticket = Ticket { first_record, last_record, open: false, names_later_instant: false, facts: &body.0 };
        let open = ticket.at(Timestamp::MAX).is_some_and(|view| view.open);
        let mut out = Writer(Vec::with_capacity(body.0.len() + 16));
        out.signed(last_record.0);
        let names_later_instant = facts.iter().any(|fact| fact.latest_instant() > last_record);
        out.varint((last_record.since(first_record).unsigned_abs() << 2) | (u64::from(names_later_instant) << 1) | u64::from(open));
        out.0.extend_from_slice(&body.0);
        (out.0, open)
    }
}

/// What is left of a ticket after its account was deleted.
pub(super) struct RemainingTicket<'a> {
    pub open: bool,
    pub first_replied: Option<Timestamp>,
    pub bytes: Vec<u8>,
    pub redundant: Vec<Fact<'a>>,
}

/// Iterates over the facts of a ticket.
#[derive(Clone, Debug)]
pub(super) struct FactIter<'a> {
    reader: Reader<'a>,
    at: i64,
}

impl<'a> Iterator for FactIter<'a> {
    type Item = Fact<'a>;

    fn next(&mut self) -> Option<Fact<'a>> {
        let mut ahead = self.reader.clone();
        let fact = ahead.fact(self.at)?;
        self.at = fact.at.0;
        self.reader = ahead;
        Some(fact)
    }
}

impl<'a> Reader<'a> {
    /// The next fact, after one at `before`.
    pub(super) fn fact(&mut self, before: i64) -> Option<Fact<'a>> {
        let mut head = self.byte()?;
        let channel = if head == CHANNEL { self.text()? } else { &[][..] };
        if head == CHANNEL {
            head = self.byte()?;
        }
        let at = Timestamp(before.checked_add(i64::try_from(self.varint()?).ok()?)?);
        let id = if head & HAS_ID == 0 { &[][..] } else { self.text()? };
        let priority = if head & HAS_PRIORITY == 0 { None } else { Some(pick(&Priority::ALL, self.byte()?)?) };
        let (category, product) = if head & HAS_TEXTS == 0 { (&[][..], &[][..]) } else { (self.text()?, self.text()?) };
        let team = if head & HAS_TEAM == 0 { None } else { Some(self.word()?) };
        let kind = self.kind(head & 0x0f, at)?;
        let given = |text: &'a [u8]| (!text.is_empty()).then_some(text);
        Some(Fact { at, kind, id, priority, category: given(category), product: given(product), channel: given(channel), team })
    }

    fn kind(&mut self, kind: u8, at: Timestamp) -> Option<FactKind> {
        Some(match kind {
            0 => FactKind::Opened,
            1 => FactKind::Reopened,
            2 => FactKind::Status(pick(&STATUSES, self.byte()?)?),
            3 => FactKind::Priority,
            4 => FactKind::Assigned,
            5 => FactKind::Replied(Some(self.word()?)),
            6 => FactKind::Resolved,
            7 => FactKind::Closed,
            8 => FactKind::Rated(pick(&RATINGS, self.byte()?)?),
            9 => FactKind::Snapshot(Box::new(self.snapshot(at)?)),
            10 => FactKind::Merged,
            11 => FactKind::Deleted,
            12 => FactKind::Replied(None),
            13 => FactKind::Moved,
            15 => FactKind::BotReplied,
            _ => return None,
        })
    }

    fn snapshot(&mut self, at: Timestamp) -> Option<SnapshotFact> {
        let (status, present) = (self.byte()?, self.byte()?);
        let mut instant = |bit: u8| -> Option<Option<Timestamp>> {
            if present & bit == 0 { Some(None) } else { Some(Some(Timestamp(at.0.checked_sub(self.signed()?)?))) }
        };
        Some(SnapshotFact {
            created: instant(1)?,
            first_reply: instant(2)?,
            first_resolved: instant(4)?,
            resolved: instant(8)?,
            reopened: instant(16)?,
            closed: instant(32)?,
            status: pick(&SNAPSHOT_STATUSES, status & 0x0f)?,
            rating: if status >> 4 == 0 { None } else { Some(pick(&RATINGS, (status >> 4) - 1)?) },
        })
    }
}

impl Writer {
    /// Writes a fact, after one at `before`.
    pub(super) fn fact(&mut self, fact: &Fact<'_>, before: Timestamp) {
        let part = |present: bool, bit: u8| if present { bit } else { 0 };
        let has_texts = fact.category.is_some() || fact.product.is_some();
        let parts = part(!fact.id.is_empty(), HAS_ID)
            | part(fact.priority.is_some(), HAS_PRIORITY)
            | part(has_texts, HAS_TEXTS)
            | part(fact.team.is_some(), HAS_TEAM);
        if let Some(channel) = fact.channel {
            self.0.push(CHANNEL);
            self.text(channel);
        }
        self.0.push(number_of(&fact.kind) | parts);
        self.varint(fact.at.since(before).unsigned_abs());
        if !fact.id.is_empty() {
            self.text(fact.id);
        }
        if let Some(priority) = fact.priority {
            self.0.push(priority as u8);
        }
        if has_texts {
            self.text(fact.category.unwrap_or_default());
            self.text(fact.product.unwrap_or_default());
        }
        if let Some(team) = fact.team {
            self.0.extend_from_slice(&team.to_le_bytes());
        }
        self.kind(&fact.kind, fact.at);
    }

    fn kind(&mut self, kind: &FactKind, at: Timestamp) {
        match kind {
            FactKind::Status(status) => self.0.push(*status as u8),
            FactKind::Rated(rating) => self.0.push(*rating as u8),
            FactKind::Replied(Some(id)) => self.0.extend_from_slice(&id.to_le_bytes()),
            FactKind::Snapshot(snapshot) => self.snapshot(snapshot, at),
            _ => {}
        }
    }

    fn snapshot(&mut self, snapshot: &SnapshotFact, at: Timestamp) {
        let SnapshotFact { status, created, first_reply, first_resolved, resolved, reopened, closed, rating } = *snapshot;
        let instants = [created, first_reply, first_resolved, resolved, reopened, closed];
        self.0.push(status as u8 | rating.map_or(0, |rating| (rating as u8 + 1) << 4));
        self.0.push(instants.iter().rev().fold(0, |bits, instant| (bits << 1) | u8::from(instant.is_some())));
        for instant in instants.into_iter().flatten() {
            self.signed(at.since(instant));
        }
    }
}

/// See [`Ticket::least_version`].
fn least_version(fact: &Fact<'_>) -> StateVersion {
    let is_new = match &fact.kind {
        FactKind::Moved => true,
        FactKind::Snapshot(snapshot) => {
            matches!(snapshot.status, SnapshotStatus::Merged | SnapshotStatus::Moved | SnapshotStatus::Deleted)
        }
        _ => false,
    };
    if is_new || fact.channel.is_some() { StateVersion::V2 } else { StateVersion::V1 }
}

/// The number of a kind in a head byte.
const fn number_of(kind: &FactKind) -> u8 {
    match kind {
        FactKind::Opened => 0,
        FactKind::Reopened => 1,
        FactKind::Status(_) => 2,
        FactKind::Priority => 3,
        FactKind::Assigned => 4,
        FactKind::Replied(Some(_)) => 5,
        FactKind::Resolved => 6,
        FactKind::Closed => 7,
        FactKind::Rated(_) => 8,
        FactKind::Snapshot(_) => 9,
        FactKind::Merged => 10,
        FactKind::Deleted => 11,
        FactKind::Replied(None) => 12,
        FactKind::Moved => 13,
        FactKind::BotReplied => 15,
    }
}

const STATUSES: [OpenStatus; 3] = [OpenStatus::Open, OpenStatus::Pending, OpenStatus::OnHold];
const RATINGS: [Satisfaction; 4] =
    [Satisfaction::Dissatisfied, Satisfaction::Neutral, Satisfaction::Satisfied, Satisfaction::HighlySatisfied];
const SNAPSHOT_STATUSES: [SnapshotStatus; 9] = [
    SnapshotStatus::New,
    SnapshotStatus::Open,
    SnapshotStatus::Pending,
    SnapshotStatus::OnHold,
    SnapshotStatus::Resolved,
    SnapshotStatus::Closed,
    SnapshotStatus::Merged,
    SnapshotStatus::Moved,
    SnapshotStatus::Deleted,
];

fn pick<T: Copy>(all: &[T], number: u8) -> Option<T> {
    all.get(usize::from(number)).copied()
}
