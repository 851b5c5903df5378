//! `topics reset` for the repartition stage: moves the offsets of its group behind what it has written. Every instance must be stopped.
//!
//! The stage keeps no stamp, but each event and dead letter that it writes says which record it comes from. Records behind the last of them
//! have become nothing, if they were read at all, so reading them again changes nothing. A group that is ahead of what was written is left
//! alone: it has read records without an event, or the purge has deleted what it wrote.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::origin::origin_of;
use super::positions::{self, Place};
use super::redrive::wait_until_stable;
use crate::event::{HeaderLookup as _, Headers};
use crate::kafka::{Consumer, Inspector, Offset, Record, Visitor, read_to_end, wait};
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::preflight::reset::Move;

/// Lists what a reset would move. Changes nothing.
///
/// # Errors
/// If the cluster does not answer, a right is missing, a transaction stays open, or the group has lost the offset of a partition of which
/// nothing that was written is left.
pub fn plan(options: &Options) -> Result<Vec<Move>, Failure> {
    let inspector = Inspector::new(&options.properties)?;
    let mut places: Vec<Place> = Vec::new();
    for topic in options.repartitioned() {
        let count = inspector.partitions_in_time(&topic.name, wait::KNOWN_TOPIC)?.unwrap_or_default();
        places.extend((0..count).map(|partition| (topic.name.clone(), partition)));
    }
    let reader = Consumer::new(&options.properties.reader(&options.repartition_group()))?;
    // In the order of a restore: an offset that was read after the records could belong to a later transaction than they.
    let committed = positions::committed(&reader, &places, || ())?;
    let internal = options.repartition_topic();
    for topic in [&internal, &options.dead_letters_topic] {
        wait_until_stable(&reader, &inspector, topic, inspector.partitions(topic)?.unwrap_or_default())?;
    }
    let written = written(options, &reader, &inspector)?;
    if written.is_empty() {
        return Ok(Vec::new());
    }
    let mut moves = Vec::new();
    for place in places {
        let (start, end) = inspector.watermarks(&place.0, place.1)?;
        // An offset beyond the end is one of a topic that was deleted and created again.
        let next = written.get(&place).copied().filter(|next| *next <= end);
        match (committed.get(&place).copied(), next) {
            (Some(from), Some(to)) if from >= to => {}
            (from, Some(to)) => moves.push(Move { topic: place.0, partition: place.1, from, to }),
            (None, None) if end > start => {
                let (group, topic) = (options.repartition_group(), internal);
                let remedy = "of at least one partition nothing that it wrote is left: set the group's offsets to where it had read \
                              (kafka-consumer-groups.sh --reset-offsets)";
                return Err(Failure::RepartitionOffsetsMissing { group, topic, remedy });
            }
            (_, None) => {}
        }
    }
    Ok(moves)
}

/// The offset behind the last record of each partition that has become an event or a dead letter, as far as those are still there.
pub(super) fn written(options: &Options, reader: &Consumer, inspector: &Inspector) -> Result<BTreeMap<Place, i64>, Failure> {
    let mut written = Written { application: &options.application, next: BTreeMap::new() };
    for topic in [&options.repartition_topic(), &options.dead_letters_topic] {
        let partitions = inspector.partitions(topic)?.unwrap_or_default();
        read_to_end(reader, (0..partitions).map(|partition| (topic.as_str(), partition, Offset::Beginning)), &mut written)?;
    }
    Ok(written.next)
}

/// Collects these offsets.
struct Written<'w> {
    application: &'w str,
    next: BTreeMap<Place, i64>,
}

impl Written<'_> {
    fn note(&mut self, topic: &str, partition: i32, offset: i64) {
        let next = self.next.entry((topic.to_owned(), partition)).or_default();
        *next = (*next).max(offset + 1);
    }
}

impl Visitor for Written<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        if let Some(origin) = origin_of(Headers::of(&record)) {
            self.note(origin.topic, origin.partition, origin.offset);
            return Ok(ControlFlow::Continue(()));
        }
        let text = |name: &str| record.header(name).and_then(|value| std::str::from_utf8(value).ok());
        if text("churnwatch_application").is_none_or(|application| application == self.application)
            && let (Some(topic), Some(Ok(partition)), Some(Ok(offset))) =
                (text("churnwatch_topic"), text("churnwatch_partition").map(str::parse), text("churnwatch_offset").map(str::parse))
        {
            self.note(topic, partition, offset);
        }
        Ok(ControlFlow::Continue(()))
    }
}
