//! The first pass over one partition: classifies its records as late, duplicate or applied, as the engine would.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::digest::{Digest, EventNumber, Kind, hash_of_account};
use super::file::InputFile;
use super::span::Span;
use crate::account::LimitMeter;
use crate::account::dedup::Dedup;
use crate::engine::{Counts, Outcome};
use crate::event::Stream;
use crate::settings::Settings;
use crate::stream_time::{Lateness, Observation, StreamTime};
use crate::time::Timestamp;

/// An accepted record, to be read again in event-time order.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Event time.
    pub at: Timestamp,
    /// Whether it is too old for any window.
    pub lateness: Lateness,
    /// Index of its input file.
    file: u8,
    block: u32,
    span: Span,
    event: EventNumber,
}

/// What became of one of several events of a line. Others of the same line may be in other partitions.
#[derive(Debug)]
pub struct OneOfSeveral {
    /// File, block and place of the line, and the number of the event: sorts the events of a line together and in order.
    pub place: (u8, u32, u32, u16),
    /// The stream of its file.
    pub stream: Stream,
    /// Its own outcome.
    pub outcome: Outcome,
}

impl Accepted {
    /// The file and the bytes of its line, and which event of the line it is.
    pub fn record<'a>(&self, files: &'a [InputFile]) -> Option<(&'a InputFile, &'a [u8], usize)> {
        let file = files.get(usize::from(self.file))?;
        Some((file, file.blocks.get(self.block as usize)?.line(self.span), usize::from(self.event.index)))
    }
}

/// The order in which records are taken to have arrived, which decides what is late and what repeats another record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Lines in the order of the files, as if they were topics.
    OfFiles,
    /// Event time: nothing is late. For histories, whose lines may be sorted by account.
    OfTime,
}

/// A partition of the accounts, by hash of their ids.
#[derive(Clone, Copy, Debug)]
pub struct PartitionNumber {
    /// Counts from 0.
    pub number: usize,
    /// Number of partitions.
    pub of: usize,
    /// The only account that it holds, by hash of its id; `None`: all that fall to it.
    pub only: Option<u128>,
}

impl PartitionNumber {
    const fn holds(self, account: u128) -> bool {
        match self.only {
            Some(only) => account == only,
            None => account % self.of as u128 == self.number as u128,
        }
    }
}

/// The result of the first pass over one partition.
#[derive(Debug, Default)]
pub struct PartitionReading {
    /// The accepted records, ordered by event time; ties stay in file order.
    pub accepted: Vec<Accepted>,
    /// Outcomes of its valid records that have one event.
    pub counts: Counts,
    /// Outcomes of the events of the others.
    pub several: Vec<OneOfSeveral>,
    /// Stream time over the records of all partitions.
    pub stream_time: StreamTime,
    /// Number of accounts named by records.
    pub accounts: usize,
    /// Whether a reading as of an earlier instant could classify a record differently, because some came days after newer ones.
    pub depends_on_instant: bool,
    /// Last deletion of each account, by hash of its id.
    deletions: HashMap<u128, Timestamp, FixedState>,
}

impl PartitionReading {
    /// Classifies the records of a partition as of `t`, in this order.
    pub fn of(files: &[InputFile], t: Timestamp, settings: &Settings, partition: PartitionNumber, order: Order) -> Self {
        let (mut reading, mut remembered) = (Self::default(), RememberedIds::default());
        let blocks = (0_u8..)
            .zip(files)
            .flat_map(|(file, input)| (0_u32..).zip(&input.blocks).map(move |(block, lines)| (file, input, block, lines)));
        let digests = blocks.flat_map(|(file, input, block, lines)| lines.digests().iter().map(move |digest| (file, input, block, digest)));
        let valid = digests.filter(|(_, _, _, digest)| digest.is_valid(t, settings));
        let mut classify = |(file, input, block, digest): (u8, &InputFile, u32, &Digest)| {
            let observation = reading.stream_time.observe_at(digest.stream, digest.at, || digest.identity(), None, t, settings);
            reading.depends_on_instant |= observation.newest.0 - digest.at.0 >= settings.time.dedup_ms;
            if partition.holds(digest.account) {
                let repeated = remembered.remember(digest.stream, digest, observation, settings);
                let Digest { at, span, event, .. } = *digest;
                let accepted = Accepted { at, lateness: observation.lateness, file, block, span, event };
                reading.take(input.stream, digest, accepted, repeated, t);
            }
        };
        match order {
            Order::OfFiles => valid.for_each(&mut classify),
            Order::OfTime => {
                let mut sorted: Vec<_> = valid.collect();
                sorted.sort_by_key(|(_, _, _, digest)| digest.at);
                sorted.into_iter().for_each(&mut classify);
            }
        }
        // The sort must be stable: records with the same time stay in file order.
        reading.accepted.sort_by_key(|accepted| accepted.at);
        reading.accounts = remembered.0.len();
        reading
    }

    /// Counts an event of the partition, and keeps it unless it repeats another.
    fn take(&mut self, stream: Stream, digest: &Digest, accepted: Accepted, repeated: bool, t: Timestamp) {
        let outcome = match accepted.lateness {
            _ if repeated => Outcome::Duplicate,
            Lateness::Late => Outcome::Late,
            Lateness::InTime => Outcome::Applied,
        };
        if digest.event == EventNumber::ONLY {
            self.counts.count(stream, &outcome);
        } else {
            let place = (accepted.file, accepted.block, digest.span.start, digest.event.index);
            self.several.push(OneOfSeveral { place, stream, outcome });
        }
        if repeated {
            return;
        }
        if matches!(digest.kind, Kind::Record { deletes: true, .. }) && digest.at <= t {
            let deleted = self.deletions.entry(digest.account).or_insert(digest.at);
            *deleted = digest.at.max(*deleted);
        }
        self.accepted.push(accepted);
    }

    /// Replaces the deletions with those of a later reading of this partition.
    pub fn with_deletions_of(self, later: &Self) -> Self {
        Self { deletions: later.deletions.clone(), ..self }
    }

    /// Whether the account was deleted at or after `at`.
    pub fn is_deleted(&self, account: &str, at: Timestamp) -> bool {
        !self.deletions.is_empty() && self.deletions.get(&hash_of_account(account)).is_some_and(|deleted| at <= *deleted)
    }
}

/// The event ids remembered for each account.
#[derive(Default)]
struct RememberedIds(HashMap<u128, Dedup, FixedState>, LimitMeter);

impl RememberedIds {
    /// Remembers a record; `true` if it is a duplicate.
    fn remember(&mut self, stream: Stream, digest: &Digest, observation: Observation, settings: &Settings) -> bool {
        let seen = self.0.entry(digest.account).or_default();
        let Some(identity) = observation.identity else { return false };
        seen.remember(stream, digest.at, identity, observation.newest, settings, &mut self.1)
    }
}
