//! What the first pass needs to know of a line, decoded once and valid for any instant of the report.

use xxhash_rust::xxh3::xxh3_128;

use super::span::Span;
use crate::event::{self, DecodeContext, Decoded, Event, Stream};
use crate::settings::Settings;
use crate::stream_time;
use crate::time::Timestamp;

/// Digest of a line that is not blank.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    /// Hash of the account id; 0 if the record belongs to no account.
    pub account: u128,
    identity: u64,
    /// Event time of a record.
    pub at: Timestamp,
    /// Where the line is in its block.
    pub span: Span,
    /// Number of lines before it in the block.
    pub lines_before: u32,
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
    /// Decodes a line.
    #[must_use]
    pub fn of(stream: Stream, bytes: &[u8], span: Span, lines_before: u32, context: &DecodeContext) -> Self {
        let none = Self { account: 0, identity: 0, at: Timestamp(0), span, lines_before, kind: Kind::Ignored };
        match event::decode(&raw(stream, bytes, None), context) {
            Ok(Decoded::Record(record)) => {
                let identity = stream_time::identity(stream, &record);
                let deletes = matches!(&record.event, Event::Profile(profile) if profile.deleted);
                Self {
                    account: record.account.as_deref().map_or(0, hash_of_account),
                    identity: identity.unwrap_or_default(),
                    at: record.occurred_at,
                    kind: Kind::Record { has_id: identity.is_some(), deletes },
                    ..none
                }
            }
            Ok(Decoded::Ignored) => none,
            Err(_) => Self { kind: Kind::Refused, ..none },
        }
    }

    /// The identity of a record; `None` without an id.
    #[must_use]
    pub fn identity(&self) -> Option<u64> {
        matches!(self.kind, Kind::Record { has_id: true, .. }).then_some(self.identity)
    }

    /// Whether it is a valid record as of `t`, that is, not too far in the future.
    #[must_use]
    pub fn is_valid(&self, t: Timestamp, settings: &Settings) -> bool {
        matches!(self.kind, Kind::Record { .. }) && self.at.since(t) <= settings.time.max_future_ms
    }
}

/// The hash that identifies accounts and assigns them to partitions.
#[must_use]
pub fn hash_of_account(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// A line as decoder input: without key or record timestamp.
pub(super) const fn raw(stream: Stream, bytes: &[u8], future_reference: Option<Timestamp>) -> event::Raw<'_> {
    event::Raw { stream, key: None, value: Some(bytes), timestamp: None, future_reference }
}
