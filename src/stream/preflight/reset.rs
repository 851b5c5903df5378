//! `topics reset`: moves the group's offsets back to those in the stamps of the state. Every instance must be stopped.

use std::sync::Arc;

use super::inputs::Inputs;
use super::stamps;
use crate::fault;
use crate::kafka::{Consumer, Inspector, Offset};
use crate::stream::committed::Committed;
use crate::stream::failure::Failure;
use crate::stream::machine::stamp::{Stamp, StampedInput};
use crate::stream::options::Options;

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

/// Lists what a reset would move. Changes nothing. The order is that of a restore: an offset that was read after a stamp could belong to a
/// later transaction than the stamp.
///
/// # Errors
/// If the cluster does not answer, a right is missing, a transaction stays open, or a stamp cannot be read.
pub fn plan(options: &Options) -> Result<Vec<Move>, Failure> {
    let inputs = Arc::new(Inputs::describe(options, &Inspector::new(&options.properties)?)?);
    let committed = Committed::new(options, &inputs)?;
    let tasks: Vec<i32> = (0..inputs.partitions).collect();
    let points = committed.settled(&tasks, !fault::is_mutant("reset-does-not-wait"))?;
    let mut moves = Vec::new();
    for (task, stamp) in stamps::newest(&committed.reader, &committed.changelog, inputs.partitions)? {
        let Some(point) = points.get(&task) else { continue };
        let committed = |topic: &str| inputs.index(topic).and_then(|index| point.group.get(index).copied());
        moves.extend(moves_of(task, &stamp, committed));
    }
    Ok(moves)
}

/// The inputs of one task whose `committed` offsets differ from the stamp; topics that are not read any more are left alone.
fn moves_of(task: i32, stamp: &Stamp, committed: impl Fn(&str) -> Option<Option<i64>>) -> Vec<Move> {
    let to_stamp = |input: &StampedInput| {
        let from = committed(&input.topic)?;
        (from != Some(input.next)).then(|| Move { topic: input.topic.clone(), partition: task, from, to: input.next })
    };
    stamp.inputs.iter().filter_map(to_stamp).collect()
}

/// Moves the offsets of a group.
///
/// # Errors
/// If a member of the group is running, or the cluster refuses.
pub fn apply(options: &Options, group: &str, moves: &[Move]) -> Result<(), Failure> {
    let consumer = Consumer::new(&options.properties.reader(group))?;
    consumer.commit(moves.iter().map(|one| (one.topic.as_str(), one.partition, Offset::Offset(one.to))))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn only_offsets_that_differ_from_the_stamp_are_moved_and_missing_ones_too() {
        let input = |topic: &str, next| StampedInput { topic: topic.to_owned(), partitions: 2, next };
        let stamp = Stamp {
            inputs: vec![input("accounts", 5), input("billing", 7), input("removed", 1), input("usage", 9)],
            engine: Vec::new(),
            basis: None,
        };
        let committed = BTreeMap::from([("accounts", Some(5)), ("billing", Some(8)), ("usage", None)]);
        let moves = moves_of(1, &stamp, |topic| committed.get(topic).copied());
        let expected = |topic: &str, from, to| Move { topic: topic.to_owned(), partition: 1, from, to };
        assert_eq!(moves, [expected("billing", Some(8), 7), expected("usage", None, 9)]);
    }
}
