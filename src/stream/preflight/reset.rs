//! `topics reset`: moves the group's offsets back to those in the stamps of the state. Every instance must be stopped.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::inputs::Inputs;
use crate::kafka::{Consumer, Inspector, Offset, Record, Visitor, read_to_end};
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::stamp::{self, Stamp};

/// Timeout of the request for committed offsets.
const LIMIT: Duration = Duration::from_mins(1);

/// An input partition whose group offset differs from the state's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The group's committed offset.
    pub from: Option<i64>,
    /// The state's offset.
    pub to: i64,
}

/// Lists what a reset would move. Changes nothing.
///
/// # Errors
/// If the cluster does not answer, a right is missing, or a stamp cannot be read.
pub fn plan(options: &Options) -> Result<Vec<Move>, Failure> {
    let inputs = Inputs::describe(options, &Inspector::new(&options.properties)?)?;
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let mut moves = Vec::new();
    for (task, stamp) in stamps(&reader, &options.changelog_topic(), inputs.partitions)? {
        let partitions = stamp.inputs.iter().map(|input| (input.topic.as_str(), task));
        let committed =
            reader.committed(partitions, LIMIT).map_err(|error| Failure::kafka("reading the group's committed offsets", &error))?;
        for (input, (_, _, from)) in stamp.inputs.iter().zip(committed).filter(|(input, (_, _, from))| *from != Some(input.next)) {
            moves.push(Move { topic: input.topic.clone(), partition: task, from, to: input.next });
        }
    }
    Ok(moves)
}

/// Moves the offsets.
///
/// # Errors
/// If a member of the group is running, or the cluster refuses.
pub fn apply(options: &Options, moves: &[Move]) -> Result<(), Failure> {
    let consumer = Consumer::new(&options.properties.reader(&options.application))?;
    consumer.commit(moves.iter().map(|one| (one.topic.as_str(), one.partition, Offset::Offset(one.to))))?;
    Ok(())
}

/// The newest stamp of each task that has one.
fn stamps(reader: &Consumer, changelog: &str, tasks: i32) -> Result<BTreeMap<i32, Stamp>, Failure> {
    let mut newest = NewestStamps { changelog, stamps: BTreeMap::new() };
    read_to_end(reader, (0..tasks).map(|task| (changelog, task, Offset::Beginning)), &mut newest)?;
    Ok(newest.stamps)
}

struct NewestStamps<'a> {
    changelog: &'a str,
    stamps: BTreeMap<i32, Stamp>,
}

impl Visitor for NewestStamps<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        if let (Some(stamp::KEY), Some(value)) = (record.key(), record.value()) {
            let unreadable = |error| Failure::StateUnreadable { topic: self.changelog.to_owned(), partition: record.partition(), error };
            self.stamps.insert(record.partition(), Stamp::decode(value).map_err(unreadable)?);
        }
        Ok(ControlFlow::Continue(()))
    }
}
