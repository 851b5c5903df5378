//! What the stream threads are told: made from the configuration, complete and checked.

use std::sync::Arc;
use std::time::Duration;

use super::client::Properties;
use super::offsets::Permits;
use crate::event::Stream;
use crate::partitioner::Partitioner;
use crate::settings::Settings;

/// Everything that a stream thread needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// `application.id`: the group, the prefix of transactional ids, the changelog's name.
    pub application: String,
    /// `application.instance`: static membership when there is one.
    pub instance: Option<String>,
    /// `application.threads`: stream threads of this process, at least 1.
    pub threads: usize,
    /// Where the brokers are, and how to talk to them.
    pub properties: Properties,
    /// `kafka.create_topics`.
    pub create_topics: bool,
    /// `kafka.replication_factor`; -1: the broker's default.
    pub replication_factor: i32,
    /// The input topics, in the order of their names.
    pub inputs: Vec<InputTopic>,
    /// `output.changes_topic`.
    pub changes_topic: String,
    /// `output.dead_letters_topic`.
    pub dead_letters_topic: String,
    /// `output.on_bad_run`.
    pub on_bad_run: OnBadRun,
    /// `commit.interval_ms`.
    pub commit_interval: Duration,
    /// `commit.catch_up_interval_ms`.
    pub catch_up_commit_interval: Duration,
    /// `kafka.start`, `--resume-from`, `--accept-loss`.
    pub permits: Permits,
    /// What the pure half reads.
    pub settings: Arc<Settings>,
}

/// One input topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTopic {
    /// The topic.
    pub name: String,
    /// What it carries.
    pub stream: Stream,
    /// How its producers choose partitions.
    pub partitioning: Partitioning,
}

/// How the producers of a topic choose the partition of a keyed record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partitioning {
    /// Found out from a sample of its keys.
    #[default]
    Sampled,
    /// By this one; the sample must agree.
    By(Partitioner),
    /// By another one, which the user vouches for: keys are not compared with partitions.
    Vouched,
}

/// What happens when most records of a partition are bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadRun {
    /// Exit before they are committed.
    #[default]
    Exit,
    /// Go on; they end as dead letters.
    DeadLetter,
}

impl Options {
    /// The internal topic that holds the state.
    #[must_use]
    pub fn changelog_topic(&self) -> String {
        format!("churnwatch-{}-changelog", self.application)
    }

    /// The names of the input topics.
    #[must_use]
    pub fn input_names(&self) -> Vec<&str> {
        self.inputs.iter().map(|input| input.name.as_str()).collect()
    }
}
