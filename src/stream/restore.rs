//! Restores the state of tasks to match the group's committed offsets.
//!
//! The order matters: any other could see half a transaction.
//! 1. Read the group's stable committed offsets: no open transaction is about to move them.
//! 2. Read the end of the changelog with a client that sees open transactions.
//! 3. Wait until the last stable offset reaches that end: every transaction that was open has ended.
//! 4. Read the changelog to its end.
//! 5. Compare its stamp with the offsets of step 1. A transaction may have been committed in between, so on a mismatch start again at
//!    step 1; `contradiction.rs` says for how long.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::committed::{Alive, CommitPoint, Committed, Halt, keep_alive};
use super::contradiction::{Contradictions, Meaning};
use super::failure::Failure;
use super::live_keys::LiveKeys;
use super::load::Load;
use super::offsets::{self, Known, Permits, Resolved};
use super::options::{InputTopic, Options};
use super::preflight::Inputs;
use super::stamp::{self, Basis, Stamp};
use crate::clock::monotonic;
use crate::directory::{Directory, SharedTask};
use crate::fault;
use crate::kafka::{Inspector, Membership, Offset, Record, Visitor, read_to_end};
use crate::partitioner::PartitionCheck;

/// A restored task.
pub(super) struct Restored {
    /// Its state.
    pub shared: SharedTask,
    /// Where to read each input from, in the order of [`Inputs::topics`].
    pub resolved: Vec<Resolved>,
    /// The commit point that the state belongs to.
    pub commit_point: CommitPoint,
    /// Mean size of its changelog records, bytes.
    pub record_bytes: usize,
    /// What the state is based on.
    pub basis: Basis,
    /// The keys that the changelog holds.
    pub live_keys: LiveKeys,
}

/// Assumed size of a changelog record before any has been written, bytes.
const RECORD_BYTES: usize = 1024;

/// The tasks that a restore is still for.
pub(super) type Wanted = RefCell<BTreeSet<i32>>;

/// Restores tasks from the changelog.
pub(super) struct Restorer {
    options: Arc<Options>,
    directory: Arc<Directory>,
    committed: Committed,
    /// Changelog records read so far.
    records: Cell<u64>,
}

impl Restorer {
    /// Creates the clients without contacting a broker.
    pub(super) fn new(options: &Arc<Options>, directory: &Arc<Directory>, inputs: &Arc<Inputs>) -> Result<Self, Failure> {
        Ok(Self {
            options: Arc::clone(options),
            directory: Arc::clone(directory),
            committed: Committed::new(options, inputs)?,
            records: Cell::new(0),
        })
    }

    /// The group metadata of a client that is not a member; for a mutant.
    pub(super) fn membership_of_nobody(&self) -> Option<Membership> {
        self.committed.reader.membership_unchecked()
    }

    /// Gets in touch with the coordinator of the group, while the stream thread joins it.
    pub(super) fn connect(&self) {
        self.committed.connect();
    }

    /// Changelog records read so far.
    pub(super) const fn records(&self) -> u64 {
        self.records.get()
    }

    /// Fails if a topic is no longer the one that the service started with, or has another number of partitions.
    pub(super) fn verify_topics(&self) -> Result<(), Failure> {
        self.committed.verify_topics()
    }

    /// The tasks among these whose commit point is what is committed: their state is still correct.
    pub(super) fn current(&self, held: &BTreeMap<i32, CommitPoint>, alive: &mut Alive<'_>) -> Result<BTreeSet<i32>, Halt> {
        let tasks: Vec<i32> = held.keys().copied().collect();
        let committed = self.committed.commit_points(&tasks, alive)?;
        Ok(held.iter().filter(|(task, held)| is_current(held, committed.get(task))).map(|(task, _)| *task).collect())
    }

    /// Restores tasks. `alive` may take tasks out of `wanted` that this thread has lost: nothing waits for those any more, since their new
    /// owner may write to their changelogs faster than they are read here.
    pub(super) fn restore(&self, wanted: &Wanted, alive: &mut Alive<'_>) -> Result<BTreeMap<i32, Restored>, Halt> {
        let (mut restored, mut contradictions) = (BTreeMap::new(), Contradictions::default());
        let mut left: Vec<i32> = wanted.borrow().iter().copied().collect();
        loop {
            let commit_points = self.committed.commit_points(&left, alive)?;
            self.committed.wait_until_stable(&left, &commit_points, alive)?;
            let mut contradictory = Vec::new();
            for (task, state) in self.read(&left, wanted, alive)? {
                let Some(commit_point) = commit_points.get(&task) else { continue };
                let known = self.known(task, &state, commit_point)?;
                let differ = known.iter().any(offsets::contradict);
                match differ.then(|| contradictions.found(task, commit_point, monotonic())) {
                    Some(Meaning::ReadAgain) => contradictory.push(task),
                    Some(Meaning::CommittedElsewhere(time)) => return Err(committed_elsewhere(task, time).into()),
                    Some(Meaning::Real) | None => drop(restored.insert(task, self.finish(task, state, &known, commit_point.clone())?)),
                }
            }
            // A short changelog is read before anybody has asked what is still wanted.
            if !contradictory.is_empty() {
                keep_alive(alive)?;
            }
            contradictory.retain(|task| wanted.borrow().contains(task));
            left = contradictory;
            if left.is_empty() {
                return Ok(restored);
            }
            tracing::info!(tasks = ?left, "offsets and state differ, reading both again");
        }
    }

