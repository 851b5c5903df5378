//! The first pass: reads every line and classifies it as the engine would.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::num::NonZeroUsize;

use super::block::Block;
use super::digest::{Kind, hash_of_account};
use super::file::InputFile;
use super::parallel::{each, in_order};
use super::partition_reading::{OneOfSeveral, Order, PartitionNumber, PartitionReading};
use super::span::Span;
use crate::engine::{Counts, Outcome};
use crate::event::Rejection;
use crate::settings::Settings;
use crate::stream_time::StreamTime;
use crate::time::Timestamp;

/// A rejected line.
#[derive(Debug)]
pub struct DeadLetter {
    /// The line.
    pub line: Line,
    /// Why.
    pub rejection: Rejection,
}

/// A line of an input file.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Index of the file.
    pub file: u8,
    /// Line number, from 1.
    pub number: u64,
    block: u32,
    span: Span,
}

impl Line {
    /// The bytes of the line.
    #[must_use]
    pub fn bytes<'a>(&self, files: &'a [InputFile]) -> &'a [u8] {
        let block = files.get(usize::from(self.file)).and_then(|file| file.blocks.get(self.block as usize));
        block.map_or(&[], |block| block.line(self.span))
    }
}

/// The result of reading all files as of an instant.
#[derive(Debug)]
pub struct Reading {
    /// The rejected lines, in file order.
    pub dead_letters: Vec<DeadLetter>,
    /// The first line of unknown type of each file that has one.
    pub first_ignored: Vec<Line>,
    /// Outcomes of all records.
    pub counts: Counts,
    /// Stream time.
    pub stream_time: StreamTime,
    /// Whether a reading as of an earlier instant could classify a record differently.
    pub depends_on_instant: bool,
    /// The accepted records, by account partition.
    pub(super) partitions: Vec<PartitionReading>,
}

impl Reading {
    /// Reads every file, in the given order, as of `t`, with one account partition per thread.
    #[must_use]
    pub fn of(files: &[InputFile], t: Timestamp, settings: &Settings, threads: NonZeroUsize) -> Self {
        Self::within_limits(files, t, settings, threads, Order::OfFiles)
    }

    /// Reads every file as of `t`, as if its records had arrived in order of event time.
    #[must_use]
    pub fn of_history(files: &[InputFile], t: Timestamp, settings: &Settings, threads: NonZeroUsize) -> Self {
        Self::within_limits(files, t, settings, threads, Order::OfTime)
    }

    fn within_limits(files: &[InputFile], t: Timestamp, settings: &Settings, threads: NonZeroUsize, order: Order) -> Self {
        let reading = Self::divided(files, t, settings, threads, order);
        let accounts: usize = reading.partitions.iter().map(|partition| partition.accounts).sum();
        // Which accounts exceed the limit depends on the order of all accounts, so a single partition must decide.
        if accounts > settings.limits.accounts { Self::divided(files, t, settings, NonZeroUsize::MIN, order) } else { reading }
    }

    /// Reads every file as of `t`, but keeps the records of one account only: all that its score needs besides is stream time.
    #[must_use]
    pub fn of_account(files: &[InputFile], t: Timestamp, settings: &Settings, account_id: &str) -> Self {
        let only = PartitionNumber { number: 0, of: 1, only: Some(hash_of_account(account_id)) };
        let partition = PartitionReading::of(files, t, settings, only, Order::OfFiles);
        Self {
            dead_letters: Vec::new(),
            first_ignored: Vec::new(),
            counts: partition.counts.clone(),
            stream_time: partition.stream_time,
            depends_on_instant: partition.depends_on_instant,
            partitions: vec![partition],
        }
    }

    /// The ids of all accounts with a valid record, ascending.
    #[must_use]
    pub fn account_ids(files: &[InputFile], settings: &Settings) -> BTreeSet<String> {
        let context = settings.decode_context();
        let blocks = files.iter().flat_map(|file| file.blocks.iter().map(move |block| (file, block)));
        let mut seen: HashSet<u128> = HashSet::new();
        let mut ids = BTreeSet::new();
        for (file, block) in blocks {
            for digest in block.digests().iter().filter(|digest| matches!(digest.kind, Kind::Record { .. }) && digest.account != 0) {
                if !seen.insert(digest.account) {
                    continue;
                }
                let Ok(decoded) = file.source().decode(block.line(digest.span), None, &context) else { continue };
                let record = decoded.records().get(usize::from(digest.event.index));
                ids.extend(record.and_then(|record| record.account.as_deref()).map(str::to_owned));
            }
        }
        ids
    }

