//! What the first pass needs to know of a line, decoded once and valid for any instant of the report.

use xxhash_rust::xxh3::xxh3_128;

use super::span::Span;
use crate::alias::Aliases;
use crate::event::{self, DecodeContext, Decoded, Event, Format, Record, Rejection, Stream};
use crate::settings::Settings;
use crate::stream_time;
use crate::time::Timestamp;

/// Where lines come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The stream of the file.
    pub stream: Stream,
    /// The format of its lines.
    pub format: &'a Format,
    /// What accounts are called elsewhere; `None` if every id is the account's own.
    pub aliases: Option<&'a Aliases>,
}

impl Source<'_> {
    /// Reads a line.
    ///
    /// # Errors
    /// Why it is a dead letter.
    pub fn decode<'l>(
        self,
        line: &'l [u8],
        future_reference: Option<Timestamp>,
        context: &DecodeContext,
    ) -> Result<Decoded<'l>, Rejection> {
        let decoded = self.format.decode(&raw(self.stream, line, future_reference), context)?;
        match self.aliases {
            Some(aliases) => aliases.resolve_all(decoded),
            None => Ok(decoded),
        }
    }
}

/// Which of the events of its line an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNumber {
    /// Counts from 0.
    pub index: u16,
    /// How many there are.
    pub of: u16,
}

impl EventNumber {
    /// The only one.
    pub const ONLY: Self = Self { index: 0, of: 1 };
}

/// Digest of an event of a line, or of a line without events that is not blank.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    /// Hash of the account id; 0 if the record belongs to no account.
    pub account: u128,
    identity: u64,
    /// Event time of a record.
    pub at: Timestamp,
    /// The newest event time of the line.
    newest: Timestamp,
    /// Where the line is in its block.
    pub span: Span,
    /// Number of lines before it in the block.
    pub lines_before: u32,
    /// Which event of the line it is.
    pub event: EventNumber,
    /// The stream of the event.
    pub stream: Stream,
    /// Result of decoding.
    pub kind: Kind,
}

/// Result of decoding a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A valid record, unless its time is too far in the future.
    Record {
        /// Whether it has an id.
        has_id: bool,
        /// Whether it deletes its account.
        deletes: bool,
    },
    /// An object of unknown type.
    Ignored,
    /// A rejected record.
    Refused,
}

impl Digest {
    /// Decodes a line and adds a digest for each of its events, or one if it has none.
    pub fn add(to: &mut Vec<Self>, source: Source<'_>, bytes: &[u8], span: Span, lines_before: u32, context: &DecodeContext) {
        let none = Self {
            account: 0,
            identity: 0,
            at: Timestamp(0),
            newest: Timestamp(0),
            span,
            lines_before,
            event: EventNumber::ONLY,
            stream: source.stream,
            kind: Kind::Ignored,
        };
        match source.decode(bytes, None, context) {
            Ok(decoded) if decoded.records().is_empty() => to.push(none),
            Ok(decoded) => {
                let records = decoded.records();
                let newest = records.iter().map(|record| record.occurred_at).max().unwrap_or_default();
                let of = u16::try_from(records.len()).unwrap_or(u16::MAX);
                let digests =
                    (0..of).zip(records).map(|(index, record)| Self { event: EventNumber { index, of }, newest, ..none }.of(record));
                to.extend(digests);
            }
            Err(_) => to.push(Self { kind: Kind::Refused, ..none }),
        }
    }

    fn of(self, record: &Record<'_>) -> Self {
        let stream = record.event.stream();
        let identity = stream_time::identity(stream, record);
        let deletes = matches!(&record.event, Event::Profile(profile) if profile.deleted);
        Self {
            account: record.account.as_deref().map_or(0, hash_of_account),
            identity: identity.unwrap_or_default(),
            at: record.occurred_at,
            stream,
            kind: Kind::Record { has_id: identity.is_some(), deletes },
            ..self
        }
    }

    /// The identity of a record; `None` without an id.
    #[must_use]
    pub fn identity(&self) -> Option<u64> {
        matches!(self.kind, Kind::Record { has_id: true, .. }).then_some(self.identity)
    }

    /// Whether it belongs to a valid record as of `t`, that is, to one without an event too far in the future.
    #[must_use]
    pub fn is_valid(&self, t: Timestamp, settings: &Settings) -> bool {
        matches!(self.kind, Kind::Record { .. }) && self.newest.since(t) <= settings.time.max_future_ms
    }
}

/// The hash that identifies accounts and assigns them to partitions.
#[must_use]
pub fn hash_of_account(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// A line as decoder input: without key or record timestamp.
const fn raw(stream: Stream, bytes: &[u8], future_reference: Option<Timestamp>) -> event::Raw<'_> {
    event::Raw { stream, key: None, value: Some(bytes), headers: event::Headers::NONE, timestamp: None, future_reference }
}
