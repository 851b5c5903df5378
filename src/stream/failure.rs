//! Why the service gives up: a closed set of codes, each with what an operator can do about it.

use std::borrow::Cow;

use crate::account::CodecError;
use crate::kafka::{self, TopicId};
use crate::registry::Unavailable;

/// A reason to exit. The process retries none of these.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The group has a committed offset, but the changelog has no state.
    #[error(
        "{topic} [{partition}]: the group has committed offset {group}, but the changelog holds no state for it; restore the changelog, or \
         start over with a new application.id"
    )]
    StateMissing {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The group's committed offset.
        group: i64,
    },
    /// The group and the state disagree about what has been read.
    #[error(
        "{topic} [{partition}]: the group's committed offset is {group}, but the state was built up to {stamp}: the group was moved; \
         `churnwatch run --resume-from stamp` continues from the state's offset, `churnwatch topics reset` moves the group back to it"
    )]
    OffsetsMoved {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The group's committed offset.
        group: i64,
        /// The state's offset.
        stamp: i64,
    },
    /// The group of the repartition stage was moved behind what the stage has written.
    #[error(
        "{topic} [{partition}]: the committed offset of group {group} is {committed}, but the repartition stage has written what it read up \
         to {written}: the group was moved, and would count records twice; `churnwatch topics reset` moves it behind what was written, with \
         all instances stopped"
    )]
    RepartitionOffsetsMoved {
        /// The stage's group.
        group: String,
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The group's committed offset.
        committed: i64,
        /// The offset behind the last record that has become an event or a dead letter.
        written: i64,
    },
    /// Records were deleted before they were read.
    #[error(
        "{topic} [{partition}]: {lost} records from offset {next} on were deleted before they were read; `churnwatch run --accept-loss` \
         continues at {log_start}"
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
        /// How many offsets lie between the two.
        lost: i64,
    },
    /// The log ends before the offset that was read last.
    #[error(
        "{topic} [{partition}]: the next offset to read is {next}, but the log ends at {log_end}: the topic was deleted and re-created; \
         start over with a new application.id"
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
    /// A topic is no longer the one that the state was built from.
    #[error(
        "{topic} has the topic id {found}, but the state was built from one with the id {expected}: the topic was deleted and re-created, so \
         its offsets refer to other records; start over with a new application.id"
    )]
    TopicReplaced {
        /// The topic.
        topic: String,
        /// The id that the state was built from.
        expected: TopicId,
        /// The id now.
        found: TopicId,
    },
    /// The changelog does not hold all of the state.
    #[error(
        "the state in {topic} [{partition}] is not complete: {reason}; restore the changelog from a backup, or start over with a new \
         application.id that reads all history"
    )]
    StateIncomplete {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
        /// What shows it.
        reason: String,
    },
    /// The changelog was deleted and created again while the service was running.
    #[error(
        "{topic} was deleted and re-created while the service was running, so it no longer holds the whole state; restore the changelog from a \
         backup, or start over with a new application.id that reads all history"
    )]
    ChangelogReplaced {
        /// The changelog.
        topic: String,
    },
    /// The changelog's cleanup policy would delete state.
    #[error(
        "{topic} has cleanup.policy = {policy}, by which Kafka deletes state that is still needed; set cleanup.policy = compact \
         (kafka-configs.sh --alter --topic {topic} --add-config cleanup.policy=compact) and start again"
    )]
    ChangelogPolicy {
        /// The changelog.
        topic: String,
        /// Its policy.
        policy: String,
    },
    /// A key of the configuration has another value than the one that the state was built with.
    #[error(
        "{key} is {found}, but the state was built with {expected}, and what it holds cannot be converted; set {key} back to {expected}, or \
         start over with a new application.id that reads all history"
    )]
    MeaningChanged {
        /// The key.
        key: &'static str,
        /// The value that the state was built with.
        expected: String,
        /// The value now.
        found: String,
    },
    /// `kafka.start = "fail"`, and the partition has no committed offset.
    #[error("{topic} [{partition}]: the group has no committed offset, and kafka.start is \"fail\"")]
    NoCommittedOffset {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
    },
    /// The internal topic of the repartition stage has records, but its group has no committed offset.
    #[error(
        "the group {group} has no committed offsets, but {topic} has records of the repartition stage: reading its topics again would count \
         them twice; {remedy}, or start over with a new application.id"
    )]
    RepartitionOffsetsMissing {
        /// The group.
        group: String,
        /// The internal topic.
        topic: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A required topic does not exist.
    #[error("topic {topic} does not exist{hint}")]
    TopicMissing {
        /// The topic.
        topic: String,
        /// What to do about it; may be empty.
        hint: &'static str,
    },
    /// The input topics do not all have the same partition count.
    #[error(
        "the input topics have different partition counts ({counts}): an account would be spread over several partition numbers; set \
         repartition = true for the topics whose count differs"
    )]
    PartitionCountsDiffer {
        /// `name: count` of each.
        counts: String,
    },
    /// A topic no longer has the partition count that the state was built with.
    #[error(
        "{topic} has {found} partitions, but the state was built with {expected}: accounts have moved between partitions; produce all \
         history to topics with the new count, and read it from the start with a new application.id; with repartition = true a topic may grow"
    )]
    PartitionCountChanged {
        /// The topic.
        topic: String,
        /// The count that the state was built with.
        expected: i32,
        /// The count now.
        found: i32,
    },
    /// Other members of the group read other topics.
    #[error("other instances of the group read {theirs}, this one {ours}; stop all instances before changing the topics")]
    TopicSetChanged {
        /// Topics of this instance.
        ours: String,
        /// Topics of the other.
        theirs: String,
    },
    /// The keys of a topic are not where any known partitioner would put them.
    #[error(
        "{topic}: of {keys} sampled keys, {fits} are in the partition that a known partitioner chooses, so records do not seem to be \
         partitioned by account; set repartition = true for the topic, produce with the account id as the key and one partitioner, or set partitioner = \"custom\" if \
         all topics share one that is not listed here"
    )]
    PartitionerUnknown {
        /// The topic.
        topic: String,
        /// Distinct keys sampled.
        keys: usize,
        /// For each partitioner, how many keys are where it would put them.
        fits: String,
    },
    /// Two input topics were written with different partitioners.
    #[error(
        "the input topics use different partitioners ({found}), so an account is in different partitions; set repartition = true for \
         those that differ from the others"
    )]
    PartitionersDiffer {
        /// The partitioners that fit each topic.
        found: String,
    },
    /// The keys are no longer where the partitioner that the state was built with would put them.
    #[error(
        "the keys in the input topics are partitioned by {found}, but the state was built from keys partitioned by {expected}, so accounts \
         have moved between partitions; produce with {expected} again, or produce all history with one partitioner and read it with a new \
         application.id"
    )]
    PartitionerChanged {
        /// The partitioner that the state was built with.
        expected: &'static str,
        /// Those that fit now.
        found: String,
    },
    /// A thread has held a task that lacks some of its topics for too long.
    #[error("partition {partition} was assigned without {missing}; all instances of the group must read the same topics")]
    IncompleteAssignment {
        /// The partition number.
        partition: i32,
        /// The missing topics.
        missing: String,
    },
    /// Too many records of a partition are bad.
    #[error(
        "{topic} [{partition}] at offset {offset}: {bad} of {read} records are bad, most often {cause} ({reason}){advice}; nothing of this cycle was \
         committed; output.on_bad_run = \"dead_letter\" continues past them"
    )]
    BadRun {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The offset at which it was detected.
        offset: i64,
        /// Bad records.
        bad: u64,
        /// Records read.
        read: u64,
        /// The most frequent code, or that the type is unknown.
        cause: &'static str,
        /// Why the newest record of that kind is bad.
        reason: Cow<'static, str>,
        /// What the record looks like, and what to do about it; may be empty.
        advice: String,
    },
    /// Too many sampled records of a topic are bad.
    #[error(
        "{topic}: {bad} of {read} sampled records would not be applied, most often because of {cause}{advice}; `churnwatch run` stops after output.bad_run_records \
         of them unless output.on_bad_run = \"dead_letter\""
    )]
    BadSample {
        /// Input topic.
        topic: String,
        /// Bad records.
        bad: u64,
        /// Records sampled.
        read: u64,
        /// The most frequent code, or that the type is unknown.
        cause: &'static str,
        /// The first such record, and what to do about it; may be empty.
        advice: String,
    },
    /// The records of a topic are not in the partitions of their accounts.
    #[error(
        "{topic}: {wrong} of {events} sampled events are not in the partition of their account and would be dead letters \
         (wrong_partition); set repartition = true for the topic, or produce with the account id as the key, into a new topic"
    )]
    NotKeyedByAccount {
        /// Input topic.
        topic: String,
        /// Events in the wrong partition.
        wrong: u64,
        /// Events sampled.
        events: u64,
    },
    /// Records that cannot be read without a schema registry.
    #[error(
        "{topic} [{partition}] at offset {offset}: the value is framed for a schema registry and is not JSON: set url in [schema_registry]; \
         output.on_bad_run = \"dead_letter\" continues past them"
    )]
    NeedsSchemaRegistry {
        /// Input topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The offset of such a record.
        offset: i64,
    },
    /// The schema registry cannot be asked.
    #[error("schema registry: {0}; check [schema_registry], and that the registry is running")]
    SchemaRegistry(#[from] Unavailable),
    /// Another process has taken over this one's `application.instance`.
    #[error("fenced ({cause}): another process runs with the same application.instance, or a transaction exceeded its time limit")]
    Fenced {
        /// The broker's message.
        cause: String,
    },
    /// Another redrive of the same application has begun.
    #[error("fenced ({cause}): another `churnwatch redrive` of this application has begun; it goes on where this one has stopped")]
    RedriveFenced {
        /// The broker's message.
        cause: String,
    },
    /// The state was written by a newer version, or is corrupt.
    #[error("the state of partition {partition} of {topic} cannot be read: {error}")]
    StateUnreadable {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Why.
        error: CodecError,
    },
    /// A partition does not become readable.
    #[error("{topic} [{partition}]: {waiting_for} for {seconds} s, longer than any transaction of this service may last")]
    RestoreStuck {
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The obstacle.
        waiting_for: &'static str,
        /// How long the restore waited.
        seconds: u64,
    },
    /// Transactions keep failing, or records do not arrive.
    #[error("no progress: {what}")]
    NoProgress {
        /// What is not happening.
        what: String,
    },
    /// The last commit before a shutdown failed, or did not finish in time.
    #[error("{what}; input that was not committed will be read again")]
    StoppedUncommitted {
        /// What became of it.
        what: String,
    },
    /// A record that the producer would refuse.
    #[error("a record for {topic} has {bytes} bytes, more than the producer's message.max.bytes of {limit}")]
    RecordTooLarge {
        /// Its topic.
        topic: String,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The principal lacks a right that the service needs.
    #[error(
        "{resource} {name}: the principal of kafka.properties lacks {operation}; `churnwatch topics --acls` prints the required rights"
    )]
    NotAllowed {
        /// Topic, group or transactional id.
        resource: &'static str,
        /// Its name.
        name: String,
        /// `Read`, `Write`, `Create` or `DescribeConfigs`.
        operation: &'static str,
    },
    /// A call to Kafka that failed for good.
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
                Self::RestoreStuck { topic, partition, waiting_for: "no records have arrived", seconds }
            }
        }
    }
}