    /// A reading as of an earlier instant, without accounts deleted since.
    #[must_use]
    pub fn as_of(&self, files: &[InputFile], t: Timestamp, settings: &Settings) -> Self {
        let partitions = NonZeroUsize::new(self.partitions.len()).unwrap_or(NonZeroUsize::MIN);
        let mut earlier = Self::divided(files, t, settings, partitions, Order::OfFiles);
        let deleted = earlier.partitions.into_iter().zip(&self.partitions);
        earlier.partitions = deleted.map(|(partition, later)| partition.with_deletions_of(later)).collect();
        earlier
    }

    /// The earliest and newest event time of all valid records. The newest is the default instant of a replay.
    #[must_use]
    pub fn span(files: &[InputFile]) -> Option<(Timestamp, Timestamp)> {
        let digests = files.iter().flat_map(|file| &file.blocks).flat_map(Block::digests);
        let times = digests.filter(|digest| matches!(digest.kind, Kind::Record { .. })).map(|digest| (digest.at, digest.at));
        times.reduce(|(earliest, newest), (at, _)| (earliest.min(at), newest.max(at)))
    }

    fn divided(files: &[InputFile], t: Timestamp, settings: &Settings, partitions: NonZeroUsize, order: Order) -> Self {
        let of = partitions.get();
        let readings = each(0..of, |number| PartitionReading::of(files, t, settings, PartitionNumber { number, of, only: None }, order));
        let mut reading = Self {
            dead_letters: Vec::new(),
            first_ignored: Vec::new(),
            counts: Counts::default(),
            stream_time: readings.first().map(|partition| partition.stream_time).unwrap_or_default(),
            depends_on_instant: readings.iter().any(|partition| partition.depends_on_instant),
            partitions: readings,
        };
        reading.partitions.iter().for_each(|partition| reading.counts.add(&partition.counts));
        reading.count_several();
        reading.refuse(files, t, settings, partitions);
        reading
    }

    /// Counts the lines with several events, each once.
    fn count_several(&mut self) {
        let mut events: Vec<OneOfSeveral> =
            self.partitions.iter_mut().flat_map(|partition| std::mem::take(&mut partition.several)).collect();
        events.sort_unstable_by_key(|event| event.place);
        for line in events.chunk_by(|a, b| (a.place.0, a.place.1, a.place.2) == (b.place.0, b.place.1, b.place.2)) {
            let outcome = line.iter().map(|event| event.outcome.clone()).reduce(Outcome::of_events);
            if let (Some(event), Some(outcome)) = (line.first(), outcome) {
                self.counts.count(event.stream, &outcome);
            }
        }
    }

    /// Counts the lines that are not valid records, and keeps the rejected ones and the first of unknown type.
    fn refuse(&mut self, files: &[InputFile], t: Timestamp, settings: &Settings, threads: NonZeroUsize) {
        let blocks = (0_u8..).zip(files).flat_map(|(file, input)| {
            let lines_before =
                input.blocks.iter().scan(0, |lines, block| Some(std::mem::replace(lines, *lines + u64::from(block.lines()))));
            (0_u32..).zip(&input.blocks).zip(lines_before).map(move |((block, lines), before)| (file, input, block, lines, before))
        });
        let context = settings.decode_context();
        let refused = |(file, input, block, lines, before): (u8, &InputFile, u32, &Block, u64)| {
            let (mut letters, mut ignored, mut counts) = (Vec::new(), None, Counts::default());
            for digest in lines.digests().iter().filter(|digest| digest.event.index == 0 && !digest.is_valid(t, settings)) {
                let span = digest.span;
                // Decoded again with `t`: a time too far in the future takes precedence over other errors.
                let outcome = match input.source().decode(lines.line(span), Some(t), &context) {
                    Ok(_) => Outcome::Ignored,
                    Err(rejection) => Outcome::DeadLetter(rejection),
                };
                counts.count(input.stream, &outcome);
                let line = Line { file, number: before + u64::from(digest.lines_before) + 1, block, span };
                match outcome {
                    Outcome::DeadLetter(rejection) => letters.push(DeadLetter { line, rejection }),
                    _ => ignored = ignored.or(Some(line)),
                }
            }
            (letters, ignored, counts)
        };
        let taken: Result<(), Infallible> = in_order(threads, blocks, refused, |(letters, ignored, counts)| {
            self.dead_letters.extend(letters);
            let last = self.first_ignored.last().map(|line| line.file);
            self.first_ignored.extend(ignored.filter(|line| Some(line.file) != last));
            self.counts.add(&counts);
            Ok(())
        });
        let Ok(()) = taken;
    }
}