    /// Step 4: reads the changelog partitions of these tasks to their ends, as far as they are wanted.
    fn read(&self, tasks: &[i32], wanted: &Wanted, alive: &mut Alive<'_>) -> Result<BTreeMap<i32, ReadState>, Halt> {
        fault::point("before-restore");
        let new = |task: i32| ReadState {
            shared: SharedTask::new(task, Arc::clone(&self.directory)),
            stamp: None,
            read: Load::default(),
            has_ended: false,
        };
        let states = tasks.iter().map(|task| (*task, new(*task))).collect();
        let (changelog, inspector) = (self.committed.changelog.as_str(), &self.committed.inspector);
        let mut reading = Reading { changelog, inspector, states, wanted, alive, records: &self.records };
        let partitions = tasks.iter().map(|task| (changelog, *task, Offset::Beginning));
        read_to_end(&self.committed.reader, partitions, &mut reading)?;
        reading.states.retain(|_, state| state.has_ended);
        Ok(reading.states)
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
        let ReadState { mut shared, stamp, read, .. } = state;
        let (inputs, stamp) = (&self.committed.inputs, stamp.as_ref());
        let basis = Basis::continuing(stamp, inputs, &self.options.settings)?;
        let live_keys = LiveKeys::of(shared.engine.restoring_keys());
        let (log_start, _) = self.committed.inspector.watermarks(&self.committed.changelog, task)?;
        let unchecked = fault::is_mutant("changelog-head-not-checked") || fault::is_mutant("scores-not-restored");
        if let Some(reason) = missing_state(stamp, &live_keys, log_start).filter(|_| !unchecked) {
            return Err(Failure::StateIncomplete { topic: self.committed.changelog.clone(), partition: task, reason });
        }
        let resolved = self.resolve(task, known)?;
        if let Some(partitioners) = basis.candidates(inputs) {
            shared.engine.set_partition_check(PartitionCheck { partitioners, partition: task, partitions: inputs.partitions });
        }
        let unreadable = |error| Failure::StateUnreadable { topic: self.committed.changelog.clone(), partition: task, error };
        shared.engine.finish_restore(stamp.map(|stamp| stamp.engine.as_slice())).map_err(unreadable)?;
        let record_bytes = (read.bytes / read.records.max(1)).max(RECORD_BYTES);
        Ok(Restored { shared, resolved, commit_point, record_bytes, basis, live_keys })
    }

    /// Where to read each input from. What the operator permits is used only if the task cannot start without it.
    fn resolve(&self, task: i32, known: &[Known]) -> Result<Vec<Resolved>, Failure> {
        let resolve = |permits| {
            let inputs = self.committed.inputs.topics.iter().zip(known);
            inputs.map(|(input, known)| offsets::resolve(&input.name, task, known, permits)).collect::<Result<Vec<_>, _>>()
        };
        let given = self.options.permits;
        match resolve(Permits::none(given.start)) {
            Ok(resolved) => {
                self.options.starts.over(task);
                Ok(resolved)
            }
            Err(_) => resolve(self.options.starts.permits(task, given)),
        }
    }
}

fn committed_elsewhere(task: i32, time: Duration) -> Failure {
    let seconds = time.as_secs();
    Failure::NoProgress {
        what: format!("for {seconds} s another process has been committing task {task}, which the group has assigned to this one"),
    }
}

/// How it is known that the changelog does not hold the whole state; `None` if it does. Compaction leaves the start of a log at 0, so a
/// later start means that records were deleted, which does no harm if each of them was superseded.
fn missing_state(stamp: Option<&Stamp>, live_keys: &LiveKeys, log_start: i64) -> Option<String> {
    let stamped = stamp.and_then(|stamp| stamp.basis.as_ref()).map(|basis| basis.keys);
    match (stamped, stamp) {
        (Some(stamped), _) => {
            let found = live_keys.digest_at(stamped.level);
            let others = if found.count == stamped.count { " others" } else { "" };
            (found != stamped)
                .then(|| format!("it was built from {} keys, but the changelog holds {}{others}", stamped.scaled(), found.scaled()))
        }
        (None, _) if log_start > 0 => Some(format!("records before offset {log_start} were deleted")),
        (None, None) if live_keys.digest().count > 0 => Some("it has no stamp".to_owned()),
        (None, _) => None,
    }
}

