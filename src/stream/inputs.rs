//! The input topics as they were found at the start: the partition count that all share, their ids, and the partitioners that may have
//! written them. `preflight/inputs.rs` finds them.

use std::collections::BTreeMap;

use super::options::InputTopic;
use crate::kafka::TopicId;
use crate::partitioner::{Candidates, Partitioner};

/// The input topics of all tasks.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Sorted by name.
    pub topics: Vec<InputTopic>,
    /// Partitions of each topic, and thus the number of tasks.
    pub partitions: i32,
    /// How the topics seem to be partitioned; `None` if keys are not compared.
    pub partitioning: Option<SampledPartitioning>,
    /// Ids of the topics as of the start.
    pub ids: TopicIds,
}

/// The partitioners that fit the keys sampled from the input topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledPartitioning {
    /// Those that fit every topic.
    pub candidates: Candidates,
    /// Whether there are enough keys, or the configuration names a partitioner.
    pub certain: bool,
}

impl SampledPartitioning {
    /// The partitioner, if there is no doubt about it.
    #[must_use]
    pub fn established(self) -> Option<Partitioner> {
        self.candidates.single().filter(|_| self.certain)
    }
}

/// The ids of the topics that the state depends on; `None` where the broker has no ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicIds {
    /// Of each input, in the order of [`Inputs::topics`].
    pub inputs: Vec<Option<TopicId>>,
    /// Of the changelog.
    pub changelog: Option<TopicId>,
    /// Of the topics that the repartition stage reads, by name.
    pub repartitioned: BTreeMap<String, TopicId>,
}

impl Inputs {
    /// The index of a topic in [`Self::topics`].
    #[must_use]
    pub fn index(&self, topic: &str) -> Option<usize> {
        self.topics.iter().position(|input| input.name == topic)
    }
}
