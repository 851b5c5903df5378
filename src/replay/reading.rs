//! The first pass: every line in file order, judged as the engine judges a record that is read.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_128;

use super::file::{InputFile, Line};
use crate::account::seen::Seen;
use crate::account::{Lateness, LimitMeter};
use crate::engine::{Counts, Judge, Outcome, Verdict};
use crate::event::{self, Decoded, Event, Record, Rejection, Stream};
use crate::settings::Settings;
use crate::time::Timestamp;

/// A record that counts, to be read again in the order of event time.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Event time.
    pub at: Timestamp,
    /// Whether it is too old for any window.
    pub lateness: Lateness,
    /// Place of its file among the input files.
    pub file: u8,
    start: usize,
    length: usize,
}

impl Accepted {
    /// The bytes of the record.
    #[must_use]
    pub fn bytes<'a>(&self, files: &'a [InputFile]) -> &'a [u8] {
        files.get(usize::from(self.file)).map_or(&[], |file| file.slice(self.start, self.length))
    }
}

/// A line that was refused.
#[derive(Debug)]
pub struct DeadLetter {
    /// Place of its file among the input files.
    pub file: u8,
    /// Number of the line, from 1.
    pub line: u64,
    /// Why.
    pub rejection: Rejection,
    start: usize,
    length: usize,
}

impl DeadLetter {
    /// The bytes of the line.
    #[must_use]
    pub fn bytes<'a>(&self, files: &'a [InputFile]) -> &'a [u8] {
        files.get(usize::from(self.file)).map_or(&[], |file| file.slice(self.start, self.length))
    }
}

/// What reading all files as of an instant told.
#[derive(Debug, Default)]
pub struct Reading {
    /// The records that count, by event time; of one instant in reading order.
    pub accepted: Vec<Accepted>,
    /// The lines that were refused, in reading order.
    pub dead_letters: Vec<DeadLetter>,
    /// How records ended.
    pub counts: Counts,
    /// The streams' clocks.
    pub judge: Judge,
    /// Limits that were reached.
    pub limits: LimitMeter,
    /// When each account was last deleted, by hash of its id.
    deletions: HashMap<u128, Timestamp>,
    /// Whether a reading as of an earlier instant could judge a record otherwise: some came days after newer ones.
    pub depends_on_instant: bool,
    seen: HashMap<u128, Seen>,
}

impl Reading {
    /// Reads every file, in the order given, as of `t`.
    #[must_use]
    pub fn of(files: &[InputFile], t: Timestamp, settings: &Settings, mut progress: impl FnMut(usize)) -> Self {
        let mut reading = Self::default();
        for (place, file) in (0_u8..).zip(files) {
            for line in file.lines() {
                let outcome = reading.line(place, file.stream, &line, t, settings);
                reading.counts.count(file.stream, &outcome);
                progress(line.bytes.len() + 1);
            }
        }
        // Stable: what happens at one instant stays in reading order.
        reading.accepted.sort_by_key(|accepted| accepted.at);
        reading.seen = HashMap::new();
        reading
    }

    /// A reading as of an earlier instant, less the accounts that were deleted since.
    #[must_use]
    pub fn as_of(&self, files: &[InputFile], t: Timestamp, settings: &Settings) -> Self {
        Self { deletions: self.deletions.clone(), ..Self::of(files, t, settings, |_| {}) }
    }

    /// The newest event time of all valid records, for a replay that is given no instant.
    #[must_use]
    pub fn newest(files: &[InputFile], settings: &Settings) -> Option<Timestamp> {
        let context = event::DecodeContext::new(settings);
        let records = files.iter().flat_map(|file| file.lines().map(|line| raw(file.stream, line.bytes, None)));
        records
            .filter_map(|raw| match event::decode(&raw, &context) {
                Ok(Decoded::Record(record)) => Some(record.occurred_at),
                _ => None,
            })
            .max()
    }

    /// Whether a record of an account at `at` belongs to a life that ended with a deletion.
    #[must_use]
    pub fn is_deleted(&self, account: &str, at: Timestamp) -> bool {
        !self.deletions.is_empty() && self.deletions.get(&xxh3_128(account.as_bytes())).is_some_and(|deleted| at <= *deleted)
    }

    fn line(&mut self, file: u8, stream: Stream, line: &Line<'_>, t: Timestamp, settings: &Settings) -> Outcome {
        match event::decode(&raw(stream, line.bytes, Some(t)), &event::DecodeContext::new(settings)) {
            Ok(Decoded::Record(record)) => self.record(file, stream, line, &record, t, settings),
            Ok(Decoded::Ignored) => Outcome::Ignored,
            Err(rejection) => {
                let dead =
                    DeadLetter { file, line: line.number, rejection: rejection.clone(), start: line.start, length: line.bytes.len() };
                self.dead_letters.push(dead);
                Outcome::DeadLetter(rejection)
            }
        }
    }

    fn record(&mut self, file: u8, stream: Stream, line: &Line<'_>, record: &Record<'_>, t: Timestamp, settings: &Settings) -> Outcome {
        let verdict = self.judge.judge(stream, record, None, t, settings);
        self.depends_on_instant |= verdict.newest.0 - record.occurred_at.0 >= settings.time.dedup_ms;
        let account = record.account.as_deref().map_or(0, |id| xxh3_128(id.as_bytes()));
        if self.is_repeated(stream, record, account, verdict, settings) {
            return Outcome::Duplicate;
        }
        if let Event::Profile(profile) = &record.event
            && profile.deleted
            && record.occurred_at <= t
        {
            let deleted = self.deletions.entry(account).or_insert(record.occurred_at);
            *deleted = record.occurred_at.max(*deleted);
        }
        let (start, length) = (line.start, line.bytes.len());
        self.accepted.push(Accepted { at: record.occurred_at, lateness: verdict.lateness, file, start, length });
        if verdict.lateness == Lateness::Late { Outcome::Late } else { Outcome::Applied }
    }

    fn is_repeated(&mut self, stream: Stream, record: &Record<'_>, account: u128, verdict: Verdict, settings: &Settings) -> bool {
        let Some(identity) = verdict.identity else { return false };
        let seen = self.seen.entry(account).or_default();
        seen.remember(stream, record.occurred_at, identity, verdict.newest, settings, &mut self.limits)
    }
}

/// A line as the decoder takes it: without key or time of its own.
pub(super) const fn raw(stream: Stream, bytes: &[u8], future_reference: Option<Timestamp>) -> event::Raw<'_> {
    event::Raw { stream, key: None, value: Some(bytes), timestamp: None, future_reference }
}
