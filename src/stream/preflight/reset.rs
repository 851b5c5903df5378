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
        moves.extend(moves_of(task, &stamp, committed.into_iter().map(|(_, _, next)| next)));
    }
    Ok(moves)
}

/// The inputs of one task whose committed offsets, in the order of the stamp, differ from it.
fn moves_of<'a>(task: i32, stamp: &'a Stamp, committed: impl Iterator<Item = Option<i64>> + 'a) -> impl Iterator<Item = Move> + 'a {
    let differing = stamp.inputs.iter().zip(committed).filter(|(input, from)| *from != Some(input.next));
    differing.map(move |(input, from)| Move { topic: input.topic.clone(), partition: task, from, to: input.next })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::stamp::StampedInput;

    #[test]
    fn only_offsets_that_differ_from_the_stamp_are_moved_and_missing_ones_too() {
        let input = |topic: &str, next| StampedInput { topic: topic.to_owned(), partitions: 2, next };
        let stamp = Stamp { inputs: vec![input("accounts", 5), input("billing", 7), input("usage", 9)], engine: Vec::new() };
        let moves: Vec<Move> = moves_of(1, &stamp, [Some(5), Some(8), None].into_iter()).collect();
        let expected = |topic: &str, from, to| Move { topic: topic.to_owned(), partition: 1, from, to };
        assert_eq!(moves, [expected("billing", Some(8), 7), expected("usage", None, 9)]);
    }
}
