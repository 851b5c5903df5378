//! Decides where to start reading a partition, from the group's committed offset and the stamp of the state.
//!
//! | group | stamp | what happens |
//! |---|---|---|
//! | equal to the stamp | | continue |
//! | absent (expired, never committed) | present | continue from the stamp, commit it |
//! | absent | absent | `kafka.start`, commit it |
//! | present | absent | `state_missing` |
//! | differs | | `offsets_moved`; with `--resume-from stamp` continue from the stamp and commit it |
//! | before the log's start | | `input_lost`; with `--accept-loss` continue at the log's start and commit it |
//! | past the log's end | | `topic_recreated` |
//!
//! The permissions hold for one start of a task (`starts.rs`). `basis.rs` compares topic ids, before this table applies.

use crate::config::section::Start;
use crate::stream::failure::Failure;

/// What the operator permits for the start of each task, and `kafka.start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permits {
    /// `kafka.start`.
    pub start: Start,
    /// `run --resume-from stamp`.
    pub resume_from_stamp: bool,
    /// `run --accept-loss`.
    pub accept_loss: bool,
}

impl Permits {
    /// No extra permission from the operator.
    #[must_use]
    pub const fn none(start: Start) -> Self {
        Self { start, resume_from_stamp: false, accept_loss: false }
    }
}

/// What is known about one input partition. Offsets are those of the *next* record to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) struct Known {
    /// The group's stable committed offset.
    pub group: Option<i64>,
    /// The offset in the state's stamp.
    pub stamp: Option<i64>,
    /// The first offset of the log.
    pub log_start: i64,
    /// The offset after the last record of the log.
    pub log_end: i64,
}

/// Where to continue, and whether that offset must be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) struct Resolved {
    /// The next offset to read.
    pub next: i64,
    /// Whether the next transaction must commit it even if nothing is read.
    pub must_commit: bool,
}

/// Whether group and stamp contradict each other. This may be temporary: a transaction may have been committed between the two readings.
pub(in crate::stream) fn contradict(known: &Known) -> bool {
    known.group.is_some() && known.group != known.stamp
}

/// Applies the table at the top of this file.
///
/// # Errors
/// Those of the table.
pub(in crate::stream) fn resolve(topic: &str, partition: i32, known: &Known, permits: Permits) -> Result<Resolved, Failure> {
    let topic = || topic.to_owned();
    let candidate = match (known.group, known.stamp) {
        (Some(group), Some(stamp)) if group == stamp => Resolved { next: group, must_commit: false },
        (None, Some(stamp)) => Resolved { next: stamp, must_commit: true },
        (None, None) => return from_start(topic(), partition, known, permits.start),
        (Some(group), None) => return Err(Failure::StateMissing { topic: topic(), partition, group }),
        (Some(_), Some(stamp)) if permits.resume_from_stamp => Resolved { next: stamp, must_commit: true },
        (Some(group), Some(stamp)) => return Err(Failure::OffsetsMoved { topic: topic(), partition, group, stamp }),
    };
    let next = candidate.next;
    if next > known.log_end {
        return Err(Failure::TopicRecreated { topic: topic(), partition, next, log_end: known.log_end });
    }
    if next < known.log_start {
        let lost = known.log_start - next;
        if !permits.accept_loss {
            return Err(Failure::InputLost { topic: topic(), partition, next, log_start: known.log_start, lost });
        }
        tracing::warn!(topic = topic(), partition, next, log_start = known.log_start, lost, "records were deleted before they were read");
        return Ok(Resolved { next: known.log_start, must_commit: true });
    }
    Ok(candidate)
}

fn from_start(topic: String, partition: i32, known: &Known, start: Start) -> Result<Resolved, Failure> {
    let next = match start {
        Start::Earliest => known.log_start,
        Start::Latest => known.log_end,
        Start::Fail => return Err(Failure::NoCommittedOffset { topic, partition }),
    };
    Ok(Resolved { next, must_commit: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Permits = Permits::none(Start::Earliest);

    fn known(group: Option<i64>, stamp: Option<i64>) -> Known {
        Known { group, stamp, log_start: 10, log_end: 100 }
    }

    fn resolved(group: Option<i64>, stamp: Option<i64>, permits: Permits) -> Result<(i64, bool), &'static str> {
        resolve("t", 0, &known(group, stamp), permits).map(|r| (r.next, r.must_commit)).map_err(|failure| failure.code())
    }

    #[test]
    fn equal_offsets_continue_without_a_commit() {
        assert_eq!(resolved(Some(50), Some(50), STRICT), Ok((50, false)));
        assert_eq!(resolved(Some(10), Some(10), STRICT), Ok((10, false)), "the log's start itself exists");
        assert_eq!(resolved(Some(100), Some(100), STRICT), Ok((100, false)), "the log's end is the next record to arrive");
    }

    #[test]
    fn an_expired_group_continues_at_the_stamp_and_commits_it() {
        assert_eq!(resolved(None, Some(50), STRICT), Ok((50, true)));
    }

    #[test]
    fn a_partition_never_committed_starts_where_the_configuration_says() {
        assert_eq!(resolved(None, None, STRICT), Ok((10, true)));
        assert_eq!(resolved(None, None, Permits { start: Start::Latest, ..STRICT }), Ok((100, true)));
        assert_eq!(resolved(None, None, Permits { start: Start::Fail, ..STRICT }), Err("no_committed_offset"));
    }

    #[test]
    fn a_group_without_state_exits() {
        assert_eq!(resolved(Some(50), None, STRICT), Err("state_missing"));
        let all = Permits { start: Start::Earliest, resume_from_stamp: true, accept_loss: true };
        assert_eq!(resolved(Some(50), None, all), Err("state_missing"), "no permit makes up for lost state");
    }

    #[test]
    fn moved_offsets_exit_unless_the_operator_trusts_the_stamp() {
        assert_eq!(resolved(Some(40), Some(50), STRICT), Err("offsets_moved"));
        assert_eq!(resolved(Some(60), Some(50), STRICT), Err("offsets_moved"));
        assert_eq!(resolved(Some(40), Some(50), Permits { resume_from_stamp: true, ..STRICT }), Ok((50, true)));
    }

    #[test]
    fn lost_input_exits_unless_the_loss_is_accepted() {
        assert_eq!(resolved(Some(7), Some(7), STRICT), Err("input_lost"));
        assert_eq!(resolved(None, Some(7), STRICT), Err("input_lost"));
        assert_eq!(resolved(Some(7), Some(7), Permits { accept_loss: true, ..STRICT }), Ok((10, true)));
        let Err(Failure::InputLost { lost, .. }) = resolve("t", 0, &known(Some(7), Some(7)), STRICT) else { panic!() };
        assert_eq!(lost, 3);
    }

    #[test]
    fn a_recreated_topic_exits_whatever_the_operator_permits() {
        assert_eq!(resolved(Some(101), Some(101), STRICT), Err("topic_recreated"));
        assert_eq!(resolved(None, Some(101), Permits { accept_loss: true, resume_from_stamp: true, ..STRICT }), Err("topic_recreated"));
    }

    #[test]
    fn only_a_present_group_offset_contradicts_a_stamp() {
        assert!(contradict(&known(Some(1), None)) && contradict(&known(Some(1), Some(2))));
        assert!(!contradict(&known(None, Some(2))) && !contradict(&known(None, None)) && !contradict(&known(Some(2), Some(2))));
    }
}
