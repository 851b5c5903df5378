//! Why a stream thread gives up: a closed set of codes, each with what an operator can do about it.

use crate::account::CodecError;
use crate::kafka;

/// A reason to exit. Nothing of it is retried inside the process.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The group has an offset, the changelog knows nothing of the partition.
    #[error(
        "{topic} [{partition}]: the group has committed offset {group}, but the changelog holds no state for it; \
         bring the changelog back, or start afresh under a new application.id"
    )]
    StateMissing {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The committed offset of the group.
        group: i64,
    },
    /// Group and state disagree about what has been read.
    #[error(
        "{topic} [{partition}]: the group's committed offset {group} is not the state's {stamp}; someone moved the group; \
         `churnwatch run --resume-from stamp` goes on where the state stands, `churnwatch topics reset` puts the group back there"
    )]
    OffsetsMoved {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The committed offset of the group.
        group: i64,
        /// The offset of the state.
        stamp: i64,
    },
    /// Records were deleted before they were read.
    #[error(
        "{topic} [{partition}]: {lost} records from offset {next} on were deleted before they were read; \
         `churnwatch run --accept-loss` goes on at {log_start}"
    )]
    InputLost {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The next offset to read.
        next: i64,
        /// The first offset that still exists.
        log_start: i64,
        /// How many offsets lie between.
        lost: i64,
    },
    /// The log is shorter than what has been read of it.
    #[error(
        "{topic} [{partition}]: the next offset to read is {next}, but the log ends at {log_end}: the topic was deleted and made anew; \
         start afresh under a new application.id"
    )]
    TopicRecreated {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The next offset to read.
        next: i64,
        /// The end of the log.
        log_end: i64,
    },
    /// `kafka.start = "fail"` and nothing was ever committed.
    #[error("{topic} [{partition}]: nothing was ever committed and kafka.start is \"fail\"")]
    NoCommittedOffset {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
    },
    /// A topic that is needed is not there.
    #[error("topic {topic} does not exist{hint}")]
    TopicMissing {
        /// The topic.
        topic: String,
        /// What to do about it, or nothing.
        hint: &'static str,
    },
    /// Input topics must have equal partition counts.
    #[error("the input topics have different partition counts ({counts}); make them equal, or set repartition = true")]
    PartitionCountsDiffer {
        /// `name: count` of each.
        counts: String,
    },
    /// A topic has another number of partitions than the state was built with.
    #[error(
        "{topic} has {found} partitions, the state was built with {expected}: accounts have moved between partitions; use a repartition \
         stage, whose internal topic keeps its count, or a new application.id and read from the start"
    )]
    PartitionCountChanged {
        /// The topic.
        topic: String,
        /// The count of the state.
        expected: i32,
        /// The count now.
        found: i32,
    },
    /// Other members of the group read other topics.
    #[error("other instances of the group read {theirs}, this one {ours}; stop all instances before the topics change")]
    TopicSetChanged {
        /// Topics of this instance.
        ours: String,
        /// Topics of the other.
        theirs: String,
    },
    /// The keys of a topic are not where a known partitioner puts them.
    #[error(
        "{topic}: of {keys} keys, {fits} lie where a known partitioner puts them; its records are not partitioned by account: set repartition = true, \
         or partitioner = \"custom\" if every topic uses that same one"
    )]
    PartitionerUnknown {
        /// The topic.
        topic: String,
        /// Distinct keys sampled.
        keys: usize,
        /// How many lie where each partitioner puts them.
        fits: String,
    },
    /// Two input topics were written with different partitioners.
    #[error(
        "the input topics are partitioned differently ({found}): an account is not in the same partition everywhere; set repartition = true"
    )]
    PartitionersDiffer {
        /// What fits each.
        found: String,
    },
    /// A task was given to this thread without all of its topics, for too long.
    #[error("partition {partition} came without {missing}; all instances of the group must read the same topics")]
    IncompleteAssignment {
        /// The partition number.
        partition: i32,
        /// The topics that are missing.
        missing: String,
    },
    /// Too many bad records.
    #[error(
        "{topic} [{partition}] at offset {offset}: {bad} of {read} records are bad, most often {code}; nothing of the last cycle was committed; \
         output.on_bad_run = \"dead_letter\" sends them to the dead letters"
    )]
    BadRun {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Where it was noticed.
        offset: i64,
        /// Bad records.
        bad: u64,
        /// Records read.
        read: u64,
        /// The commonest code.
        code: &'static str,
    },
    /// Another process has taken this one's identity.
    #[error("fenced ({cause}): another process runs with the same application.instance, or a transaction outlived its time limit")]
    Fenced {
        /// What the broker said.
        cause: String,
    },
    /// State written by a newer program, or broken.
    #[error("the state of partition {partition} of {topic} cannot be read: {error}")]
    StateUnreadable {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Why.
        error: CodecError,
    },
    /// A changelog does not become readable.
    #[error("{topic} [{partition}]: {waiting_for} for {seconds} s, which is longer than any transaction may last")]
    RestoreStuck {
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// What was waited for.
        waiting_for: &'static str,
        /// For how long.
        seconds: u64,
    },
    /// Transactions fail again and again, or data does not come.
    #[error("no progress: {what}")]
    NoProgress {
        /// What does not go on.
        what: String,
    },
    /// Told to stop, a thread did not come to its end.
    #[error(
        "told to stop, the last cycle could not be committed within {seconds} s; it is aborted, and what it was about is read again at \
         the next start"
    )]
    StoppedUncommitted {
        /// How long it was waited for.
        seconds: u64,
    },
    /// A record that no transaction can hold.
    #[error("a record for {topic} has {bytes} bytes, more than the producer's message.max.bytes of {limit}")]
    RecordTooLarge {
        /// The topic it was meant for.
        topic: String,
        /// Its size.
        bytes: usize,
        /// What fits.
        limit: usize,
    },
    /// A right that the service needs is not given.
    #[error(
        "{resource} {name}: {operation} is not allowed to the principal of kafka.properties; `churnwatch topics --acls` prints the \
         rights that are needed"
    )]
    NotAllowed {
        /// Topic, group or transactional id.
        resource: &'static str,
        /// Its name.
        name: String,
        /// Read, Write or Create.
        operation: &'static str,
    },
    /// The broker or the client refused something that cannot be repeated.
    #[error("{doing}: {error}")]
    Kafka {
        /// What was being done.
        doing: String,
        /// What went wrong.
        error: String,
    },
}

