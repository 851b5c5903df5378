//! What happens to the two machines, and what they ask their drivers to do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::assignment::Membership;
use super::restored::Restored;
use super::tasks::Request;
use crate::kafka::{Commit, TransactionError};
use crate::time::Timestamp;

/// The time, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For durations and limits.
    pub monotonic: Instant,
    /// For scores.
    pub wall: Timestamp,
}

/// The end of a partition, as far as the driver knows it: by topic and partition.
pub type KnownEnds<'a> = dyn Fn(&str, i32) -> Option<i64> + 'a;

/// What the group or the broker says between records.
#[derive(Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// The group has assigned these partitions to this member.
    Assigned(Vec<(String, i32)>),
    /// The group is revoking our partitions.
    Revoked {
        /// Whether other members own them already.
        lost: bool,
    },
    /// The broker has no record at the next offset to read.
    OutOfRange,
}

/// Something that has happened to a [`super::Member`].
#[derive(Debug)]
pub enum Event {
    /// A group event, which is acted on once everything before it is done.
    Group(GroupEvent),
    /// After [`Effect::Accept`]: the membership, unless the assignment has been lost again.
    Accepted(Option<Membership>),
    /// After [`Effect::CheckName`]: nobody else has the name.
    NameIsOurs,
    /// After [`Effect::Write`], and after the abort of a transaction that failed.
    Written {
        /// How it ended.
        result: Result<Commit, TransactionError>,
        /// From its begin to its end, or to its failure.
        lasted: Duration,
    },
    /// After [`Effect::ReplaceProducer`].
    ProducerReplaced,
    /// The restoring machine has an answer.
    Restored(Answer),
    /// A shutdown is requested.
    Stop,
}

/// What the driver of a [`super::Member`] is to do next.
#[derive(Debug)]
pub enum Effect {
    /// Wait for up to this long until something arrives, hand over what has come, at most [`super::BATCH`], then call
    /// [`super::Member::polled`].
    Read {
        /// Zero: take only what has already arrived.
        wait: Duration,
    },
    /// Assign nothing, which accepts the assignment of the group; [`Event::Accepted`] says as what.
    Accept,
    /// Read these partitions from these offsets and no others: the index of the topic, the partition, the offset. What was fetched before is
    /// dropped.
    Assign(Vec<(usize, i32, i64)>),
    /// Give the partitions back to the group.
    Unassign,
    /// Pass this to the restoring machine. Earlier requests are obsolete.
    Restore(Request),
    /// Fail if the group knows another member by the name of this one, whose last membership this was; otherwise
    /// [`Event::NameIsOurs`].
    CheckName(Option<Membership>),
    /// Write one transaction: [`super::Member::write`] hands over its records and then its offsets. [`Event::Written`] says how it ended.
    Write {
        /// As whom to commit offsets; `None` is a broken rule.
        membership: Option<Membership>,
        /// How long it may take.
        limit: Duration,
    },
    /// Poll without waiting: hand over group events and drop records, which the next assignment fetches again.
    Drain,
    /// Create a producer with another transactional id; then [`Event::ProducerReplaced`].
    ReplaceProducer,
    /// Nothing until the answer to the last effect has come.
    Await,
    /// The work is done: leave the group.
    Leave,
}

/// What became of one task of a [`Request`].
#[derive(Debug)]
pub struct Answer {
    /// The number of the request.
    pub request: u64,
    /// The task.
    pub task: i32,
    /// Its state.
    pub state: Answered,
}

/// The state of a task, as the restoring machine found it.
#[derive(Debug)]
pub enum Answered {
    /// The held state equals what is committed.
    Kept,
    /// The held state does not equal what is committed; the task is restored next.
    Outdated,
    /// It has been read from the changelog.
    Restored(Box<Restored>),
}

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What the client says.
    pub error: String,
    /// How long it is worth asking again; `None`: not at all.
    pub patience: Option<Duration>,
}

impl Unanswered {
    pub(super) fn is_final(&self, began: Instant, now: Instant) -> bool {
        self.patience.is_none_or(|patience| now.saturating_duration_since(began) >= patience)
    }
}

/// Something that a [`super::Restore`] has asked for.
#[derive(Debug)]
pub enum RestoreEvent {
    /// After [`RestoreEffect::VerifyTopics`]: the topics are unchanged.
    TopicsVerified,
    /// After [`RestoreEffect::FindOffsets`]: those that exist.
    Offsets(Result<BTreeMap<(String, i32), i64>, Unanswered>),
    /// After [`RestoreEffect::FindEnd`].
    End(i64),
    /// After [`RestoreEffect::FindStableEnd`].
    StableEnd(Result<i64, Unanswered>),
    /// After [`RestoreEffect::Read`]: the ends of all tasks that are awaited have been reached.
    Read,
    /// After [`RestoreEffect::FindLimits`].
    Limits {
        /// The first offset of each input's log and the offset after its last record, in the order of the inputs.
        inputs: Vec<(i64, i64)>,
        /// The first offset of the changelog.
        changelog_start: i64,
    },
}

/// What the driver of a [`super::Restore`] is to do next.
#[derive(Debug)]
pub enum RestoreEffect {
    /// Nothing until the next request.
    Wait,
    /// Fail if a topic is no longer the one that the process started with; otherwise [`RestoreEvent::TopicsVerified`].
    VerifyTopics,
    /// Step 1: ask once for the group's stable offsets in every input of these tasks.
    FindOffsets(Vec<i32>),
    /// Step 2: the end of the changelog of a task, open transactions included.
    FindEnd(i32),
    /// Step 3: ask once for the last stable offset of the changelog of a task.
    FindStableEnd(i32),
    /// Wait a moment before the next question.
    Pause,
    /// Step 4: read the changelogs of these tasks from the start, committed records only. Call `next` about every 100 ms and carry out what
    /// it says until it says [`RestoreEffect::ReadOn`], or [`RestoreEffect::StopReading`].
    Read(Vec<i32>),
    /// Go on reading; [`RestoreEvent::Read`] once all ends that are awaited have been reached.
    ReadOn,
    /// Nothing that is being read is wanted any more; no event follows.
    StopReading,
    /// Step 5: where the logs of the inputs of a task begin and end.
    FindLimits(i32),
    /// Pass this to the stream thread.
    Answer(Answer),
}
