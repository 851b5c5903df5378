//! The records of one partition of the accounts, reading as the engine judges records that are read.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::digest::{Digest, Kind, Place, hash_of_account};
use super::file::InputFile;
use crate::account::LimitMeter;
use crate::account::dedup::Dedup;
use crate::engine::{Counts, Outcome};
use crate::event::Stream;
use crate::settings::Settings;
use crate::stream_time::{Lateness, Observation, StreamTime};
use crate::time::Timestamp;

/// A record that counts, to be read again in the order of event time.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Event time.
    pub at: Timestamp,
    /// Whether it is too old for any window.
    pub lateness: Lateness,
    /// Place of its file among the input files.
    file: u8,
    block: u32,
    place: Place,
}

impl Accepted {
    /// The stream of the record, and its bytes.
    pub fn record<'a>(&self, files: &'a [InputFile]) -> Option<(Stream, &'a [u8])> {
        let file = files.get(usize::from(self.file))?;
        Some((file.stream, file.blocks.get(self.block as usize)?.line(self.place)))
    }
}

/// One of several parts of the accounts, divided by the hashes of their ids.
#[derive(Clone, Copy, Debug)]
pub struct PartitionNumber {
    /// From 0.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl PartitionNumber {
    const fn holds(self, account: u128) -> bool {
        account % self.of as u128 == self.number as u128
    }
}

/// What was read of one partition.
#[derive(Debug, Default)]
pub struct PartitionReading {
    /// The records that count, by event time; of one instant in reading order.
    pub accepted: Vec<Accepted>,
    /// How its valid records ended.
    pub counts: Counts,
    /// The streams' clocks, over the records of every partition.
    pub stream_time: StreamTime,
    /// Accounts that a record names.
    pub accounts: usize,
    /// Whether a reading as of an earlier instant could judge a record otherwise: some came days after newer ones.
    pub depends_on_instant: bool,
    /// When each account was last deleted, by hash of its id.
    deletions: HashMap<u128, Timestamp, FixedState>,
}

impl PartitionReading {
    /// Judges the records of a partition as of `t`, in reading order.
    pub fn of(files: &[InputFile], t: Timestamp, settings: &Settings, partition: PartitionNumber) -> Self {
        let (mut reading, mut memory) = (Self::default(), Memory::default());
        for (file, input) in (0_u8..).zip(files) {
            for (block, lines) in (0_u32..).zip(&input.blocks) {
                for digest in lines.digests().iter().filter(|digest| digest.is_valid(t, settings)) {
                    let observation = reading.stream_time.observe_at(input.stream, digest.at, || digest.identity(), None, t, settings);
                    reading.depends_on_instant |= observation.newest.0 - digest.at.0 >= settings.time.dedup_ms;
                    if partition.holds(digest.account) {
                        let repeated = memory.remember(input.stream, digest, observation, settings);
                        let Digest { at, place, .. } = *digest;
                        let accepted = (!repeated).then_some(Accepted { at, lateness: observation.lateness, file, block, place });
                        reading.take(input.stream, digest, accepted, t);
                    }
                }
            }
        }
        // Stable: what happens at one instant stays in reading order.
        reading.accepted.sort_by_key(|accepted| accepted.at);
        reading.accounts = memory.0.len();
        reading
    }

    /// Counts a record of the partition; one that was read before is not accepted.
    fn take(&mut self, stream: Stream, digest: &Digest, accepted: Option<Accepted>, t: Timestamp) {
        let Some(accepted) = accepted else { return self.counts.count(stream, &Outcome::Duplicate) };
        if matches!(digest.kind, Kind::Record { deletes: true, .. }) && digest.at <= t {
            let deleted = self.deletions.entry(digest.account).or_insert(digest.at);
            *deleted = digest.at.max(*deleted);
        }
        self.accepted.push(accepted);
        self.counts.count(stream, if accepted.lateness == Lateness::Late { &Outcome::Late } else { &Outcome::Applied });
    }

    /// The same with the deletions of a later reading of this partition.
    pub fn with_deletions_of(self, later: &Self) -> Self {
        Self { deletions: later.deletions.clone(), ..self }
    }

    /// Whether a record of an account at `at` belongs to a life that ended with a deletion.
    pub fn is_deleted(&self, account: &str, at: Timestamp) -> bool {
        !self.deletions.is_empty() && self.deletions.get(&hash_of_account(account)).is_some_and(|deleted| at <= *deleted)
    }
}

/// The ids that each account remembers.
#[derive(Default)]
struct Memory(HashMap<u128, Dedup, FixedState>, LimitMeter);

impl Memory {
    /// Remembers a record; `true` when it was read before.
    fn remember(&mut self, stream: Stream, digest: &Digest, observation: Observation, settings: &Settings) -> bool {
        let seen = self.0.entry(digest.account).or_default();
        let Some(identity) = observation.identity else { return false };
        seen.remember(stream, digest.at, identity, observation.newest, settings, &mut self.1)
    }
}
