//! Restores the state of tasks to match the group's committed offsets.
//!
//! The order matters: any other could see half a transaction.
//! 1. Read the group's stable committed offsets: no open transaction is about to move them.
//! 2. Read the end of the changelog with a client that sees open transactions.
//! 3. Wait until the last stable offset reaches that end: every transaction that was open has ended.
//! 4. Read the changelog to its end.
//! 5. Compare its stamp with the offsets of step 1. A transaction may have been committed in between, so on a mismatch start again at
//!    step 1.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::committed::{Alive, CommitPoint, Committed, Halt, keep_alive};
use super::failure::Failure;
use super::offsets::{self, Known, Resolved};
use super::options::{InputTopic, Options};
use super::preflight::Inputs;
use super::stamp::{self, Stamp};
use crate::directory::{Directory, SharedTask};
use crate::fault;
use crate::kafka::{Inspector, Membership, Offset, Record, Visitor, read_to_end};
use crate::partitioner::PartitionCheck;

/// How often a task whose offsets contradict its stamp is read again.
const RETRIES: usize = 3;

/// A restored task.
pub(super) struct Restored {
    /// Its state.
    pub shared: SharedTask,
    /// Where to read each input from, in the order of [`Inputs::topics`].
    pub resolved: Vec<Resolved>,
    /// The commit point that the state belongs to.
    pub commit_point: CommitPoint,
}

/// Restores tasks from the changelog.
pub(super) struct Restorer {
    options: Arc<Options>,
    directory: Arc<Directory>,
    committed: Committed,
}

impl Restorer {
    /// Creates the clients without contacting a broker.
    pub(super) fn new(options: &Arc<Options>, directory: &Arc<Directory>, inputs: &Arc<Inputs>) -> Result<Self, Failure> {
        Ok(Self { options: Arc::clone(options), directory: Arc::clone(directory), committed: Committed::new(options, inputs)? })
    }

    /// The group metadata of a client that is not a member; for a mutant.
    pub(super) fn membership_of_nobody(&self) -> Option<Membership> {
        self.committed.reader.membership_unchecked()
    }

    /// Fails if a topic no longer has the partition count that the service started with.
    pub(super) fn verify_partition_counts(&self) -> Result<(), Failure> {
        self.committed.verify_partition_counts()
    }

    /// Restores tasks, except those whose `held` commit point equals what is committed: their state is still correct.
    pub(super) fn restore(
        &self,
        tasks: &[i32],
        held: &BTreeMap<i32, CommitPoint>,
        alive: &mut Alive<'_>,
    ) -> Result<BTreeMap<i32, Restored>, Halt> {
        let mut restored = BTreeMap::new();
        let mut left = tasks.to_vec();
        for attempt in 0..=RETRIES {
            let commit_points = self.committed.commit_points(&left, alive)?;
            left.retain(|task| is_outdated(held.get(task), commit_points.get(task)));
            self.committed.wait_until_stable(&left, &commit_points, alive)?;
            let mut contradictory = Vec::new();
            for (task, state) in self.read(&left, alive)? {
                let Some(commit_point) = commit_points.get(&task) else { continue };
                let known = self.known(task, &state, commit_point)?;
                if attempt < RETRIES && known.iter().any(offsets::contradict) {
                    contradictory.push(task);
                } else {
                    restored.insert(task, self.finish(task, state, &known, commit_point.clone())?);
                }
            }
            left = contradictory;
            if left.is_empty() {
                break;
            }
            tracing::info!(tasks = ?left, "offsets and state differ, reading both again");
        }
        Ok(restored)
    }

    /// Step 4: reads the changelog partitions to their ends.
    fn read(&self, tasks: &[i32], alive: &mut Alive<'_>) -> Result<BTreeMap<i32, ReadState>, Halt> {
        let states = tasks.iter().map(|task| (*task, ReadState { shared: self.new_task(*task), stamp: None })).collect();
        let (changelog, inspector) = (self.committed.changelog.as_str(), &self.committed.inspector);
        let mut reading = Reading { changelog, inspector, states, alive };
        let partitions = tasks.iter().map(|task| (changelog, *task, Offset::Beginning));
        read_to_end(&self.committed.reader, partitions, &mut reading)?;
        Ok(reading.states)
    }

