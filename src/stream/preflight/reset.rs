//! Putting the group's offsets back to what the state was made of. Every instance must be stopped.

use std::time::Duration;

use rdkafka::Offset;

use super::inputs::Inputs;
use crate::clock::Deadline;
use crate::kafka::{Consumer, Event, Inspector, What};
use crate::stream::failure::Failure;
use crate::stream::options::Options;
use crate::stream::stamp::{self, Stamp};

/// How long the changelog may give nothing.
const LIMIT: Duration = Duration::from_mins(1);

/// One input partition whose group offset is not that of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// What the group has committed.
    pub from: Option<i64>,
    /// What the state was made of.
    pub to: i64,
}

/// What a reset would move. Changes nothing.
///
/// # Errors
/// When the cluster does not answer, or a stamp cannot be read.
pub fn plan(options: &Options) -> Result<Vec<Move>, Failure> {
    let inputs = Inputs::describe(options, &Inspector::new(&options.properties)?)?;
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let mut moves = Vec::new();
    for (task, stamp) in stamps(&reader, &options.changelog_topic(), inputs.partitions)? {
        let places = stamp.inputs.iter().map(|input| (input.topic.as_str(), task));
        let committed = reader.committed(places, LIMIT).map_err(|error| Failure::kafka("reading the group's committed offsets", &error))?;
        for (input, (_, _, from)) in stamp.inputs.iter().zip(committed).filter(|(input, (_, _, from))| *from != Some(input.next)) {
            moves.push(Move { topic: input.topic.clone(), partition: task, from, to: input.next });
        }
    }
    Ok(moves)
}

/// Moves the group.
///
/// # Errors
/// When a member of the group is running, or the cluster refuses.
pub fn apply(options: &Options, moves: &[Move]) -> Result<(), Failure> {
    let consumer = Consumer::new(&options.properties.reader(&options.application))?;
    consumer.commit(moves.iter().map(|one| (one.topic.as_str(), one.partition, Offset::Offset(one.to))))?;
    Ok(())
}

/// The newest stamp of each task.
fn stamps(reader: &Consumer, changelog: &str, tasks: i32) -> Result<Vec<(i32, Stamp)>, Failure> {
    let mut stamps: Vec<Option<Stamp>> = (0..tasks).map(|_| None).collect();
    reader.assign((0..tasks).map(|task| (changelog, task, Offset::Beginning)))?;
    let (mut open, mut stalled) = (tasks, Deadline::after(LIMIT));
    while open > 0 && !stalled.passed() {
        match reader.poll(Duration::from_millis(100)).as_ref().map(Event::what) {
            Some(What::Record(record)) if record.key() == Some(stamp::KEY) => {
                stalled = Deadline::after(LIMIT);
                let unreadable = |error| Failure::StateUnreadable { topic: changelog.to_owned(), partition: record.partition(), error };
                let place = usize::try_from(record.partition()).ok().and_then(|task| stamps.get_mut(task));
                if let (Some(place), Some(value)) = (place, record.value()) {
                    *place = Some(Stamp::decode(value).map_err(unreadable)?);
                }
            }
            Some(What::Record(_)) => stalled = Deadline::after(LIMIT),
            Some(What::End(..)) => open -= 1,
            _ => {}
        }
    }
    if open > 0 {
        let waiting_for = "nothing could be read";
        return Err(Failure::RestoreStuck { topic: changelog.to_owned(), partition: -1, waiting_for, seconds: LIMIT.as_secs() });
    }
    Ok((0..tasks).zip(stamps).filter_map(|(task, stamp)| Some((task, stamp?))).collect())
}
