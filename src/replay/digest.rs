//! A line as far as judging needs it: decoded once, whatever the instant that the files are read as of.

use xxhash_rust::xxh3::xxh3_128;

use crate::event::{self, DecodeContext, Decoded, Event, Stream};
use crate::settings::Settings;
use crate::stream_time;
use crate::time::Timestamp;

/// Where a line is in its block.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its first byte.
    pub start: u32,
    /// Its length without the line end, bytes.
    pub length: u32,
}

/// What a line that is not blank says.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    /// Hash of the account's id; 0 where a record belongs to no account.
    pub account: u128,
    identity: u64,
    /// Event time of a record.
    pub at: Timestamp,
    /// Where the line is in its block.
    pub place: Place,
    /// How many lines of the block are before it.
    pub lines_before: u32,
    /// What it is.
    pub kind: Kind,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A valid record, unless its time is too far ahead.
    Record {
        /// Whether it has an id.
        has_id: bool,
        /// Whether it deletes its account.
        deletes: bool,
    },
    /// An object of a type that is not known.
    Ignored,
    /// A record that is refused.
    Refused,
}

impl Digest {
    /// Decodes the line of these bytes.
    #[must_use]
    pub fn of(stream: Stream, bytes: &[u8], place: Place, lines_before: u32, context: &DecodeContext) -> Self {
        let none = Self { account: 0, identity: 0, at: Timestamp(0), place, lines_before, kind: Kind::Ignored };
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

    /// The identity of a record; `None` without id.
    #[must_use]
    pub fn identity(&self) -> Option<u64> {
        matches!(self.kind, Kind::Record { has_id: true, .. }).then_some(self.identity)
    }

    /// Whether it is a valid record as of `t`: one whose time is not too far ahead.
    #[must_use]
    pub fn is_valid(&self, t: Timestamp, settings: &Settings) -> bool {
        matches!(self.kind, Kind::Record { .. }) && self.at.since(t) <= settings.time.max_future_ms
    }
}

/// The hash by which accounts are told apart and divided.
#[must_use]
pub fn hash_of_account(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// A line as the decoder takes it: without key or time of its own.
pub(super) const fn raw(stream: Stream, bytes: &[u8], future_reference: Option<Timestamp>) -> event::Raw<'_> {
    event::Raw { stream, key: None, value: Some(bytes), timestamp: None, future_reference }
}