    fn new_task(&self, number: i32) -> SharedTask {
        let mut task = SharedTask::new(number, Arc::clone(&self.directory));
        let inputs = &self.committed.inputs;
        if let Some(partitioners) = inputs.partitioners {
            task.engine.set_partition_check(PartitionCheck { partitioners, partition: number, partitions: inputs.partitions });
        }
        task
    }

    /// What is known about each input of a task.
    fn known(&self, task: i32, state: &ReadState, commit_point: &CommitPoint) -> Result<Vec<Known>, Failure> {
        let known = |(input, group): (&InputTopic, &Option<i64>)| {
            let (log_start, log_end) = self.committed.inspector.watermarks(&input.name, task)?;
            let stamp = state.stamp.as_ref().and_then(|stamp| stamp.next(&input.name));
            let stamp = if fault::is_mutant("stamp-not-compared") { group.or(stamp) } else { stamp };
            Ok(Known { group: *group, stamp, log_start, log_end })
        };
        self.committed.inputs.topics.iter().zip(&commit_point.group).map(known).collect()
    }

    /// The end of step 5, when retrying would not help any more: decides where to read each input from.
    fn finish(&self, task: i32, state: ReadState, known: &[Known], commit_point: CommitPoint) -> Result<Restored, Failure> {
        let ReadState { mut shared, stamp } = state;
        let inputs = &self.committed.inputs;
        for stamped in stamp.iter().flat_map(|stamp| &stamp.inputs) {
            if stamped.partitions != inputs.partitions && inputs.index(&stamped.topic).is_some() {
                let (expected, found) = (stamped.partitions, inputs.partitions);
                return Err(Failure::PartitionCountChanged { topic: stamped.topic.clone(), expected, found });
            }
        }
        let resolve = |(input, known): (&InputTopic, &Known)| offsets::resolve(&input.name, task, known, self.options.permits);
        let resolved = inputs.topics.iter().zip(known).map(resolve).collect::<Result<Vec<_>, _>>()?;
        let unreadable = |error| Failure::StateUnreadable { topic: self.committed.changelog.clone(), partition: task, error };
        shared.engine.finish_restore(stamp.as_ref().map(|stamp| stamp.engine.as_slice())).map_err(unreadable)?;
        Ok(Restored { shared, resolved, commit_point })
    }
}

/// Whether a task must be restored: the thread does not hold its state, or holds the state of another commit point.
fn is_outdated(held: Option<&CommitPoint>, committed: Option<&CommitPoint>) -> bool {
    let unchecked = fault::is_mutant("state-kept-after-abort") || fault::is_mutant("unclear-outcome-repeated");
    held.is_none() || !unchecked && held != committed
}

/// The state of one task while its changelog is being read.
struct ReadState {
    shared: SharedTask,
    stamp: Option<Stamp>,
}

/// Changelog partitions while they are being read.
struct Reading<'a, 'b> {
    changelog: &'a str,
    inspector: &'a Inspector,
    states: BTreeMap<i32, ReadState>,
    alive: &'a mut Alive<'b>,
}

impl Visitor for Reading<'_, '_> {
    type Error = Halt;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Halt> {
        fault::point("in-restore");
        let partition = record.partition();
        let Some(state) = self.states.get_mut(&partition) else { return Ok(ControlFlow::Continue(())) };
        let key = record.key().unwrap_or_default();
        if key == stamp::KEY {
            let unreadable = |error| Failure::StateUnreadable { topic: self.changelog.to_owned(), partition, error };
            state.stamp = record.value().map(Stamp::decode).transpose().map_err(unreadable)?;
        } else if !matches!(key, [1, 0, ..] if fault::is_mutant("scores-not-restored")) {
            state.shared.engine.restore(key, record.value());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn tick(&mut self) -> Result<ControlFlow<()>, Halt> {
        keep_alive(self.alive)?;
        self.inspector.serve();
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(next: i64) -> CommitPoint {
        CommitPoint { group: vec![Some(next), None], changelog_end: 100 }
    }

    #[test]
    fn a_task_is_restored_unless_the_held_state_matches_the_commit_point() {
        assert!(is_outdated(None, Some(&point(7))));
        assert!(is_outdated(Some(&point(6)), Some(&point(7))));
        assert!(is_outdated(Some(&point(7)), Some(&CommitPoint { changelog_end: 101, ..point(7) })));
        assert!(!is_outdated(Some(&point(7)), Some(&point(7))));
    }
}