impl From<kafka::Error> for Failure {
    fn from(error: kafka::Error) -> Self {
        match error {
            kafka::Error::Call { doing, error } => Self::Kafka { doing, error },
            kafka::Error::NotAllowed { resource, name, operation } => Self::NotAllowed { resource, name, operation },
            kafka::Error::Stalled { topic, partition, seconds } => {
                Self::RestoreStuck { topic, partition, waiting_for: "no records arrived", seconds }
            }
        }
    }
}

impl Failure {
    /// The code of a Kafka failure, with what was being done.
    pub(super) fn kafka(doing: impl Into<String>, error: &impl ToString) -> Self {
        Self::Kafka { doing: doing.into(), error: error.to_string() }
    }

    /// The failure as it stands in logs and in the last line of the process.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StateMissing { .. } => "state_missing",
            Self::OffsetsMoved { .. } => "offsets_moved",
            Self::InputLost { .. } => "input_lost",
            Self::TopicRecreated { .. } => "topic_recreated",
            Self::NoCommittedOffset { .. } => "no_committed_offset",
            Self::TopicMissing { .. } => "topic_missing",
            Self::PartitionCountsDiffer { .. } => "partition_counts_differ",
            Self::PartitionCountChanged { .. } => "partition_count_changed",
            Self::TopicSetChanged { .. } => "topic_set_changed",
            Self::PartitionerUnknown { .. } => "partitioner_unknown",
            Self::PartitionersDiffer { .. } => "partitioners_differ",
            Self::IncompleteAssignment { .. } => "incomplete_assignment",
            Self::BadRun { .. } => "bad_run",
            Self::Fenced { .. } => "fenced",
            Self::StateUnreadable { error: CodecError::NewerVersion(_), .. } => "state_newer",
            Self::StateUnreadable { .. } => "state_unreadable",
            Self::RestoreStuck { .. } => "restore_stuck",
            Self::NoProgress { .. } => "no_progress",
            Self::StoppedUncommitted { .. } => "stopped_uncommitted",
            Self::RecordTooLarge { .. } => "record_too_large",
            Self::NotAllowed { .. } => "not_allowed",
            Self::Kafka { .. } => "kafka",
        }
    }
}