impl Failure {
    /// A call that failed while the service was `doing` something.
    pub(super) fn kafka(doing: impl Into<String>, error: &impl ToString) -> Self {
        Self::Kafka { doing: doing.into(), error: error.to_string() }
    }

    /// The last commit before a shutdown has failed; the log holds the cause.
    pub(super) fn last_commit_failed() -> Self {
        Self::StoppedUncommitted { what: "the last commit before the shutdown failed".to_owned() }
    }

    /// The code in the logs and in the last line that the process prints.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StateMissing { .. } => "state_missing",
            Self::OffsetsMoved { .. } | Self::RepartitionOffsetsMoved { .. } => "offsets_moved",
            Self::InputLost { .. } => "input_lost",
            Self::TopicRecreated { .. } | Self::TopicReplaced { .. } => "topic_recreated",
            Self::StateIncomplete { .. } | Self::ChangelogReplaced { .. } | Self::ChangelogPolicy { .. } => "state_incomplete",
            Self::MeaningChanged { .. } => "meaning_changed",
            Self::NoCommittedOffset { .. } | Self::RepartitionOffsetsMissing { .. } => "no_committed_offset",
            Self::TopicMissing { .. } => "topic_missing",
            Self::PartitionCountsDiffer { .. } => "partition_counts_differ",
            Self::PartitionCountChanged { .. } => "partition_count_changed",
            Self::TopicSetChanged { .. } => "topic_set_changed",
            Self::PartitionerUnknown { .. } => "partitioner_unknown",
            Self::PartitionersDiffer { .. } => "partitioners_differ",
            Self::PartitionerChanged { .. } => "partitioner_changed",
            Self::IncompleteAssignment { .. } => "incomplete_assignment",
            Self::BadRun { .. } | Self::BadSample { .. } => "bad_run",
            Self::NotKeyedByAccount { .. } => "not_keyed_by_account",
            Self::NeedsSchemaRegistry { .. } => "needs_schema_registry",
            Self::SchemaRegistry(_) => "schema_registry",
            Self::Fenced { .. } | Self::RedriveFenced { .. } => "fenced",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_error_keeps_its_meaning() {
        let code = |error: kafka::Error| Failure::from(error).code();
        assert_eq!(code(kafka::Error::call("reading", &"broken")), "kafka");
        assert_eq!(code(kafka::Error::NotAllowed { resource: "topic", name: "t".to_owned(), operation: "Write" }), "not_allowed");
        assert_eq!(code(kafka::Error::Stalled { topic: "t".to_owned(), partition: 1, seconds: 60 }), "restore_stuck");
    }

    #[test]
    fn state_from_a_newer_version_has_its_own_code() {
        let code = |error| Failure::StateUnreadable { topic: "t".to_owned(), partition: 0, error }.code();
        assert_eq!(code(CodecError::NewerVersion(9)), "state_newer");
        assert_eq!(code(CodecError::Corrupt("stamp")), "state_unreadable");
    }

    #[test]
    fn topics_that_do_not_fit_are_sent_through_the_repartition_stage() {
        let topic = || "t".to_owned();
        let failures = [
            Failure::PartitionCountsDiffer { counts: topic() },
            Failure::PartitionCountChanged { topic: topic(), expected: 1, found: 2 },
            Failure::PartitionerUnknown { topic: topic(), keys: 1, fits: topic() },
            Failure::PartitionersDiffer { found: topic() },
            Failure::NotKeyedByAccount { topic: topic(), wrong: 1, events: 2 },
        ];
        for failure in failures {
            assert!(failure.to_string().contains("repartition = true"), "{failure}");
        }
    }
}