/// Whether state of the commit point `held` is that of what is committed.
fn is_current(held: &CommitPoint, committed: Option<&CommitPoint>) -> bool {
    let unchecked = fault::is_mutant("state-kept-after-abort") || fault::is_mutant("unclear-outcome-repeated");
    unchecked || Some(held) == committed
}

/// The state of one task while its changelog is being read.
struct ReadState {
    shared: SharedTask,
    stamp: Option<Stamp>,
    /// What has been read of its changelog.
    read: Load,
    /// Whether that is everything.
    has_ended: bool,
}

/// Changelog partitions while they are being read.
struct Reading<'a, 'b> {
    changelog: &'a str,
    inspector: &'a Inspector,
    states: BTreeMap<i32, ReadState>,
    wanted: &'a Wanted,
    alive: &'a mut Alive<'b>,
    records: &'a Cell<u64>,
}

impl Visitor for Reading<'_, '_> {
    type Error = Halt;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Halt> {
        fault::point("in-restore");
        self.records.set(self.records.get() + 1);
        let partition = record.partition();
        let Some(state) = self.states.get_mut(&partition) else { return Ok(ControlFlow::Continue(())) };
        let key = record.key().unwrap_or_default();
        state.read.records += 1;
        state.read.bytes += key.len() + record.value().map_or(0, <[u8]>::len);
        if key == stamp::KEY {
            let unreadable = |error| Failure::StateUnreadable { topic: self.changelog.to_owned(), partition, error };
            state.stamp = record.value().map(Stamp::decode).transpose().map_err(unreadable)?;
        } else if !matches!(key, [1, 0, ..] if fault::is_mutant("scores-not-restored")) {
            state.shared.engine.restore(key, record.value());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _topic: &str, partition: i32) -> ControlFlow<()> {
        if let Some(state) = self.states.get_mut(&partition) {
            state.has_ended = true;
        }
        ControlFlow::Continue(())
    }

    fn awaits(&self, _topic: &str, partition: i32) -> bool {
        self.wanted.borrow().contains(&partition)
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

    /// A log that starts here and holds these keys, and a stamp that knows of `stamped` ones; 0: a stamp without a digest.
    fn missing(log_start: i64, keys: &[&str], stamped: Option<&[&str]>) -> Option<String> {
        let live = |keys: &[&str]| LiveKeys::of(keys.iter().map(|key| key.as_bytes()));
        let basis = |keys: &[&str]| Basis { keys: live(keys).digest(), ..Basis::default() };
        let basis = stamped.filter(|stamped| !stamped.is_empty()).map(basis);
        let stamp = stamped.map(|_| Stamp { inputs: Vec::new(), engine: Vec::new(), basis });
        missing_state(stamp.as_ref(), &live(keys), log_start)
    }

    #[test]
    fn a_changelog_that_lacks_keys_of_its_stamp_is_refused_wherever_its_log_starts() {
        let reason = Some("it was built from 3 keys, but the changelog holds 1".to_owned());
        assert_eq!(missing(7, &["c"], Some(&["a", "b", "c"])), reason);
        assert_eq!(missing(0, &["c"], Some(&["a", "b", "c"])), reason);
        assert!(missing(0, &["a", "b", "d"], Some(&["a", "b", "c"])).unwrap().ends_with("the changelog holds 3 others"));
    }

    #[test]
    fn a_stamp_vouches_for_a_log_whose_deleted_records_were_all_superseded() {
        assert_eq!(missing(7, &["a", "b"], Some(&["a", "b"])), None);
    }

    #[test]
    fn without_a_digest_the_log_must_start_at_0() {
        assert_eq!(missing(0, &["a"], Some(&[])), None);
        assert_eq!(missing(7, &["a"], Some(&[])).as_deref(), Some("records before offset 7 were deleted"));
        assert_eq!(missing(7, &[], None).as_deref(), Some("records before offset 7 were deleted"), "nor is it a new task");
        assert_eq!(missing(0, &[], None), None, "a new task");
        assert!(missing(0, &["a"], None).is_some(), "state without a stamp");
    }

    #[test]
    fn held_state_is_current_only_if_its_commit_point_is_what_is_committed() {
        assert!(is_current(&point(7), Some(&point(7))));
        assert!(!is_current(&point(6), Some(&point(7))) && !is_current(&point(7), None));
        assert!(!is_current(&point(7), Some(&CommitPoint { changelog_end: 101, ..point(7) })));
    }
}
