//! Step 5 of a restore: what was read of a changelog becomes a task, if it is the whole state and matches the offsets.

use std::sync::Arc;

use super::commit_point::CommitPoint;
use super::live_keys::LiveKeys;
use super::load::Load;
use super::offsets::{self, Known, Permits, Resolved};
use super::stamp::{self, Basis, Stamp};
use crate::directory::{Directory, SharedTask};
use crate::fault;
use crate::partitioner::PartitionCheck;
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;
use crate::stream::options::Options;

/// Assumed size of a changelog record before any has been written, bytes.
const RECORD_BYTES: usize = 1024;

/// A restored task.
#[derive(Debug)]
pub struct Restored {
    /// Its state.
    pub(super) shared: SharedTask,
    /// Where to read each input from, in the order of [`Inputs::topics`].
    pub(super) resolved: Vec<Resolved>,
    /// The commit point that the state belongs to.
    pub(super) commit_point: CommitPoint,
    /// Mean size of its changelog records, bytes.
    pub(super) record_bytes: usize,
    /// What the state is based on.
    pub(super) basis: Basis,
    /// The keys that the changelog holds.
    pub(super) live_keys: LiveKeys,
}

/// What a restore needs to know besides the changelog.
pub(super) struct Setting {
    pub options: Arc<Options>,
    pub inputs: Arc<Inputs>,
    pub directory: Arc<Directory>,
    pub changelog: String,
}

/// The state of one task while its changelog is being read.
#[derive(Debug)]
pub(super) struct ReadState {
    shared: SharedTask,
    stamp: Option<Stamp>,
    /// What has been read of its changelog.
    read: Load,
    /// Whether that is everything.
    pub has_ended: bool,
}

impl ReadState {
    /// Nothing has been read yet.
    pub(super) fn new(task: i32, setting: &Setting) -> Self {
        let shared = SharedTask::new(task, Arc::clone(&setting.directory));
        Self { shared, stamp: None, read: Load::default(), has_ended: false }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// If it is a stamp that cannot be read.
    pub(super) fn record(&mut self, key: &[u8], value: Option<&[u8]>, setting: &Setting) -> Result<(), Failure> {
        self.read.records += 1;
        self.read.bytes += key.len() + value.map_or(0, <[u8]>::len);
        if key == stamp::KEY {
            let partition = self.shared.number();
            let unreadable = |error| Failure::StateUnreadable { topic: setting.changelog.clone(), partition, error };
            self.stamp = value.map(Stamp::decode).transpose().map_err(unreadable)?;
        } else if !matches!(key, [1, 0, ..] if fault::is_mutant("scores-not-restored")) {
            self.shared.engine.restore(key, value);
        }
        Ok(())
    }

    /// What is known about each input, whose logs begin and end at `limits`.
    pub(super) fn known(&self, limits: &[(i64, i64)], commit_point: &CommitPoint, inputs: &Inputs) -> Vec<Known> {
        let known = inputs.topics.iter().zip(&commit_point.group).zip(limits);
        let known = known.map(|((input, group), (log_start, log_end))| {
            let stamp = self.stamp.as_ref().and_then(|stamp| stamp.next(&input.name));
            let stamp = if fault::is_mutant("stamp-not-compared") { group.or(stamp) } else { stamp };
            Known { group: *group, stamp, log_start: *log_start, log_end: *log_end }
        });
        known.collect()
    }

    /// The task, once retrying would not help any more: decides where to read each input from.
    ///
    /// # Errors
    /// If the state is not whole, or cannot be continued.
    pub(super) fn finish(
        mut self,
        known: &[Known],
        commit_point: CommitPoint,
        changelog_start: i64,
        setting: &Setting,
    ) -> Result<Restored, Failure> {
        let (partition, stamp, inputs) = (self.shared.number(), self.stamp.as_ref(), &setting.inputs);
        let basis = Basis::continuing(stamp, inputs, &setting.options.settings)?;
        let live_keys = LiveKeys::of(self.shared.engine.restoring_keys());
        let unchecked = fault::is_mutant("changelog-head-not-checked") || fault::is_mutant("scores-not-restored");
        if let Some(reason) = missing_state(stamp, &live_keys, changelog_start).filter(|_| !unchecked) {
            return Err(Failure::StateIncomplete { topic: setting.changelog.clone(), partition, reason });
        }
        let resolved = resolve(partition, known, setting)?;
        if let Some(partitioners) = basis.candidates(inputs) {
            self.shared.engine.set_partition_check(PartitionCheck { partitioners, partition, partitions: inputs.partitions });
        }
        let unreadable = |error| Failure::StateUnreadable { topic: setting.changelog.clone(), partition, error };
        self.shared.engine.finish_restore(stamp.map(|stamp| stamp.engine.as_slice())).map_err(unreadable)?;
        let record_bytes = (self.read.bytes / self.read.records.max(1)).max(RECORD_BYTES);
        Ok(Restored { shared: self.shared, resolved, commit_point, record_bytes, basis, live_keys })
    }
}

/// Where to read each input from. What the operator permits is used only if the task cannot start without it.
fn resolve(task: i32, known: &[Known], setting: &Setting) -> Result<Vec<Resolved>, Failure> {
    let resolve = |permits| {
        let inputs = setting.inputs.topics.iter().zip(known);
        inputs.map(|(input, known)| offsets::resolve(&input.name, task, known, permits)).collect::<Result<Vec<_>, _>>()
    };
    let given = setting.options.permits;
    match resolve(Permits::none(given.start)) {
        Ok(resolved) => {
            setting.options.starts.over(task);
            Ok(resolved)
        }
        Err(_) => resolve(setting.options.starts.permits(task, given)),
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
